"""The declared hypotheses once more, by methods that assume other things."""

import warnings
from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

from xstilts.analysis.estimand import Values
from xstilts.analysis.hypothesis import hypothesis_values
from xstilts.analysis.resample import ZERO, Resampling
from xstilts.analysis.sample import Sample

#: one row a (hypothesis, method)
CROSSCHECKS: dict[str, str] = {
    "name": "str",  # of the hypothesis
    "method": "str",  # one of METHODS
    "estimate": "float64",
    "low": "float64",  # NaN where the method gives a p alone
    "high": "float64",
    "p": "float64",  # NaN where the method gives an interval alone
}
METHODS = (
    "percentile", "bca", "seeds", "sign_flip_seeds", "sign_flip_items", "mixed", "equivalence",
)  # fmt: skip
#: sign patterns that are drawn where there are too many to try them all
FLIPS = 9_999
#: values whose signs are flipped in every way
_EXACT = 12
Row = tuple[float, float, float, float]


def crosscheck(sample: Sample) -> pd.DataFrame:
    """Return each declared hypothesis by every method of `METHODS`, columns `CROSSCHECKS`.

    percentile: the study's own interval. bca: the same draws, corrected for bias and skew.
    seeds: Student's t over what each seed says alone. sign_flip_seeds, sign_flip_items:
    permutation tests that the sign of what each seed, or each group of items, says is a
    matter of chance. mixed: a mixed-effects model. equivalence: the interval of two one-sided
    tests; an effect beyond its farther end is excluded at the study's level. Hypotheses that
    cannot be tested have no row.
    """
    rows = []
    for one in sample.design.study.hypotheses:
        values = hypothesis_values(sample, one)
        if values is None or sample.resampling.seeds == 1 or not np.isfinite(values[0]):
            continue
        linear = one.unit == "points"
        for method, row in _methods(sample.resampling, values, linear=linear):
            rows.append((one.name, method, *row))
    return pd.DataFrame(rows, columns=list(CROSSCHECKS)).astype(CROSSCHECKS)


def _methods(resampling: Resampling, values: Values, *, linear: bool) -> Iterator[tuple[str, Row]]:
    value, confidence = float(values[0]), resampling.confidence
    seeds, groups = pseudo_values(resampling, values)
    found = resampling.estimate(values)
    yield "percentile", (value, found.low, found.high, found.p)
    yield "bca", (value, *bca_interval(resampling, values), np.nan)
    yield "seeds", (value, *student_interval(seeds, confidence),
                    float(stats.ttest_1samp(seeds, 0.0).pvalue) if np.ptp(seeds) > ZERO
                    else float(abs(value) <= ZERO))  # fmt: skip
    for name, parts in (("seeds", seeds), ("items", groups)):
        yield f"sign_flip_{name}", (value, np.nan, np.nan, sign_flip(parts))
    if linear:
        yield "mixed", mixed_effects(resampling.parts(values).cells, confidence)
    low, high = equivalence_interval(resampling, values)
    yield "equivalence", (value, low, high, np.nan)


def pseudo_values(resampling: Resampling, values: Values) -> tuple[Values, Values]:
    """Return the jackknife's pseudo-values n · v − (n − 1) · v without one: of seeds, of groups.

    Of what is linear in the scores, those of seeds are what each seed says alone. Shapes:
    (seeds,) and (groups,), without groups that hold no item. Source: Tukey 1958, Annals of
    Mathematical Statistics 29(2), abstract 614.
    """
    parts = resampling.parts(values)
    left_out = parts.without_seed, parts.without_group[np.isfinite(parts.cells).any(axis=0)]
    seeds, groups = (len(one) * values[0] - (len(one) - 1) * one for one in left_out)
    return seeds, groups


