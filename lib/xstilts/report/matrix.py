"""The matrix of intermediate and target tasks: what each buys for each, by size."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from xstilts.report.evidence import Evidence, Tables, evidence_of
from xstilts.report.figure import Figure, finished
from xstilts.report.formats import write
from xstilts.report.theme import CONTRASTS, FULL_WIDTH, INK, themed

#: contrasts that are shown, those that the study's arms allow
_SHOWN = ("english-none", "multilingual-none", "multilingual-english")
#: points from which a cell has the full colour
_LEAST_RANGE = 2.0


def task_matrix(analysis: Tables) -> Figure | None:
    """Return gains by intermediate and target task: a panel a contrast and size.

    None for fewer than two intermediate or two target tasks: there is no matrix.
    """
    evidence = evidence_of(analysis)
    gains = evidence.single_gains
    shown = gains[(gains["unit"] == "points") & (gains["group"] == "other")]
    contrasts = [name for name in _SHOWN if name in set(shown["contrast"])]
    if len(evidence.intermediates) < 2 or len(evidence.targets) < 2 or not contrasts:
        return None
    shown = shown[shown["contrast"].isin(contrasts)]
    reach = max(_LEAST_RANGE, float(np.ceil(shown["estimate"].abs().max())))
    rows, columns = len(contrasts), len(evidence.models)
    with themed():
        height = 0.9 + rows * (0.25 + 0.2 * len(evidence.intermediates))
        canvas = Canvas(figsize=(FULL_WIDTH, height), layout="constrained")
        grid = canvas.subplots(rows, columns, squeeze=False)
        for contrast, line in zip(contrasts, grid, strict=True):
            for model, axes in zip(evidence.models, line, strict=True):
                part = shown[(shown["contrast"] == contrast) & (shown["model"] == model)]
                _panel(axes, evidence, part, reach)
            line[0].set_title(CONTRASTS[contrast].label)
        _edges(evidence, grid)
        image = grid[0, 0].images[0]
        canvas.colorbar(image, ax=list(grid.flat), label="points", shrink=0.6, pad=0.01)
        return finished(
            canvas,
            id="task_matrix",
            caption="What each intermediate task (rows) adds to each target (columns), in points "
            "on the mean of the other languages, by size of the encoder (above the columns). Dot: "
            "the interval excludes zero, one by one. Framed: both teach the same skill. "
            f"{evidence.figure_note.split(' Bars:')[0]}",
            alt=_alt(evidence, shown),
            data=shown,
            keys=evidence.keys_of("targets/"),
        )


def _panel(axes: Axes, evidence: Evidence, part: pd.DataFrame, reach: float) -> None:
    found = part.set_index(["intermediate", "target"])
    values = np.full((len(evidence.intermediates), len(evidence.targets)), np.nan)
    for (row, middle), (column, target) in _cells(evidence):
        if (middle, target) in found.index:
            cell = found.loc[(middle, target)]
            values[row, column] = cell["estimate"]
            ink = "white" if abs(cell["estimate"]) > 0.65 * reach else INK
            axes.text(column, row, write(float(cell["estimate"]), "points"), ha="center",
                      va="center", fontsize=7, color=ink)  # fmt: skip
            if cell["resolved"]:
                axes.plot(column + 0.36, row - 0.26, ".", color=ink, markersize=3)
        if not evidence.is_cross(middle, target):
            axes.add_patch(Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, fill=False,
                                     edgecolor=INK, linewidth=0.8))  # fmt: skip
    axes.imshow(values, cmap="PuOr_r", vmin=-reach, vmax=reach, aspect="auto")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])


def _cells(evidence: Evidence) -> Sequence[tuple[tuple[int, str], tuple[int, str]]]:
    return [
        (middle, target)
        for middle in enumerate(evidence.intermediates)
        for target in enumerate(evidence.targets)
    ]


def _edges(evidence: Evidence, grid: np.ndarray) -> None:
    """Name the intermediate tasks on the left, the targets below, the sizes above."""
    for axes in grid[:, 0]:
        labels = [evidence.labels[middle] for middle in evidence.intermediates]
        axes.set_yticks(range(len(labels)), labels)
    turned = 90 if len(evidence.models) * len(evidence.targets) > 8 else 0
    for axes in grid[-1]:
        labels = [evidence.labels[target] for target in evidence.targets]
        axes.set_xticks(range(len(labels)), labels, rotation=turned)
    for axes, size in zip(grid[0], evidence.sizes.values(), strict=True):
        axes.annotate(size, (0.5, 1), (0, 14), xycoords="axes fraction",
                      textcoords="offset points", ha="center", fontsize=8)  # fmt: skip


def _alt(evidence: Evidence, shown: pd.DataFrame) -> str:
    largest = shown[shown["model"] == list(evidence.models)[-1]]
    parts = [
        f"{CONTRASTS[str(contrast)].label}, {evidence.title(row.intermediate)} to "
        f"{evidence.title(row.target)}: {write(float(row.estimate), 'points')}"
        for contrast, part in largest.groupby("contrast", sort=False)
        for row in part.itertuples()
    ]
    return f"Matrix of gains in points. Largest encoder: {'; '.join(parts)}."
