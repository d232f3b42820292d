"""What a reader hands over: the rows of one file, and a split made of several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from xstilts.errors import DataError
from xstilts.params import TaskSpec
from xstilts.params.source import FileSplit
from xstilts.tasks.item import as_table

#: characters besides the line feed at which `str.splitlines` would break a row in two
LINE_BREAKS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
#: in place of a label's index, where the file says that a row has none
UNLABELLED = -1


@dataclass(slots=True)
class Pairs:
    """The rows of one language as they stand in one file (or hub table).

    `labels` holds the file's own spelling and is None where the file has no labels;
    `lines` holds where each row starts (from 1), for error messages.
    """

    where: str
    text_a: list[str]
    text_b: list[str]
    labels: list[str] | None
    lines: list[int]
    unquoted: int = 0

    def __len__(self) -> int:
        return len(self.text_a)

    def only(self, rows: Sequence[int]) -> "Pairs":
        """Return the rows with these numbers, counted from 0, in the order given.

        Raises:
            DataError: the file has fewer rows.
        """
        if max(rows, default=0) >= len(self):
            raise DataError(f"{self.where}: row {max(rows)} asked, the file has {len(self)} rows")
        text_a, text_b, lines = (
            [column[row] for row in rows] for column in (self.text_a, self.text_b, self.lines)
        )
        labels = None if self.labels is None else [self.labels[row] for row in rows]
        return Pairs(self.where, text_a, text_b, labels, lines, self.unquoted)

    def line_breaks(self) -> int:
        """Return how many rows hold a character that `str.splitlines` breaks at."""
        pairs = zip(self.text_a, self.text_b, strict=True)
        return sum(any(mark in a or mark in b for mark in LINE_BREAKS) for a, b in pairs)


@dataclass(frozen=True, slots=True)
class Split:
    """A split in all its languages, and what was seen while it was read.

    `notes` has one mapping a language (unquoted and line_breaks are counts of the whole
    file); `files` maps a path relative to the data folder to its SHA-256; `unlabelled` items
    were left out of `table` because a file says that they have no label.
    """

    table: pd.DataFrame
    notes: dict[str, dict[str, int]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    unlabelled: int = 0


def spellings(spec: TaskSpec, split: FileSplit | None = None) -> dict[str, int]:
    """Return the index into `spec.labels` for each spelling that a file may use.

    Labels may always be written as the task names them. Other spellings are the file's own
    if it has any, else the task's: one file's "1" is not another's.
    """
    index = {label: number for number, label in enumerate(spec.labels)}
    names = (split.label_names if split else {}) or spec.label_names
    dropped = split.drop_labels if split else ()
    return (
        index
        | {spelling: index[label] for spelling, label in names.items()}
        | dict.fromkeys(dropped, UNLABELLED)
    )


def label_indices(pairs: Pairs, index: Mapping[str, int]) -> np.ndarray:
    """Return each row's index into the task's labels (int8), mapped by name.

    Raises:
        DataError: a label is no key of `index`.
    """
    found = np.empty(len(pairs), dtype=np.int8)
    for row, label in enumerate(pairs.labels or []):
        number = index.get(label)
        if number is None:
            allowed = ", ".join(index)
            raise DataError(
                f"{pairs.where}:{pairs.lines[row]}: label '{label}' is unknown; allowed: {allowed}"
            )
        found[row] = number
    return found


def join(
    prefix: str,
    index: Mapping[str, int],
    languages: dict[str, Pairs],
    ranges: Sequence[tuple[int, int]] | None = None,
) -> pd.DataFrame:
    """Return one table of parallel files: the row number is the item.

    Ids are `<prefix>-<row>` ("xnli-test-00017"), counted from 0 in the file, so that
    translations share them; `index` gives the labels (see `spellings`); `ranges` (first,
    past-last) picks rows, None takes all.

    Raises:
        DataError: the languages have different numbers of rows, a range ends past the last
            row, or a label is unknown.
    """
    check_parallel(languages)
    total = len(next(iter(languages.values())))
    spans = [(0, total)] if ranges is None else ranges
    rows = [row for first, past_last in spans for row in range(first, past_last)]
    ids = [f"{prefix}-{row:05d}" for row in rows]
    tables = []
    for language, whole in languages.items():
        pairs = whole if ranges is None else whole.only(rows)
        columns = {
            "id": ids,
            "language": language,
            "text_a": pairs.text_a,
            "text_b": pairs.text_b,
            "label": label_indices(pairs, index),
            "group": "",
        }
        tables.append(as_table(columns))
    return pd.concat(tables, ignore_index=True)


def check_parallel(languages: dict[str, Pairs]) -> None:
    """Refuse languages of unequal length: rows would not be translations of each other."""
    first_language, first = next(iter(languages.items()))
    for language, pairs in languages.items():
        if len(pairs) != len(first):
            raise DataError(
                f"{pairs.where}: {len(pairs)} rows in '{language}', but {first.where} has "
                f"{len(first)} in '{first_language}'; item i must be the same in every language"
            )
