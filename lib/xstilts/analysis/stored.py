"""The tables of an analysis: which they are, how they are written and read back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from functools import partial as bind
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from xstilts.analysis import hypothesis, origin, tables
from xstilts.analysis.batch import BATCHES
from xstilts.analysis.beside import BUDGETS, DEEPER
from xstilts.analysis.claim import CLAIMS
from xstilts.analysis.crosscheck import CROSSCHECKS
from xstilts.analysis.fit import FITS
from xstilts.analysis.gap import GAPS
from xstilts.analysis.operators import OPERATORS
from xstilts.analysis.power import POWERS
from xstilts.analysis.uncollapsed import UNCOLLAPSED
from xstilts.errors import DataError
from xstilts.files import read_json, write_atomically, write_json
from xstilts.results.collect import COST, REPEATING
from xstilts.results.schema import CURVE, PREDICTIONS, RUNS
from xstilts.results.schema import LATER as FACTS
from xstilts.tasks.audit import COLUMNS as AUDIT
from xstilts.tasks.audit import LATER as AUDIT_LATER

#: table -> its columns; each is <table>.parquet in the folder
TABLES: Mapping[str, tuple[str, ...]] = {
    "runs": tuple(RUNS),
    "curves": tuple(CURVE),
    "scores": tuple(tables.SCORES),
    "gains": tuple(tables.GAINS),
    "slopes": tuple(tables.SLOPES),
    "growths": tuple(tables.GROWTHS),
    "gaps": tuple(GAPS),
    "fits": tuple(FITS),
    "uncollapsed": tuple(UNCOLLAPSED),
    "hypotheses": tuple(hypothesis.COLUMNS),
    "crosschecks": tuple(CROSSCHECKS),
    "powers": tuple(POWERS),
    "baselines": tuple(origin.BASELINES),
    "probes": tuple(origin.PROBES),
    "alignments": tuple(origin.ALIGNMENTS),
    "retrievals": tuple(origin.RETRIEVALS),
    "deeper": tuple(DEEPER),
    "operators": tuple(OPERATORS),
    "audit": tuple(name for name in AUDIT if name not in AUDIT_LATER),
    "cost": tuple(COST),
    "budgets": tuple(BUDGETS),
    "batches": tuple(BATCHES),
    "claims": tuple(CLAIMS),
}
#: tables that results of an earlier form lack; they are then empty
LATER = (
    "growths", "probes", "alignments", "retrievals", "operators", "budgets", "claims",
    "crosschecks", "powers", "batches", "gaps", "fits", "uncollapsed", "deeper",
)  # fmt: skip
#: columns that tables of an earlier form lack, and what they then hold
ADDED: Mapping[str, Mapping[str, Any]] = {
    "runs": FACTS, "cost": FACTS, "hypotheses": {"target": ""}, "gains": {"p": np.nan, "q": np.nan},
}  # fmt: skip
#: keys of study.json
_STUDY = ("name", "study", "models", "tasks", "counts", "cells")


@dataclass(frozen=True, eq=False)
class Analysis:
    """What a study says: tables in `folder`, and `study`, what study.json holds.

    runs: `schema.RUNS`, of all finished runs, status `ok` or `collapsed`. curves:
    `schema.CURVE`. scores, gains, slopes, growths: see `tables`. gaps: `gap.GAPS`, English
    minus other languages. fits: `fit.FITS`, lines over size. uncollapsed:
    `uncollapsed.UNCOLLAPSED`, contrasts without collapsed runs. hypotheses:
    `hypothesis.COLUMNS`; crosschecks: the same by other methods, `crosscheck.CROSSCHECKS`.
    powers: `power.POWERS`, what the study would detect.
    baselines: `origin.BASELINES`. probes: `origin.PROBES`. alignments: `origin.ALIGNMENTS`.
    retrievals: `origin.RETRIEVALS`. deeper: `beside.DEEPER`, the same of encoders that studies
    beside this one have. operators: `operators.OPERATORS`. audit:
    `tasks.audit.COLUMNS`. cost: `collect.COST`, a row a run, also of runs that are scored on
    nothing. budgets: `beside.BUDGETS`, of this study and those beside it.
    batches: `batch.BATCHES`, of the studies that this one names. claims: `claim.CLAIMS`, of the
    literature.
    """

    folder: Path
    runs: pd.DataFrame = field(repr=False)
    curves: pd.DataFrame = field(repr=False)
    scores: pd.DataFrame = field(repr=False)
    gains: pd.DataFrame = field(repr=False)
    slopes: pd.DataFrame = field(repr=False)
    growths: pd.DataFrame = field(repr=False)
    gaps: pd.DataFrame = field(repr=False)
    fits: pd.DataFrame = field(repr=False)
    uncollapsed: pd.DataFrame = field(repr=False)
    hypotheses: pd.DataFrame = field(repr=False)
    crosschecks: pd.DataFrame = field(repr=False)
    powers: pd.DataFrame = field(repr=False)
    baselines: pd.DataFrame = field(repr=False)
    probes: pd.DataFrame = field(repr=False)
    alignments: pd.DataFrame = field(repr=False)
    retrievals: pd.DataFrame = field(repr=False)
    deeper: pd.DataFrame = field(repr=False)
    operators: pd.DataFrame = field(repr=False)
    audit: pd.DataFrame = field(repr=False)
    cost: pd.DataFrame = field(repr=False)
    budgets: pd.DataFrame = field(repr=False)
    batches: pd.DataFrame = field(repr=False)
    claims: pd.DataFrame = field(repr=False)
    study: Mapping[str, Any] = field(repr=False)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Return `schema.PREDICTIONS` and p0, p1, ...; text columns are categories.

        Read when first asked for: the table is the largest by far, a published analysis
        goes without it, and the report does not need it.

        Raises:
            DataError: predictions.parquet is missing or broken.
        """
        path = self.folder / "predictions.parquet"
        table = _open(path, read_dictionary=list(REPEATING))
        _check_columns(path, tuple(PREDICTIONS), table.column_names)
        return table.to_pandas()


