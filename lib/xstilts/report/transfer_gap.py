"""The gap between English and the other languages: its figure and its table."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from xstilts.report.evidence import Evidence, Tables, evidence_of
from xstilts.report.figure import Figure, finished
from xstilts.report.formats import UNDEFINED, Unit, interval, write
from xstilts.report.numbers import gap_key
from xstilts.report.panels import draw_line, legend, numbers, panels, set_title, size_ticks
from xstilts.report.table import Entry, Table, entries
from xstilts.report.theme import ARMS, INK, log_sizes, themed

_Row = Mapping[str, Any]
_Rows = Mapping[tuple[str, str, str, str], _Row]


def transfer_gap(analysis: Tables) -> Figure:
    """Return the gap against body parameters by arm: a panel a target and intermediate task.

    The points of arm `none` are the same in the panels of one target: it is one baseline.
    """
    evidence = evidence_of(analysis)
    targets, middles = _targets(evidence), list(evidence.intermediates) or ["none"]
    with themed():
        canvas, grid = panels(len(targets), len(middles), share="row")
        for target, axes_row in zip(targets, grid, strict=True):
            for middle, axes in zip(middles, axes_row, strict=True):
                _panel(axes, evidence, target, middle)
            axes_row[0].set_ylabel(f"{evidence.labels[target]}\ngap, points")
        canvas.supxlabel("body parameters (log scale)", fontsize=8)
        legend(canvas, [ARMS[arm] for arm in evidence.spec.arms])
        return finished(
            canvas,
            id="transfer_gap",
            caption="Transfer gap by size of the encoder and arm: English minus the mean of the "
            f"other languages, in points of accuracy{_same_note(evidence)}. "
            f"{evidence.figure_note}",
            alt=_alt(evidence),
            data=analysis.gaps,
            keys=evidence.keys_of("targets/"),
        )


def transfer_gaps(analysis: Tables) -> Table:
    """Return the gap of every arm, and the share of the baseline's that an arm closes."""
    evidence = evidence_of(analysis)
    found: _Rows = {
        (row["model"], row["target"], row["intermediate"], row["arm"]): row
        for row in analysis.gaps.to_dict("records")
    }
    arms = [arm for arm in evidence.spec.arms if arm != "none" and arm in set(analysis.gaps["arm"])]
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    for target in _targets(evidence):
        for middle in evidence.intermediates if arms else ["none"]:
            sections[len(rows)] = _pair(evidence, middle, target)
            for model, size in evidence.sizes.items():
                rows.append(entries(size, *_cells(found, (model, target, middle), arms)))
    named = [ARMS[arm].label for arm in arms]
    columns = ["Body", "Gap, none"]
    columns += [f"Gap, {name}" for name in named] + [f"Closed by {name}, %" for name in named]
    return Table(
        "gaps", _caption(evidence, shares=bool(arms)), columns, rows, analysis.gaps,
        sections=sections,
    )  # fmt: skip


def _cells(found: _Rows, key: tuple[str, str, str], arms: Sequence[str]) -> list[Entry]:
    base = found.get((*key[:2], "none", "none"))
    of_arms = [found.get((*key, arm)) for arm in arms]
    return [
        _entry(base, "gap", "points"),
        *(_entry(row, "gap", "points") for row in of_arms),
        *(_entry(row, "share", "gap_share") for row in of_arms),
    ]


def _entry(row: _Row | None, column: str, unit: Unit) -> Entry:
    if row is None or row[column] != row[column]:
        return Entry(UNDEFINED)
    prefix = "" if column == "gap" else "share_"
    ends = interval(row[f"{prefix}low"], row[f"{prefix}high"])
    key = gap_key(row["model"], row["intermediate"], row["arm"], row["target"], column)
    return Entry(write(row[column], unit), f"[{ends}]" if ends else "", number=key)


def _caption(evidence: Evidence, *, shares: bool) -> str:
    said = "Transfer gap: English minus the mean of the other languages, in points."
    if shares:
        said += (
            " Closed: by how much an arm raises the other languages, in percent of the gap of arm "
            "none; what the arm does in English does not enter."
        )
    if evidence.one_seed:
        return f"{said}{' With one seed its noise is unknown: no share is given.' * shares}"
    if shares:
        said += (
            " A dash: the gap of arm none is not above zero beyond noise, so that a share of it "
            "says nothing."
        )
    same = " Star: intermediate task and target teach the same skill." * bool(
        evidence.pairs("same")
    )
    return f"{said} In brackets: {100 * evidence.spec.confidence:g} % intervals.{same}"


def _panel(axes: Axes, evidence: Evidence, target: str, middle: str) -> None:
    gaps = evidence.tables.gaps
    of_target = gaps[gaps["target"] == target]
    same = middle != "none" and not evidence.is_cross(middle, target)
    axes.set_facecolor("#F0F0F0" if same else "white")
    axes.axhline(0, color=INK, linewidth=0.8)
    for place, arm in enumerate(evidence.spec.arms):
        start = "none" if arm == "none" else middle
        rows = of_target[(of_target["arm"] == arm) & (of_target["intermediate"] == start)]
        draw_line(axes, rows, "gap", ARMS[arm], place)
    params = {name: spec.body_params for name, spec in evidence.models.items()}
    log_sizes(axes, size_ticks(evidence.sizes, params))
    if axes.get_subplotspec().is_first_row() and middle != "none":  # type: ignore[union-attr]
        set_title(axes, f"after {evidence.labels[middle]}")


def _targets(evidence: Evidence) -> list[str]:
    """Return the targets that have a gap."""
    known = set(evidence.tables.gaps["target"])
    return [target for target in evidence.targets if target in known]


def _pair(evidence: Evidence, middle: str, target: str) -> str:
    if middle == "none":
        return evidence.title(target)
    return f"{evidence.title(target)}, after {evidence.title(middle)}" + _star(
        evidence, middle, target
    )


def _star(evidence: Evidence, middle: str, target: str) -> str:
    return "*" if middle != "none" and not evidence.is_cross(middle, target) else ""


def _same_note(evidence: Evidence) -> str:
    if not evidence.pairs("same"):
        return ""
    return ". Grey ground: the intermediate task teaches the target’s own skill"


def _alt(evidence: Evidence) -> str:
    gaps = evidence.tables.gaps.sort_values("body_params")
    parts = []
    for target in _targets(evidence):
        rows = gaps[(gaps["target"] == target) & (gaps["arm"] == "none")]
        parts.append(f"{evidence.title(target)}: {numbers(_known(rows['gap']))}")
    return (
        "English minus the mean of the other languages against body parameters "
        f"({', '.join(evidence.sizes.values())}), with a zero line. Without intermediate task, in "
        f"points, from the smallest to the largest encoder: {'; '.join(parts)}. All values are in "
        "the table of transfer gaps."
    )


def _known(values: pd.Series) -> pd.Series:
    return values[values.notna()]
