"""From runs to what they say: scores, gains and slopes with intervals, hypotheses, collapse."""

from xstilts.analysis.analysis import analyse, analyse_again
from xstilts.analysis.collapse import find_collapsed
from xstilts.analysis.estimand import (
    CONTRASTS,
    UNITS,
    error_reduction,
    gain,
    language_groups,
    share_of_gap_closed,
    transfer_gap,
)
from xstilts.analysis.fit import tabulate_fits
from xstilts.analysis.gap import tabulate_gaps
from xstilts.analysis.hypothesis import judge_hypotheses
from xstilts.analysis.multiple import holm
from xstilts.analysis.outcome import Outcomes, complete_grid, gather_outcomes
from xstilts.analysis.resample import Estimate, Resampling
from xstilts.analysis.sample import Design, Sample
from xstilts.analysis.stored import Analysis, load_analysis
from xstilts.analysis.tables import tabulate_gains, tabulate_scores, tabulate_slopes
from xstilts.analysis.uncollapsed import tabulate_uncollapsed

__all__ = [
    "CONTRASTS",
    "UNITS",
    "Analysis",
    "Design",
    "Estimate",
    "Outcomes",
    "Resampling",
    "Sample",
    "analyse",
    "analyse_again",
    "complete_grid",
    "error_reduction",
    "find_collapsed",
    "gain",
    "gather_outcomes",
    "holm",
    "judge_hypotheses",
    "language_groups",
    "load_analysis",
    "share_of_gap_closed",
    "tabulate_fits",
    "tabulate_gains",
    "tabulate_gaps",
    "tabulate_scores",
    "tabulate_slopes",
    "tabulate_uncollapsed",
    "transfer_gap",
]
