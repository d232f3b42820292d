"""Where a task's items come from: generated, official files, or data sets of the hub."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from xstilts.params.strict import Strict


class MiniatureSource(Strict):
    """Items generated from meaning frames (lib/xstilts/miniature)."""

    kind: Literal["miniature"]
    generator: Literal["nli", "paraphrase", "questions", "selection", "completion", "choice"]
    lexicon: Literal["A", "B"]
    seed: int = 0
    difficulty: dict[str, float] = Field(default_factory=dict)


#: which form of a value an error is about; no part of its key
ONE, SEVERAL = "(one)", "(several)"
#: the name of a column, or its place from 0 in a file whose first row is data
Column = str | int


class FileSplit(Strict):
    """Files of one split; `{language}` in a path stands for the language."""

    path: str = Field(description="relative to the data folder; `.gz` is read as it is")
    layout: Literal["xtreme", "jsonl", "csv", "parquet"]
    labels: str | None = Field(
        default=None, description="file with the labels that XTREME strips from its test files"
    )
    columns: tuple[Column, Column, Column] | None = Field(
        default=None,
        description="text_a, text_b and label by name (csv, jsonl, parquet), or by place from 0 "
        "where a csv has no header",
    )
    delimiter: Literal["comma", "tab"] | None = Field(
        default=None, description="of a csv; by its name if none: `.csv` comma, others tab"
    )
    quoting: bool | None = Field(
        default=None, description="CSV quoting in a csv; by its name if none: `.csv` alone"
    )
    rows: tuple[tuple[int, int], ...] | None = Field(
        default=None, description="ranges of rows used, each as first and past-last row"
    )
    label_names: dict[str, str] = Field(
        default_factory=dict,
        description="spelling in this file -> one of the task's labels, in place of the task's "
        "`label_names`",
    )
    drop_labels: tuple[str, ...] = Field(
        default=(), description="spellings that stand for no label (`-`); their rows are dropped"
    )

    @model_validator(mode="after")
    def _consistent(self) -> "FileSplit":
        places = [column for column in self.columns or () if isinstance(column, int)]
        if places and (len(places) < 3 or min(places) < 0):
            raise ValueError(f"columns: {self.columns}; allowed: three names, or places from 0")
        of_csv = {"delimiter": self.delimiter, "quoting": self.quoting, "columns": places or None}
        for key, value in of_csv.items():
            if value is not None and self.layout != "csv":
                raise ValueError(f"{key}: found {value} in layout '{self.layout}'; allowed: in csv")
        for spelling in self.drop_labels:
            if spelling in self.label_names:
                raise ValueError(f"drop_labels: '{spelling}' is in label_names too")
        return self


def _one_or_several(value: Any) -> str:
    return SEVERAL if isinstance(value, list | tuple) else ONE


class FilesSource(Strict):
    """Official files in a folder that the user names (DATA=...).

    Training items may come from several files, each with its own layout and spelling of the
    labels: `train` is one split or a list of them.
    """

    kind: Literal["files"]
    train: (
        Annotated[
            Annotated[FileSplit, Tag(ONE)]
            | Annotated[tuple[FileSplit, ...], Field(min_length=1), Tag(SEVERAL)],
            Discriminator(_one_or_several),
        ]
        | None
    ) = None
    test: FileSplit | None = None

    def parts(self, split: str) -> tuple[FileSplit, ...]:
        """Return what "train" or "test" is made of, in order; nothing if there is none."""
        found = self.train if split == "train" else self.test
        if isinstance(found, FileSplit):
            return (found,)
        return found or ()


class HubSplit(Strict):
    id: str
    revision: str
    config: str = Field(description="`{language}` stands for the language")
    split: str
    columns: tuple[str, str, str]


class HubDataSource(Strict):
    """Data sets of the Hugging Face hub, or a local folder in the same layout (parquet)."""

    kind: Literal["hub"]
    train: HubSplit | None = None
    test: HubSplit | None = None

    def parts(self, split: str) -> tuple[HubSplit, ...]:
        """Return what "train" or "test" is made of; nothing if there is none."""
        found = self.train if split == "train" else self.test
        return (found,) if found else ()
