"""The analysis of a study: computed from its runs, written as tables, read back."""

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
from xstilts.analysis.batch import BATCHES, tabulate_batches
from xstilts.analysis.beside import BUDGETS, read_beside, tabulate_budgets
from xstilts.analysis.claim import CLAIMS, judge_claims
from xstilts.analysis.collapse import find_collapsed
from xstilts.analysis.crosscheck import CROSSCHECKS, crosscheck
from xstilts.analysis.fit import FITS, tabulate_fits
from xstilts.analysis.gap import GAPS, tabulate_gaps
from xstilts.analysis.operators import OPERATORS, tabulate_operators
from xstilts.analysis.outcome import complete_grid, gather_outcomes
from xstilts.analysis.power import POWERS, tabulate_powers
from xstilts.analysis.sample import Design, Sample
from xstilts.analysis.uncollapsed import UNCOLLAPSED, tabulate_uncollapsed
from xstilts.errors import DataError
from xstilts.files import read_json, write_atomically, write_json
from xstilts.params import Cell
from xstilts.params.claim import claims_file, read_claims
from xstilts.results.collect import COST, REPEATING, Collected, collect
from xstilts.results.schema import CURVE, PREDICTIONS, RUNS, conform
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
    "crosschecks", "powers", "batches", "gaps", "fits", "uncollapsed",
)  # fmt: skip
#: tables that are found in the folders of cells; the others are estimated from runs
_GATHERED = ("curves", "baselines", "probes", "alignments", "retrievals", "audit", "cost")
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
    retrievals: `origin.RETRIEVALS`. operators: `operators.OPERATORS`. audit:
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


def analyse(cell: Cell, *, partial: bool = False) -> Analysis:
    """Return the analysis of a study's finished runs and write it to the cell's folder.

    The folder gets predictions.parquet, <table>.parquet for each of `TABLES`, and study.json,
    last. Equal runs give equal bytes.

    Args:
        cell: of the stage 50_analysis.
        partial: analyse an unfinished study: of its finished runs, the largest part in
            which every cell has the same seeds (`outcome.complete_grid`).

    Raises:
        DataError: a run or cell is not finished and `partial` is false, no run on a target
            task is finished, or what a run left is broken or contradicts itself.
    """
    design = origin.design_of(cell.study)
    collected = collect(cell.study, cell.outputs, partial=partial)
    inputs = origin.inputs_of(cell, partial=partial)
    baselines = origin.read_baselines(inputs)
    labels = {name: len(spec.labels) for name, spec in design.tasks.items()}
    found = {
        "runs": _with_status(collected, baselines, labels),
        "curves": collected.curves,
        "baselines": baselines,
        "probes": origin.read_probes(inputs),
        "alignments": origin.read_alignments(inputs),
        "retrievals": origin.read_retrievals(inputs),
        "audit": origin.read_audit(inputs),
        "cost": collected.cost,
    }
    left_out = complete_grid(found["runs"])[1]
    about = origin.describe(design, collected, left_out, inputs)
    found |= _estimate(design, found, collected.predictions)
    found |= _beside(cell.outputs, design, about, found)
    _write(cell.folder, found, collected.predictions, about)
    return load_analysis(cell.folder)


def analyse_again(folder: Path, outputs: str) -> Analysis:
    """Estimate everything in a folder of tables anew from its runs and predictions.

    What was gathered from the cells stays as it is, so that the cells need not be there.

    Args:
        folder: where `analyse` wrote, or a copy of it.
        outputs: where finished studies beside this one are looked for.

    Raises:
        DataError: a table is missing or broken.
    """
    old = load_analysis(folder)
    design = origin.design_in(old.study)
    found = {"runs": old.runs} | {name: getattr(old, name) for name in _GATHERED}
    found |= _estimate(design, found, old.predictions)
    found |= _beside(outputs, design, old.study, found)
    _write(folder, found, old.predictions, old.study)
    return load_analysis(folder)


def _estimate(
    design: Design, given: Mapping[str, pd.DataFrame], predictions: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return every table that follows from runs and their predictions."""
    runs = given["runs"]
    used, _ = complete_grid(runs)
    if used.empty:
        raise DataError(f"study '{design.name}': no run on a target task is finished")
    sample = Sample.draw(design, gather_outcomes(used, predictions))
    return {
        "scores": tables.tabulate_scores(sample, runs),
        "gains": tables.tabulate_gains(sample),
        "slopes": tables.tabulate_slopes(sample),
        "growths": tables.tabulate_growths(sample),
        "gaps": tabulate_gaps(sample),
        "fits": tabulate_fits(sample, used, given["cost"]),
        "uncollapsed": tabulate_uncollapsed(sample, runs),
        "hypotheses": hypothesis.judge_hypotheses(sample),
        "crosschecks": crosscheck(sample),
        "powers": tabulate_powers(sample),
        "operators": tabulate_operators(used, predictions),
        "claims": judge_claims(sample, read_claims(claims_file()), used, given["retrievals"]),
    }


def _beside(
    outputs: str, design: Design, about: Mapping[str, Any], found: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the tables for which other studies are read."""
    study = design.study
    own = tabulate_budgets(about, found["scores"], found["gains"])
    return {
        "budgets": pd.concat([own, *read_beside(outputs, study.beside)], ignore_index=True),
        "batches": tabulate_batches(outputs, study.batches, study.confidence),
    }


def _with_status(
    collected: Collected, baselines: pd.DataFrame, labels: Mapping[str, int]
) -> pd.DataFrame:
    runs = collected.runs
    collapsed = find_collapsed(runs, collected.predictions, baselines, labels)
    status = ["collapsed" if run in collapsed else "ok" for run in runs["run"]]
    return conform(runs.assign(status=status), RUNS)


def _write(
    folder: Path,
    found: Mapping[str, pd.DataFrame],
    predictions: pd.DataFrame,
    study: Mapping[str, Any],
) -> None:
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
