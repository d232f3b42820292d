"""A table of the paper: what each cell says, which cells head rows, and the numbers behind."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True, slots=True)
class Entry:
    """One cell: its text, an interval or remark in smaller type, and the text's language.

    `number` is the key of the number that the text is, as `Numbers` has it; `anchor` is the
    name of the study's cell that the row is about, which numbers lead to.
    """

    text: str
    small: str = ""
    language: str = ""
    number: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class Table:
    """What a table function returns; a notebook shows it where a cell ends with it.

    The first `heads` columns name the row; columns in `words` hold text and are set left;
    those in `prose` hold sentences and share the width that the others leave.
    `sections` maps a row's index to the heading that stands above it.
    """

    id: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Entry]]
    data: pd.DataFrame = field(repr=False)
    heads: int = 1
    words: frozenset[int] = frozenset()
    prose: frozenset[int] = frozenset()
    sections: Mapping[int, str] = field(default_factory=dict)
    wide: bool = True

    @property
    def csv(self) -> str:
        return self.data.to_csv(index=False, lineterminator="\n", float_format="%.6g")

    def is_text(self, column: int) -> bool:
        return column < self.heads or column in self.words

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = []
        for place, row in enumerate(self.rows):
            if place in self.sections:
                heading = html.escape(self.sections[place])
                body.append(f'<tr><th colspan="{len(self.columns)}">{heading}</th></tr>')
            cells = "".join(
                f"<td>{html.escape(entry.text)} <small>{html.escape(entry.small)}</small></td>"
                for entry in row
            )
            body.append(f"<tr>{cells}</tr>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def entries(*texts: str | Entry) -> list[Entry]:
    """Return a row; plain texts become entries."""
    return [text if isinstance(text, Entry) else Entry(text) for text in texts]
