"""Figures of what the encoders hold before training: a probe, and alignment as a mediator."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy.stats import spearmanr

from xstilts.report.evidence import Evidence, Tables, evidence_of
from xstilts.report.figure import Figure, finished
from xstilts.report.formats import write
from xstilts.report.panels import draw_line, legend, numbers, panels, set_title, size_ticks
from xstilts.report.theme import ARMS, INK, SIZES, Style, log_sizes, themed

_GROUPS = {"en": "English", "other": "other languages"}
_PROBE = Style("frozen encoder, linear probe", "#009E73", "D", (0, (1, 1)))
#: marks of the targets
_MARKS = "osD^v"


def probe_by_size(analysis: Tables) -> Figure:
    """Return the frozen encoders' probe beside fine-tuning, by size: a panel a target and group."""
    evidence = evidence_of(analysis)
    rows = probe_rows(evidence)
    scores = analysis.scores[(analysis.scores["arm"] == "none")]
    with themed():
        canvas, grid = panels(len(evidence.targets), 2)
        for target, axes_row in zip(evidence.targets, grid, strict=True):
            for group, axes in zip(_GROUPS, axes_row, strict=True):
                tuned = scores[(scores["target"] == target) & (scores["group"] == group)]
                probed = rows[(rows["target"] == target) & (rows["group"] == group)]
                draw_line(axes, probed, "score", _PROBE, 1)
                draw_line(axes, tuned, "score", ARMS["none"], 1)
                log_sizes(axes, _ticks(evidence))
                set_title(axes, f"{evidence.labels[target]}, {_GROUPS[group]}")
            axes_row[0].set_ylabel("accuracy, %")
        canvas.supxlabel("body parameters (log scale)", fontsize=8)
        legend(canvas, [_PROBE, ARMS["none"]])
        return finished(
            canvas,
            id="probe",
            caption="What the frozen encoders already hold of the targets: a logistic regression "
            "on the head’s features, fitted on English items, beside fine-tuning without "
            f"intermediate task. {evidence.figure_note}",
            alt=_probe_alt(evidence, rows),
            data=rows,
            keys=evidence.keys_of("encoders/", "targets/"),
        )


def probe_rows(evidence: Evidence) -> pd.DataFrame:
    """Return family, body_params, target, group, score of the probe; no interval is known."""
    probes = evidence.tables.probes
    group = probes["language"].eq("en").map({True: "en", False: "other"})
    means = (
        probes.assign(group=group)
        .groupby(["model", "target", "group"], sort=False)["score"].mean().reset_index()
    )  # fmt: skip
    specs = [evidence.models[name] for name in means["model"]]
    return means.assign(
        family=[spec.family for spec in specs], body_params=[spec.body_params for spec in specs],
        low=np.nan, high=np.nan,
    ).sort_values("body_params", kind="stable")  # fmt: skip


def alignment(analysis: Tables) -> Figure:
    """Return alignment by size and arm, and its change beside the difference of the arms."""
    evidence = evidence_of(analysis)
    by_size, cells = alignment_by_start(evidence), mediation(evidence)
    with themed():
        canvas, grid = panels(1, 3 if len(cells) else 2, height=2.1, share="none",
                              share_x=False)  # fmt: skip
        left, middle = grid[0, 0], grid[0, 1]
        for axes, column, name in (
            (left, "retrieved", "translation retrieved, %"),
            (middle, "ordered", "before its near miss, %"),
        ):
            for place, arm in enumerate(evidence.spec.arms):
                draw_line(axes, by_size[by_size["arm"] == arm], column, ARMS[arm], place)
            log_sizes(axes, _ticks(evidence))
            axes.set_xlabel("body parameters (log scale)")
            set_title(axes, name)
        if len(cells):
            _scatter(grid[0, 2], evidence, cells)
        legend(canvas, [ARMS[arm] for arm in evidence.spec.arms])
        return finished(
            canvas,
            id="alignment",
            caption="Alignment of the languages, on the mean of the other languages: how often a "
            "generated sentence’s closest English one, among all and their near misses with "
            "exchanged roles, is its translation; and how often it is closer to that than to the "
            "near miss (chance 50). Arms: the encoder as pretrained, and after the intermediate "
            "tasks, meaned over them and the seeds. Right, one mark a size, intermediate task and "
            f"target (colour: size; mark: target): the arms’ difference in alignment beside that "
            f"in the target’s score. {evidence.figure_note.split(' Bars:')[0]}",
            alt=_alignment_alt(evidence, by_size, cells),
            data=cells if len(cells) else by_size,
            keys=evidence.keys_of("encoders/", "intermediate/"),
        )


