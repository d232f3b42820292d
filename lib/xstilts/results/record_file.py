"""The record of a cell's runs as a file: a row a seed, in Parquet.

A row has `facts`, the text of the run's run.json, and each table that the run left as a list of
rows, as it was written. The same rows give the same bytes.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xstilts.errors import DataError
from xstilts.files import canonical_json, read_json, write_atomically, write_json

#: tables of a run's folder that its record holds, those that there are
TABLES = ("runs", "predictions", "curve", "alignment", "retrieval")
#: of zstd: a table is written once and stays in the repository
_LEVEL = 19


def read_rows(path: Path, columns: list[str] | None = None) -> list[pa.Table]:
    """Return the rows of a record, checked, each a table of one row; none if there is no file.

    Raises:
        DataError: the file is no record.
    """
    if not path.is_file():
        return []
    _check_schema(path, _read(pq.read_schema, path))
    table = _read(pq.read_table, path, columns=columns, partitioning=None)
    rows = [table.slice(number, 1) for number in range(len(table))]
    for number, row in enumerate(rows):
        if not _has_facts(row):
            raise DataError(f"{path}: row {number}: not the facts of a run")
    return rows


def _check_schema(path: Path, schema: pa.Schema) -> None:
    if "facts" not in schema.names:
        raise DataError(f"{path}: not a record of runs (no column facts)")
    for name, kind in zip(schema.names, schema.types, strict=True):
        listed = pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)
        if not (listed if name in TABLES else name == "facts" and pa.types.is_string(kind)):
            raise DataError(f"{path}: not a record of runs (column {name}: {str(kind)[:40]})")


def _has_facts(row: pa.Table) -> bool:
    try:
        facts = facts_of(row)
        kinds = {"run": str, "key": str, "seed": int}
        return all(isinstance(facts[name], kind) for name, kind in kinds.items())
    except (KeyError, TypeError, ValueError):
        return False


def facts_of(row: pa.Table) -> dict[str, Any]:
    """Return what a run's run.json holds."""
    return json.loads(row["facts"][0].as_py())


def write_rows(path: Path, rows: Sequence[pa.Table]) -> None:
    """Write a record, unless the file holds these rows; without rows there is no file."""
    if not rows:
        path.unlink(missing_ok=True)
        return
    before = read_rows(path)
    if len(before) == len(rows) and all(map(pa.Table.equals, before, rows)):
        return
    table = pa.concat_tables(rows, promote_options="default")
    write_atomically(path, partial(_write_small, table))


def run_facts(folder: Path) -> dict[str, Any]:
    """Return what a finished run's run.json holds of the run itself."""
    facts = read_json(folder / "run.json")
    return {name: value for name, value in facts.items() if name != "restored"}


def read_run(folder: Path) -> pa.Table:
    """Return the row of a finished run, in the types in which a record gives it back."""
    columns = {"facts": pa.array([canonical_json(run_facts(folder))])}
    for name in TABLES:
        if (path := folder / f"{name}.parquet").is_file():
            table = _read(pq.read_table, path, partitioning=None).replace_schema_metadata(None)
            rows = table.to_struct_array().combine_chunks()
            columns[name] = pa.ListArray.from_arrays(pa.array([0, len(rows)], pa.int32()), rows)
    stored = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), stored, store_schema=False)
    return pq.read_table(pa.BufferReader(stored.getvalue()))


def write_run(folder: Path, row: pa.Table) -> None:
    """Write a run's folder anew, run.json last; an encoder of another key must not stay."""
    (folder / "run.json").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    for name in TABLES:
        if name in row.column_names and row[name][0].is_valid:
            table = pa.Table.from_struct_array(row[name].combine_chunks().flatten())
            write = partial(pq.write_table, table, compression="zstd")
            write_atomically(folder / f"{name}.parquet", write)
    write_json(folder / "run.json", facts_of(row) | {"restored": True})


def _read(read: Callable[..., Any], path: Path, **options: Any) -> Any:
    try:
        return read(path, **options)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: not a Parquet file ({reason}); delete it to go on") from None


def _write_small(table: pa.Table, place: Any) -> None:
    """Write a table small: probabilities by their bytes, whatever repeats by dictionary."""
    paths = list(_leaves(table.schema))
    shares = [path for path, kind in paths if pa.types.is_float16(kind)]
    pq.write_table(
        table, place, compression="zstd", compression_level=_LEVEL, store_schema=False,
        write_statistics=False, use_byte_stream_split=shares,
        use_dictionary=[path for path, _ in paths if path not in shares],
    )  # fmt: skip


def _leaves(schema: pa.Schema) -> Iterator[tuple[str, pa.DataType]]:
    """Yield the path and type of every column that Parquet stores."""
    for one in schema:
        if pa.types.is_list(one.type):
            yield from ((f"{one.name}.list.element.{leaf.name}", leaf.type)
                        for leaf in one.type.value_type.fields)  # fmt: skip
        else:
            yield one.name, one.type
