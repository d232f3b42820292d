"""How a stage notebook begins and ends; between lies one call a cell."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from xstilts.errors import SpecError, XstiltsError
from xstilts.params import Cell, find_cell, project_root
from xstilts.results.manifest import is_done, write_manifest

__all__ = ["finish", "open_cell"]


def open_cell(stage: str, **parameters: Any) -> Cell:
    """Return the cell that a notebook's parameters pick, its inputs computed.

    An input that is missing or stale, as when a notebook is opened by hand in a fresh
    project, is computed first, each in a kernel of its own.

    Raises:
        SpecError: a parameter is of the wrong type, or the study has no such cell.
        XstiltsError: an input could not be computed.
    """
    for name, value in parameters.items():
        if not isinstance(value, str):
            raise SpecError(f"{stage}: {name}: found {value!r} ({type(value).__name__}); "
                            "allowed: text")  # fmt: skip
    cell = find_cell(stage, **parameters)
    for one in missing_inputs(cell):
        print(f"computing {one.name} first", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "xstilts.cell", *cell_arguments(one)],
            cwd=project_root(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise XstiltsError(f"{one.name} failed: {lines[-1]}")
    cell.folder.mkdir(parents=True, exist_ok=True)
    return cell


def finish(cell: Cell) -> Path:
    """Write the cell's manifest, which makes it done; return its path from the project.

    Raises:
        DataError: a run of the cell is not finished.
    """
    write_manifest(cell)
    return cell.manifest.relative_to(project_root())


def missing_inputs(cell: Cell) -> list[Cell]:
    """Return the cells that a cell needs and that are not done, inputs before readers."""
    found: dict[Cell, None] = {}
    for one in cell.inputs:
        if not is_done(one):
            found |= dict.fromkeys(missing_inputs(one))
            found[one] = None
    return list(found)


def cell_arguments(cell: Cell) -> list[str]:
    """Return the words after `python -m xstilts.cell` that run a cell."""
    chosen = [f"{name}={value}" for name, value in cell.selectors]
    return [cell.stage, f"study={cell.study}", *chosen, f"outputs={cell.outputs}"]
