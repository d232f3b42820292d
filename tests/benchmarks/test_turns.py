"""Two workers compute in turns."""

import itertools
import time

import pytest
from benchmarks.turns import BenchmarkError, Clock, run_alone, take_turns

#: seconds of a toy step
STEP = 0.05


def worker(job, pipe):
    computed = []
    clock = Clock(pipe, (1, 3, 5), between=lambda: computed.append("warm"))
    clock.begin()
    for done in range(1, 6):
        began = time.time()
        time.sleep(STEP)
        computed.append((began, time.time()))
        clock.step(done)
    clock.finish({"computed": computed})


def broken(job, pipe):
    raise ValueError("no such\nthing")


def silent(job, pipe):
    raise SystemExit(3)


def test_no_two_workers_compute_at_the_same_time():
    sides = take_turns([worker, worker], None, 3)
    spans = sorted(one for side in sides for one in side["computed"] if one != "warm")
    assert len(spans) == 10
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


def test_the_first_turn_warms_up_and_is_not_counted():
    (side,) = take_turns([worker], None, 3)
    assert side["computed"].index("warm") == 1
    assert [round(seconds / STEP) for seconds in side["seconds"]] == [2, 2]


def test_what_a_worker_raises_is_told_in_one_line():
    with pytest.raises(BenchmarkError, match=r"^test_turns: ValueError: no such$"):
        take_turns([worker, broken], None, 3)


def test_a_worker_that_ends_is_told_with_its_code():
    with pytest.raises(BenchmarkError, match="ended with code 3"):
        take_turns([silent], None, 3)
    with pytest.raises(BenchmarkError, match="silent: ended with code 3"):
        run_alone(silent, None, None)
