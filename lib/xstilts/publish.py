"""Results small enough to be committed: a study's tables, and its paper made from them."""

import shutil
from pathlib import Path

from xstilts.analysis import analyse_again
from xstilts.cell import run_cell
from xstilts.errors import DataError
from xstilts.notebook import default_parameters
from xstilts.params import Cell, cells, load_study, project_root
from xstilts.params.grid import PUBLISHED
from xstilts.results.manifest import is_done
from xstilts.results.records import records_folder

#: bytes that one published study may take, its records among them
LARGEST = 30_000_000
#: what running a cell leaves in its folder, beside its results
LEFT = (".*", "notebook.ipynb", "running.json", "failed.json")


def publish(study: str, outputs: str = "outputs") -> Path:
    """Copy a finished study's analysis to outputs/published/<study> and typeset it there.

    Predictions are ids, labels and probabilities; no text of an item is among the tables
    of a study on official files, whose licences forbid it.

    Raises:
        DataError: the study is not done, or it is too large to commit.
    """
    analysis = _analysis(study, outputs)
    if not is_done(analysis):
        raise DataError(f"study '{study}' is not done; `make paper STUDY={study}` computes it")
    parts = [analysis.folder, cells(study, outputs)[-1].folder, records_folder(study)]
    sizes = {folder: _size(folder) for folder in parts}
    if sum(sizes.values()) > LARGEST:
        found = ", ".join(f"{folder}: {size / 1e6:.0f} MB" for folder, size in sizes.items())
        raise DataError(f"{found}; allowed together: {LARGEST / 1e6:.0f} MB")
    place, paper = _analysis(study, PUBLISHED).folder, cells(study, PUBLISHED)[-1].folder
    for old in (place, paper):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(analysis.folder, place, ignore=shutil.ignore_patterns(*LEFT))
    return rebuild(study, PUBLISHED)


def analyse_anew(study: str, outputs: str) -> Path:
    """Estimate a study's tables from its runs and predictions alone, and typeset its paper.

    For results that an earlier version analysed, published ones above all: nothing is trained,
    and the cells need not be there.

    Raises:
        DataError: there are no tables, or they are broken.
    """
    analysis = _analysis(study, outputs)
    if (analysis.folder / "study.json").is_file():
        analyse_again(analysis.folder, "outputs")
    return rebuild(study, outputs)


def rebuild(study: str, outputs: str) -> Path:
    """Typeset the paper of a study from its tables, whatever code computed them.

    Raises:
        DataError: there are no tables.
    """
    load_study(study)
    if not (_analysis(study, outputs).folder / "study.json").is_file():
        found = project_root() / outputs
        there = sorted(path.parent.parent.name for path in found.glob("*/analysis/study.json"))
        raise DataError(f"{found / study}: no tables; published are: {', '.join(there) or 'none'}")
    paper = cells(study, outputs)[-1]
    paper.manifest.unlink(missing_ok=True)
    chosen = {"study": study, "outputs": outputs}
    run_cell(paper, default_parameters("60_paper") | chosen)
    return paper.folder


def _size(folder: Path) -> int:
    """Return the bytes of the files that would be committed; a folder may be absent."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files if not any(map(path.match, LEFT)))


def _analysis(study: str, outputs: str) -> Cell:
    return next(cell for cell in cells(study, outputs) if cell.stage == "50_analysis")
