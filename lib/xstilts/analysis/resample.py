"""How sure an estimate is: draws over seeds and items, shared by every quantity of a study.

Scores are means over two crossed random factors, seeds and items. Reweighting both at once
overstates the variance (their interaction enters three times) and resampling two or three
seeds understates the seeds' part, so the parts are drawn apart:

* items: ids resampled with replacement, jointly over languages, arms, sizes and seeds;
* seeds: Gaussian shifts with the covariance of the S seeds' mean (divisor S − 1), stretched to
  Student's t with S − 1 degrees of freedom, the same shifts for every arm, size and target;
* interaction: measured by reweighting both, and taken out of the items' part, which holds it
  a second time (two-way variance: seeds + items − interaction). Hundreds of items tell that
  part well; taken out of the seeds' part, it would leave Student's t on less than the seeds
  show, and intervals too short where a few seeds matter (`simulate`).

For a score y_si = a_s + b_i + e_si the variance is then that of the mean, Var a / S +
Var b / I + Var e / SI, exactly in expectation. Models, tasks and languages are fixed: an
interval speaks of other seeds and other items, not of other encoders.

Source: Owen 2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2), for the
factor three; Cameron, Gelbach and Miller 2011, "Robust inference with multiway clustering",
Journal of Business & Economic Statistics 29(2), for the subtraction.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xstilts.analysis.estimand import Values
from xstilts.files import digest

#: values closer to zero than this are zero: counts of items leave nothing between but rounding
ZERO = 1e-9
#: parts of a target's items, in the order of their ids; the jackknife leaves out one at a time
GROUPS = 100


@dataclass(frozen=True, slots=True)
class Estimate:
    """A quantity with its interval and two-sided p (H0: it is zero); NaN where undefined."""

    value: float
    low: float
    high: float
    p: float

    @property
    def resolved(self) -> bool:
        """Say whether the interval excludes zero."""
        return bool(self.low > ZERO or self.high < -ZERO)


class Variances(NamedTuple):
    """Variance of an estimate by its parts, in squared units of the quantity.

    seeds and items hold interaction too, each once; the whole is seeds + items − interaction.
    """

    seeds: float
    items: float
    interaction: float


class Parts(NamedTuple):
    """What stands behind an estimate: its draws, and its values on parts of the answers.

    seed, item, both: (draws,), with the seeds' part, the items and their interaction redrawn.
    without_seed: (seeds,), one seed left out; NaN with one seed. without_group: (GROUPS,), one
    group of items left out. cells: (seeds, GROUPS), of one seed on one group of items alone;
    NaN where a language lacks the items. Of use for what is linear in the scores.
    """

    seed: Values
    item: Values
    both: Values
    without_seed: Values
    without_group: Values
    cells: Values


@dataclass(frozen=True)
class Resampling:
    """The draws of a study. Equal (study, seeds, draws) give equal numbers everywhere.

    Arrays of values have shape (..., columns): the estimate, then `Parts`. Estimands act on
    such arrays element by element.
    """

    study: str
    seeds: int
    draws: int
    confidence: float
    shifts: Values  # (draws, seeds): weights around 1 / seeds; rows sum to zero
    stretch: Values  # (draws,): turns Gaussian shifts into Student's t

    @classmethod
    def of(cls, study: str, seeds: int, draws: int, confidence: float) -> "Resampling":
        """Return the draws for a study's name and number of seeds."""
        if seeds == 1:
            shifts, stretch = np.zeros((draws, 1)), np.ones(draws)
        else:
            rng = generator(study, "seeds", seeds)
            normal = rng.standard_normal((draws, seeds))
            normal -= normal.mean(axis=1, keepdims=True)
            shifts = normal / np.sqrt(seeds * (seeds - 1))
            stretch = np.sqrt((seeds - 1) / rng.chisquare(seeds - 1, draws))
        return cls(study, seeds, draws, confidence, shifts, stretch)

    def scores(self, target: str, correct: NDArray[np.bool_], scored: NDArray[np.bool_]) -> Values:
        """Return scores in percent with all their draws.

        Args:
            target: its items are resampled alike in every call.
            correct: (entry, seed, language, item).
            scored: (language, item), false where a language lacks an item.

        Returns: (entry, language, columns).
        """
        entries, seeds, languages, items = correct.shape
        members = _membership(items)
        # Whole numbers in float32: sums stay below 2**24 and are exact in any order.
        counts = self._item_counts(target, items)
        totals = np.maximum(scored.astype(np.float32) @ counts, 1).astype(np.float64)
        values = np.empty((entries, languages, self.columns))
        for entry in range(entries):
            right = (correct[entry] & scored).reshape(seeds * languages, items)
            drawn = (right.astype(np.float32) @ counts).astype(np.float64)
            drawn = 100.0 * drawn.reshape(seeds, languages, -1) / totals
            plain = 100.0 * right.sum(axis=1).reshape(seeds, languages) / scored.sum(axis=1)
            in_group = (right.astype(np.float32) @ members).reshape(seeds, languages, GROUPS)
            parts = _leave_out(in_group.astype(np.float64), scored.astype(np.float32) @ members)
            values[entry] = np.concatenate([self._redraw(plain, drawn), parts], axis=1)
        return values

    @property
    def columns(self) -> int:
        """Return the length of an array of values."""
        return 1 + 3 * self.draws + self.seeds + GROUPS + self.seeds * GROUPS

    def parts(self, values: Values) -> Parts:
        """Return what stands behind an estimate; `values`: (columns,)."""
        ends = np.cumsum([1, *[self.draws] * 3, self.seeds, GROUPS])
        _, seed, item, both, without_seed, without_group, cells = np.split(values, ends)
        cells = cells.reshape(self.seeds, GROUPS)
        return Parts(seed, item, both, without_seed, without_group, cells)

    def _redraw(self, plain: Values, drawn: Values) -> Values:
        """Return (language, 1 + 3 · draws) of scores by seed, plain and with items redrawn."""
        estimate = plain.mean(axis=0)[:, None]
        by_seed = estimate + np.einsum("ds,sl->ld", self.shifts, plain)
        by_item = drawn.mean(axis=0)
        both = estimate + np.einsum("ds,sld->ld", self.shifts, drawn - plain[:, :, None])
        return np.concatenate([estimate, by_seed, by_item, both], axis=1)

    def _item_counts(self, target: str, items: int) -> NDArray[np.float32]:
        """Return how often each draw takes each item: (item, draw), columns sum to `items`."""
        rng = generator(self.study, "items", target, items)
        taken = rng.multinomial(items, np.full(items, 1.0 / items), size=self.draws)
        return taken.T.astype(np.float32)

    def spread(self, values: Values) -> Values:
        """Return the draws of one quantity, shape (draws,); `values`: (columns,).

        The items' part is shrunk by the share of its variance that is interaction.
        """
        seed, item, _ = (part - values[0] for part in self.parts(values)[:3])
        return values[0] + self.stretch * seed + self.own_share(values) * item

    def own_share(self, values: Values) -> float:
        """Return which share of the items' part, as a deviation, is no interaction: 0 to 1."""
        _, items, interaction = self.variances(values)
        return float(np.sqrt(max(0.0, 1.0 - interaction / items))) if items > 0 else 0.0

    def variances(self, values: Values) -> Variances:
        """Return the variance of each part of one quantity's draws; `values`: (columns,)."""
        return Variances(*(float(np.nanvar(part)) for part in self.parts(values)[:3]))

    def estimate(self, values: Values) -> Estimate:
        """Return a quantity with its percentile interval and p.

        p: twice the smaller share of draws on either side of zero (counting the estimate's
        own), so that p and interval agree. A sign-flip test was not taken: flipping the signs
        of S seeds knows 2^S patterns, and three seeds cannot say less than p = 0.25.
        With one seed there is no interval and no p: what another seed would give is unknown.
        """
        value = float(values[0])
        if self.seeds == 1 or not np.isfinite(value):
            return Estimate(value, np.nan, np.nan, np.nan)
        drawn = self.spread(values)
        drawn = drawn[np.isfinite(drawn)]
        tail = (1.0 - self.confidence) / 2.0
        low, high = np.quantile(drawn, [tail, 1.0 - tail])
        fewer = min(int((drawn <= ZERO).sum()), int((drawn >= -ZERO).sum()))
        p = min(1.0, 2.0 * (1 + fewer) / (1 + len(drawn)))
        return Estimate(value, float(low), float(high), p)


def _membership(items: int) -> NDArray[np.float32]:
    """Return which group each item is in, (item, GROUPS): neighbours share a group."""
    groups = np.arange(items) * GROUPS // max(items, 1)
    return (groups[:, None] == np.arange(GROUPS)).astype(np.float32)


def _leave_out(right: Values, scored: NDArray[np.float32]) -> Values:
    """Return the scores without each seed, without each group, and of each cell of both.

    Args:
        right: right answers (seed, language, group).
        scored: answers (language, group).

    Returns: (language, seeds + GROUPS + seeds · GROUPS).
    """
    seeds, languages, _ = right.shape
    by_seed = right.sum(axis=2) / scored.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        others = (by_seed.sum(axis=0) - by_seed) / (seeds - 1)
        rest = scored.sum(axis=1, keepdims=True) - scored
        without = (right.sum(axis=2, keepdims=True) - right).mean(axis=0) / rest
        cells = right / scored
    cells = np.moveaxis(cells, 1, 0).reshape(languages, -1)
    return 100.0 * np.concatenate([others.T, without, cells], axis=1)


def generator(*parts: object) -> np.random.Generator:
    """Return a generator fixed by its name alone."""
    return np.random.default_rng(int(digest([str(part) for part in parts]), 16))
