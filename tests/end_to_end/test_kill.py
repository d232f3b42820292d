"""A study that is killed or told to stop is completed by the same command, with equal results."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from end_to_end.place import (
    NOTICE_S,
    ROOT,
    Place,
    assert_same_runs,
    is_running,
    succeeded,
    wait_for,
)

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Disturbed:
    """What was seen while a study was computed under blows."""

    place: Place
    at_once: subprocess.CompletedProcess[str]
    orphans: list[str]
    after_launcher: subprocess.CompletedProcess[str]
    engines: int
    last: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disturbed]:
    """Compute the study afresh, outputs outside the project; meanwhile, run it twice at once, kill
    everything at a random moment, go on, kill the launcher alone, run it at once, let it end.
    """
    place = Place(ROOT, str(tmp_path_factory.mktemp("killed")))
    seed = int(os.environ.get("XSTILTS_TEST_SEED", time.time_ns() % 1_000_000))
    done, wait = random.Random(seed).randint(0, 6), random.Random(seed).uniform(0.5, 4)
    print(f"XSTILTS_TEST_SEED={seed}: killed {wait:.1f} s after {done} cells are done")
    try:
        yield _disturb(place, done, wait)
    finally:
        for process in place.processes():
            process.kill()


def _disturb(place: Place, done: int, wait: float) -> Disturbed:
    first = place.start()
    wait_for(lambda: (place.study / "logs/snakemake.log").is_file(), 60, "nothing started")
    at_once = place.run()
    wait_for(lambda: len(place.manifests()) >= done, 300, "no cell was finished")
    time.sleep(wait)
    assert first.poll() is None, "the study ended before it was killed"
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    end = time.monotonic() + NOTICE_S
    while place.processes() and time.monotonic() < end:
        time.sleep(0.2)
    orphans = [" ".join(process.cmdline()) for process in place.processes()]

    second = place.start()
    wait_for(lambda: any(map(is_running, place.study.rglob("running.json"))), 60, "no cell began")
    second.kill()
    second.wait()
    after_launcher = place.run()
    engines = [one for one in place.processes() if "--snakefile" in one.cmdline()]
    wait_for(lambda: not place.processes(), 300, "Snakemake did not end")
    return Disturbed(place, at_once, orphans, after_launcher, len(engines), place.run())


def test_a_second_run_at_once_exits_with_5_and_one_line(disturbed):
    done = disturbed.at_once
    assert (done.returncode, done.stdout) == (5, "")
    told = "error: study 'smoke' is being computed by another process; nothing was started\n"
    assert done.stderr == told


def test_no_process_computes_on_after_a_kill(disturbed):
    assert disturbed.orphans == []


def test_a_run_is_refused_while_the_engine_of_a_killed_launcher_works_on(disturbed):
    assert disturbed.after_launcher.returncode == 5
    assert disturbed.engines == 1


def test_the_same_command_completes_a_killed_study(disturbed):
    assert succeeded(disturbed.last)
    assert (disturbed.place.study / "paper/paper.pdf").is_file()


def test_a_killed_study_has_the_cells_and_keys_of_an_undisturbed_one(disturbed, undisturbed):
    keys = [
        {name: key for name, (key, _) in place.manifests().items()}
        for place in (disturbed.place, undisturbed)
    ]
    assert keys[0] == keys[1]


def test_predictions_are_bit_identical_to_those_of_an_undisturbed_study(disturbed, undisturbed):
    assert_same_runs(disturbed.place.study, undisturbed.study, count=5)


def test_no_temporary_file_is_left(disturbed):
    assert not [path for path in disturbed.place.study.rglob(".*.*.*") if path.is_file()]


def test_a_study_that_is_told_to_stop_goes_on_within_the_run_it_was_in(elsewhere):
    path = elsewhere.root / "params/studies/smoke.yaml"
    longer = {"target_budget": {"items": 96, "epochs": 20}}
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | longer))
    process = elsewhere.start()
    trains = re.compile(r"step (\d+) of 60")

    def training() -> list[Path]:
        files = (elsewhere.study / "targets").rglob("progress.json")
        return [file for file in files if trains.search(file.read_text())]

    wait_for(lambda: bool(training()), 120, "nothing trained")
    process.terminate()
    assert process.wait(timeout=60) == 130
    assert "interrupted; the same command goes on from here" in process.stderr.read()
    wait_for(lambda: not elsewhere.processes(), NOTICE_S, "a process computes on")
    saved = list((elsewhere.study / "targets").rglob("checkpoint.safetensors"))
    assert saved
    assert not list(elsewhere.study.rglob("failed.json"))
    model, start, task = saved[0].parent.parent.relative_to(elsewhere.study / "targets").parts
    words = ["40_target", "study=smoke", f"model={model}", f"start={start}", f"task={task}"]
    command = [sys.executable, "-m", "xstilts.cell", *words]
    subprocess.run(command, cwd=elsewhere.root, env=elsewhere.environment, check=True)
    facts = json.loads((saved[0].parent / "run.json").read_text())
    assert 0 < facts["resumed_at_step"] < facts["steps"] == 60
    assert not saved[0].exists()
