"""One look for every figure: fonts, sizes, and a colour, marker and line for each arm."""

import importlib.util
import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import NullLocator

from xstilts.errors import XstiltsError

#: import packages of the installed font wheels -> family that each brings, tried in this order
FONTS: Mapping[str, str] = {
    "fontpkg_noto_sans": "Noto Sans",
    "fontpkg_noto_sans_devanagari": "Noto Sans Devanagari",
    "fontpkg_noto_sans_arabic": "Noto Sans Arabic",
    "fontpkg_noto_sans_thai": "Noto Sans Thai",
    "noto_cjk_sans_jp_regular": "Noto Sans CJK JP",
}
#: inches: the text block of the two-column PDF, and one of its columns
FULL_WIDTH, COLUMN_WIDTH = 6.85, 3.3
INK, SOFT, FAINT = "#222222", "#595959", "#D9D9D9"


class RenderError(XstiltsError):
    """The report lacks something that it names: a glyph, number, figure, table or reference."""


@dataclass(frozen=True)
class Style:
    """How one arm (or contrast of arms) is drawn; told apart without colour too."""

    label: str
    colour: str
    marker: str
    line: str | tuple[int, tuple[float, ...]]


#: colours of Okabe and Ito (2008), distinct under the common colour deficiencies
ARMS: Mapping[str, Style] = {
    "none": Style("no intermediate task", "#6E6E6E", "o", (0, (1, 1.2))),
    "english": Style("English", "#0072B2", "s", (0, (4, 1.5))),
    "multilingual": Style("multilingual", "#D55E00", "^", "-"),
    "shuffled": Style("labels shuffled", "#CC79A7", "v", (0, (2, 1))),
}
CONTRASTS: Mapping[str, Style] = {
    "english-none": Style("English over none", "#0072B2", "s", (0, (4, 1.5))),
    "multilingual-none": Style("multilingual over none", "#D55E00", "^", "-"),
    "multilingual-english": Style("multilingual over English", INK, "D", (0, (6, 1.5, 1, 1.5))),
    "shuffled-none": Style("labels shuffled over none", "#CC79A7", "v", (0, (2, 1))),
}
#: sizes of the encoders, smallest to largest, where arms are not what colours tell
SIZES = ("#56B4E9", "#0072B2", "#E69F00", "#D55E00", "#CC79A7", "#333333")
_RC: Mapping[str, Any] = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "figure.titlesize": 8,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "legend.fontsize": 8,
    "axes.edgecolor": SOFT, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": SOFT, "ytick.color": SOFT, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.minor.visible": False,
    "axes.grid": True, "axes.grid.axis": "y", "grid.color": "#E6E6E6", "grid.linewidth": 0.6,
    "axes.axisbelow": True, "axes.titlelocation": "left", "axes.titlepad": 4,
    "axes.unicode_minus": True, "lines.linewidth": 1.3, "lines.markersize": 4.5,
    "legend.frameon": False, "legend.handlelength": 2.6, "figure.dpi": 100,
    "savefig.facecolor": "white", "svg.fonttype": "path", "svg.hashsalt": "xstilts",
}  # fmt: skip


@lru_cache
def font_files() -> tuple[Path, ...]:
    """Return the font files of the installed wheels, in the order of `FONTS`.

    Raises:
        RenderError: a wheel of requirements.txt is not installed.
    """
    files: list[Path] = []
    for package in FONTS:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise RenderError(f"font package '{package}' is not installed (requirements.txt)")
        found = sorted(p for p in Path(spec.origin).parent.rglob("*.[ot]tf"))
        files.extend(path for path in found if "Italic" not in path.name)
    for path in files:
        font_manager.fontManager.addfont(path)
    return tuple(files)


@contextmanager
def themed() -> Iterator[None]:
    """Draw inside: the theme holds, and a character without a glyph is an error.

    Raises:
        RenderError: no installed font has a glyph for a character that is drawn.
    """
    font_files()
    with rc_context({**_RC, "font.family": list(FONTS.values())}), warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing", category=UserWarning)
        warnings.filterwarnings("error", message="findfont")
        try:
            yield
        except UserWarning as warning:
            raise RenderError(f"figure: {warning}") from None


def to_svg(canvas: Canvas) -> str:
    """Return the drawing as SVG; the same drawing gives the same bytes."""
    drawn = io.StringIO()
    canvas.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()


def to_png(canvas: Canvas) -> bytes:
    """Return the drawing as PNG, 200 dots an inch."""
    drawn = io.BytesIO()
    canvas.savefig(drawn, format="png", dpi=200, metadata={"Software": None})
    return drawn.getvalue()


def log_sizes(axes: Axes, sizes: Mapping[str, int]) -> None:
    """Make the x axis logarithmic in body parameters with one tick a model.

    Labels that would touch are left out, those of the smallest and the largest model never.

    Args:
        axes: to be changed.
        sizes: label of each tick -> body parameters.
    """
    values = list(sizes.values())
    axes.set_xscale("log")
    low, high = min(values) / 1.35, max(values) * 1.35
    spec = axes.get_subplotspec()
    columns = spec.get_gridspec().ncols if spec else 1
    inches = axes.figure.get_figwidth() / columns - 0.3  # type: ignore[union-attr]
    places = [inches * math.log(value / low) / math.log(high / low) for value in values]
    # 7 pt Noto Sans takes about 0.062 inch a character; half a character keeps labels apart.
    shown = _apart(places, [0.062 * (len(label) + 0.5) for label in sizes])
    labels = [label if place in shown else "" for place, label in enumerate(sizes)]
    axes.set_xticks(values, labels, minor=False)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(low, high)


def _apart(places: Sequence[float], widths: Sequence[float]) -> set[int]:
    """Return which labels, centred at ascending places, stand apart; first and last always."""
    last = len(places) - 1
    kept = [0]
    for number in range(1, last):
        near = [(kept[-1], number), (number, last)]
        if all(places[b] - places[a] >= (widths[a] + widths[b]) / 2 for a, b in near):
            kept.append(number)
    return {*kept, last}
