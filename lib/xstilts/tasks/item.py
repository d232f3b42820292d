"""One example of a task, and the table that holds many: a row an (item, language)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xstilts.errors import DataError

#: the table of a split; `label` is the index into the task's labels
COLUMNS: dict[str, str] = {
    "id": "str",
    "language": "str",
    "text_a": "str",
    "text_b": "str",
    "label": "int8",
    "group": "str",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled pair of texts; its id is shared by its translations."""

    id: str
    language: str
    text_a: str
    text_b: str
    label: str
    group: str = ""


def as_table(columns: dict[str, object]) -> pd.DataFrame:
    """Return a table with the columns of `COLUMNS`, in their order and types."""
    return pd.DataFrame({name: columns[name] for name in COLUMNS}).astype(COLUMNS)


def empty_table() -> pd.DataFrame:
    """Return the table of a split that a task does not have: no rows, every column."""
    return as_table({name: [] for name in COLUMNS})


def to_table(items: Iterable[Item], labels: Sequence[str]) -> pd.DataFrame:
    """Return the items as a table, one row an item, in the order given.

    Raises:
        DataError: a label is not one of `labels`.
    """
    rows = list(items)
    index = {label: number for number, label in enumerate(labels)}
    for item in rows:
        if item.label not in index:
            raise DataError(
                f"item {item.id} ({item.language}): label '{item.label}' is unknown; "
                f"allowed: {', '.join(labels)}"
            )
    columns = {name: [getattr(item, name) for item in rows] for name in COLUMNS}
    columns["label"] = [index[item.label] for item in rows]
    return as_table(columns)


def to_items(table: pd.DataFrame, labels: Sequence[str]) -> list[Item]:
    """Return the rows of a table as items, labels by name, in the table's order."""
    return [
        Item(row.id, row.language, row.text_a, row.text_b, labels[row.label], row.group)
        for row in table.itertuples(index=False)
    ]


def check_table(table: pd.DataFrame, labels: Sequence[str], where: str) -> pd.DataFrame:
    """Return `table` in the order and types of `COLUMNS` if it is a sound split.

    Raises:
        DataError: a column is missing or unknown, a label is out of range, or an item
            occurs twice in one language.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    extra = [str(name) for name in table.columns if name not in COLUMNS]
    if missing or extra:
        found = ", ".join(str(name) for name in table.columns)
        raise DataError(f"{where}: found columns {found}; expected {', '.join(COLUMNS)}")
    outside = ~table["label"].isin(range(len(labels)))
    if outside.any():
        row = table[outside].iloc[0]
        raise DataError(f"{where}: item {row['id']}: label {row['label']} of {len(labels)} labels")
    twice = table.duplicated(["id", "language"])
    if twice.any():
        row = table[twice].iloc[0]
        raise DataError(f"{where}: item {row['id']} occurs twice in '{row['language']}'")
    return table[list(COLUMNS)].astype(COLUMNS)


def item_ids(table: pd.DataFrame) -> list[str]:
    """Return the ids of a table, each once, sorted."""
    return sorted(table["id"].unique())


def of_items(table: pd.DataFrame, ids: Iterable[str]) -> pd.DataFrame:
    """Return the rows whose id is in `ids`, by language as found, then by id."""
    kept = table[table["id"].isin(list(ids))]
    order = {language: number for number, language in enumerate(table["language"].unique())}
    rank = kept["language"].map(order).to_numpy()
    place, _ = pd.factorize(kept["id"], sort=True)
    return kept.iloc[np.lexsort((place, rank))].reset_index(drop=True)
