"""Scores without intermediate task by the items that a target is trained on, and by head."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from xstilts.report.evidence import Evidence, Tables, evidence_of, short_count
from xstilts.report.figure import Figure, finished
from xstilts.report.formats import listed
from xstilts.report.panels import legend, numbers, panels, set_title
from xstilts.report.theme import INK, SIZES, Style, themed

_GROUPS = {"en": "English", "other": "other languages"}
#: line and mark of each head
_HEADS = {
    "aligned": ("-", "o"), "joint": ((0, (4, 1.5)), "s"), "siamese": ((0, (1, 1.2)), "^")
}  # fmt: skip


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
