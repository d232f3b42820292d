"""The hypotheses that a study declared before it ran, each with its verdict."""

from typing import Any

import numpy as np
import pandas as pd

from xstilts.analysis.estimand import Values
from xstilts.analysis.multiple import holm
from xstilts.analysis.sample import Sample
from xstilts.params import Hypothesis

COLUMNS: dict[str, str] = {
    "name": "str",
    "says": "str",
    "contrast": "str",
    "unit": "str",
    "group": "str",
    "pairs": "str",
    "quantity": "str",  # effect: mean over models and pairs; slope: of the mean over pairs
    "target": "str",  # whose pairs are meant; empty: those of all targets
    "estimate": "float64",
    "low": "float64",
    "high": "float64",
    "p": "float64",
    "p_holm": "float64",
    "verdict": "str",  # supported, contradicted, not resolved, not testable
}


def judge_hypotheses(sample: Sample) -> pd.DataFrame:
    """Return a row a declared hypothesis, columns `COLUMNS`.

    Every hypothesis says that a quantity is above zero. It is supported or contradicted if
    its p after Holm, over the hypotheses that can be tested, is below 1 − confidence; it is
    not testable where the study lacks the arms, pairs or sizes, or has one seed.
    """
    declared = sample.design.study.hypotheses
    rows: list[dict[str, Any]] = []
    for one in declared:
        values = hypothesis_values(sample, one)
        nothing = {"estimate": np.nan, "low": np.nan, "high": np.nan, "p": np.nan}
        if values is not None:
            found = sample.resampling.estimate(values)
            nothing |= {"estimate": found.value, "low": found.low, "high": found.high, "p": found.p}
        rows.append(one.model_dump() | {"target": one.target or ""} | nothing)
    adjusted = holm([row["p"] for row in rows])
    level = 1.0 - sample.design.study.confidence
    for row, p in zip(rows, adjusted, strict=True):
        row |= {"p_holm": p, "verdict": _verdict(row["estimate"], p, level)}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def hypothesis_values(sample: Sample, one: Hypothesis) -> Values | None:
    """Return the quantity that a hypothesis says is above zero, or None where it cannot be."""
    pairs = [pair for pair in sample.design.pairs(one.pairs) if one.target in (None, pair[1])]
    by_model = sample.by_model(pairs, one.contrast, one.unit, one.group)
    if not by_model:
        return None
    if one.quantity == "slope":
        return sample.slope(by_model)
    return np.mean(list(by_model.values()), axis=0)


def _verdict(estimate: float, p: float, level: float) -> str:
    if np.isnan(p):
        return "not testable"
    if p >= level:
        return "not resolved"
    return "supported" if estimate > 0 else "contradicted"
