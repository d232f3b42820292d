"""Lines over the size axis: how steep, how straight, and whether they foretell the largest size.

A line is fitted within one family and head. Sizes may be truncations of one encoder: then its
slope is one of depth and says nothing of encoders pretrained at other scales.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from xstilts.analysis.estimand import CONTRASTS, Values, slope_weights
from xstilts.analysis.outcome import with_start
from xstilts.analysis.resample import ZERO, Resampling
from xstilts.analysis.row import estimate_columns, table_of
from xstilts.analysis.sample import PAIR_KINDS, Pair, Sample
from xstilts.analysis.tables import MEAN
from xstilts.params import start_name

#: one row a (quantity, family and head, axis)
FITS: dict[str, str] = {
    "quantity": "str",  # score: of arm none, in percent; gain: of CONTRAST, in points
    "axis": "str",  # one of AXES
    "intermediate": "str",  # task, or "mean": over all pairs of the kind; of a score: none
    "target": "str",  # task; of a mean, its kind
    "pair": "str",  # cross, same; of a score: none
    "family": "str",
    "head": "str",
    "models": "int64",  # points that the line goes through
    "sizes": "int64",  # different numbers of body parameters among them
    "decades": "float64",  # that the axis spans
    "estimate": "float64",  # slope: points per tenfold of the axis
    "low": "float64",
    "high": "float64",
    "resolved": "bool",
    "r2": "float64",  # NaN below three sizes, or where nothing varies
    "steps_up": "int64",  # of sizes - 1 steps between neighbours, resolved upwards
    "steps_down": "int64",
    "steps_open": "int64",
    "rising": "float64",  # percent of draws in which every step rises; NaN with one seed
    "held_out": "str",  # the largest size: models, by comma; "" below three sizes
    "reach": "float64",  # decades of the axis from the largest fitted size to the one held out
    "predicted": "float64",  # there, by the line through the others; NaN without an interval
    "predicted_low": "float64",
    "predicted_high": "float64",
    "measured": "float64",
    "verdict": "str",  # measured is within, above or below the interval; "" without one
    "seeds": "int64",
}
Axis = Literal["body_params", "total_params", "flops"]
AXES: tuple[Axis, ...] = ("body_params", "total_params", "flops")
#: whose gain is fitted
CONTRAST = "multilingual-english"
_NOTHING: Mapping[str, Any] = {
    "held_out": "", "reach": np.nan, "predicted": np.nan, "predicted_low": np.nan,
    "predicted_high": np.nan, "measured": np.nan, "verdict": "",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A quantity over the models of one family and head, from the smallest body to the largest.

    values: (models, columns), as `Resampling` makes them. axes: axis -> (models,), NaN where
    unknown.
    """

    models: tuple[str, ...]
    body: tuple[int, ...]
    values: Values
    axes: Mapping[str, Values]

    @property
    def sizes(self) -> int:
        return len(set(self.body))


def tabulate_fits(sample: Sample, runs: pd.DataFrame, cost: pd.DataFrame) -> pd.DataFrame:
    """Return lines over the logarithm of size and of training, columns `FITS`.

    Of the score of arm none and of the gain `CONTRAST`, on the other languages. An axis has no
    row where a model has no value on it, or all have one. Steps and draws are of neighbours in
    body parameters, whatever the axis; models of one size are averaged for them.

    Args:
        sample: what the runs say.
        runs: `schema.RUNS` of the runs in the sample.
        cost: `collect.COST`.
    """
    flops = training_flops(runs, cost)
    rows = []
    for about, values, operations in _quantities(sample, flops):
        for line in _lines(sample, values, operations):
            spec = sample.design.models[line.models[0]]
            steps = count_steps(sample.resampling, line) if line.sizes > 1 else {}
            for axis in AXES if line.sizes > 1 else ():
                found = fit_line(sample.resampling, line, axis)
                if found is not None:
                    named = about | {"axis": axis, "family": spec.family, "head": spec.head}
                    rows.append(named | {"seeds": sample.resampling.seeds} | steps | found)
    return table_of(rows, FITS)


