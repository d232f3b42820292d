"""The figures of the paper, each a function of the analysis tables."""

from xstilts.report.batches import critical_batches
from xstilts.report.budgets import budget_curves
from xstilts.report.curves import learning_curves
from xstilts.report.evidence import Tables
from xstilts.report.figure import Figure
from xstilts.report.heatmap import language_heatmap
from xstilts.report.matrix import task_matrix
from xstilts.report.mediator import alignment, probe_by_size
from xstilts.report.powers import power_curves
from xstilts.report.schematic import design
from xstilts.report.sizes import gain_by_size, score_by_size
from xstilts.report.transfer_gap import transfer_gap

__all__ = [
    "alignment",
    "all_figures",
    "budget_curves",
    "critical_batches",
    "design",
    "gain_by_size",
    "language_heatmap",
    "learning_curves",
    "power_curves",
    "probe_by_size",
    "score_by_size",
    "task_matrix",
    "transfer_gap",
]


def all_figures(analysis: Tables) -> dict[str, Figure]:
    """Return every figure that the study's data allow, by id, in the paper's order."""
    drawn = [design(analysis), score_by_size(analysis)]
    if len(analysis.gains):
        drawn.append(gain_by_size(analysis))
        drawn += [matrix] if (matrix := task_matrix(analysis)) is not None else []
    if len(analysis.gaps):
        drawn.append(transfer_gap(analysis))
    drawn.append(language_heatmap(analysis))
    if len(analysis.probes):
        drawn.append(probe_by_size(analysis))
    if len(analysis.alignments):
        drawn.append(alignment(analysis))
    if len(analysis.budgets[["head", "items"]].drop_duplicates()) > 1:
        drawn.append(budget_curves(analysis))
    if len(analysis.batches):
        drawn.append(critical_batches(analysis))
    stages = set(analysis.curves["stage"])
    drawn.extend(
        learning_curves(analysis, stage) for stage in ("target", "intermediate") if stage in stages
    )
    if len(analysis.powers):
        drawn.append(power_curves(analysis))
    return {figure.id: figure for figure in drawn}
