"""The smallest study, computed for real: once undisturbed, and then in every way that hurts.

The study that most tests share lies in the project's own outputs/ and is removed afterwards.
Tests that edit something work in a project of their own, which begins with a copy of it.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd
import psutil
import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STUDY = "smoke"
#: columns of runs.parquet that are measured, not computed
MEASURED = ["seconds", "peak_bytes"]
STAGES = ("10_data", "20_encoder", "30_intermediate", "40_target", "50_analysis", "60_paper")
#: seconds that a process may take to notice that its parent is gone
NOTICE_S = 10


@dataclass(frozen=True)
class Place:
    """A project, and the folder of its outputs."""

    root: Path
    outputs: str = "outputs"

    @property
    def study(self) -> Path:
        return self.root / self.outputs / STUDY

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "XSTILTS_DATA"}
        return kept | {"XSTILTS_ROOT": str(self.root), "XSTILTS_CACHE": str(ROOT / ".cache")}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "xstilts.cli", *words, STUDY, "--outputs", self.outputs]

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*(words or ("paper",))), cwd=self.root, capture_output=True, text=True,
            check=False, env=self.environment | environment,
        )  # fmt: skip

    def start(self) -> subprocess.Popen[str]:
        """Start the study in a process group of its own."""
        return subprocess.Popen(
            self.command("paper"), cwd=self.root, text=True, env=self.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def manifests(self) -> dict[str, tuple[str, int]]:
        """Return key and time of change of every manifest, by its cell's name."""
        found = {}
        for path in self.study.rglob("manifest.json"):
            name = str(path.parent.relative_to(self.study))
            found[name] = (json.loads(path.read_text())["key"], path.stat().st_mtime_ns)
        return found

    def processes(self) -> list[psutil.Process]:
        """Return the living processes that work for this place."""
        found = []
        for process in psutil.process_iter():
            try:
                said = " ".join(process.cmdline())
                named = f"outputs={self.outputs}" in said or f"--outputs {self.outputs}" in said
                named = named and process.environ().get("XSTILTS_ROOT") == str(self.root)
                if named and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found


def succeeded(done: subprocess.CompletedProcess[str]) -> bool:
    assert done.returncode == 0, done.stderr
    return True


def is_running(mark: Path) -> bool:
    """Say whether a cell's running.json is of a process that lives."""
    try:
        process = psutil.Process(json.loads(mark.read_text())["process"])
        return process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, psutil.Error):
        return False


def wait_for(said: Callable[[], bool], seconds: float, why: str) -> None:
    end = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < end, why
        time.sleep(0.1)


@pytest.fixture(scope="module")
def undisturbed() -> Iterator[Place]:
    place = Place(ROOT, f"outputs/test-{os.getpid()}")
    try:
        assert succeeded(place.run())
        yield place
    finally:
        shutil.rmtree(ROOT / place.outputs, ignore_errors=True)


@pytest.fixture
def elsewhere(undisturbed: Place, tmp_path: Path) -> Place:
    """A project of the test's own, in which the study is computed."""
    for name in ("Snakefile", "paper", "lib"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("notebooks", "params"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copytree(undisturbed.study, tmp_path / "outputs" / STUDY)
    return Place(tmp_path)


# ---- one command ----------------------------------------------------------------------------


def test_one_command_ends_in_a_paper_as_html_and_pdf(undisturbed):
    html = (undisturbed.study / "paper/paper.html").read_text()
    assert "</html>" in html
    assert (undisturbed.study / "paper/paper.pdf").read_bytes().startswith(b"%PDF-")
    cells = [name for name in undisturbed.manifests() if "/" in name]
    assert len(cells) == 2 + 1 + 2 + 3


def test_a_second_run_does_nothing(undisturbed):
    before, started = undisturbed.manifests(), time.monotonic()
    assert succeeded(undisturbed.run())
    assert time.monotonic() - started < 15
    assert undisturbed.manifests() == before


def test_status_of_a_finished_study_has_nothing_left(undisturbed):
    done = undisturbed.run("status")
    assert succeeded(done)
    rows = [line.split() for line in done.stdout.splitlines()[1:7]]
    assert [row[-1] for row in rows] == ["0"] * 6
    assert "10 of 10 cells, 100 %" in done.stdout


# ---- notebooks, opened by hand --------------------------------------------------------------


def test_papermill_alone_runs_a_notebook_from_the_root(undisturbed, tmp_path):
    executed = tmp_path / "out.ipynb"
    command = [
        sys.executable, "-m", "papermill", "notebooks/40_target.ipynb", str(executed),
        "-p", "study", STUDY, "-p", "outputs", undisturbed.outputs, "--no-progress-bar",
    ]  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if name != "XSTILTS_ROOT"}
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=False)
    assert succeeded(done)
    assert_complete(executed)


