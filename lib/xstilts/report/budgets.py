"""Scores and the arms' difference by the items that a target is trained on, and by head."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from xstilts.params import base_task
from xstilts.report.evidence import Evidence, Tables, evidence_of, short_count
from xstilts.report.figure import Figure, finished
from xstilts.report.formats import UNDEFINED, interval, listed, write
from xstilts.report.numbers import budget_key
from xstilts.report.panels import legend, numbers, panels, set_title
from xstilts.report.table import Entry, Table, entries
from xstilts.report.theme import INK, SIZES, Style, themed

_GROUPS = {"en": "English", "other": "other languages"}
#: line and mark of each head
_HEADS = {
    "aligned": ("-", "o"), "joint": ((0, (4, 1.5)), "s"), "siamese": ((0, (1, 1.2)), "^")
}  # fmt: skip
_CONTRASTS = ("english-none", "multilingual-none", "multilingual-english")


def budget_curves(analysis: Tables) -> Figure:
    """Return accuracy without intermediate task by items: a panel a target and group."""
    evidence = evidence_of(analysis)
    rows = curve_rows(evidence)
    titles = list(dict.fromkeys(rows["title"]))
    with themed():
        canvas, grid = panels(len(titles), 2, share="row", share_x=False)
        for title, axes_row in zip(titles, grid, strict=True):
            of_title = rows[rows["title"] == title]
            for group, axes in zip(_GROUPS, axes_row, strict=True):
                for style, line in _lines(of_title[of_title["group"] == group]):
                    _draw(axes, line, style)
                _log_items(axes, of_title["items"])
                set_title(axes, f"{title}, {_GROUPS[group]}")
            axes_row[0].set_ylabel("accuracy, %")
        canvas.supxlabel("English items that the target is trained on (log scale)", fontsize=8)
        legend(canvas, _keys(rows))
        return finished(
            canvas,
            id="budget_curves",
            caption="Accuracy without intermediate task by the number of English training items, "
            "of this study and those beside it; colour: size of the encoder, line and mark: head. "
            f"{_pools(rows)}Each point is a training of its own. Bars: intervals over seeds and "
            "items, where there are two seeds or more.",
            alt=_alt(rows),
            data=rows,
            keys=evidence.keys_of("targets/"),
        )


def curve_rows(evidence: Evidence) -> pd.DataFrame:
    """Return the scores of arm none in `beside.BUDGETS`, each training once."""
    table = evidence.tables.budgets
    rows = table[(table["contrast"] == "") & (table["arm"] == "none")]
    return rows.sort_values(["title", "head", "body_params", "items", "seeds"], kind="stable")


def budgets(analysis: Tables) -> Table | None:
    """Return what the arms differ by at every number of items and head; None without another.

    On the mean of the other languages, in points: a row a target, size, head, number of
    items and intermediate task.
    """
    evidence = evidence_of(analysis)
    table = evidence.tables.budgets
    shown = table[table["contrast"].isin(_CONTRASTS) & (table["group"] == "other")]
    if len(shown[["head", "items"]].drop_duplicates()) < 2:
        return None
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    for title, of_title in shown.groupby("title", sort=False):
        sections[len(rows)] = str(title)
        keys = ["body_params", "intermediate", "head", "items", "study"]
        for key, found in of_title.groupby(keys, sort=True):
            size, middle, head, items, _ = key
            rows.append(_row(evidence, (size, middle, head, items), found))
    return Table(
        "budgets", "What the arms differ by on the mean of the other languages, in points, by the "
        "number of English items that the target is trained on and the head, in this study and "
        "those beside it. In brackets: intervals, where there are two seeds or more.",
        ("Body", "Intermediate task", "Head", "Items", "Seeds", "English over none",
         "Multilingual over none", "Multilingual over English"),
        rows, shown, heads=3, sections=sections,
    )  # fmt: skip


def control(analysis: Tables) -> Table | None:
    """Return same-task arms beside as many more of the target's own items; None without these.

    On the mean of the other languages: a row a target and size. The control is a training of
    arm none on the items of target and intermediate budget together, in a study beside.
    """
    evidence = evidence_of(analysis)
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    used: list[pd.DataFrame] = []
    for middle, target in evidence.pairs("same"):
        shown = _compared(evidence, middle, target)
        if shown[1].empty:
            continue
        sections[len(rows)] = f"{evidence.title(target)}, after {evidence.title(middle)}"
        used += shown
        for model, size in evidence.sizes.items():
            rows.append(entries(size, *(_score(part[part["model"] == model]) for part in shown)))
    if not rows:
        return None
    return Table(
        "control", "Accuracy in percent on the mean of the other languages: without intermediate "
        "task; the same with as many more English items of the target as the intermediate task "
        "has, and so as many steps in all; and after the intermediate task of the target’s own "
        "skill. In brackets: intervals, where there are two seeds or more.",
        ("Body", "None", "None, more items", "English", "Multilingual"), rows, pd.concat(used),
        sections=sections,
    )  # fmt: skip


def _compared(evidence: Evidence, middle: str, target: str) -> list[pd.DataFrame]:
    """Return the scores of none, of none with more items, and of the two arms."""
    table = evidence.tables.budgets
    scores = table[
        (table["contrast"] == "") & (table["group"] == "other")
        & (table["target"] == base_task(target))
    ]  # fmt: skip
    own, bare = scores[scores["study"] == evidence.name], scores[scores["arm"] == "none"]
    items = evidence.spec.budget(target, "target").items
    more = items + evidence.spec.budget(middle, "intermediate").items
    arms = [own[(own["intermediate"] == middle) & (own["arm"] == arm)]
            for arm in ("english", "multilingual")]  # fmt: skip
    return [own[own["arm"] == "none"], bare[bare["items"] == more], *arms]


def _score(rows: pd.DataFrame) -> Entry:
    return _entry(rows.to_dict("records")[-1], sign=False) if len(rows) else Entry(UNDEFINED)


def _entry(row: Mapping[str, Any], *, sign: bool) -> Entry:
    ends = interval(row["low"], row["high"], sign=sign)
    text = write(row["value"], "points" if sign else "percent")
    return Entry(text, f"[{ends}]" if ends else "", number=budget_key(row))


def _row(evidence: Evidence, key: tuple[int, str, str, int], found: pd.DataFrame) -> list[Entry]:
    size, middle, head, items = key
    rows = {row["contrast"]: row for row in found.to_dict("records")}
    cells = [
        _entry(rows[contrast], sign=True) if contrast in rows else Entry(UNDEFINED)
        for contrast in _CONTRASTS
    ]
    return entries(
        short_count(size), evidence.labels.get(middle, middle), head, write(items, "count"),
        write(int(found["seeds"].iloc[0]), "count"), *cells,
    )  # fmt: skip


def _lines(rows: pd.DataFrame) -> Iterator[tuple[Style, pd.DataFrame]]:
    """Yield the points of a size, head and pool; of two studies with one, the more seeds."""
    for (size, head, _), line in rows.groupby(["body_params", "head", "target"], sort=True):
        yield _style(rows, int(size), str(head)), line.drop_duplicates("items", keep="last")


def _style(rows: pd.DataFrame, size: int, head: str) -> Style:
    place = sorted(rows["body_params"].unique()).index(size)
    line, marker = _HEADS[head]
    return Style("", SIZES[place % len(SIZES)], marker, line)


def _keys(rows: pd.DataFrame) -> list[Style]:
    """Return what the legend explains: colours of the sizes, lines of the heads if several."""
    sizes = [
        Style(short_count(size), SIZES[place % len(SIZES)], "o", "-")
        for place, size in enumerate(sorted(rows["body_params"].unique()))
    ]
    heads = list(dict.fromkeys(rows["head"]))
    lines = [Style(f"“{head}”", INK, _HEADS[head][1], _HEADS[head][0]) for head in heads]
    return [*sizes, *(lines if len(heads) > 1 else [])]


def _draw(axes: Axes, rows: pd.DataFrame, style: Style) -> None:
    y = rows["value"].to_numpy(float)
    spread = np.vstack([y - rows["low"].to_numpy(float), rows["high"].to_numpy(float) - y])
    axes.errorbar(
        rows["items"], y, yerr=np.nan_to_num(spread).clip(min=0), color=style.colour,
        marker=style.marker, linestyle=style.line, elinewidth=0.9, capsize=1.8,
        markeredgecolor="white", markeredgewidth=0.5,
    )  # fmt: skip


def _log_items(axes: Axes, items: pd.Series) -> None:
    ticks = sorted(items.unique())
    labels, last = [], 0
    for count in ticks:  # a label needs room on either side
        labels.append(f"{count:,}" if count > 1.5 * last else "")
        last = count if labels[-1] else last
    axes.set_xscale("log")
    axes.set_xticks(ticks, labels)
    axes.xaxis.set_minor_locator(NullLocator())


def _pools(rows: pd.DataFrame) -> str:
    """Return which targets draw their training items from several pools; "" if none does."""
    pools = rows.groupby("title", sort=False)["target"].unique()
    said = [f"{title} from {listed(sorted(found))}"
            for title, found in pools.items() if len(found) > 1]  # fmt: skip
    return f"Items of {listed(said)}, pools whose lines are apart. " if said else ""


def _alt(rows: pd.DataFrame) -> str:
    parts = [
        f"{title}, {short_count(int(str(size)))}, {head}: {numbers(line['value'])}"
        for (title, size, head, _), line in rows[rows["group"] == "other"].groupby(
            ["title", "body_params", "head", "target"], sort=False
        )
    ]
    return (
        "Accuracy on the mean of the other languages without intermediate task, from the fewest "
        f"training items to the most: {'; '.join(parts)}."
    )
