import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
from throwaway import edit, finish, grid, project

from xstilts.cell import FAILED, RUNNING
from xstilts.errors import SpecError
from xstilts.files import write_json
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


def test_a_study_that_is_not_there_is_named():
    with pytest.raises(SpecError, match="study 'smok' is unknown"):
        status_text("smok")
