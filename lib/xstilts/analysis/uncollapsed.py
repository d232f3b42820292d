"""The main contrasts once more, without the cells in which a run collapsed.

A run that learned nothing stays in every mean of the other tables, for what makes runs collapse
may be the arm itself. How much such runs weigh is seen by leaving their cells out of all arms.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from xstilts.analysis.estimand import CONTRASTS, Values
from xstilts.analysis.outcome import with_start
from xstilts.analysis.row import estimate_columns, table_of
from xstilts.analysis.sample import PAIR_KINDS, Pair, Sample
from xstilts.params import start_name

#: one row a (model or all of them, kind of pair, contrast of arms, what is left out)
UNCOLLAPSED: dict[str, str] = {
    "model": "str",  # or "all"
    "pair": "str",  # cross, same
    "contrast": "str",  # one of MAIN
    "without": "str",  # one of WITHOUT
    "cells": "int64",  # (model, intermediate task, target) that the mean is over
    "estimate": "float64",  # points, on the other languages; NaN without a cell
    "low": "float64",
    "high": "float64",
    "resolved": "bool",
    "seeds": "int64",
}
#: contrasts whose runs can all learn; shuffled labels must collapse
MAIN = ("multilingual-english", "english-none", "multilingual-none")
Without = Literal["nothing", "target", "any"]
#: cells that are left out: none; those in which a run on the target collapsed; also those in
#: which an intermediate run did
WITHOUT: tuple[Without, ...] = ("nothing", "target", "any")
#: stands for the model in the mean over all of them
ALL = "all"
#: (model, start, target) with a collapsed run; target "": the intermediate run, so of any target
Start = tuple[str, str, str]


def tabulate_uncollapsed(sample: Sample, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the main contrasts with and without collapsed runs, columns `UNCOLLAPSED`.

    A cell is left out if a run of either arm or of arm none collapsed at any seed. What is
    left may be other pairs at other sizes, so that a difference between the means is not the
    runs' doing alone.

    Args:
        sample: what the runs say.
        runs: `schema.RUNS` with the final status.
    """
    seeds = {seed for one in sample.outcomes.values() for seed in one.seeds}
    collapsed = collapsed_starts(runs[runs["seed"].isin(seeds)])
    rows = []
    for kind in PAIR_KINDS:
        for contrast in MAIN:
            by_pair = sample.by_pair(sample.design.pairs(kind), contrast, "points", "other")
            for name in [*by_pair, ALL] if by_pair else []:
                cells = {(model, pair): values for model, found in by_pair.items()
                         for pair, values in found.items() if name in (ALL, model)}  # fmt: skip
                rows += [
                    {"model": name, "pair": kind, "contrast": contrast, "without": without}
                    | _mean(sample, [values for cell, values in cells.items()
                                     if not is_left_out(collapsed, without, *cell, contrast)])
                    for without in WITHOUT
                ]  # fmt: skip
    return table_of(rows, UNCOLLAPSED)


def _mean(sample: Sample, kept: Sequence[Values]) -> dict[str, Any]:
    nothing = np.full(sample.resampling.columns, np.nan)
    found = sample.resampling.estimate(np.mean(kept, axis=0) if kept else nothing)
    counts = {"cells": len(kept), "seeds": sample.resampling.seeds}
    return counts | estimate_columns(found)


def collapsed_starts(runs: pd.DataFrame) -> frozenset[Start]:
    """Return which (model, start, target) have a collapsed run; see `Start`.

    Args:
        runs: `schema.RUNS` with the final status.
    """
    once = with_start(runs[runs["status"] == "collapsed"].drop_duplicates("run"))
    targets = once["target"].where(once["stage"] == "target", "")
    return frozenset(zip(once["model"], once["start"], targets, strict=True))


def is_left_out(
    collapsed: frozenset[Start], without: Without, model: str, pair: Pair, contrast: str
) -> bool:
    """Say whether a run of the contrast's arms, or of arm none, rules the cell out."""
    task, target = pair
    places = {"nothing": (), "target": (target,), "any": (target, "")}[without]
    starts = {"none"} | {start_name(task, arm) for arm in CONTRASTS[contrast] if arm != "none"}
    return any((model, start, place) in collapsed for start in starts for place in places)
