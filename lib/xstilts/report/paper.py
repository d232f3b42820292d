"""The paper of a study: HTML, PDF, figures and numbers, from the analysis tables alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from xstilts.errors import DataError
from xstilts.files import write_atomically, write_json, write_text
from xstilts.params import Cell
from xstilts.params.grid import FOLDERS
from xstilts.report.bibliography import read_bibliography
from xstilts.report.evidence import Tables, evidence_of
from xstilts.report.figure import Figure
from xstilts.report.figures import all_figures
from xstilts.report.folder import paper_folder
from xstilts.report.html import render_html
from xstilts.report.manuscript import read_manuscript
from xstilts.report.numbers import Numbers
from xstilts.report.pdf import render_pdf, typst_source
from xstilts.report.published import published_numbers
from xstilts.report.table import Table
from xstilts.report.tables import all_tables
from xstilts.report.trace import Traces
from xstilts.report.webfont import check_glyphs


@dataclass(frozen=True)
class Paper:
    """What was written, and the figures and tables in it; a notebook shows the links."""

    html: Path
    pdf: Path
    numbers: Path
    figures: Mapping[str, Figure] = field(repr=False)
    tables: Mapping[str, Table] = field(repr=False)

    def _repr_html_(self) -> str:
        links = (f'<a href="{escape(path.name)}">{escape(path.name)}</a>'
                 for path in (self.html, self.pdf))  # fmt: skip
        return " · ".join(links)


def render_paper(analysis: Tables, out: Path, *, study: str) -> Paper:
    """Write paper.html, paper.pdf, figures/ and numbers.json into `out`.

    Equal tables give equal bytes. Nothing but the tables and `paper/` is read.

    Raises:
        RenderError: the manuscript names a number, figure, table or reference that is not
            there, a character has no glyph, or typst complains.
    """
    evidence = evidence_of(analysis, study)
    folder = paper_folder()
    figures, tables = all_figures(analysis), all_tables(analysis)
    for figure in figures.values():
        figure.save(out / "figures")
    numbers = Numbers(evidence, published_numbers(folder / "published.yaml"))
    library = read_bibliography(folder / "references.bib")
    manuscript = read_manuscript(folder / "manuscript", evidence, numbers, figures, tables, library)
    template = folder / "template"
    placed = [table for _, table in manuscript.tables.values()]
    traces = Traces(evidence, numbers, placed)
    check_glyphs(typst_source(manuscript, template, traces))
    page = render_html(manuscript, template, traces)
    document = render_pdf(manuscript, template, out / "figures", traces)
    paper = Paper(out / "paper.html", out / "paper.pdf", out / "numbers.json", figures, tables)
    write_text(paper.html, page)
    write_atomically(paper.pdf, lambda path: _fill(path, document))
    write_json(paper.numbers, numbers.as_json())
    return paper


def analysis_folder(cell: Cell) -> Path:
    """Return the folder of the tables that a cell of 60_paper reads.

    Raises:
        DataError: the folder holds no analysis.
    """
    folder = cell.folder.parent / FOLDERS["50_analysis"]
    if not (folder / "study.json").is_file():
        raise DataError(f"{folder}: no analysis of study '{cell.study}'")
    return folder


def write_paper(analysis_folder: Path, out: Path, *, study: str) -> Paper:
    """Write the paper of the analysis in `analysis_folder`; see `render_paper`."""
    from xstilts.analysis import load_analysis  # brings scipy, which figures do without

    return render_paper(load_analysis(analysis_folder), out, study=study)


def _fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)
