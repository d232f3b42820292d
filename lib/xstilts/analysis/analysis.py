"""The analysis of a study: computed from its runs, or anew from the tables of these."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from xstilts.analysis import hypothesis, origin, tables
from xstilts.analysis.batch import tabulate_batches
from xstilts.analysis.beside import read_beside, read_deeper, tabulate_budgets
from xstilts.analysis.claim import judge_claims
from xstilts.analysis.collapse import find_collapsed
from xstilts.analysis.crosscheck import crosscheck
from xstilts.analysis.fit import tabulate_fits
from xstilts.analysis.gap import tabulate_gaps
from xstilts.analysis.operators import tabulate_operators
from xstilts.analysis.outcome import complete_grid, gather_outcomes
from xstilts.analysis.power import tabulate_powers
from xstilts.analysis.sample import Design, Sample
from xstilts.analysis.stored import Analysis, load_analysis, write_analysis
from xstilts.analysis.uncollapsed import tabulate_uncollapsed
from xstilts.errors import DataError
from xstilts.params import Cell
from xstilts.params.claim import claims_file, read_claims
from xstilts.results.collect import Collected, collect
from xstilts.results.schema import RUNS, conform

#: tables that are found in the folders of cells; the others are estimated from runs
_GATHERED = ("curves", "baselines", "probes", "alignments", "retrievals", "audit", "cost")


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
    write_analysis(cell.folder, found, collected.predictions, about)
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
    write_analysis(folder, found, old.predictions, old.study)
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
        "deeper": read_deeper(outputs, study.beside, study.models),
        "batches": tabulate_batches(outputs, study.batches, study.confidence),
    }


def _with_status(
    collected: Collected, baselines: pd.DataFrame, labels: Mapping[str, int]
) -> pd.DataFrame:
    runs = collected.runs
    collapsed = find_collapsed(runs, collected.predictions, baselines, labels)
    status = ["collapsed" if run in collapsed else "ok" for run in runs["run"]]
    return conform(runs.assign(status=status), RUNS)