def training_flops(runs: pd.DataFrame, cost: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    """Return (model, start, target) -> operations of training, mean over seeds.

    Those of the run on the target and of the intermediate run that it starts from; NaN where
    the latter are unknown.
    """
    middle = cost[cost["stage"] == "intermediate"]
    keys = zip(middle["model"], middle["task"], middle["arm"], middle["seed"], strict=True)
    before = dict(zip(keys, middle["flops"], strict=True))
    once = with_start(runs[runs["stage"] == "target"].drop_duplicates("run"))
    spent: dict[tuple[str, str, str], list[float]] = {}
    for row in once.itertuples():
        key = (row.model, row.intermediate, row.arm, row.seed)
        first = 0.0 if row.arm == "none" else before.get(key, np.nan)
        spent.setdefault((row.model, row.start, row.target), []).append(row.flops + first)
    return {key: float(np.mean(values)) for key, values in spent.items()}


def r_squared(x: Values, y: Values) -> float:
    """Return 1 − residual over total sum of squares of a least-squares line of y on x.

    NaN where x or y does not vary. Shapes: (points,).
    """
    if np.ptp(y) <= ZERO or np.ptp(x) <= ZERO:
        return float("nan")
    residual = y - _weights(x, x) @ y
    return float(1.0 - (residual**2).sum() / ((y - y.mean()) ** 2).sum())


def _weights(x: Values, at: Values) -> Values:
    """Return what each y weighs in the line's value at each place: (places, points)."""
    centred = x - x.mean()
    return 1.0 / len(x) + np.outer(at - x.mean(), centred / (centred**2).sum())


def _quantities(
    sample: Sample, flops: Mapping[tuple[str, str, str], float]
) -> Iterator[tuple[dict[str, Any], dict[str, Values], dict[str, float]]]:
    """Yield what is fitted: columns that name it, values and operations by model."""
    for target, outcomes in sample.outcomes.items():
        codes = sample.design.groups(outcomes.languages, "none").get("other")
        if codes:
            models = [name for name in sample.design.models if sample.has(name, "none", target)]
            about = {"intermediate": "none", "target": target, "pair": "none"}
            yield (
                {"quantity": "score"} | about,
                {name: sample.score(name, "none", target, codes) for name in models},
                {name: flops.get((name, "none", target), np.nan) for name in models},
            )
    for kind in PAIR_KINDS:
        pairs = sample.design.pairs(kind)
        named = [(pair, [pair]) for pair in pairs] + [((MEAN, kind), pairs)] * bool(pairs)
        for (task, target), over in named:
            by_pair = sample.by_pair(over, CONTRAST, "points", "other")
            about = {"intermediate": task, "target": target, "pair": kind}
            yield (
                {"quantity": "gain"} | about,
                {name: np.mean(list(found.values()), axis=0) for name, found in by_pair.items()},
                {name: _operations(flops, name, list(found)) for name, found in by_pair.items()},
            )


def _operations(
    flops: Mapping[tuple[str, str, str], float], model: str, pairs: Sequence[Pair]
) -> float:
    """Return the mean over some pairs, and over the two arms of `CONTRAST`."""
    starts = [(start_name(task, arm), target) for task, target in pairs
              for arm in CONTRASTS[CONTRAST]]  # fmt: skip
    return float(np.mean([flops.get((model, *start), np.nan) for start in starts]))


def _lines(
    sample: Sample, values: Mapping[str, Values], flops: Mapping[str, float]
) -> Iterator[Line]:
    """Yield the models of each family and head, by size."""
    specs = sample.design.models
    lines = dict(zip(values, sample.lines(values), strict=True))
    for line in dict.fromkeys(lines.values()):
        models = sorted(
            (name for name in values if lines[name] == line),
            key=lambda name: (specs[name].body_params, name),
        )
        axes = {
            "body_params": [specs[name].body_params for name in models],
            "total_params": [specs[name].total_params for name in models],
            "flops": [flops[name] for name in models],
        }
        yield Line(
            tuple(models), tuple(axes["body_params"]), np.stack([values[name] for name in models]),
            {name: np.asarray(places, dtype=np.float64) for name, places in axes.items()},
        )  # fmt: skip


def fit_line(resampling: Resampling, line: Line, axis: Axis) -> dict[str, Any] | None:
    """Return a line's columns of `FITS`; None where the axis does not vary or is not known."""
    places = line.axes[axis]
    if not (places > 0).all():
        return None
    weights = slope_weights(places, [""] * len(places))
    if weights is None:
        return None
    x = np.log10(places)
    found = estimate_columns(resampling.estimate(weights @ line.values))
    straight = r_squared(x, line.values[:, 0]) if line.sizes > 2 else np.nan
    counts = {"models": len(line.models), "sizes": line.sizes, "decades": float(np.ptp(x))}
    return found | counts | {"r2": straight} | held_out(resampling, line, x)


def held_out(resampling: Resampling, line: Line, x: Values) -> Mapping[str, Any]:
    """Return how the line through all but the largest size predicts it.

    The interval is of predicted minus measured, set around the prediction: seeds and items of
    the fit and of the held-out size both are redrawn, paired. It knows nothing of how far
    points may lie from a line, so a value outside says that the line is not all there is.
    """
    body = np.array(line.body)
    out = body == body.max()
    if line.sizes < 3 or np.ptp(x[~out]) <= ZERO:
        return _NOTHING
    measured = line.values[out].mean(axis=0)
    predicted = (_weights(x[~out], x[out].mean(keepdims=True)) @ line.values[~out])[0]
    miss = resampling.estimate(predicted - measured)
    named = {
        "held_out": ",".join(name for name, one in zip(line.models, out, strict=True) if one),
        "reach": float(x[out].mean() - x[~out].max()), "measured": float(measured[0]),
    }  # fmt: skip
    if np.isnan(miss.low):
        return _NOTHING | named
    verdict = "within" if not miss.resolved else "above" if miss.value < 0 else "below"
    low, high = measured[0] + miss.low, measured[0] + miss.high
    ends = {"predicted_low": float(low), "predicted_high": float(high)}
    return named | {"predicted": float(predicted[0]), "verdict": verdict} | ends


def count_steps(resampling: Resampling, line: Line) -> dict[str, Any]:
    """Return how many steps between neighbouring sizes go which way, and how often all rise."""
    body = np.array(line.body)
    by_size = [line.values[body == size].mean(axis=0) for size in np.unique(body)]
    steps = [after - before for before, after in pairwise(by_size)]
    found = [resampling.estimate(step) for step in steps]
    up, down = sum(one.low > ZERO for one in found), sum(one.high < -ZERO for one in found)
    drawn = np.stack([resampling.spread(step) for step in steps])
    rising = 100.0 * float((drawn > ZERO).all(axis=0).mean())
    return {
        "steps_up": up, "steps_down": down, "steps_open": len(steps) - up - down,
        "rising": rising if resampling.seeds > 1 else np.nan,
    }  # fmt: skip
