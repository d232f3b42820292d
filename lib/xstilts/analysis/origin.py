"""Where a study's numbers come from: its parameters, the keys of its cells, its data cells."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from xstilts.analysis.sample import Design
from xstilts.errors import DataError
from xstilts.files import read_json
from xstilts.params import (
    Cell,
    ModelSpec,
    StudySpec,
    TaskSpec,
    as_json,
    base_task,
    cells,
    load_corpus,
    load_model,
    load_study,
    load_task,
)
from xstilts.params.load import parse
from xstilts.results.collect import Collected
from xstilts.results.schema import conform
from xstilts.tasks.audit import audit_table

#: one row a (task, language, baseline): floors that a score must clear
BASELINES: dict[str, str] = {
    "task": "str",
    "language": "str",
    "baseline": "str",  # one of `tasks.baseline.BASELINES`
    "score": "float64",  # 0 to 100
    "items": "int64",
}
#: one row a (model, target, language): a linear probe of the frozen encoder
PROBES: dict[str, str] = {
    "model": "str",
    "target": "str",
    "language": "str",
    "score": "float64",  # 0 to 100
    "items": "int64",
}
#: which encoder a row is of
_ENCODER: dict[str, str] = {
    "model": "str",
    "intermediate": "str",  # "none": the encoder as pretrained
    "arm": "str",
    "seed": "int64",  # -1: as pretrained, before any seed
}
#: one row a (model, start, seed, language): translations found among near misses
ALIGNMENTS: dict[str, str] = _ENCODER | {
    "language": "str",
    "retrieved": "float64",  # 0 to 100
    "ordered": "float64",  # 0 to 100, chance 50
    "items": "int64",
}
#: one row a (model, start, seed, corpus, language, pooling): translations found in files
RETRIEVALS: dict[str, str] = _ENCODER | {
    "corpus": "str",
    "sample": "str",  # "whole", or the "part" that is measured after training too
    "language": "str",
    "pooling": "str",  # "mean" of all token vectors, or the "first" one
    "score": "float64",  # 0 to 100
    "items": "int64",
}
#: stages whose cells do not feed the analysis
_AFTER = ("50_analysis", "60_paper")


def design_of(study: str) -> Design:
    """Return a study's parameters with those of the models and tasks that it names.

    Raises:
        SpecError: a file in params/ is missing or wrong.
    """
    spec = load_study(study)
    tasks = dict.fromkeys([*spec.intermediates, *spec.targets])
    return Design(
        study,
        spec,
        {name: load_model(name) for name in spec.models},
        {name: load_task(name) for name in tasks},
    )


def design_in(about: Mapping[str, Any]) -> Design:
    """Return the parameters that a study.json holds.

    Raises:
        SpecError: they are none of this version.
    """
    where = "study.json"
    models = {name: parse(ModelSpec, values, f"{where}: models.{name}")
              for name, values in about["models"].items()}  # fmt: skip
    tasks = {name: parse(TaskSpec, values, f"{where}: tasks.{name}")
             for name, values in about["tasks"].items()}  # fmt: skip
    return Design(about["name"], parse(StudySpec, about["study"], f"{where}: study"), models, tasks)


def inputs_of(cell: Cell, *, partial: bool = False) -> list[Cell]:
    """Return the cells that an analysis reads, inputs first; with `partial` only the done ones.

    Raises:
        DataError: a cell has no manifest, which is written last, and `partial` is false.
    """
    wanted = [one for one in cells(cell.study, cell.outputs) if one.stage not in _AFTER]
    done = [one for one in wanted if one.manifest.is_file()]
    if len(done) < len(wanted) and not partial:
        first = next(one for one in wanted if one not in done)
        raise DataError(
            f"study '{cell.study}': {len(wanted) - len(done)} of {len(wanted)} cells are not "
            f"done, the first is {first.name} (no {first.manifest})"
        )
    return done


def read_keys(inputs: Sequence[Cell]) -> dict[str, str]:
    """Return the name of each cell with the key in its manifest.

    Raises:
        DataError: a manifest is broken or has no key.
    """
    keys = {}
    for cell in inputs:
        manifest = read_json(cell.manifest)
        if not (isinstance(manifest, dict) and isinstance(manifest.get("key"), str)):
            raise DataError(f"{cell.manifest}: key 'key' is missing; compute {cell.name} again")
        keys[cell.name] = manifest["key"]
    return keys


def read_baselines(inputs: Sequence[Cell]) -> pd.DataFrame:
    """Return the floors of all data cells among `inputs`, columns `BASELINES`.

    Raises:
        DataError: a cell's baselines.parquet is missing, broken or lacks a column.
    """
    of_data = [cell for cell in inputs if cell.stage == "10_data"]
    tables = [_read(cell, "baselines.parquet", BASELINES) for cell in of_data]
    return _by_target(_stack(tables, BASELINES), "task", inputs)


def read_probes(inputs: Sequence[Cell]) -> pd.DataFrame:
    """Return the probes of all encoder cells among `inputs`, columns `PROBES`.

    Raises:
        DataError: a cell's probe.parquet is missing, broken or lacks a column.
    """
    encoders = [cell for cell in inputs if cell.stage == "20_encoder"]
    tables = [_read(cell, "probe.parquet", PROBES, model=cell["model"]) for cell in encoders]
    return _by_target(_stack(tables, PROBES), "target", inputs)


def _by_target(table: pd.DataFrame, column: str, inputs: Sequence[Cell]) -> pd.DataFrame:
    """Repeat the rows of a task for every target that trains on some of its items."""
    if not inputs:
        return table
    study = load_study(inputs[0].study)
    named = list(dict.fromkeys([*study.intermediates, *study.targets]))
    names = {base_task(one): [name for name in named if base_task(name) == base_task(one)]
             for one in named}  # fmt: skip
    repeated = table.assign(**{column: table[column].map(names)})
    return repeated.explode(column, ignore_index=True).astype(table.dtypes)


def read_alignments(inputs: Sequence[Cell]) -> pd.DataFrame:
    """Return the alignment of every encoder among `inputs`, columns `ALIGNMENTS`.

    Raises:
        DataError: an alignment.parquet is missing, broken or lacks a column.
    """
    return _of_encoders(inputs, "alignment.parquet", ALIGNMENTS)


def read_retrievals(inputs: Sequence[Cell]) -> pd.DataFrame:
    """Return the retrieval in corpora by every encoder among `inputs`, columns `RETRIEVALS`.

    Raises:
        DataError: a retrieval.parquet is missing, broken or lacks a column.
    """
    return _of_encoders(inputs, "retrieval.parquet", RETRIEVALS)


def _of_encoders(inputs: Sequence[Cell], file: str, schema: dict[str, str]) -> pd.DataFrame:
    """Stack a table of every encoder: prepared, and as each intermediate seed left it."""
    tables = []
    for cell in inputs:
        about: dict[str, Any] = {"intermediate": "none", "arm": "none", "seed": -1}
        if cell.stage == "20_encoder":
            about |= {"model": cell["model"]}
            tables.append(_read(cell, file, schema, **about))
        if cell.stage == "30_intermediate":
            about = {"model": cell["model"], "intermediate": cell["task"], "arm": cell["arm"]}
            for seed in load_study(cell.study).seeds:
                name = f"seed-{seed}/{file}"
                if (cell.folder / name).is_file() or cell.manifest.is_file():
                    tables.append(_read(cell, name, schema, **about, seed=seed))
    return _stack(tables, schema)


def _stack(tables: list[pd.DataFrame], schema: dict[str, str]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame(columns=list(schema)).astype(schema)
    return pd.concat(tables, ignore_index=True)


def _read(cell: Cell, name: str, schema: dict[str, str], **about: Any) -> pd.DataFrame:
    """Return a table of a cell in the columns of `schema`, those in `about` filled in."""
    path = cell.folder / name
    try:
        table = pq.read_table(path, partitioning=None).to_pandas()
        return conform(table.assign(**about), schema)
    except FileNotFoundError:
        raise DataError(f"{path}: file not found; the cell {cell.name} writes it") from None
    except (KeyError, OSError, ValueError, pa.ArrowException) as error:
        reason = str(error.args[0] if error.args else error).splitlines()[0]
        kind = path.stem.replace("_", " ")
        raise DataError(f"{path}: not a table of {kind} ({reason}); {cell.name}") from None


def read_audit(inputs: Sequence[Cell]) -> pd.DataFrame:
    """Return the audit of all data cells among `inputs`, columns `tasks.audit.COLUMNS`.

    Raises:
        DataError: a cell's audit.json is missing, broken or is no audit.
    """
    records: list[dict[str, Any]] = []
    for cell in inputs:
        if cell.stage == "10_data":
            path = cell.folder / "audit.json"
            report = read_json(path)
            try:
                audit_table(report["rows"])
            except (KeyError, TypeError, ValueError):
                raise DataError(f"{path}: not the audit of a task; {cell.name} writes it") from None
            records += report["rows"]
    return audit_table(records)


def describe(
    design: Design, collected: Collected, left_out: Sequence[str], inputs: Sequence[Cell]
) -> dict[str, Any]:
    """Return what study.json holds: parameters, counts and the keys of the cells behind them.

    Args:
        design: parameters of the study.
        collected: its finished runs.
        left_out: finished runs that are in no estimate; see `outcome.complete_grid`.
        inputs: cells that were read.
    """
    counts = {
        "runs": int(collected.runs["run"].nunique()),
        "predictions": len(collected.predictions),
        "missing": list(collected.missing),
        "left_out": list(left_out),
    }
    return {
        "name": design.name,
        "study": as_json(design.study),
        "models": {name: as_json(spec) for name, spec in design.models.items()},
        "tasks": {name: as_json(spec) for name, spec in design.tasks.items()},
        "corpora": {name: as_json(load_corpus(name)) for name in design.study.corpora},
        "counts": counts,
        "cells": read_keys(inputs),
    }
