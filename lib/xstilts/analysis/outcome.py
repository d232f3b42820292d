"""Right and wrong answers of all runs of a target, as one array."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xstilts.errors import DataError
from xstilts.params import start_name

#: points by which a score in runs.parquet may differ from its predictions
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Outcomes:
    """The answers to a target's test items.

    entries: (model, start) in the order of the grid. correct: (entry, seed, language, item);
    scored: (language, item), false where a language lacks an item.
    """

    target: str
    entries: tuple[tuple[str, str], ...]
    seeds: tuple[int, ...]
    languages: tuple[str, ...]
    items: tuple[str, ...]
    correct: NDArray[np.bool_]
    scored: NDArray[np.bool_]


def with_start(runs: pd.DataFrame) -> pd.DataFrame:
    """Return `runs` with the column start: `none` or `<intermediate>-<arm>`."""
    starts = [
        "none" if arm == "none" else start_name(task, arm)
        for task, arm in zip(runs["intermediate"], runs["arm"], strict=True)
    ]
    return runs.assign(start=starts)


def complete_grid(runs: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the runs that are analysed, and the names of those that are left out.

    Arms and sizes are compared seed by seed, so every cell must have the same seeds. Of an
    unfinished study such a part is taken: seeds in the order of how many cells have them, as
    many of them as give the most runs (of equals, the more seeds), and the cells that have
    them all.
    """
    targets = runs[runs["stage"] == "target"]
    once = with_start(targets.drop_duplicates("run"))
    there = pd.crosstab([once["model"], once["start"], once["target"]], once["seed"]) > 0
    if there.empty:
        return targets, ()
    seeds = sorted(there.columns, key=lambda seed: (-there[seed].sum(), seed))
    sizes = [n * int(there[seeds[:n]].all(axis=1).sum()) for n in range(1, len(seeds) + 1)]
    most = max(range(len(sizes)), key=lambda place: (sizes[place], place))
    chosen = seeds[: most + 1]
    cells = set(there.index[there[chosen].all(axis=1)])
    cell = zip(once["model"], once["start"], once["target"], strict=True)
    used = once["seed"].isin(chosen) & np.array([key in cells for key in cell])
    names = set(once.loc[used, "run"])
    left_out = tuple(name for name in once["run"] if name not in names)
    return targets[targets["run"].isin(names)], left_out


def gather_outcomes(runs: pd.DataFrame, predictions: pd.DataFrame) -> dict[str, Outcomes]:
    """Return target -> outcomes of a complete grid of runs.

    Raises:
        DataError: runs of one target differ in items or labels, or a run's score is not
            that of its predictions.
    """
    return {
        target: _gather(target, part, predictions)
        for target, part in with_start(runs).groupby("target", sort=False)
    }


def _gather(target: str, runs: pd.DataFrame, predictions: pd.DataFrame) -> Outcomes:
    once = runs.drop_duplicates("run")
    keys = list(zip(once["model"], once["start"], strict=True))
    entries, seeds = tuple(dict.fromkeys(keys)), tuple(sorted(once["seed"].unique()))
    languages = tuple(dict.fromkeys(runs["language"]))
    place = {
        run: entries.index(key) * len(seeds) + seeds.index(seed)
        for run, key, seed in zip(once["run"], keys, once["seed"], strict=True)
    }
    rows = predictions[predictions["run"].isin(place)]
    items = tuple(sorted(rows["item"].unique()))
    run, language, item = (
        _codes(rows[name], wanted)
        for name, wanted in (("run", list(place)), ("language", languages), ("item", items))
    )
    at = np.array(list(place.values()))[run]
    shape = (len(entries) * len(seeds), len(languages), len(items))
    scored = _scored(target, (at, language, item), rows["label"].to_numpy(), shape, place)
    correct = np.zeros(shape, dtype=bool)
    correct[at, language, item] = (rows["label"] == rows["prediction"]).to_numpy()
    _check_scores(runs, correct, scored, place, languages)
    grid = correct.reshape(len(entries), len(seeds), len(languages), len(items))
    return Outcomes(target, entries, tuple(map(int, seeds)), languages, items, grid, scored)


def _codes(column: pd.Series, wanted: Sequence[str]) -> NDArray[np.int64]:
    """Return the place in `wanted` of every value of a categorical column."""
    column = column.astype("category")
    index = pd.Index(wanted).get_indexer(column.cat.categories)
    return index[column.cat.codes.to_numpy()]


def _scored(
    target: str,
    at: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    labels: NDArray[np.int8],
    shape: tuple[int, int, int],
    place: dict[str, int],
) -> NDArray[np.bool_]:
    """Return which (language, item) are scored, if that and the labels are the same in all runs."""
    answered = np.zeros(shape, dtype=bool)
    answered[at] = True
    gold = np.zeros(shape[1:], dtype=np.int8)
    gold[at[1], at[2]] = labels
    scored = answered.any(axis=0)
    wrong = (answered != scored).any(axis=(1, 2))
    wrong[np.unique(at[0][gold[at[1], at[2]] != labels])] = True
    if wrong.any() or len(labels) != answered.sum() or (at[1] < 0).any():
        number = int(np.flatnonzero(wrong)[0]) if wrong.any() else 0
        run = next(name for name, there in place.items() if there == number)
        raise DataError(
            f"{run}: predictions differ in items, languages or labels from other runs of target "
            f"'{target}'; remove the folders of the target's cells and compute them again"
        )
    return scored


def _check_scores(
    runs: pd.DataFrame,
    correct: NDArray[np.bool_],
    scored: NDArray[np.bool_],
    place: dict[str, int],
    languages: Sequence[str],
) -> None:
    """Raise DataError if a score in `runs` is not what the predictions give."""
    counted = 100.0 * correct.sum(axis=2) / scored.sum(axis=1)
    row = runs["run"].map(place).to_numpy()
    column = runs["language"].map({code: n for n, code in enumerate(languages)}).to_numpy()
    off = np.abs(runs["score"].to_numpy() - counted[row, column]) > _TOLERANCE
    if off.any():
        first = runs[off].iloc[0]
        raise DataError(
            f"{first['run']}: score in '{first['language']}' is {first['score']:.4f} in "
            f"runs.parquet and {counted[row, column][off][0]:.4f} by predictions.parquet"
        )
