"""p-values of many tests at once. NaN, what cannot be tested, stays and is not counted."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from xstilts.analysis.estimand import Values


def holm(p: Sequence[float]) -> list[float]:
    """Return p adjusted for their number by Holm's step-down rule; NaN stays, uncounted.

    The k-th smallest of m is multiplied by m − k + 1, then made not smaller than those
    before it and at most 1. Source: Holm 1979, Scandinavian Journal of Statistics 6(2).
    """
    given = np.asarray(p, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(given))
    order = tested[np.argsort(given[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted = np.full(len(given), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return adjusted.tolist()


def false_discovery(p: Sequence[float]) -> Values:
    """Return for each p the least rate of false discoveries at which its test is taken.

    Source: Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B 57(1).
    """
    given = np.asarray(p, dtype=np.float64)
    tested = ~np.isnan(given)
    adjusted = np.full(len(given), np.nan)
    if tested.any():
        adjusted[tested] = stats.false_discovery_control(given[tested])
    return adjusted
