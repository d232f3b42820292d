"""Figures, tables and the paper (HTML and PDF), from analysis tables alone; imports no torch."""

from xstilts.report.figure import Figure
from xstilts.report.paper import Paper, analysis_folder, render_paper, write_paper
from xstilts.report.table import Table
from xstilts.report.theme import RenderError

__all__ = [
    "Figure",
    "Paper",
    "RenderError",
    "Table",
    "analysis_folder",
    "render_paper",
    "write_paper",
]
