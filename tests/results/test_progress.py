import json

import params.conftest as made
import pytest

from xstilts.params import find_cell
from xstilts.results import progress
from xstilts.results.progress import INTERVAL_S, Progress, read_progress

project, write = made.project, made.write


@pytest.fixture
def cell(write):
    return find_cell("40_target", "made", model="small", start="none", task="goal")


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_before_a_cell_says_anything_it_is_at_zero(cell):
    assert read_progress(cell.folder) == (0.0, "")


def test_a_share_of_a_run_is_a_share_of_the_cell(cell, clock):
    said = Progress(cell, runs=4)
    said.at(1, 0.5, "step 3 of 6")
    assert read_progress(cell.folder) == (0.375, "step 3 of 6")


def test_the_file_is_written_once_in_an_interval(cell, clock):
    said = Progress(cell, runs=1)
    for step in range(10):
        said.at(0, step / 10, f"step {step}")
    assert read_progress(cell.folder) == (0.0, "step 0")
    clock[0] += INTERVAL_S
    said.at(0, 0.95, "step 10")
    assert read_progress(cell.folder) == (0.95, "step 10")


def test_the_end_of_a_run_is_always_written(cell, clock):
    said = Progress(cell, runs=2)
    said.at(0, 0.1, "begun")
    said.at(0, 1.0, "finished")
    assert read_progress(cell.folder) == (0.5, "finished")


def test_events_are_lines_added_to_those_of_before(cell):
    Progress(cell, 1).event(seed=0, what="started")
    Progress(cell, 1).event(what="finished", seed=0)
    lines = [json.loads(one) for one in (cell.folder / "events.jsonl").read_text().splitlines()]
    assert [one["what"] for one in lines] == ["started", "finished"]
    assert lines[0]["time"] <= lines[1]["time"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"share": 1}', b'{"share": "x", "doing": ""}', b"\xff"]
)
def test_a_broken_file_is_as_none(cell, content):
    cell.folder.mkdir(parents=True)
    (cell.folder / "progress.json").write_bytes(content)
    assert read_progress(cell.folder) == (0.0, "")