def test_every_notebook_runs_on_its_defaults_from_its_own_folder(undisturbed, tmp_path):
    """As JupyterLab opens them, but into the outputs of this test."""
    script = (
        "import sys, papermill\n"
        "folder, outputs, *names = sys.argv[1:]\n"
        "for name in names:\n"
        "    papermill.execute_notebook(f'{name}.ipynb', f'{folder}/{name}.ipynb',\n"
        "        parameters={'outputs': outputs}, progress_bar=False)\n"
    )
    names = ["00_explore", *(stage for stage in STAGES if stage != "40_target")]
    kept = {name: value for name, value in os.environ.items() if name != "XSTILTS_ROOT"}
    before = undisturbed.manifests()
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), undisturbed.outputs, *names],
        cwd=ROOT / "notebooks", env=kept, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert succeeded(done)
    for name in names:
        assert_complete(tmp_path / f"{name}.ipynb")
    after = undisturbed.manifests()
    assert {name: key for name, (key, _) in after.items()} == {
        name: key for name, (key, _) in before.items()
    }


def assert_complete(executed: Path) -> None:
    notebook = nbformat.read(executed, as_version=4)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert None not in counts
    shown = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    assert len(shown) >= 3


# ---- killed ---------------------------------------------------------------------------------


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


def assert_same_runs(one: Path, other: Path, count: int) -> None:
    found = sorted(path.relative_to(one) for path in one.rglob("seed-*/predictions.parquet"))
    assert len(found) == count
    for path in found:
        pd.testing.assert_frame_equal(
            pd.read_parquet(one / path), pd.read_parquet(other / path), check_exact=True
        )
        scores = [
            pd.read_parquet(place / path.with_name("runs.parquet")).drop(columns=MEASURED)
            for place in (one, other)
        ]
        pd.testing.assert_frame_equal(*scores, check_exact=True)


# ---- edited ---------------------------------------------------------------------------------


def test_a_seed_more_trains_that_seed_only(elsewhere, undisturbed):
    path = elsewhere.root / "params/studies/smoke.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"seeds": [0, 1]}))
    before = elsewhere.manifests()
    kept = {one: one.stat().st_mtime_ns for one in elsewhere.study.rglob("seed-0/*.*")}
    assert succeeded(elsewhere.run())
    assert {one: one.stat().st_mtime_ns for one in kept} == kept
    assert len(list(elsewhere.study.rglob("seed-1/run.json"))) == 5
    after = elsewhere.manifests()
    same = {name for name in before if before[name] == after[name]}
    assert same == {name for name in before if name.startswith(("data/", "encoders/"))}
    runs = pd.read_parquet(elsewhere.study / "analysis/runs.parquet")
    assert set(runs["seed"]) == {0, 1}


