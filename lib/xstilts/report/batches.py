"""The critical batch: by encoder size and volume of data, as a figure and a table."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from xstilts.analysis.batch import OVERHEAD
from xstilts.report.evidence import Tables, evidence_of, short_count
from xstilts.report.figure import Figure, finished
from xstilts.report.formats import UNDEFINED, write
from xstilts.report.panels import legend, panels, set_title
from xstilts.report.table import Entry, Table, entries
from xstilts.report.theme import SIZES, SOFT, Style, themed

_MARKERS = ("o", "s", "^", "D", "v", "P")


def critical_batches(analysis: Tables) -> Figure:
    """Return how many more items each batch needs: a panel a volume of data, a line a size."""
    evidence = evidence_of(analysis)
    rows = analysis.batches
    volumes, styles = sorted(rows["items"].unique()), size_styles(rows)
    with themed():
        canvas, grid = panels(1, len(volumes))
        for items, axes in zip(volumes, grid[0], strict=True):
            of_volume = rows[rows["items"] == items]
            for size, line in of_volume.groupby("body_params", sort=True):
                _draw(axes, line.sort_values("batch"), styles[int(str(size))])
            axes.axhline(100 * (OVERHEAD - 1), color=SOFT, linewidth=0.8, linestyle=(0, (5, 3)))
            _log_batches(axes, rows["batch"])
            set_title(axes, f"loss of {items:,} items")
        grid[0][0].set_ylabel("more items, %")
        canvas.supxlabel("batch (log scale)", fontsize=8)
        legend(canvas, styles.values())
        title = listed_titles(rows)
        return finished(
            canvas,
            id="critical_batches",
            caption="Items that a batch needs for the loss that the smallest batch has after a "
            f"number of items, over that number, in percent, on {title} in English; a panel a "
            "volume of data, a line a size. Dashed: 20 %, where the critical batch lies. A line "
            "ends where a batch does not reach the loss. "
            f"{evidence.figure_note.split(' Bars:')[0]}",
            alt=_alt(rows),
            data=rows,
            keys=evidence.keys_of("targets/"),
        )


def batch_table(analysis: Tables) -> Table | None:
    """Return the critical batch by size and volume of data; None where it is not measured."""
    evidence = evidence_of(analysis)
    rows = analysis.batches
    if rows.empty:
        return None
    once = rows.drop_duplicates(["model", "target", "items"])
    made = [
        entries(
            short_count(row.body_params), write(row.items, "count"),
            write(_loss(rows, row), "loss"),
            Entry(batch_text(row.critical, rows), f"[{_ends(row.low, row.high, rows)}]"),
            write(row.seeds, "count"),
        )
        for row in once.sort_values(["body_params", "items"]).itertuples()
    ]  # fmt: skip
    level = f"{100 * evidence.spec.confidence:g} %"
    return Table(
        "batches", f"The critical batch on {listed_titles(rows)} in English: the batch at which "
        "20 % more items are needed for the loss that the smallest batch has after a number of "
        f"items. In brackets: {level} interval over scored items, seeds as they are.",
        ("Body", "Items", "Loss", "Critical batch", "Seeds"), made, rows, heads=2,
    )  # fmt: skip


def size_styles(rows: pd.DataFrame) -> dict[int, Style]:
    """Return a style a size, smallest first."""
    sizes = sorted(map(int, rows["body_params"].unique()))
    return {
        size: Style(short_count(size), SIZES[place % len(SIZES)], _MARKERS[place % 6], "-")
        for place, size in enumerate(sizes)
    }


def batch_text(batch: float, rows: pd.DataFrame) -> str:
    """Return a batch as it is written: "24", or "over 128" beyond the largest that was tried."""
    if math.isnan(batch):
        return UNDEFINED
    return write(batch, "count") if math.isfinite(batch) else f"over {rows['batch'].max():,}"


def listed_titles(rows: pd.DataFrame) -> str:
    return ", ".join(dict.fromkeys(rows["title"]))


def _ends(low: float, high: float, rows: pd.DataFrame) -> str:
    return f"{batch_text(low, rows)} to {batch_text(high, rows)}"


def _loss(rows: pd.DataFrame, row: object) -> float:
    """Return the target loss: that of the smallest batch at the row's volume."""
    part = rows[(rows["model"] == row.model) & (rows["items"] == row.items)]  # type: ignore[attr-defined]
    return float(part.sort_values("batch")["loss"].iloc[0])


def _draw(axes: Axes, line: pd.DataFrame, style: Style) -> None:
    axes.plot(
        line["batch"], line["overhead"], color=style.colour, marker=style.marker,
        linestyle=style.line, markeredgecolor="white", markeredgewidth=0.5,
    )  # fmt: skip


def _log_batches(axes: Axes, batches: pd.Series) -> None:
    ticks = sorted(batches.unique())
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def _alt(rows: pd.DataFrame) -> str:
    once = rows.drop_duplicates(["model", "items"]).sort_values(["body_params", "items"])
    parts = [
        f"{short_count(row.body_params)}, {row.items:,} items: {batch_text(row.critical, rows)}"
        for row in once.itertuples()
    ]
    return f"More items needed against batch. Critical batch by size and items: {'; '.join(parts)}."
