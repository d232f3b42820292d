"""How a stage notebook begins and ends; between lies one call a cell."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from xstilts.errors import SpecError, XstiltsError
from xstilts.params import Cell, find_cell, project_root
from xstilts.params.grid import PUBLISHED
from xstilts.results.manifest import is_done, write_manifest

__all__ = ["cell_arguments", "default_parameters", "finish", "missing_inputs", "open_cell"]


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
    return Path(os.path.relpath(cell.manifest, project_root()))


def missing_inputs(cell: Cell) -> list[Cell]:
    """Return the cells that a cell needs and that are not done, inputs before readers.

    Published results have none: they are taken as they are.
    """
    found: dict[Cell, None] = {}
    for one in cell.inputs if cell.outputs != PUBLISHED else ():
        if not is_done(one):
            found |= dict.fromkeys(missing_inputs(one))
            found[one] = None
    return list(found)


def cell_arguments(cell: Cell) -> list[str]:
    """Return the words after `python -m xstilts.cell` that run a cell."""
    chosen = [f"{name}={value}" for name, value in cell.selectors]
    return [cell.stage, f"study={cell.study}", *chosen, f"outputs={cell.outputs}"]


def notebook_path(stage: str) -> Path:
    return project_root() / "notebooks" / f"{stage}.ipynb"


def default_parameters(stage: str) -> dict[str, str]:
    """Return the names and defaults in a notebook's cell tagged `parameters`.

    Raises:
        SpecError: no such notebook, no tagged cell, or something else than text in it.
    """
    path = notebook_path(stage)
    where = f"notebooks/{stage}.ipynb"
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
        statements = ast.parse("".join(tagged[0]["source"])).body
        values = {s.targets[0].id: ast.literal_eval(s.value) for s in statements}
    except FileNotFoundError:
        raise SpecError(f"{where}: file not found") from None
    except IndexError:
        raise SpecError(f"{where}: no cell is tagged 'parameters'") from None
    except (ValueError, KeyError, AttributeError, SyntaxError) as error:
        raise SpecError(f"{where}: cell 'parameters': {error}") from None
    for name, value in values.items():
        if not isinstance(value, str):
            raise SpecError(f"{where}: {name}: found {value!r}; allowed: text")
    return values
