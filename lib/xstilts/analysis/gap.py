"""The gap between English and the other languages, and how much of it each arm closes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from xstilts.analysis.estimand import Values, share_of_gap_closed, transfer_gap
from xstilts.analysis.resample import ZERO
from xstilts.analysis.row import count_columns, size_columns, table_of
from xstilts.analysis.sample import PAIR_KINDS, Pair, PairKind, Sample
from xstilts.params import split_start

#: one row a (model, start, target)
GAPS: dict[str, str] = {
    "model": "str",
    "family": "str",
    "layers": "int64",
    "body_params": "int64",
    "total_params": "int64",
    "intermediate": "str",  # task, or "none"
    "target": "str",
    "pair": "str",  # cross, same; of arm none: none
    "arm": "str",
    "base_gap": "float64",  # points, English minus the mean of the others, of arm none
    "base_low": "float64",
    "base_high": "float64",
    "gap": "float64",  # the same of the arm
    "low": "float64",
    "high": "float64",
    "defined": "bool",  # the interval of base_gap lies above zero
    "share": "float64",  # percent of base_gap that the arm closes; NaN where not defined
    "share_low": "float64",
    "share_high": "float64",
    "seeds": "int64",
    "items": "int64",  # scored in at least one other language
}


def tabulate_gaps(sample: Sample) -> pd.DataFrame:
    """Return the transfer gap of every start, columns `GAPS`.

    The share is `estimand.share_of_gap_closed`, of the same baseline's English score: a change
    in English neither closes a gap nor opens it. Where the baseline's gap is within noise, or
    not positive, or of one seed, so that its noise is unknown, a share of it says nothing and
    is NaN. Targets without English, or without another language, have no rows; without arm
    none a start has its own gap alone.
    """
    kinds: dict[Pair, PairKind] = {
        pair: kind for kind in PAIR_KINDS for pair in sample.design.pairs(kind)
    }
    rows = []
    for target, outcomes in sample.outcomes.items():
        groups = sample.design.groups(outcomes.languages, "none")
        if not {"en", "other"} <= set(groups):
            continue
        counted = count_columns(sample, target, groups["other"])
        for model, start in outcomes.entries:
            task, arm = split_start(start)
            pair = kinds.get((task, target), "none")
            about = {"intermediate": task, "target": target, "pair": pair, "arm": arm}
            found = _gaps(sample, model, start, target, groups)
            rows.append(size_columns(sample, model) | about | found | counted)
    return table_of(rows, GAPS)


def _gaps(
    sample: Sample, model: str, start: str, target: str, groups: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    english, other = (sample.score(model, start, target, groups[name]) for name in ("en", "other"))
    found = _ends(sample, "gap", "", transfer_gap(english, other))
    nothing = np.full_like(other, np.nan)
    base_english, base = nothing, nothing
    if sample.has(model, "none", target):
        base_english, base = (
            sample.score(model, "none", target, groups[name]) for name in ("en", "other")
        )
    found |= _ends(sample, "base_gap", "base_", transfer_gap(base_english, base))
    defined = bool(found["base_low"] > ZERO)
    takes = defined and start != "none"
    share = share_of_gap_closed(other, base, base_english) if takes else nothing
    return found | {"defined": defined} | _ends(sample, "share", "share_", share)


def _ends(sample: Sample, name: str, prefix: str, values: Values) -> dict[str, float]:
    found = sample.resampling.estimate(values)
    return {name: found.value, f"{prefix}low": found.low, f"{prefix}high": found.high}
