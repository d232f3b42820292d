"""Made-up grids whose truth is known: how often the intervals of a study hold it.

An answer is right where a latent score exceeds zero. Of arm a, seed s, language l, item i it is

    m_al + seed_s + seed_as + item_i + item_ai + language_li + rest_asli,

all but m independent normal, so that the expected accuracy is Φ(m_al / σ), σ² the sum of their
variances. The difference of the arms is estimated as a study does it, from right answers alone.
Source: Morris, White and Crowther 2019, "Using simulation studies to evaluate statistical
methods", Statistics in Medicine 38(11), for the measures and their errors.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from xstilts.analysis.crosscheck import bca_interval, pseudo_values, student_interval
from xstilts.analysis.estimand import Values
from xstilts.analysis.resample import ZERO, Resampling, generator

#: percentile, bca, seeds: as in `crosscheck`. Naive ones: items redrawn and the seeds taken as
#: they are; seeds and items redrawn, without the stretch to Student's t.
METHODS = ("percentile", "bca", "seeds", "items", "unstretched")
#: one row a (what matters, true difference, seeds, method)
SIMULATION: dict[str, str] = {
    "matters": "str",  # one of `SPREADS`
    "effect": "float64",  # the true difference, points
    "seeds": "int64",
    "method": "str",  # one of `METHODS`
    "repetitions": "int64",
    "coverage": "float64",  # share of intervals that hold the true difference
    "coverage_error": "float64",  # Monte-Carlo standard error
    "rejected": "float64",  # share that exclude zero: type I error without effect, else power
    "rejected_error": "float64",
    "width": "float64",  # mean width of the intervals, points
    "items": "int64",
    "languages": "int64",  # all but English
    "draws": "int64",  # bootstrap draws of an interval
}
CONFIDENCE = 0.95
#: repetitions that share draws; the errors are taken over batches, which do not
BATCH = 50


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of the parts of a latent score.

    seed, item: alike in both arms; arm_seed, arm_item: an arm's own, which alone stay in the
    difference; language: of an item in a language, alike in both arms; rest: of one answer.
    """

    seed: float
    arm_seed: float
    item: float
    arm_item: float
    language: float
    rest: float

    @property
    def whole(self) -> float:
        """Return the standard deviation of a latent score."""
        parts = (self.seed, self.arm_seed, self.item, self.arm_item, self.language, self.rest)
        return float(np.sqrt(np.sum(np.square(parts))))


#: what the difference of the arms depends on; of answers alone: neither arm has a part of its own
SPREADS: Mapping[str, Spread] = {
    "answers": Spread(seed=0.05, arm_seed=0.0, item=0.6, arm_item=0.0, language=0.3, rest=0.6),
    "items": Spread(seed=0.05, arm_seed=0.015, item=0.6, arm_item=0.25, language=0.3, rest=0.6),
    "seeds": Spread(seed=0.05, arm_seed=0.06, item=0.6, arm_item=0.1, language=0.3, rest=0.6),
}


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A study of two arms; the second is better by `effect` points in each language.

    accuracies: of the first arm, percent, English before the others.
    """

    matters: str
    effect: float
    seeds: int
    items: int = 300
    accuracies: tuple[float, ...] = (72.0, 66.0, 61.0, 56.0, 50.0)

    def answers(self, repetitions: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return right answers, (repetition, arm, seed, language, item)."""
        spread = SPREADS[self.matters]
        shape = (repetitions, 2, self.seeds, len(self.accuracies), self.items)

        def part(deviation: float, *axes: int) -> NDArray[np.float32]:
            own = [size if axis in axes else 1 for axis, size in enumerate(shape)]
            return np.float32(deviation) * rng.standard_normal(own, dtype=np.float32)

        percent = np.add.outer([0.0, self.effect], self.accuracies)[:, None, :, None]
        latent = part(spread.rest, 0, 1, 2, 3, 4)
        latent += (spread.whole * norm.ppf(percent / 100.0)).astype(np.float32)
        latent += part(spread.seed, 0, 2) + part(spread.arm_seed, 0, 1, 2)
        latent += part(spread.item, 0, 4) + part(spread.arm_item, 0, 1, 4)
        latent += part(spread.language, 0, 3, 4)
        return latent > 0


