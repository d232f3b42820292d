"""What is estimated, each a function with its formula and unit.

All take and give numbers or arrays alike, element by element, so that a bootstrap draw goes
the way of the estimate. Scores are accuracies in percent; NaN means undefined.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Unit = Literal["points", "error_reduction"]
UNITS: tuple[Unit, ...] = ("points", "error_reduction")
#: contrast -> (arm that is judged, arm that it is held against)
CONTRASTS: dict[str, tuple[str, str]] = {
    "english-none": ("english", "none"),
    "multilingual-none": ("multilingual", "none"),
    "multilingual-english": ("multilingual", "english"),
    "shuffled-none": ("shuffled", "none"),
    "multilingual-shuffled": ("multilingual", "shuffled"),
}
Values = NDArray[np.float64]


def gain(score: Values | float, base: Values | float) -> Values:
    """Return score − base, in points of accuracy.

    Same model, target, seeds and items on both sides. The study's primary unit.
    """
    return np.asarray(score, dtype=np.float64) - base


def error_reduction(score: Values | float, base: Values | float) -> Values:
    """Return 100 · (score − base) / (100 − base): percent of the base's errors removed.

    Of averages, not an average of ratios: a group's scores are averaged first. NaN where the
    base makes no error. Points and error reduction can disagree on the sign of a trend over
    size: between XLM-R base and large, translate-train over zero-shot on XNLI stays flat in
    points (+2.9, +2.7) and rises in errors removed (12.2 %, 14.1 %). Source: scores in
    Conneau et al. 2020 (arXiv 1911.02116) as restated by Ouyang et al. 2021 (arXiv 2012.15674).
    """
    errors = 100.0 - np.asarray(base, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(errors > 0, 100.0 * gain(score, base) / errors, np.nan)


def contrast_value(unit: Unit, score: Values | float, base: Values | float) -> Values:
    """Return `gain` or `error_reduction`, by name of the unit."""
    return gain(score, base) if unit == "points" else error_reduction(score, base)


def transfer_gap(english: Values | float, score: Values | float) -> Values:
    """Return English score − score in another language (or their mean), in points."""
    return gain(english, score)


def share_of_gap_closed(
    score: Values | float, base: Values | float, base_english: Values | float
) -> Values:
    """Return 100 · (score − base) / (base_english − base): percent of the baseline's gap.

    The gap is that of the SAME baseline, so a change of the English score does not enter.
    NaN where the gap is not positive; small gaps give large shares with wide intervals.
    """
    gap = transfer_gap(base_english, base)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gap > 0, 100.0 * gain(score, base) / gap, np.nan)


def language_groups(
    languages: Sequence[str], trained: Sequence[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Return group -> languages whose scores are averaged, plainly, each language once.

    en: English. other: all but English, the main average. seen, unseen: of the others, those
    in or not in `trained`, the languages of an intermediate task; absent without one. all:
    every language; and every language by itself. Empty groups are left out.
    """
    other = tuple(code for code in languages if code != "en")
    groups = {"en": tuple(code for code in languages if code == "en"), "other": other}
    if trained is not None:
        groups["seen"] = tuple(code for code in other if code in trained)
        groups["unseen"] = tuple(code for code in other if code not in trained)
    groups["all"] = tuple(languages)
    groups |= {code: (code,) for code in other}
    return {name: codes for name, codes in groups.items() if codes}


def slope_weights(body_params: Sequence[int], families: Sequence[str]) -> Values | None:
    """Return weights w with slope = Σ w · y: least squares of y on log10(body parameters).

    The slope is per decade (tenfold) of body parameters. Sizes are compared within a family:
    each family has an intercept of its own, all share the slope. None if no family has two
    sizes. Shape: (models,).
    """
    x = np.log10(np.asarray(body_params, dtype=np.float64))
    centred = x.copy()
    for family in set(families):
        members = np.array([name == family for name in families])
        centred[members] -= x[members].mean()
    total = float((centred**2).sum())
    return centred / total if total > 1e-12 else None
