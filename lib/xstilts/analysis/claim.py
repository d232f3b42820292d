"""Claims of the literature, each with what this study says of it."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from xstilts.analysis.estimand import Values
from xstilts.analysis.sample import PAIR_KINDS, Pair, Sample
from xstilts.params import TaskSpec
from xstilts.params.claim import ClaimSpec

CLAIMS: dict[str, str] = {
    "name": "str",
    "says": "str",
    "reference": "str",  # key in references.bib
    "decided_by": "str",
    "estimate": "float64",  # points
    "low": "float64",
    "high": "float64",
    "verdict": "str",  # supported, contradicted, not resolved, not testable
    "reason": "str",  # why it is not testable, else empty
}


def judge_claims(
    sample: Sample, claims: Mapping[str, ClaimSpec], runs: pd.DataFrame, retrievals: pd.DataFrame
) -> pd.DataFrame:
    """Return a row a claim, columns `CLAIMS`.

    `above`: supported if the interval lies above zero, contradicted if below. `not_above`:
    contradicted if it lies above zero, supported if below, or within half a point of it.
    `zero`: supported if it lies within the margin (stricter than two one-sided tests at the
    study's level), contradicted if it excludes zero. `retrieval`: as `above`, of
    `retrieval_over_targets`. Else not resolved. Not testable: what the claim needs is not in
    the study, or there is one seed.

    Args:
        sample: what the runs say.
        claims: by name.
        runs: `schema.RUNS` of the runs in the sample.
        retrievals: `origin.RETRIEVALS`.
    """
    rows = [_row(sample, name, claim, runs, retrievals) for name, claim in claims.items()]
    return pd.DataFrame(rows, columns=list(CLAIMS)).astype(CLAIMS)


def _row(
    sample: Sample, name: str, claim: ClaimSpec, runs: pd.DataFrame, retrievals: pd.DataFrame
) -> dict[str, Any]:
    about = {"name": name, "says": claim.says, "reference": claim.reference,
             "decided_by": claim.decided_by}  # fmt: skip
    ends: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    reason = claim.reason or _lacking(sample, claim)
    if not reason and claim.rule == "retrieval":
        ends, reason = retrieval_over_targets(runs, retrievals, sample.design.study.confidence)
    elif not reason:
        values = _quantity(sample, claim)
        if values is None:
            reason = "the study has not the arms that it compares"
        else:
            found = sample.resampling.estimate(values)
            ends = found.value, found.low, found.high
    if not reason and np.isnan(ends[1]):
        reason = "one seed: no interval"
    verdict = "not testable" if reason else _verdict(claim, *ends[1:])
    named = dict(zip(("estimate", "low", "high"), ends, strict=True))
    return about | named | {"verdict": verdict, "reason": reason}


def _lacking(sample: Sample, claim: ClaimSpec) -> str:
    """Return what the claim needs and the study has not; empty if nothing."""
    design = sample.design
    intermediates = design.study.intermediates
    kinds = {design.tasks[name].kind.replace("_", " ") for name in intermediates}
    titles = {_title(design.tasks[name]) for name in design.study.targets}
    wanted = [
        ("intermediate task of kind", [kind.replace("_", " ") for kind in claim.kinds], kinds),
        ("intermediate task", claim.intermediates, intermediates),
        ("target", claim.targets, titles),
    ]
    absent = [
        (what, [name for name in names if name not in there]) for what, names, there in wanted
    ]
    lacking = [f"no {what} {', '.join(names)}" for what, names in absent if names]
    return "; ".join(lacking)


def _title(target: TaskSpec) -> str:
    return target.title.split(",")[0]


def _quantity(sample: Sample, claim: ClaimSpec) -> Values | None:
    known = [pair for kind in PAIR_KINDS for pair in sample.design.pairs(kind)]
    pairs = claimed_pairs(claim, known, sample.design.tasks)
    if claim.contrast is None or not pairs:
        return None
    by_model = sample.by_model(pairs, claim.contrast, "points", claim.group)
    return np.mean(list(by_model.values()), axis=0) if by_model else None


def claimed_pairs(
    claim: ClaimSpec, pairs: Iterable[Pair], tasks: Mapping[str, TaskSpec]
) -> list[Pair]:
    """Return those (intermediate, target) pairs that a claim speaks of."""
    return [
        (middle, target) for middle, target in pairs
        if (not claim.kinds or tasks[middle].kind in claim.kinds)
        and (not claim.intermediates or middle in claim.intermediates)
        and (not claim.targets or _title(tasks[target]) in claim.targets)
    ]  # fmt: skip


def retrieval_over_targets(
    runs: pd.DataFrame, retrievals: pd.DataFrame, confidence: float
) -> tuple[tuple[float, float, float], str]:
    """Return the estimate with its interval of the gain in retrieval minus that on the targets.

    In points, after English intermediate tasks, meaned over encoders, tasks and languages; a
    difference a seed, with Student's interval over seeds. Retrieval: translations found
    under mean pooling, on the part that is measured after training too.

    Returns also why there is none, or "".
    """
    nothing = (np.nan, np.nan, np.nan)
    part = retrievals[(retrievals["sample"] == "part") & (retrievals["pooling"] == "mean")]
    after = part[part["arm"] == "english"]
    if after.empty:
        return nothing, "the study measures no retrieval after English intermediate tasks"
    keys = ["model", "corpus", "language"]
    before = part[part["intermediate"] == "none"].set_index(keys)["score"].rename("before")
    found = after.join(before, on=keys)
    gained = (found["score"] - found["before"]).groupby(found["seed"]).mean()
    by_arm = runs.groupby(["seed", "arm"])["score"].mean().unstack("arm")
    difference = (gained - (by_arm["english"] - by_arm["none"])).dropna()
    if len(difference) < 2:
        return (float(difference.mean()), np.nan, np.nan), ""
    half = stats.t.ppf((1 + confidence) / 2, len(difference) - 1) * stats.sem(difference)
    mean = float(difference.mean())
    return (mean, mean - float(half), mean + float(half)), ""


def _verdict(claim: ClaimSpec, low: float, high: float) -> str:
    near = claim.margin or 0.5
    within = -near < low and high < near
    match claim.rule:
        case "zero":
            if within:
                return "supported"
            return "contradicted" if low > 0 or high < 0 else "not resolved"
        case "not_above":
            if low > 0:
                return "contradicted"
            return "supported" if high < 0 or within else "not resolved"
    if low > 0:
        return "supported"
    return "contradicted" if high < 0 else "not resolved"
