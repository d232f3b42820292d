"""What was found in a task's data: a row of counts a (split, language)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

#: what each column of the table counts
COLUMNS: dict[str, str] = {
    "task": "task",
    "split": "train or test",
    "language": "language code",
    "rows": "rows in the file (in the range of rows asked)",
    "items": "items kept: drawn for training, or scored",
    "labels": "items kept, by label",
    "file_labels": "rows in the file, by label",
    "marked": "rows of the file with a mark of an untranslated text; scored, never trained on",
    "marks": "the same by mark",
    "duplicates": "rows of the file whose pair of texts occurred before",
    "identical": "rows of the file whose two texts are the same",
    "unquoted": "fields of the file whose leftover CSV quoting was undone",
    "line_breaks": "rows of the file with a character that breaks lines in careless readers",
    "differing": "rows of the file whose label differs from the English row of the item",
    "aligned": "whether every item has the English label",
    "dropped_unlabelled": "items dropped because a file says that they have no label",
    "dropped_marked": "training items dropped because a language has such a mark",
    "dropped_repeated": "training items dropped because another file or row has their pair",
    "dropped_contradicting": "training items dropped because their pair has several labels",
    "dropped_test_text": "training items dropped because a test set holds one of their texts",
    "overlap": "training items kept of which a test set holds a text, looked for after all drops",
}
#: columns that an audit of an earlier form lacks; they are then zero
LATER = ("dropped_unlabelled", "dropped_repeated", "dropped_contradicting", "overlap")


def marked(table: pd.DataFrame, marks: Collection[str]) -> pd.Series:
    """Return, for each row, whether one of its texts is a mark of an untranslated text."""
    found = pd.Series(False, index=table.index)
    for side in ("text_a", "text_b"):
        found |= table[side].str.strip().isin(list(marks))
    return found


def audit_split(
    task: str,
    split: str,
    read: pd.DataFrame,
    kept: pd.DataFrame,
    labels: Sequence[str],
    *,
    marks: Collection[str] = (),
    notes: Mapping[str, Mapping[str, int]] | None = None,
    dropped: Mapping[str, int] | None = None,
    overlap: Mapping[str, int] | None = None,
) -> list[dict[str, Any]]:
    """Return one record a language: `read` is what the files hold, `kept` what is used.

    `dropped` gives the counts of `COLUMNS` that begin with "dropped_", zero where it lacks one;
    `overlap` that of each language, likewise.
    Keys are those of `COLUMNS`; `labels`, `file_labels` and `marks` are lists of [name, count].
    """
    english = read[read["language"] == "en"].set_index("id")["label"]
    lost = {name: 0 for name in COLUMNS if name.startswith("dropped_")} | dict(dropped or {})
    records = []
    for language in read["language"].unique():
        rows, used = (table[table["language"] == language] for table in (read, kept))
        seen = (notes or {}).get(language, {})
        differing = int((rows["label"] != rows["id"].map(english)).sum()) if len(english) else 0
        records.append(
            {"task": task, "split": split, "language": language}
            | {
                "rows": len(rows) + lost["dropped_unlabelled"],
                "items": len(used),
                "labels": label_counts(used, labels),
            }
            | _defects(rows, labels, marks)
            | {"unquoted": seen.get("unquoted", 0), "line_breaks": seen.get("line_breaks", 0)}
            | {"differing": differing, "aligned": differing == 0}
            | lost
            | {"overlap": (overlap or {}).get(language, 0)}
        )
    return records


def _defects(rows: pd.DataFrame, labels: Sequence[str], marks: Collection[str]) -> dict[str, Any]:
    """Return what can be counted in the rows of one language by themselves."""
    return {
        "file_labels": label_counts(rows, labels),
        "marked": int(marked(rows, marks).sum()),
        "marks": [[mark, int(marked(rows, [mark]).sum())] for mark in marks],
        "duplicates": int(rows.duplicated(["text_a", "text_b"]).sum()),
        "identical": int((rows["text_a"] == rows["text_b"]).sum()),
    }


def label_counts(table: pd.DataFrame, labels: Sequence[str]) -> list[list[Any]]:
    """Return [label's name, rows that carry it] for each label, in the task's order."""
    counts = table["label"].value_counts()
    return [[label, int(counts.get(number, 0))] for number, label in enumerate(labels)]


def audit_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the records of one or more tasks as a table; counts by name become text.

    Columns: `COLUMNS`. Counts by name read "entailment 1670, neutral 1670, ...".
    """
    counted = ("labels", "file_labels", "marks")
    whole = [dict.fromkeys(LATER, 0) | record for record in records]
    table = pd.DataFrame(whole, columns=list(COLUMNS))
    for column in counted:
        table[column] = [
            ", ".join(f"{name} {count}" for name, count in counts) for counts in table[column]
        ]
    return table.astype(dict.fromkeys(counted, "str"))
