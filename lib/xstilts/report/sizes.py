"""Figures with encoder size on the x axis: scores, and gains in points and in errors removed."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from xstilts.report.evidence import GROUPS, Evidence, Tables, evidence_of
from xstilts.report.figure import Figure, finished
from xstilts.report.panels import draw_line, legend, numbers, panels, set_title, size_ticks
from xstilts.report.theme import ARMS, CONTRASTS, INK, SOFT, Style, log_sizes, themed

UNITS: Mapping[str, str] = {"points": "points", "error_reduction": "% of errors removed"}
_FLOORS = {
    "majority": Style("floor: majority label", SOFT, "", (0, (5, 3))),
    "overlap": Style("floor: word overlap", SOFT, "", (0, (1, 2))),
}


def score_by_size(analysis: Tables) -> Figure:
    """Return scores against body parameters: a panel a target, intermediate task and group.

    The points of arm `none` are the same in the panels of one target: it is one baseline.
    """
    evidence = evidence_of(analysis)
    middles = list(evidence.intermediates) or ["none"]
    cells = _layout([(middle, group) for group in ("other", "en") for middle in middles], evidence)
    with themed():
        canvas, grid = panels(len(cells), len(cells[0]))
        for line, axes_row in zip(cells, grid, strict=True):
            for (target, middle, group), axes in zip(line, axes_row, strict=True):
                _score_panel(axes, evidence, target, middle, group)
            axes_row[0].set_ylabel(f"{evidence.labels[line[0][0]]}\naccuracy, %")
        canvas.supxlabel("body parameters (log scale)", fontsize=8)
        known = set(analysis.baselines["baseline"])
        floors = [style for name, style in _FLOORS.items() if name in known]
        legend(canvas, [*(ARMS[arm] for arm in evidence.spec.arms), *floors])
        scores = analysis.scores
        data = scores[scores["group"].isin(["other", "en"])]
        return finished(
            canvas,
            id="score_by_size",
            caption="Accuracy by size of the encoder and arm, on the mean of the other languages "
            f"and on English. Floors need no understanding. {evidence.figure_note}",
            alt=_score_alt(evidence, data),
            data=data,
            keys=evidence.keys_of("targets/", "data/"),
        )


def gain_by_size(analysis: Tables) -> Figure:
    """Return gains against body parameters, in points and as share of the errors removed.

    A panel a unit and (intermediate, target) pair, on the mean of the other languages; pairs
    of one skill with itself stand last, on grey ground.
    """
    evidence = evidence_of(analysis)
    pairs = [*evidence.pairs("cross"), *evidence.pairs("same")]
    gains = evidence.single_gains[evidence.single_gains["group"] == "other"]
    with themed():
        canvas, cells = _gain_panels(evidence, pairs)
        for (pair, unit), axes in cells.items():
            _gain_panel(axes, evidence, gains, pair, unit)
            if axes.get_subplotspec().is_first_col() or len(pairs) == 1:  # type: ignore[union-attr]
                axes.set_ylabel(UNITS[unit])
        canvas.supxlabel("body parameters (log scale)", fontsize=8)
        legend(canvas, [CONTRASTS[name] for name in CONTRASTS if name in set(gains["contrast"])])
        return finished(
            canvas,
            id="gain_by_size",
            caption="What intermediate training buys on the mean of the other languages, by size: "
            "in points of accuracy and as the share of the baseline's errors that it removes"
            f"{_same_note(evidence)}. {evidence.figure_note}",
            alt=_gain_alt(evidence, gains),
            data=gains,
            keys=evidence.keys_of("targets/"),
        )


def _layout(columns: Sequence[tuple[str, str]], evidence: Evidence) -> list[list[tuple[str, ...]]]:
    """Return (target, intermediate, group) by row and column: up to four columns fit a page."""
    if len(columns) <= 4:
        return [[(target, *column) for column in columns] for target in evidence.targets]
    groups = list(dict.fromkeys(group for _, group in columns))
    return [
        [(target, *column) for column in columns if column[1] == group]
        for target in evidence.targets for group in groups
    ]  # fmt: skip


def _gain_panels(
    evidence: Evidence, pairs: Sequence[tuple[str, str]]
) -> tuple[Canvas, dict[tuple[tuple[str, str], str], Axes]]:
    """Return the figure and its panel for each pair and unit.

    One pair: units side by side. Few: a column a pair, a row a unit. Many: a column an
    intermediate task, a row a target and unit.
    """
    units = list(UNITS)
    if len(pairs) == 1:
        rows = [[(pairs[0], unit) for unit in units]]
    elif len(pairs) <= 4:
        rows = [[(pair, unit) for pair in pairs] for unit in units]
    else:
        rows = [
            [((middle, target), unit) for middle in evidence.intermediates]
            for target in evidence.targets for unit in units
        ]  # fmt: skip
    height = min(1.5, 7.8 / len(rows))
    canvas, grid = panels(len(rows), len(rows[0]), height=height, share="none" if len(rows) == 1
                          else "row")  # fmt: skip
    cells: dict[tuple[tuple[str, str], str], Axes] = {}
    for line, axes_row in zip(rows, grid, strict=True):
        for cell, axes in zip(line, axes_row, strict=True):
            cells[cell] = axes
            axes.set_visible(cell[0] in pairs)
    return canvas, {cell: axes for cell, axes in cells.items() if cell[0] in pairs}


def _score_panel(axes: Axes, evidence: Evidence, target: str, middle: str, group: str) -> None:
    scores = evidence.tables.scores
    rows = scores[(scores["target"] == target) & (scores["group"] == group)]
    for name, style in _FLOORS.items():
        if (floor := floor_score(evidence, target, group, name)) is not None:
            axes.axhline(floor, color=SOFT, linewidth=0.8, linestyle=style.line, zorder=1)
    for place, arm in enumerate(evidence.spec.arms):
        start = "none" if arm == "none" else middle
        shown = rows[(rows["arm"] == arm) & (rows["intermediate"] == start)]
        draw_line(axes, shown, "score", ARMS[arm], place)
    log_sizes(axes, _ticks(evidence))
    if axes.get_subplotspec().is_first_row():  # type: ignore[union-attr]
        after = f"after {evidence.labels[middle]}" if middle != "none" else ""
        set_title(axes, GROUPS[group], after)


def _gain_panel(
    axes: Axes, evidence: Evidence, gains: pd.DataFrame, pair: tuple[str, str], unit: str
) -> None:
    middle, target = pair
    same = not evidence.is_cross(middle, target)
    axes.set_facecolor("#F0F0F0" if same else "white")
    axes.axhline(0, color=INK, linewidth=0.8)
    of_pair = gains[(gains["intermediate"] == middle) & (gains["target"] == target)]
    for place, (contrast, style) in enumerate(CONTRASTS.items()):
        rows = of_pair[(of_pair["unit"] == unit) & (of_pair["contrast"] == contrast)]
        draw_line(axes, rows, "estimate", style, place)
    log_sizes(axes, _ticks(evidence))
    set_title(axes, evidence.labels[middle], f"→ {evidence.labels[target]}")


def floor_score(evidence: Evidence, target: str, group: str, baseline: str) -> float | None:
    """Return a floor in percent, meaned over the languages of the group; None if not computed."""
    table = evidence.tables.baselines
    rows = table[(table["task"] == target) & (table["baseline"] == baseline)]
    english = rows["language"] == "en"
    chosen = {"en": rows[english], "other": rows[~english], "all": rows}[group]
    return float(chosen["score"].mean()) if len(chosen) else None


def _ticks(evidence: Evidence) -> dict[str, int]:
    params = {name: spec.body_params for name, spec in evidence.models.items()}
    return size_ticks(evidence.sizes, params)


def _same_note(evidence: Evidence) -> str:
    if not evidence.pairs("same"):
        return ""
    return ". Grey ground: the intermediate task teaches the target’s own skill"


def _score_alt(evidence: Evidence, data: pd.DataFrame) -> str:
    sizes = ", ".join(evidence.sizes.values())
    parts = []
    for target in evidence.targets:
        for group in ("other", "en"):
            rows = data[(data["target"] == target) & (data["group"] == group)]
            base = rows[rows["arm"] == "none"].sort_values("body_params")
            parts.append(f"{evidence.title(target)}, {GROUPS[group]}: {numbers(base['score'])}")
    return (
        f"Accuracy against body parameters ({sizes}). Without intermediate task, from the "
        f"smallest to the largest encoder: {'; '.join(parts)}. All values are in the table of "
        f"main results."
    )


def _gain_alt(evidence: Evidence, gains: pd.DataFrame) -> str:
    parts = []
    for middle, target in [*evidence.pairs("cross"), *evidence.pairs("same")]:
        rows = gains[
            (gains["intermediate"] == middle) & (gains["target"] == target)
            & (gains["unit"] == "points") & (gains["contrast"] == "multilingual-english")
        ]  # fmt: skip
        if len(rows):
            listed = numbers(rows.sort_values("body_params")["estimate"])
            parts.append(f"{evidence.title(middle)} to {evidence.title(target)}: {listed}")
    shown = "; ".join(parts) or "no pair of arms to compare"
    return (
        "Gains against body parameters with a zero line. Multilingual minus English in points, "
        f"from the smallest to the largest encoder: {shown}."
    )
