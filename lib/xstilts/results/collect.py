"""Everything that the runs of a study left, gathered into four tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from xstilts.errors import DataError
from xstilts.files import read_json
from xstilts.params import Cell, cells, load_study, load_task
from xstilts.results.schema import CURVE, LATER, PREDICTIONS, RUNS, conform

#: stages that train, and the name of the stage in the tables
TRAINED = {"30_intermediate": "intermediate", "40_target": "target"}
#: one row a run; `run.json` holds these keys, among others
COST: dict[str, str] = {
    "run": "str",
    "stage": "str",  # intermediate, target
    "model": "str",
    "arm": "str",
    "task": "str",  # task that was trained on
    "seed": "int64",
    "train_items": "int64",
    "steps": "int64",
    "tokens": "int64",  # real tokens read in training
    "flops": "float64",  # of training
    "seconds": "float64",  # of training
    "peak_bytes": "int64",
    "device": "str",
    "precision": "str",
    "method": "str",
    "items_per_second": "float64",
    "tokens_per_second": "float64",
    "padding_share": "float64",
    "gemm_flops": "float64",
    "mfu": "float64",
}
#: columns of predictions that repeat: kept as categories, a hundredth of the memory
REPEATING = ("run", "item", "language", "group")


@dataclass(frozen=True)
class Collected:
    """The tables of a study's finished runs, rows in the order of its grid.

    runs: `schema.RUNS`, a row a (run, language). predictions: `schema.PREDICTIONS` and
    p0, p1, ... (NaN beyond a task's labels); text columns are categories. curves:
    `schema.CURVE`. cost: `COST`, a row a run, also for tasks that have no test set.
    missing: names of runs that are not finished, "targets/<model>/<start>/<task>/seed-<n>".
    """

    runs: pd.DataFrame
    predictions: pd.DataFrame = field(repr=False)
    curves: pd.DataFrame = field(repr=False)
    cost: pd.DataFrame = field(repr=False)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Run:
    cell: Cell
    seed: int

    @property
    def folder(self) -> Path:
        return self.cell.folder / f"seed-{self.seed}"

    @property
    def name(self) -> str:
        return f"{self.cell.name}/seed-{self.seed}"

    @property
    def id(self) -> str:
        return f"{self.cell.study}/{self.name}"

    @property
    def finished(self) -> bool:
        return (self.folder / "run.json").is_file()

    @property
    def scored(self) -> bool:
        return bool(load_task(self.cell["task"]).test_languages)


def collect(study: str, outputs: str = "outputs", *, partial: bool = False) -> Collected:
    """Return the tables of a study's finished runs.

    A run is finished when its `run.json` is there: it is written last.

    Args:
        study: name of the study.
        outputs: folder of everything computed, relative to the project.
        partial: leave unfinished runs out and name them in `missing`.

    Raises:
        DataError: a run is not finished and `partial` is false, a table lacks a column or
            belongs to another run, or no run is finished at all.
    """
    wanted = list(_runs(study, outputs))
    found = [run for run in wanted if run.finished]
    missing = tuple(run.name for run in wanted if not run.finished)
    if missing and not (partial and found):
        raise DataError(
            f"study '{study}': {len(missing)} of {len(wanted)} runs are not finished, the first "
            f"is {missing[0]} (no run.json in {_first_unfinished(wanted).folder})"
        )
    scored = [run for run in found if run.scored]
    runs = [_in_task_order(run, _read(run, "runs.parquet", RUNS)) for run in scored]
    curves = [_read(run, "curve.parquet", CURVE) for run in found]
    cost = [_cost(run) for run in found]
    return Collected(
        _stack(runs, RUNS), _predictions(scored), _stack(curves, CURVE), _stack(cost, COST), missing
    )


def _runs(study: str, outputs: str) -> Iterator[_Run]:
    for cell in cells(study, outputs):
        if cell.stage in TRAINED:
            yield from (_Run(cell, seed) for seed in load_study(study).seeds)


def _first_unfinished(runs: list[_Run]) -> _Run:
    return next(run for run in runs if not run.finished)


def _stack(tables: list[pa.Table], schema: Mapping[str, str]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame(columns=list(schema)).astype(dict(schema))
    return conform(pa.concat_tables(tables).to_pandas(), dict(schema))


def _read(run: _Run, name: str, schema: Mapping[str, str]) -> pa.Table:
    """Return a table of a run in the types of `schema`, only its columns."""
    path = run.folder / name
    table = _typed(path, _open(path, run), schema, run)
    _check_run(path, set(table["run"].unique().to_pylist()), run)
    return table


def _typed(path: Path, table: pa.Table, schema: Mapping[str, str], run: _Run) -> pa.Table:
    """Return the columns of `schema` in its types; a number must not lose by the change."""
    for name, value in LATER.items():
        if name in schema and name not in table.column_names:
            table = table.append_column(name, pa.array([value] * len(table)))
    absent = [name for name in schema if name not in table.column_names]
    if absent:
        columns = ", ".join(absent)
        raise DataError(f"{path}: columns missing: {columns}; the cell is {run.cell.name}")
    table = table.select(list(schema)).replace_schema_metadata(None)
    try:
        table = table.cast(_arrow(schema))
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: {reason}; the cell is {run.cell.name}") from None
    for name, kind in schema.items():
        # Undefined real numbers are stored as nulls; anything else must be there.
        if kind != "float64" and table[name].null_count:
            raise DataError(f"{path}: column {name}: a value is missing; {run.cell.name}")
    return table


def _arrow(schema: Mapping[str, str]) -> pa.Schema:
    types = {"str": pa.string(), "bool": pa.bool_()}
    fields = ((name, types.get(kind) or pa.type_for_alias(kind)) for name, kind in schema.items())
    return pa.schema(list(fields))


def _open(path: Path, run: _Run, **options: Any) -> pa.Table:
    try:
        return pq.read_table(path, partitioning=None, **options)
    except FileNotFoundError:
        raise DataError(f"{path}: file not found; the cell {run.cell.name} writes it") from None
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: not a Parquet file ({reason}); {run.cell.name}") from None


def _check_run(path: Path, named: set[str], run: _Run) -> None:
    if named != {run.id}:
        found = ", ".join(sorted(named)[:2]) or "no row"
        raise DataError(f"{path}: column run: found {found}; expected {run.id}")


def _in_task_order(run: _Run, table: pa.Table) -> pa.Table:
    """Return the rows of a run by language, as the task's file lists them, each once."""
    order, found = list(load_task(run.cell["task"]).test_languages), table["language"].to_pylist()
    if sorted(found) != sorted(order):
        shown, expected = ", ".join(sorted(found)), ", ".join(sorted(order))
        raise DataError(
            f"{run.folder / 'runs.parquet'}: languages: found {shown}; expected {expected}"
        )
    return table.take([found.index(language) for language in order])


def _predictions(runs: list[_Run]) -> pd.DataFrame:
    """Return the predictions of all runs, by run, language, item."""
    if not runs:
        return pd.DataFrame(columns=list(PREDICTIONS)).astype(PREDICTIONS)
    whole = pa.concat_tables([_read_predictions(run) for run in runs], promote_options="default")
    table = whole.unify_dictionaries().to_pandas()
    return table.astype({name: "float16" for name in table.columns if name not in PREDICTIONS})


def _read_predictions(run: _Run) -> pa.Table:
    path = run.folder / "predictions.parquet"
    table = _open(path, run)
    absent = [name for name in PREDICTIONS if name not in table.column_names]
    if absent:
        raise DataError(f"{path}: columns missing: {', '.join(absent)}; {run.cell.name}")
    _check_run(path, set(table["run"].unique().to_pylist()), run)
    probabilities = sorted(set(table.column_names) - set(PREDICTIONS))
    table = table.select([*PREDICTIONS, *probabilities])
    table = table.sort_by([("language", "ascending"), ("item", "ascending")])
    for place, name in enumerate(table.column_names):
        column = table[name]
        if name in REPEATING:
            column = column.cast(pa.string()).dictionary_encode()
        else:
            column = column.cast(pa.int8() if name in PREDICTIONS else pa.float16())
        table = table.set_column(place, name, column)
    return table.replace_schema_metadata(None)


def _cost(run: _Run) -> pa.Table:
    """Return the row of `run.json`, which knows also of runs without a test set."""
    path = run.folder / "run.json"
    facts = read_json(path)
    try:
        row = pa.Table.from_pylist([facts])
    except (AttributeError, TypeError, pa.ArrowException):
        raise DataError(f"{path}: not the facts of a run; the cell is {run.cell.name}") from None
    row = _typed(path, row, COST, run)
    _check_run(path, set(row["run"].to_pylist()), run)
    return row
