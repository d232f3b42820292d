"""Panels in rows and columns that fit the page, and the marks that they share."""

import math
import textwrap
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from xstilts.report.theme import COLUMN_WIDTH, FULL_WIDTH, Style

#: factors on a logarithmic x axis that keep the marks of one size apart
_DODGE = (0.95, 1.0, 1.053, 1.108)


def panels(
    rows: int,
    columns: int,
    *,
    height: float = 1.5,
    share: Literal["all", "row", "none"] = "all",
    share_x: bool = True,
) -> tuple[Canvas, np.ndarray]:
    """Return an empty figure and its axes, shape (rows, columns).

    One or two panels side by side fill one column of the page, more fill both. `height` is
    inches a row; `share` says whether the y axis is shared by "all" panels, those of a
    "row", or "none"; `share_x` whether all have one x axis.
    """
    width = COLUMN_WIDTH if columns == 1 or (columns == 2 and rows == 1) else FULL_WIDTH
    canvas = Canvas(figsize=(width, 0.75 + height * rows), layout="constrained")
    canvas.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.04, hspace=0.06)  # type: ignore[union-attr]
    axes = canvas.subplots(rows, columns, sharex=share_x, sharey=share, squeeze=False)
    for one in axes.flat:
        one.margins(y=0.1)
    return canvas, axes


def legend(canvas: Canvas, styles: Iterable[Style]) -> None:
    """Put one legend above all panels."""
    handles = [
        Line2D([], [], color=style.colour, marker=style.marker, linestyle=style.line,
               label=style.label)
        for style in styles
    ]  # fmt: skip
    # A character of 8 pt takes about 0.06 inch, a handle and its gaps 0.7.
    widths = [0.7 + 0.06 * len(str(handle.get_label())) for handle in handles]
    room = canvas.get_figwidth()
    most = len(handles) if sum(widths) < room else max(1, int(room / max(widths)))
    rows = math.ceil(len(handles) / most)
    columns = math.ceil(len(handles) / rows)  # rows of equal length
    canvas.legend(handles=handles, loc="outside upper center", ncols=columns)


def set_title(axes: Axes, *lines: str) -> None:
    """Write the lines above a panel, broken where they would run into the next one."""
    spec = axes.get_subplotspec()
    columns = spec.get_gridspec().ncols if spec else 1
    # 8 pt Noto Sans takes about 0.062 inch a character; axes and gaps take 0.15 inch.
    width = (axes.figure.get_figwidth() / columns - 0.15) / 0.062  # type: ignore[union-attr]
    axes.set_title("\n".join(textwrap.fill(line, int(width)) for line in lines if line))


def draw_line(axes: Axes, rows: pd.DataFrame, column: str, style: Style, place: int) -> None:
    """Draw one arm: a mark a model, its interval, and a line within each family.

    Args:
        axes: panel with a logarithmic x axis.
        rows: family, body_params, low, high and `column`, one row a model.
        column: what is drawn.
        style: of the arm.
        place: 0 to 3, shifts the marks sideways so that intervals do not cover each other.
    """
    for _, family in rows.sort_values("body_params").groupby("family", sort=False):
        x = family["body_params"].to_numpy(float) * _DODGE[place]
        y = family[column].to_numpy(float)
        spread = np.vstack([y - family["low"].to_numpy(float), family["high"].to_numpy(float) - y])
        known = np.isfinite(spread).all()
        axes.errorbar(
            x, y, yerr=np.clip(spread, 0, None) if known else None, color=style.colour,
            marker=style.marker, linestyle=style.line, elinewidth=0.9, capsize=1.8,
            markeredgecolor="white", markeredgewidth=0.5, zorder=3 + place,
        )  # fmt: skip


def size_ticks(sizes: Mapping[str, str], params: Mapping[str, int]) -> dict[str, int]:
    """Return label -> body parameters, leaving out labels that would touch (closer than 12 %)."""
    ticks: dict[str, int] = {}
    for name, label in sizes.items():
        if not ticks or params[name] > 1.12 * max(ticks.values()):
            ticks[label] = params[name]
    return ticks


def numbers(values: pd.Series, digits: int = 1) -> str:
    """Return the values for a sentence: "61.2, 64.0, 70.3", with a true minus."""
    return ", ".join(f"{value:.{digits}f}".replace("-", "−") for value in values)
