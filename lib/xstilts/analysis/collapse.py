"""Runs that learned nothing, found by rule: shown as a status, never dropped."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from xstilts.tasks.baseline import TRANSFERRING

#: share of one label among a run's answers from which they count as constant
CONSTANT = 0.99
#: points above a floor from which a score counts as learned
MARGIN = 5.0


def find_collapsed(
    runs: pd.DataFrame,
    predictions: pd.DataFrame,
    baselines: pd.DataFrame,
    labels: Mapping[str, int],
) -> frozenset[str]:
    """Return the names of the runs that collapsed.

    A run collapsed if, in English, at least 99 % of its answers are one label, or its score
    is at most 5 points above the highest floor that needs no vocabulary: chance, the majority
    label, word overlap.
    English is the language of the target's training; a task without it is judged on the
    mean of its languages. The rule needs no other run, so it is blind to the arms.

    Args:
        runs: `schema.RUNS`.
        predictions: `schema.PREDICTIONS`, of the same runs.
        baselines: task, language, baseline, score.
        labels: number of labels of each target.
    """
    judged = {
        target: _judged_languages(part["language"].unique())
        for target, part in runs.groupby("target")
    }
    rows = runs[[row.language in judged[row.target] for row in runs.itertuples()]]
    scores = rows.groupby("run", sort=False)["score"].mean()
    target = rows.drop_duplicates("run").set_index("run")["target"]
    floor = {name: _floor(name, judged[name], baselines, labels[name]) for name in judged}
    low = set(scores.index[scores <= target.map(floor) + MARGIN])
    return frozenset(low | _constant(rows, predictions))


def _judged_languages(languages: np.ndarray) -> frozenset[str]:
    return frozenset({"en"} if "en" in languages else languages)


def _floor(target: str, languages: frozenset[str], baselines: pd.DataFrame, labels: int) -> float:
    """Return the highest floor in percent, each floor averaged over `languages`."""
    of_task = baselines[(baselines["task"] == target) & baselines["baseline"].isin(TRANSFERRING)]
    rows = of_task[of_task["language"].isin(languages)]
    return max([100.0 / labels, *rows.groupby("baseline")["score"].mean()])


def _constant(rows: pd.DataFrame, predictions: pd.DataFrame) -> set[str]:
    """Return the runs whose answers in the judged languages are one label."""
    judged = pd.MultiIndex.from_frame(rows[["run", "language"]].astype("str"))
    pairs = pd.DataFrame(
        {
            "run": predictions["run"].astype("category"),
            "language": predictions["language"].astype("category"),
            "prediction": predictions["prediction"],
        }
    )
    counts = pairs.groupby(["run", "language", "prediction"], observed=True).size()
    counts = counts[counts.index.droplevel("prediction").isin(judged)]
    by_label = counts.groupby(level=["run", "prediction"], observed=True).sum()
    by_run = by_label.groupby(level="run", observed=True)
    return set(by_run.max().index[by_run.max() >= CONSTANT * by_run.sum()])
