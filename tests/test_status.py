import os
import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from throwaway import edit, finish, grid, project

from xstilts import status as module
from xstilts.cell import FAILED, RUNNING
from xstilts.errors import SpecError
from xstilts.files import write_json
from xstilts.params import Cell
from xstilts.results.key import SEEDED, run_key
from xstilts.results.records import keep
from xstilts.status import status_text


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with project(tmp_path, monkeypatch):
        yield tmp_path


def counts(stage: str) -> dict[str, int]:
    """Return the stage's row of the table."""
    lines = [line.split() for line in status_text("smoke").splitlines()]
    row = next(line for line in lines if line[0] == stage)
    return dict(zip(lines[0][1:], map(int, row[1:]), strict=True))


def test_nothing_computed_is_all_left():
    assert counts("40_target") == {
        "cells": 3, "done": 0, "stale": 0, "running": 0, "failed": 0, "left": 3,
    }  # fmt: skip
    assert counts("10_data")["cells"] == 2


def test_done_running_and_failed_cells_are_counted_and_the_failed_ones_told():
    done, running, failed = (cell for cell in grid().values() if cell.stage == "40_target")
    finish(done)
    write_json(running.folder / RUNNING, {"host": platform.node(), "process": os.getpid()})
    write_json(failed.folder / FAILED, {"message": "why, log, repeat", "exit_code": 1})
    assert counts("40_target") == {
        "cells": 3, "done": 1, "stale": 0, "running": 1, "failed": 1, "left": 2,
    }  # fmt: skip
    text = status_text("smoke")
    assert text.splitlines()[-1] == "failed: why, log, repeat"
    assert running.name in text.splitlines()[-2]


def test_an_edit_makes_cells_stale_and_leaves_the_others(root):
    for cell in grid().values():
        finish(cell)
    assert counts("30_intermediate") | counts("60_paper") == {
        "cells": 1, "done": 1, "stale": 0, "running": 0, "failed": 0, "left": 0,
    }  # fmt: skip
    edit(root / "params/studies/smoke.yaml", target_budget={"items": 64, "epochs": 1})
    found = {stage: counts(stage)["stale"] for stage in ("10_data", "30_intermediate", "40_target")}
    assert found == {"10_data": 0, "30_intermediate": 0, "40_target": 3}
    assert counts("60_paper")["left"] == 1


# ---- records and the time left --------------------------------------------------------------


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Cell]:
    """Three of five runs, finished in ten seconds each, where the plan has four for every cell."""
    monkeypatch.setattr(module, "cell_seconds", lambda cell: 4.0)
    found = [cell for cell in grid().values() if cell.stage in SEEDED][:3]
    for cell in found:
        facts = {"run": f"smoke/{cell.name}/seed-0", "seed": 0, "key": run_key(cell, 0),
                 "seconds": 8.0, "start_seconds": 0.5, "scoring_seconds": 1.5}  # fmt: skip
        write_json(cell.folder / "seed-0" / "run.json", facts)
    return found


def line(begin: str) -> str:
    (found,) = [one for one in status_text("smoke").splitlines() if one.startswith(begin)]
    return found


def test_nothing_finished_tells_no_time():
    assert "runs left" not in status_text("smoke")
    assert line("kept in") == "kept in outputs/published/smoke/runs: 0 of 5 runs"


def test_the_time_of_the_finished_runs_tells_that_of_the_others(trained):
    assert line("runs left") == "runs left: about 20 s of one device, by 3 finished ones"


def test_running_cells_say_when_they_end(trained):
    last = list(grid().values())[-3]
    write_json(last.folder / RUNNING, {"host": platform.node(), "process": os.getpid()})
    assert re.search(r"3 finished ones; 1 at once end about \d\d \w+ \d\d:\d\d$", line("runs left"))


def test_recorded_runs_are_told_and_count_as_finished(trained, root):
    keep("smoke")
    shutil.rmtree(root / "outputs/smoke")
    assert line("kept in") == "kept in outputs/published/smoke/runs: 3 of 5 runs"
    assert line("runs left") == "runs left: about 20 s of one device, by 3 finished ones"
    edit(root / "params/studies/smoke.yaml", target_budget={"items": 64, "epochs": 1})
    assert line("kept in").endswith(": 2 of 5 runs (1 left out: another key or precision)")


def test_a_finished_study_has_no_runs_left(trained):
    for cell in [cell for cell in grid().values() if cell.stage in SEEDED]:
        write_json(cell.folder / "seed-0" / "run.json", {"key": run_key(cell, 0), "seconds": 1.0})
    assert "runs left" not in status_text("smoke")


def test_a_study_that_is_not_there_is_named():
    with pytest.raises(SpecError, match="study 'smok' is unknown"):
        status_text("smok")
