"""The power of a study: which true differences of the arms its seeds and items would detect."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import chi2

from xstilts.analysis.estimand import Values
from xstilts.analysis.resample import Variances
from xstilts.analysis.sample import Sample
from xstilts.analysis.tables import MEAN, scored_items

#: one row a (model or the mean over models, number of seeds, true difference)
POWERS: dict[str, str] = {
    "model": "str",  # or "mean": over all models
    "body_params": "int64",  # 0: of the mean
    "seeds": "int64",  # as many as the study has, or would have
    "own": "bool",  # the study has as many
    "items": "int64",  # of the targets; as in the study
    "difference": "float64",  # the true one, in points
    "power": "float64",  # share of studies whose interval excludes zero, 0 to 1
    "detectable": "float64",  # difference whose power is `WANTED`, in points
    "low": "float64",  # of `detectable`: its ends, for the seeds' variance is an estimate
    "high": "float64",
    "seed_deviation": "float64",  # between seeds, of a seed's difference, in points
    "item_deviation": "float64",  # of the mean over other items of that number, in points
    "both_deviation": "float64",  # of a seed on these items, beyond the two, in points
}
#: what is held against each other, on the mean of the other languages, over cross-task pairs
CONTRAST = "multilingual-english"
WANTED = 0.8
#: numbers of seeds that are set beside the study's own
SEEDS = (3, 5, 10)
DIFFERENCES = tuple(tenths / 10 for tenths in range(51))
#: points of the chi-square distribution that integrals are taken over; halvings of a width
_POINTS, _HALVINGS = 160, 30
#: squared points, where nothing varies
_TINY = 1e-18


class Components(NamedTuple):
    """What a difference of the arms varies by, as variances in squared points.

    seed: between seeds. item: between samples of the study's number of items, of all seeds
    alike. both: what a seed does on such a sample beyond the two.
    """

    seed: float
    item: float
    both: float

    @classmethod
    def of(cls, variances: Variances, seeds: int) -> "Components":
        """Return the components that a study of `seeds` seeds shows; none is below zero."""
        seed, item, both = variances
        return cls(seeds * max(0.0, seed - both), max(0.0, item - both), seeds * both)


class Procedure(NamedTuple):
    """How a study decides: half the width of its interval, by how much its seeds happen to differ.

    half: (points,), each as likely as another, in points of accuracy; error: standard
    deviation of its estimate.
    """

    half: Values
    error: float

    def power(self, difference: float) -> float:
        """Return how often the interval excludes zero, 0 to 1, at a true difference in points."""
        above = ndtr((difference - self.half) / self.error)
        below = ndtr((-difference - self.half) / self.error)
        return float((above + below).mean())

    def detectable(self) -> float:
        """Return the difference in points whose power is `WANTED`."""
        most = float(self.half.max()) + 5.0 * self.error
        return float(brentq(lambda difference: self.power(difference) - WANTED, 0.0, most))


def procedure(components: Components, seeds: int, confidence: float) -> Procedure:
    """Return how a study with such components and two or more seeds decides.

    The estimate is normal; the variance between its seeds is the true one times chi-square of
    seeds − 1 degrees of freedom over these, independent of it; the variance of items is known
    well, from hundreds of them. From these follows the interval as `Resampling.estimate` makes
    it: Student's t of what the seeds show, interaction with it, plus a normal part of the
    items. Integrals over chi-square are sums over its quantiles.
    """
    freedom = seeds - 1
    ratio = chi2.ppf((np.arange(_POINTS) + 0.5) / _POINTS, freedom) / freedom
    seed, item, both = components
    shown = (seed + both) / seeds
    half = _half_width(shown * ratio, item, ratio, confidence)
    return Procedure(half, float(np.sqrt(max(shown + item, _TINY))))


def _half_width(shown: Values, fixed: float, ratio: Values, confidence: float) -> Values:
    """Return the quantile of √shown · T + √fixed · Z, T Student's, for each of `shown`.

    Given its own chi-square, T is normal: the sum is a mixture of normals, whose tail is a mean.
    """
    scale = np.sqrt(np.maximum(fixed + shown[:, None] / ratio, _TINY))
    tail = (1.0 - confidence) / 2.0
    # at `high` even the narrowest of the mixture's normals leaves less than the tail
    low, high = np.zeros(len(shown)), scale.max(axis=1) * float(-ndtri(tail))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        more = ndtr(-middle[:, None] / scale).mean(axis=1) > tail
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return high


def tabulate_powers(sample: Sample) -> pd.DataFrame:
    """Return the power to see a difference of the arms, columns `POWERS`.

    Of `CONTRAST` in points on the other languages, mean over the cross-task pairs, at each
    model and over all; empty with one seed or without such pairs.
    """
    pairs = sample.design.pairs("cross")
    by_model = sample.by_model(pairs, CONTRAST, "points", "other")
    if sample.resampling.seeds == 1 or not by_model:
        return pd.DataFrame(columns=list(POWERS)).astype(POWERS)
    sizes = {name: sample.design.models[name].body_params for name in by_model}
    meant = {MEAN: np.mean(list(by_model.values()), axis=0)}
    items, resampling = scored_items(sample, pairs), sample.resampling
    rows = [
        {"model": name, "body_params": sizes.get(name, 0), "items": items} | row
        for name, values in (by_model | meant).items()
        for row in power_rows(resampling.variances(values), resampling.seeds, resampling.confidence)
    ]
    return pd.DataFrame(rows, columns=list(POWERS)).astype(POWERS)


def power_rows(variances: Variances, own: int, confidence: float) -> Iterator[dict[str, Any]]:
    """Yield rows of `POWERS` without model: at each number of seeds, each true difference.

    Args:
        variances: of an estimate from `own` seeds, two or more.
        own: the study's number of seeds.
        confidence: of its intervals.
    """
    found = Components.of(variances, own)
    tails = np.array([1.0 + confidence, 1.0 - confidence]) / 2.0
    least, most = (
        Components.of(variances._replace(seeds=float(end)), own)
        for end in variances.seeds * (own - 1) / chi2.ppf(tails, own - 1)
    )
    names = [f"{name}_deviation" for name in Components._fields]
    about = dict(zip(names, np.sqrt(found), strict=True))
    for seeds in sorted({own, *SEEDS}):
        decides = procedure(found, seeds, confidence)
        low, high = (procedure(one, seeds, confidence).detectable() for one in (least, most))
        about |= {"seeds": seeds, "own": seeds == own, "low": low, "high": high}
        about |= {"detectable": decides.detectable()}
        for difference in DIFFERENCES:
            yield about | {"difference": difference, "power": decides.power(difference)}
