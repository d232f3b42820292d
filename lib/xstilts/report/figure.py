"""A figure of the paper: its drawing, its data, its words, and the runs that it shows."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure as Canvas

from xstilts.files import write_atomically, write_json, write_text
from xstilts.report.theme import COLUMN_WIDTH, to_png, to_svg


@dataclass(frozen=True)
class Figure:
    """What a figure function returns; a notebook shows it where a cell ends with it.

    `data` holds the numbers drawn, one row a mark; `keys` maps the cells that they come
    from to the keys under which these were computed; `wide` asks for both columns.
    """

    id: str
    caption: str
    alt: str
    svg: str = field(repr=False)
    png: bytes = field(repr=False)
    data: pd.DataFrame = field(repr=False)
    keys: Mapping[str, str] = field(repr=False)
    wide: bool = True

    @property
    def csv(self) -> str:
        return self.data.to_csv(index=False, lineterminator="\n", float_format="%.6g")

    @property
    def provenance(self) -> dict[str, object]:
        """What a reader needs to trace the figure: words, columns, cells and their keys."""
        return {
            "id": self.id,
            "caption": self.caption,
            "alt": self.alt,
            "columns": list(self.data.columns),
            "cells": dict(self.keys),
        }

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        picture = base64.b64encode(self.png).decode()
        return {"image/svg+xml": self.svg, "image/png": picture, "text/plain": self.alt}

    def show(self) -> None:
        """Display the figure in a notebook."""
        from IPython.display import display  # only a notebook has a display

        display(self)

    def save(self, folder: Path) -> None:
        """Write <id>.svg, .png, .csv and .json (provenance) into `folder`."""
        write_text(folder / f"{self.id}.svg", self.svg)
        write_atomically(folder / f"{self.id}.png", lambda path: _fill(path, self.png))
        write_text(folder / f"{self.id}.csv", self.csv)
        write_json(folder / f"{self.id}.json", json.loads(json.dumps(self.provenance)))


def _fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def finished(
    canvas: Canvas,
    *,
    id: str,
    caption: str,
    alt: str,
    data: pd.DataFrame,
    keys: Mapping[str, str],
) -> Figure:
    """Return the drawing as a figure of the paper (inside `themed`)."""
    wide = canvas.get_figwidth() > COLUMN_WIDTH + 0.1
    canvas.draw_without_rendering()
    canvas.set_layout_engine("none")  # laid out once, not once a format
    svg, png = to_svg(canvas), to_png(canvas)
    return Figure(id, caption, alt, svg, png, data.reset_index(drop=True), dict(keys), wide)
