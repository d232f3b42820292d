"""A study's state as text: what is done, running, failed and left, and how long that will take."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from xstilts.board import Board, told_time
from xstilts.cell import FAILED, is_running
from xstilts.files import read_json
from xstilts.params import STAGES, Cell, cells, load_study
from xstilts.plan import cell_seconds
from xstilts.plan_table import table_text
from xstilts.results.key import SEEDED
from xstilts.results.manifest import is_done, manifest_key, run_is_done
from xstilts.results.records import recorded, told_count

#: what of a run's time its facts tell
_TIMES = ("start_seconds", "seconds", "scoring_seconds")


def status_text(study: str, outputs: str = "outputs") -> str:
    """Return a table of cells by stage, then records, time left, the running and the failed ones.

    Raises:
        SpecError: there is no such study, or its file is wrong.
        DataError: a record of runs is broken.
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
    records, count = recorded(study, outputs)
    lines = [table_text(rows), told_count(count, study, "kept in"), *_time_left(grid, records)]
    return "\n".join([*lines, Board(grid, 1).line(), *(f"failed: {fault}" for fault in faults)])


def _time_left(grid: Sequence[Cell], records: Mapping[tuple[Cell, int], Any]) -> list[str]:
    """Return a line about the runs that are left, by what the finished ones took; or no line.

    A cell's runs are taken to differ from another's as the plan of the study has it.
    """
    taken = expected = left = 0.0
    finished = 0
    for cell in (cell for cell in grid if cell.stage in SEEDED):
        seeds = load_study(cell.study).seeds
        for seed in seeds:
            seconds = cell_seconds(cell) / len(seeds)
            facts = records.get((cell, seed))
            if run_is_done(cell, seed):
                facts = read_json(cell.folder / f"seed-{seed}" / "run.json")
            if facts is None:
                left += seconds
                continue
            finished, expected = finished + 1, expected + seconds
            taken += sum(facts.get(name) or 0.0 for name in _TIMES)
    if not (left and taken):
        return []
    seconds = left * taken / expected
    line = f"runs left: about {told_time(seconds)} of one device, by {finished} finished ones"
    running = sum(map(is_running, grid))
    if running:
        end = time.strftime("%d %B %H:%M", time.localtime(time.time() + seconds / running))
        line += f"; {running} at once end about {end}"
    return [line]
