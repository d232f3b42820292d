"""A study's state as text: what is done, running, failed and left."""

from xstilts.board import Board
from xstilts.cell import FAILED, is_running
from xstilts.files import read_json
from xstilts.params import STAGES, cells
from xstilts.plan_table import table_text
from xstilts.results.manifest import is_done, manifest_key


def status_text(study: str, outputs: str = "outputs") -> str:
    """Return a table of cells by stage, then the running and the failed ones.

    Raises:
        SpecError: there is no such study, or its file is wrong.
    """
    grid = cells(study, outputs)
    rows = [["stage", "cells", "done", "stale", "running", "failed", "left"]]
    for stage in STAGES:
        members = [cell for cell in grid if cell.stage == stage]
        done = sum(map(is_done, members))
        there = sum(manifest_key(cell) is not None for cell in members)
        running = sum(map(is_running, members))
        failed = sum((cell.folder / FAILED).is_file() for cell in members)
        counts = (len(members), done, there - done, running, failed, len(members) - done)
        rows.append([stage, *map(str, counts)])
    faults = [read_json(cell.folder / FAILED)["message"] for cell in grid
              if (cell.folder / FAILED).is_file()]  # fmt: skip
    lines = [table_text(rows), Board(grid, 1).line(), *(f"failed: {fault}" for fault in faults)]
    return "\n".join(lines)
