"""A throw-away project: parameters of the smoke study, and notebooks of a few lines."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import synthetic
import yaml

from xstilts.files import write_json
from xstilts.params import Cell, cells
from xstilts.results import code, key

ROOT = Path(__file__).parents[1]
PARAMETERS = 'study = "smoke"\ntask = "smoke_nli"\noutputs = "outputs"\ndata = ""'
OPEN = (
    "from xstilts.notebook import finish, open_cell\n"
    'cell = open_cell("10_data", study=study, task=task, outputs=outputs)'
)
FINISH = "finish(cell)"


@contextmanager
def project(root: Path, patch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make `root` the project: the smoke study's parameters, no notebooks, nothing computed."""
    names = ("models/e5_l02", "tasks/smoke_nli", "tasks/smoke_questions", "studies/smoke")
    for name in names:
        path = root / "params" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "params" / f"{name}.yaml", path)
    patch.setenv("XSTILTS_ROOT", str(root))
    patch.delenv("XSTILTS_DATA", raising=False)
    forget()
    yield root
    if (root / "notebooks").exists():
        forget_code()
    forget()


def forget() -> None:
    """Empty the caches of parameters and keys, so that edited files are read."""
    synthetic.forget()
    for cached in (key._cell_key, key._run_key, key._task_files, key._corpora, key.stamp):
        cached.cache_clear()


def forget_code() -> None:
    """Empty the caches of notebooks too."""
    forget()
    for cached in (code.stage_code, code.stage_modules):
        cached.cache_clear()


def edit(path: Path, **values: Any) -> None:
    """Set keys of a YAML file."""
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))
    forget()


def write_notebook(root: Path, *sources: str, parameters: str = PARAMETERS) -> Path:
    """Write notebooks/10_data.ipynb: the cell of parameters, then a cell of code a source."""
    shown = [
        {"cell_type": "code", "id": f"cell-{number}", "source": source, "outputs": [],
         "execution_count": None, "metadata": {} if number else {"tags": ["parameters"]}}
        for number, source in enumerate((parameters, *sources))
    ]  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    path = root / "notebooks" / "10_data.ipynb"
    path.parent.mkdir(exist_ok=True)
    notebook = {"cells": shown, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook))
    forget_code()
    return path


def grid() -> dict[str, Cell]:
    """Return the cells of the smoke study by name."""
    return {cell.name: cell for cell in cells("smoke")}


def finish(cell: Cell) -> None:
    """Make a cell done."""
    write_json(cell.manifest, {"key": key.cell_key(cell)})