def write_analysis(
    folder: Path,
    found: Mapping[str, pd.DataFrame],
    predictions: pd.DataFrame,
    study: Mapping[str, Any],
) -> None:
    """Write the tables into `folder`, predictions.parquet and, last, study.json."""
    # An older study.json must not vouch for a folder that is half rewritten.
    (folder / "study.json").unlink(missing_ok=True)
    whole = pa.Table.from_pandas(predictions, preserve_index=False).replace_schema_metadata(None)
    write_atomically(folder / "predictions.parquet", bind(_write_plain, whole))
    for name, table in found.items():
        write_atomically(folder / f"{name}.parquet", bind(_write_frame, table))
    write_json(folder / "study.json", study)


def _write_plain(table: pa.Table, path: Path) -> None:
    """Write a table without the writer's own types: categories become ordinary strings."""
    pq.write_table(table, path, compression="zstd", store_schema=False)


def _write_frame(table: pd.DataFrame, path: Path) -> None:
    table.to_parquet(path, index=False, compression="zstd")


def load_analysis(folder: Path) -> Analysis:
    """Return the analysis that `analyse` wrote into `folder`.

    Raises:
        DataError: a file is missing or broken, or lacks a column or key. study.json is
            written last: without it the analysis was not finished.
    """
    path = folder / "study.json"
    if not path.is_file():
        raise DataError(f"{path}: file not found; the analysis is not there or not finished")
    study = read_json(path)
    absent = [key for key in _STUDY if not isinstance(study, dict) or key not in study]
    if absent:
        raise DataError(f"{path}: keys missing: {', '.join(absent)}; run the analysis again")
    read = {name: _table(folder, name, columns) for name, columns in TABLES.items()}
    return Analysis(folder, **read, study=study)


def _table(folder: Path, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    path = folder / f"{name}.parquet"
    if name in LATER and not path.is_file():
        return pd.DataFrame(columns=list(columns))
    return _read(path, columns)


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    table = _open(path)
    later = ADDED.get(path.stem, {})
    _check_columns(path, columns, [*table.column_names, *later])
    added = {name: value for name, value in later.items() if name not in table.column_names}
    return table.to_pandas().assign(**added)


def _open(path: Path, **options: Any) -> pa.Table:
    try:
        return pq.read_table(path, partitioning=None, **options)
    except FileNotFoundError:
        raise DataError(f"{path}: file not found; the analysis writes it") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: not a Parquet file ({reason}); run the analysis again") from None


def _check_columns(path: Path, wanted: tuple[str, ...], found: list[str]) -> None:
    absent = [name for name in wanted if name not in found]
    if absent:
        raise DataError(f"{path}: columns missing: {', '.join(absent)}; run the analysis again")
