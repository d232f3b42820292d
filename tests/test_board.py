import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from throwaway import finish, grid, project

from xstilts import board as module
from xstilts.board import Board, told_time
from xstilts.cell import RUNNING
from xstilts.files import write_json
from xstilts.params import Cell

TARGET = "targets/e5_l02/none/smoke_nli"


@pytest.fixture(autouse=True)
def _root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with project(tmp_path, monkeypatch):
        yield


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which stands still until a test moves it."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    weights = {cell: 10.0 if "targets" in name else 1.0 for name, cell in grid().items()}
    monkeypatch.setattr(module, "cell_seconds", weights.get)
    return now


def board() -> Board:
    return Board(tuple(grid().values()), cores=2)


def compute(cell: Cell, share: float, doing: str = "seed 0, step 1 of 3") -> None:
    """Let this process compute a cell."""
    write_json(cell.folder / RUNNING, {"host": platform.node(), "process": os.getpid()})
    write_json(cell.folder / "progress.json", {"share": share, "doing": doing})


def end(cell: Cell) -> None:
    (cell.folder / RUNNING).unlink()
    finish(cell)


def test_nothing_done_is_told_without_a_time(clock):
    assert board().line() == "smoke: 0 of 10 cells, 0 %"


def test_cells_weigh_what_they_are_expected_to_take(clock):
    watched, cells = board(), grid()
    whole = 7 * 1.0 + 3 * 10.0
    finish(cells["data/smoke_nli"])
    assert f"1 of 10 cells, {100 * 1 / whole:.0f} %" in watched.line()
    finish(cells[TARGET])
    assert f"2 of 10 cells, {100 * 11 / whole:.0f} %" in watched.line()


def test_a_running_cell_counts_by_its_share_and_says_what_it_does(clock):
    compute(grid()[TARGET], 0.5)
    assert board().line() == f"smoke: 0 of 10 cells, 14 %; {TARGET} (seed 0, step 1 of 3)"


def test_a_process_that_is_gone_computes_nothing(clock):
    cell = grid()[TARGET]
    compute(cell, 0.5)
    write_json(cell.folder / RUNNING, {"host": platform.node(), "process": 2**22 + 1})
    assert board().line() == "smoke: 0 of 10 cells, 0 %"


def test_the_time_left_follows_from_what_this_run_did(clock):
    cells = grid()
    for name in list(cells)[:4]:
        finish(cells[name])  # in an earlier run: 4 of 37
    watched = board()
    clock[0] += 60
    assert "left" not in watched.line()
    finish(cells[TARGET])  # 10 of 37 in 60 s; 23 are left
    assert "about 2 min left" in watched.line()


def test_what_ran_before_the_watching_began_tells_no_time(clock):
    """A board made to be read once, as `status` does, has seen nothing."""
    compute(grid()[TARGET], 0.5)
    watched = board()
    clock[0] += 0.001
    assert "left" not in watched.line()
    clock[0] += 59.999
    compute(grid()[TARGET], 0.9)  # 4 of 37 in a minute; 28 are left
    assert "about 7 min left" in watched.line()


def test_a_finished_study_has_no_time_left(clock):
    watched = board()
    clock[0] += 60
    for cell in grid().values():
        finish(cell)
    assert watched.line() == "smoke: 10 of 10 cells, 100 %"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (41.4, "41 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (5399, "90 min"),
     (5400, "1.5 h"), (90_000, "25.0 h")],
)  # fmt: skip
def test_time_is_told_in_the_unit_that_a_reader_would_use(seconds, told):
    assert told_time(seconds) == told


def test_a_log_gets_a_line_now_and_then_and_none_twice(clock, capsys):
    watched = board()
    watched.show()
    clock[0] += module.QUIET_S - 1
    finish(grid()["data/smoke_nli"])
    watched.show()
    assert capsys.readouterr().err.splitlines() == ["smoke: 0 of 10 cells, 0 %"]
    clock[0] += 1
    watched.show()
    assert "1 of 10 cells" in capsys.readouterr().err
    clock[0] += module.QUIET_S
    finish(grid()["data/smoke_questions"])
    watched.show()
    watched.show()
    watched.end()
    assert capsys.readouterr().err.count("\n") == 1


def test_an_unchanged_line_is_not_repeated_in_a_log(clock, capsys):
    watched = board()
    for _ in range(5):
        watched.show()
        clock[0] += module.QUIET_S
    assert capsys.readouterr().err.count("\n") == 1


def test_a_terminal_keeps_one_line_that_fits(clock, capsys, monkeypatch):
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(module.shutil, "get_terminal_size", lambda: os.terminal_size((40, 24)))
    watched = board()
    compute(grid()[TARGET], 0.5)
    watched.show()
    end(grid()[TARGET])
    watched.show()
    told = capsys.readouterr().err
    assert re.fullmatch(r"(\r[^\r\n]{39}){2}", told), told
    watched.end()
    assert capsys.readouterr().err == "\n"