def scenarios() -> Iterator[MadeUp]:
    """Yield every made-up study: what matters, no difference and two points, 3, 5, 10 seeds."""
    for matters in SPREADS:
        for effect in (0.0, 2.0):
            for seeds in (3, 5, 10):
                yield MadeUp(matters, effect, seeds)


def simulate(made: MadeUp, repetitions: int, draws: int = 1000) -> pd.DataFrame:
    """Return how each method fares in `repetitions` studies of one kind, columns `SIMULATION`.

    Equal arguments give equal numbers.

    Args:
        made: the kind of study.
        repetitions: a multiple of `BATCH`, at least two of them.
        draws: bootstrap draws of each study.

    Raises:
        ValueError: the number of repetitions is none of those.
    """
    if repetitions % BATCH or repetitions < 2 * BATCH:
        raise ValueError(f"{repetitions} repetitions; allowed: multiples of {BATCH} above {BATCH}")
    ends = np.stack([_batch(made, place, draws) for place in range(repetitions // BATCH)])
    low, high = ends[..., 0], ends[..., 1]  # (batch, repetition, method)
    holds = (low <= made.effect + ZERO) & (made.effect - ZERO <= high)
    excludes = (low > ZERO) | (high < -ZERO)
    about = {"matters": made.matters, "effect": made.effect, "seeds": made.seeds}
    sizes = {"items": made.items, "languages": len(made.accuracies) - 1, "draws": draws}
    rows = [
        about | {"method": method, "repetitions": repetitions}
        | _share(holds[:, :, place], "coverage") | _share(excludes[:, :, place], "rejected")
        | {"width": float((high - low)[:, :, place].mean())} | sizes
        for place, method in enumerate(METHODS)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(SIMULATION)).astype(SIMULATION)


def differences(made: MadeUp, place: int, draws: int) -> tuple[Resampling, Values]:
    """Return the difference of the arms in a batch of studies, (BATCH, columns), and its draws.

    In points, mean over the languages other than English.
    """
    name = f"made up {made} {place}"
    resampling = Resampling.of(name, made.seeds, draws, CONFIDENCE)
    right = made.answers(BATCH, generator(name, "answers"))
    scored = np.ones(right.shape[-2:], dtype=bool)
    values = resampling.scores("target", right.reshape(-1, *right.shape[2:]), scored)
    by_arm = values[:, 1:].mean(axis=1).reshape(BATCH, 2, -1)
    return resampling, by_arm[:, 1] - by_arm[:, 0]


def _batch(made: MadeUp, place: int, draws: int) -> Values:
    """Return the ends of the intervals of a batch, (repetition, method, 2)."""
    resampling, drawn = differences(made, place, draws)
    return np.array([list(_intervals(resampling, values)) for values in drawn])


def _intervals(resampling: Resampling, values: Values) -> Iterator[tuple[float, float]]:
    """Yield the interval of each method of `METHODS`, in their order."""
    found = resampling.estimate(values)
    yield found.low, found.high
    yield bca_interval(resampling, values)
    yield student_interval(pseudo_values(resampling, values)[0], resampling.confidence)
    seed, item = resampling.parts(values)[:2]
    tails = [(1 - resampling.confidence) / 2, (1 + resampling.confidence) / 2]
    own = resampling.own_share(values) * (item - values[0])
    for drawn in (item, seed + own):
        low, high = np.quantile(drawn, tails)
        yield float(low), float(high)


def _share(happened: NDArray[np.bool_], name: str) -> dict[str, float]:
    """Return how often something happened, and the standard error over batches."""
    rates = happened.mean(axis=1)
    error = rates.std(ddof=1) / np.sqrt(len(rates))
    return {name: float(rates.mean()), f"{name}_error": float(error)}