def test_a_failing_cell_is_told_and_the_rest_of_the_grid_is_computed(elsewhere):
    """The notebook of intermediate tasks is edited to fail in one arm."""
    path = elsewhere.root / "notebooks/30_intermediate.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(2, nbformat.v4.new_code_cell('assert arm != "english", "made to fail"'))
    nbformat.write(notebook, path)
    before = elsewhere.manifests()
    done = elsewhere.run()
    name = "intermediate/e5_l02/smoke_questions/english"
    assert done.returncode == 1
    told, rest = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert f"error: {name} failed: AssertionError: made to fail. Log: " in told
    log = re.search(r"Log: (\S+)\. ", told)[1]
    assert "made to fail" in (elsewhere.root / log).read_text()
    assert (elsewhere.root / log).with_suffix(".ipynb").is_file()
    assert "4 cells of 10 are not done; the same command goes on from here" in rest
    after = elsewhere.manifests()
    start = "targets/e5_l02/smoke_questions-"
    assert set(before) - set(after) == {name, f"{start}english/smoke_nli", "analysis", "paper"}
    assert after[f"{start}multilingual/smoke_nli"] != before[f"{start}multilingual/smoke_nli"]
    assert after["targets/e5_l02/none/smoke_nli"] == before["targets/e5_l02/none/smoke_nli"]

    repeat = re.search(r"Repeat: python (.*)$", told)[1]
    again = subprocess.run(
        [sys.executable, *repeat.split()], cwd=elsewhere.root, env=elsewhere.environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 1
    assert again.stderr.splitlines()[-1] == told
    failed = elsewhere.run("status")
    assert f"failed: {name} failed: AssertionError" in failed.stdout


@pytest.mark.parametrize(
    ("module", "stale"),
    [
        ("report/figure.py", ("paper",)),
        ("analysis/resample.py", ("analysis", "paper")),
        ("training/loop.py", ("intermediate/", "targets/", "analysis", "paper")),
        ("encoders/tokenizer.py", ("encoders/", "intermediate/", "targets/", "analysis", "paper")),
    ],
)
def test_an_edit_makes_stale_what_it_could_change_and_nothing_else(elsewhere, module, stale):
    package = edited_package(elsewhere.root, module)
    script = (
        "import sys, xstilts\n"
        "from xstilts.engine import drop_stale\n"
        "from xstilts.params import cells\n"
        "assert xstilts.__file__.startswith(sys.argv[1])\n"
        "print(*(cell.name for cell in drop_stale(cells('smoke'))), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(package)], cwd=elsewhere.root, capture_output=True,
        text=True, check=False, env=elsewhere.environment | {"PYTHONPATH": str(package)},
    )  # fmt: skip
    assert succeeded(done)
    dropped = set(done.stdout.split())
    every = {f"{name}" for name in Place(elsewhere.root).manifests()} | dropped
    assert dropped == {name for name in every if name.startswith(stale)}
    assert len(every) == 10


def test_an_edited_figure_typesets_the_paper_anew_and_computes_nothing_else(elsewhere):
    package = edited_package(elsewhere.root, "report/figure.py")
    before = elsewhere.manifests()
    assert succeeded(elsewhere.run(PYTHONPATH=str(package)))
    after = elsewhere.manifests()
    assert {name for name in before if before[name] != after[name]} == {"paper"}


def edited_package(root: Path, module: str) -> Path:
    """Return a folder with a copy of the package in which a module has one function more."""
    shutil.copytree(ROOT / "lib/xstilts", root / "edited/xstilts", symlinks=True)
    path = root / "edited/xstilts" / module
    path.write_text(path.read_text() + "\n\ndef added() -> int:\n    return 1\n")
    return root / "edited"


# ---- published ------------------------------------------------------------------------------


def test_published_tables_alone_give_the_paper(elsewhere):
    assert succeeded(elsewhere.run("publish"))
    published = elsewhere.root / "outputs/published/smoke"
    assert (published / "paper/paper.html").is_file()
    assert sum(path.stat().st_size for path in published.rglob("*")) < 5_000_000
    tables = {path: path.read_bytes() for path in (published / "analysis").iterdir()}
    shutil.rmtree(elsewhere.study)
    shutil.rmtree(published / "paper")
    done = elsewhere.run("paper", "--from", "published")
    assert succeeded(done)
    assert (published / "paper/paper.pdf").read_bytes().startswith(b"%PDF-")
    assert {path: path.read_bytes() for path in (published / "analysis").iterdir()} == tables
    assert not elsewhere.study.exists()
