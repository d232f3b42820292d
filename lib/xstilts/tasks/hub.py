"""Data sets of the Hugging Face hub, and the same as Parquet files in a local folder.

The local folder is `<data>/hub/<owner>/<name>/<config>/<split>-*.parquet`: copy the files of
a repository's Parquet branch there, and no network is needed. The folder is looked at first.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xstilts.errors import DataError, unknown
from xstilts.files import file_digest
from xstilts.params import TaskSpec
from xstilts.params.source import HubSplit
from xstilts.tasks.pairs import Pairs, Split, join, spellings


def read_hub(
    task: str,
    spec: TaskSpec,
    split: HubSplit,
    name: str,
    languages: Sequence[str],
    root: Path | None,
) -> Split:
    """Return a split of a task from the hub or its local copy, in every language asked.

    Raises:
        DataError: neither has it, a column is missing, a label has no name, or the
            languages differ in length.
    """
    read: dict[str, Pairs] = {}
    files: dict[str, str] = {}
    for language in languages:
        config = split.config.replace("{language}", language)
        relative = f"hub/{split.id}/{config}"
        found = sorted((root / relative).glob(f"{split.split}-*.parquet")) if root else []
        if found:
            pairs = read_parquet(found, f"{relative}/{split.split}", split.columns)
            files |= {f"{relative}/{path.name}": file_digest(path) for path in found}
        else:
            pairs = download(split, config)
            files[pairs.where] = content_digest(pairs)
        read[language] = pairs
    notes = {
        language: {"unquoted": 0, "line_breaks": pairs.line_breaks()}
        for language, pairs in read.items()
    }
    return Split(join(f"{task}-{name}", spellings(spec), read), notes, files)


def content_digest(pairs: Pairs) -> str:
    """Return the SHA-256 of the rows: what a download without files is known by."""
    whole = hashlib.sha256()
    for row in zip(pairs.text_a, pairs.text_b, pairs.labels or [], strict=True):
        whole.update("\x1f".join(row).encode() + b"\x1e")
    return whole.hexdigest()


def read_parquet(paths: Sequence[Path], where: str, columns: tuple[str, str, str]) -> Pairs:
    """Return the rows of Parquet files, in the order of the files.

    Whole-number labels are named by the files' own Hugging Face metadata; without any
    they stay numbers ("0") for the task's `label_names`. Their order is never assumed:
    XTREME's is [contradiction, entailment, neutral], the hub's [entailment, neutral,
    contradiction].

    Raises:
        DataError: a file is missing, is no Parquet, or lacks a column.
    """
    tables = []
    for path in paths:
        if not path.is_file():
            raise DataError(f"{where}: file not found in the data folder")
        try:
            schema = pq.read_schema(path)
            _check_columns(schema.names, columns, where)
            tables.append(pq.read_table(path, columns=list(columns)))
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"{where} ({path.name}): not a Parquet file ({reason})") from None
    metadata = tables[0].schema.metadata or {}
    features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    return _pairs(pa.concat_tables(tables), where, columns, features.get(columns[2], {}))


def _check_columns(found: Sequence[str], columns: tuple[str, str, str], where: str) -> None:
    for column in columns:
        if column not in found:
            raise DataError(unknown("column", column, found, where))


def _pairs(
    table: pa.Table, where: str, columns: tuple[str, str, str], feature: dict[str, Any]
) -> Pairs:
    text_a, text_b, labels = (table[column].to_pylist() for column in columns)
    if None in text_a or None in text_b or None in labels:
        raise DataError(f"{where}: a row has no value in one of {', '.join(columns)}")
    names = feature.get("names")
    if names:
        for row, label in enumerate(labels):
            if not 0 <= label < len(names):
                raise DataError(f"{where}: row {row} has no label ({label}); is it a hidden test?")
        labels = [names[label] for label in labels]
    lines = list(range(1, len(labels) + 1))
    return Pairs(where, text_a, text_b, [str(label) for label in labels], lines)


def download(split: HubSplit, config: str) -> Pairs:
    """Return the rows of one configuration from the hub (or its cache), by `datasets`.

    Raises:
        DataError: the hub cannot be reached or has no such data set; says which local
            folder would do.
    """
    import datasets  # seconds to import, and only this path needs it

    where = f"hub:{split.id}/{config}/{split.split}@{split.revision}"
    try:
        loaded = datasets.load_dataset(split.id, config, split=split.split, revision=split.revision)
    except Exception as error:  # whatever a hub client raises, the remedy is the same
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise DataError(
            f"{where}: not to be had from the hub{offline}: {reason}. Put its Parquet files in "
            f"<data>/hub/{split.id}/{config}/{split.split}-*.parquet and name <data> (DATA=...)"
        ) from None
    _check_columns(loaded.column_names, split.columns, where)
    feature = loaded.features[split.columns[2]]
    table = loaded.select_columns(list(split.columns)).with_format("arrow")[:]
    return _pairs(table, where, split.columns, {"names": getattr(feature, "names", None)})
