"""Results small enough to be committed: a study's tables, and its paper made from them."""

import shutil
from pathlib import Path

from xstilts.cell import run_cell
from xstilts.errors import DataError
from xstilts.notebook import default_parameters
from xstilts.params import Cell, cells, load_study, project_root
from xstilts.params.grid import PUBLISHED
from xstilts.results.manifest import is_done

#: bytes that one published study may take
LARGEST = 30_000_000


def publish(study: str, outputs: str = "outputs") -> Path:
    """Copy a finished study's analysis to outputs/published/<study> and typeset it there.

    Predictions are ids, labels and probabilities; no text of an item is among the tables
    of a study on official files, whose licences forbid it.

    Raises:
        DataError: the study is not done, or its tables are too large to commit.
    """
    analysis = _analysis(study, outputs)
    if not is_done(analysis):
        raise DataError(f"study '{study}' is not done; `make paper STUDY={study}` computes it")
    size = sum(path.stat().st_size for path in analysis.folder.iterdir())
    if size > LARGEST:
        raise DataError(f"{analysis.folder}: {size / 1e6:.0f} MB; allowed: {LARGEST / 1e6:.0f} MB")
    place = _analysis(study, PUBLISHED).folder
    shutil.rmtree(place, ignore_errors=True)
    hidden = shutil.ignore_patterns(".*", "notebook.ipynb", "running.json", "failed.json")
    shutil.copytree(analysis.folder, place, ignore=hidden)
    return rebuild(study, PUBLISHED)


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


def _analysis(study: str, outputs: str) -> Cell:
    return next(cell for cell in cells(study, outputs) if cell.stage == "50_analysis")