def alignment_by_start(evidence: Evidence) -> pd.DataFrame:
    """Return family, body_params, arm, retrieved, ordered: means over languages, seeds, tasks."""
    table = evidence.tables.alignments
    means = table.groupby(["model", "arm"], sort=False)[["retrieved", "ordered"]].mean()
    rows = means.reset_index()
    specs = [evidence.models[name] for name in rows["model"]]
    return rows.assign(
        family=[spec.family for spec in specs], body_params=[spec.body_params for spec in specs],
        low=np.nan, high=np.nan,
    )  # fmt: skip


def mediation(evidence: Evidence) -> pd.DataFrame:
    """Return multilingual minus English of alignment and of score, a row a (model, pair).

    Columns model, intermediate, target, alignment (points of `ordered`), score (points on the
    other languages).
    """
    table = evidence.tables.alignments
    means = table.groupby(["model", "intermediate", "arm"])["ordered"].mean().unstack("arm")
    if not {"english", "multilingual"} <= set(means.columns):
        return pd.DataFrame(columns=["model", "intermediate", "target", "alignment", "score"])
    change = (means["multilingual"] - means["english"]).dropna().to_dict()
    gains = evidence.single_gains
    chosen = gains[
        (gains["contrast"] == "multilingual-english") & (gains["unit"] == "points")
        & (gains["group"] == "other")
    ]  # fmt: skip
    rows = [
        (row.model, row.intermediate, row.target, change[row.model, row.intermediate], row.estimate)
        for row in chosen.itertuples()
        if (row.model, row.intermediate) in change
    ]
    return pd.DataFrame(rows, columns=["model", "intermediate", "target", "alignment", "score"])


def rank_correlation(cells: pd.DataFrame) -> float | None:
    """Return Spearman's rho between the columns of `mediation`; None with fewer than four rows."""
    varied = len(cells) >= 4 and cells["alignment"].nunique() > 1 and cells["score"].nunique() > 1
    return float(spearmanr(cells["alignment"], cells["score"]).statistic) if varied else None


def _scatter(axes: Axes, evidence: Evidence, cells: pd.DataFrame) -> None:
    colours = dict(zip(evidence.models, SIZES * 3, strict=False))
    marks = dict(zip(evidence.targets, _MARKS * 3, strict=False))
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axvline(0, color=INK, linewidth=0.8)
    for row in cells.itertuples():
        axes.plot(row.alignment, row.score, marks[row.target], color=colours[row.model],
                  markersize=4.5, markeredgecolor="white", markeredgewidth=0.4)  # fmt: skip
    keys = [
        Line2D([], [], color=colours[model], marker="o", linestyle="", markersize=4, label=size)
        for model, size in evidence.sizes.items()
    ]
    axes.legend(handles=keys, loc="upper left", bbox_to_anchor=(1, 1), fontsize=7,
                handletextpad=0.1, borderaxespad=0.2)  # fmt: skip
    axes.margins(0.12)
    axes.set_xlabel("alignment, points")
    axes.set_ylabel("score, points")
    rho = rank_correlation(cells)
    said = "" if rho is None else f"rank correlation {write(rho, 'correlation')}"
    set_title(axes, "multilingual minus English", said)


def _ticks(evidence: Evidence) -> dict[str, int]:
    params = {name: spec.body_params for name, spec in evidence.models.items()}
    return size_ticks(evidence.sizes, params)


def _probe_alt(evidence: Evidence, rows: pd.DataFrame) -> str:
    parts = [
        f"{evidence.title(target)}, {name}: "
        f"{numbers(rows[(rows['target'] == target) & (rows['group'] == group)]['score'])}"
        for target in evidence.targets
        for group, name in _GROUPS.items()
    ]
    return f"Probe of the frozen encoders, from the smallest to the largest: {'; '.join(parts)}."


def _alignment_alt(evidence: Evidence, by_size: pd.DataFrame, cells: pd.DataFrame) -> str:
    base = by_size[by_size["arm"] == "none"].sort_values("body_params")
    said = (
        "Alignment before any training, from the smallest to the largest encoder: translations "
        f"retrieved {numbers(base['retrieved'])} %, before the near miss "
        f"{numbers(base['ordered'])} %."
    )
    if (rho := rank_correlation(cells)) is None:
        return said
    value = numbers(pd.Series([rho]), 2)
    return f"{said} Rank correlation of the arms’ differences in alignment and score: {value}."