def bca_interval(resampling: Resampling, values: Values) -> tuple[float, float]:
    """Return the bias-corrected and accelerated interval of a quantity.

    Bias: the share of draws below the estimate. Acceleration: by the jackknife over seeds and
    over groups of items, as of several samples: a = Σ l³ / n³ / (6 (Σ l² / n²)^1.5), l the
    deviations of the pseudo-values. Source: Efron 1987, JASA 82(397); for several samples,
    Davison and Hinkley 1997, Bootstrap Methods and their Application, section 5.3.
    """
    drawn = resampling.spread(values)
    drawn = drawn[np.isfinite(drawn)]
    cubes = squares = 0.0
    for one in pseudo_values(resampling, values):
        scaled = (one - one.mean()) / len(one)
        cubes, squares = cubes + (scaled**3).sum(), squares + (scaled**2).sum()
    if squares <= ZERO**2:
        return float(values[0]), float(values[0])
    acceleration = cubes / (6.0 * squares**1.5)
    below = (drawn < values[0] - ZERO).sum() + 0.5 * (np.abs(drawn - values[0]) <= ZERO).sum()
    bias = stats.norm.ppf(np.clip(below / len(drawn), 1 / len(drawn), 1 - 1 / len(drawn)))
    tail = (1.0 - resampling.confidence) / 2.0
    z = bias + stats.norm.ppf([tail, 1.0 - tail])
    low, high = np.quantile(drawn, stats.norm.cdf(bias + z / (1.0 - acceleration * z)))
    return float(low), float(high)


def student_interval(values: Values, confidence: float) -> tuple[float, float]:
    """Return Student's interval of a mean; the mean itself if all values are equal."""
    mean, error = float(values.mean()), float(stats.sem(values))
    half = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1)) * error
    return mean - half, mean + half


def sign_flip(values: Values) -> float:
    """Return the two-sided p that the mean is as far from zero when signs are set by chance.

    All patterns are tried up to 12 values, else `FLIPS` are drawn and the observed one is
    counted with them. n values cannot give less than 2 / 2^n. Source: Fisher 1935, The Design
    of Experiments, section 21; Phipson and Smyth 2010 (arXiv 1603.05766) for the count.
    """
    count = len(values)
    if count <= _EXACT:
        signs = np.array(list(product((-1.0, 1.0), repeat=count)))
        added = 0
    else:
        signs = np.random.default_rng(count).choice((-1.0, 1.0), size=(FLIPS, count))
        added = 1
    flipped = np.abs(signs @ values)
    as_far = int((flipped >= abs(values.sum()) - ZERO * count).sum())
    return (as_far + added) / (len(signs) + added)


def mixed_effects(cells: Values, confidence: float) -> Row:
    """Return mean, interval and p by a mixed-effects model of one value a seed and item group.

    y = μ + seed + group + rest, seed and group crossed random effects, fitted by restricted
    maximum likelihood (statsmodels MixedLM); Wald's interval, which knows nothing of how few
    the seeds are. NaN where nothing varies.

    Args:
        cells: (seeds, groups), NaN where there is none.
        confidence: of the interval.
    """
    seed, group = np.nonzero(np.isfinite(cells))
    y = cells[seed, group]
    if np.ptp(y) <= ZERO:
        return (float(y.mean()), np.nan, np.nan, np.nan)
    scale = float(y.std())  # the search for variances is one around 1
    mean, error = _fit(y / scale, {"seed": _indicators(seed), "group": _indicators(group)})
    mean, error = scale * mean, scale * error
    z = float(stats.norm.ppf((1 + confidence) / 2))
    return mean, mean - z * error, mean + z * error, float(2 * stats.norm.sf(abs(mean) / error))


def _fit(y: Values, parts: dict[str, Values]) -> tuple[float, float]:
    """Return the mean with its standard error; a variance estimated as zero is left out.

    At zero the likelihood has no curvature that an error could be read from, so the model is
    fitted again without that part.
    """
    if not parts:
        return float(y.mean()), float(stats.sem(y))
    random = VCSpec(
        list(parts), [[[str(n) for n in range(one.shape[1])]] for one in parts.values()],
        [[one] for one in parts.values()],
    )  # fmt: skip
    model = MixedLM(y, np.ones((len(y), 1)), np.ones(len(y)), exog_vc=random)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = model.fit(reml=True)
        mean, error = float(fitted.fe_params[0]), float(fitted.bse_fe[0])
    if np.isfinite(error):
        return mean, error
    least = list(parts)[int(np.argmin(fitted.vcomp))]
    return _fit(y, {name: one for name, one in parts.items() if name != least})


def _indicators(places: np.ndarray) -> Values:
    return (places[:, None] == np.unique(places)).astype(np.float64)


def equivalence_interval(resampling: Resampling, values: Values) -> tuple[float, float]:
    """Return the interval that two one-sided tests at level α invert: of confidence 1 − 2α.

    Equivalence to zero within a margin is shown at level α if this interval lies within it.
    Source: Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15(6).
    """
    drawn = resampling.spread(values)
    drawn = drawn[np.isfinite(drawn)]
    level = 1.0 - resampling.confidence
    low, high = np.quantile(drawn, [level, 1.0 - level])
    return float(low), float(high)
