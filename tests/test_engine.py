import base64
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from throwaway import FINISH, OPEN, ROOT, edit, finish, forget, grid, project, write_notebook

from xstilts import engine
from xstilts.cell import FAILED
from xstilts.engine import compute, drop_stale, snakemake_command
from xstilts.errors import BusyError, DataError, SpecError, XstiltsError
from xstilts.files import exclusive, write_json
from xstilts.kernel_server import VARIABLE
from xstilts.params import Cell
from xstilts.results.key import SEEDED, run_key
from xstilts.results.manifest import is_done
from xstilts.results.records import keep

STUDY = "params/studies/smoke.yaml"
TARGET = "targets/e5_l02/none/smoke_nli"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(engine, "POLL_S", 0.02)
    with project(tmp_path, monkeypatch):
        yield tmp_path


@pytest.fixture
def snakemake(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that puts a script in Snakemake's place."""

    def put(script: str) -> None:
        command = [sys.executable, "-c", textwrap.dedent(script)]
        monkeypatch.setattr(engine, "snakemake_command", lambda *_: command)

    return put


def finish_all() -> None:
    for cell in grid().values():
        finish(cell)


def manifests(root: Path) -> set[Path]:
    return set(root.rglob("manifest.json"))


# ---- what is stale --------------------------------------------------------------------------


def test_nothing_is_dropped_where_nothing_changed(root):
    finish_all()
    before = manifests(root)
    assert drop_stale(tuple(grid().values())) == []
    assert manifests(root) == before


def test_an_edited_budget_drops_its_stage_and_what_follows_from_it(root):
    finish_all()
    edit(root / STUDY, target_budget={"items": 64, "epochs": 1})
    dropped = drop_stale(tuple(grid().values()))
    assert {cell.stage for cell in dropped} == {"40_target", "50_analysis", "60_paper"}
    assert not any(cell.manifest.exists() for cell in dropped)
    assert len(dropped) + len(manifests(root)) == len(grid())


def test_a_seed_more_drops_manifests_of_cells_that_train_but_of_nothing_before_them(root):
    finish_all()
    edit(root / STUDY, seeds=[0, 1])
    stages = {cell.stage for cell in drop_stale(tuple(grid().values()))}
    assert stages == {"30_intermediate", "40_target", "50_analysis", "60_paper"}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"key": "0123456789abcdef"}'])
def test_a_manifest_that_is_broken_or_of_another_key_is_dropped(text):
    finish_all()
    cell = grid()["encoders/e5_l02"]
    cell.manifest.write_text(text)
    assert drop_stale(tuple(grid().values())) == [cell]


# ---- the run --------------------------------------------------------------------------------


def test_the_command_goes_on_from_what_is_there_without_snakemakes_own_lock(root):
    command = snakemake_command("smoke", "outputs/here", 3)
    assert command[:3] == [sys.executable, "-m", "snakemake"]
    assert str(root / "Snakefile") in command
    assert {"study=smoke", "outputs=outputs/here", "gpu=1"} <= set(command)
    assert {"--nolock", "--ignore-incomplete", "--keep-going"} <= set(command)
    assert command[command.index("--rerun-triggers") + 1] == "params"
    assert command[-2:] == ["--cores", "3"]
    assert "--profile" not in command


def test_cells_of_the_largest_encoder_come_first(root):
    small = root / "params/models/e5_l02.yaml"
    large = small.read_text().replace("layers: 2", "layers: 4")
    small.with_name("e5_l04.yaml").write_text(large)
    values = yaml.safe_load((root / STUDY).read_text()) | {"models": ["e5_l02", "e5_l04"]}
    (root / STUDY).write_text(yaml.safe_dump(values))
    forget()
    command = snakemake_command("smoke", "outputs", 2)
    first = command[command.index("--prioritize") + 1 : command.index("--cores")]
    assert "outputs/smoke/targets/e5_l04/none/smoke_nli/manifest.json" in first
    assert len(first) == 3
    assert all("/targets/e5_l04/" in path for path in first)


def test_a_profile_says_where_and_how_many():
    command = snakemake_command("smoke", "outputs", 3, "profiles/slurm")
    assert command[-2:] == ["--profile", "profiles/slurm"]
    assert "--cores" not in command


def jobs(root: Path) -> list[str]:
    """Return the rules that Snakemake would run, without the one that asks for the paper."""
    (root / "Snakefile").symlink_to(ROOT / "Snakefile")
    done = subprocess.run(
        [*snakemake_command("smoke", "outputs", 2), "--dry-run"], cwd=root, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    found = re.findall(r"^(?:local)?rule (\w+):$", done.stdout + done.stderr, re.MULTILINE)
    return sorted(rule for rule in found if rule != "all")


def test_a_fresh_study_runs_every_cell_once(root):
    every = ["data"] * 2 + ["encoder"] + ["intermediate"] * 2 + ["target"] * 3
    assert jobs(root) == sorted([*every, "analysis", "paper"])


def test_a_notebook_that_was_run_by_hand_makes_nothing_stale(root):
    """Its manifest is newer than those of what reads it, but of the same key."""
    finish_all()
    cells = grid()
    for name in ("data/smoke_nli", "encoders/e5_l02", "analysis"):
        os.utime(cells[name].manifest, times=(2**31, 2**31))
    cells["paper"].manifest.unlink()
    assert jobs(root) == ["paper"]


def test_restored_runs_are_not_trained_though_what_they_read_is_computed(root):
    """In a fresh clone the data and the encoder are made again, for the analysis."""
    for cell in grid().values():
        if cell.stage in SEEDED:
            finish(cell)
    assert jobs(root) == sorted(["data"] * 2 + ["encoder", "analysis", "paper"])


@pytest.mark.parametrize(
    ("name", "rule"),
    [("data/smoke_nli", "data"), (TARGET, "target"), ("analysis", "analysis")],
)
def test_a_missing_cell_is_computed_though_the_paper_is_there(root, name, rule):
    finish_all()
    grid()[name].manifest.unlink()
    assert rule in jobs(root)


def test_a_cell_that_ended_as_snakemake_was_killed_keeps_nothing_from_being_computed(root):
    """Its manifest is whole, but Snakemake left a mark that its job had not ended."""
    done = ("data/smoke_nli", "data/smoke_questions", "encoders/e5_l02", TARGET)
    for name in done:
        finish(grid()[name])
    marks = root / ".snakemake" / "incomplete"
    marks.mkdir(parents=True)
    path = str(grid()[TARGET].manifest.relative_to(root))
    (marks / base64.urlsafe_b64encode(path.encode()).decode()).touch()
    assert jobs(root) == sorted(["intermediate"] * 2 + ["target"] * 2 + ["analysis", "paper"])


def test_a_finished_study_starts_nothing(root, snakemake):
    snakemake("open('started', 'w')")
    finish_all()
    assert compute("smoke") == root / "outputs/smoke/paper"
    assert not (root / "started").exists()


def test_a_study_that_another_process_computes_is_refused_and_left_alone(root, snakemake):
    snakemake("open('started', 'w')")
    finish_all()
    edit(root / STUDY, seeds=[0, 1])
    before = manifests(root)
    with (
        exclusive(root / "outputs/smoke/.lock", "held"),
        pytest.raises(BusyError, match="study 'smoke' is being computed by another process"),
    ):
        compute("smoke")
    assert not (root / "started").exists()
    assert manifests(root) == before


def test_the_child_holds_the_lock_when_the_launcher_lets_go(root, snakemake):
    snakemake(
        """
        import fcntl, os, pathlib
        lock = os.stat('outputs/smoke/.lock')
        held = [one for one in range(3, 64) if pathlib.Path(f'/proc/self/fd/{one}').exists()
                and os.fstat(one).st_ino == lock.st_ino]
        pathlib.Path('held').write_text(str(len(held)))
        """
    )
    with pytest.raises(XstiltsError):
        compute("smoke")
    assert (root / "held").read_text() == "1"


def test_every_failed_cell_has_its_line_and_the_last_says_how_to_go_on(snakemake):
    first, second = [cell for cell in grid().values() if cell.stage == "10_data"]
    told = {first: ("data/a failed: x. Log: l. Repeat: r", 1), second: ("data/b failed: y", 2)}
    script = "import json, sys\n" + "".join(
        f"open({str(cell.folder / FAILED)!r}, 'w').write({message!r})\n"
        for cell, message in (
            (cell, f'{{"message": "{text}", "exit_code": {code}}}')
            for cell, (text, code) in told.items()
        )
    )
    snakemake(script + "sys.exit(1)")
    for cell in told:
        write_json(cell.folder / FAILED, {"message": "of an earlier run", "exit_code": 1})
    with pytest.raises(XstiltsError) as caught:
        compute("smoke")
    assert str(caught.value).splitlines() == [
        "data/a failed: x. Log: l. Repeat: r",
        "error: data/b failed: y",
        "error: 10 cells of 10 are not done; the same command goes on from here",
    ]
    assert caught.value.exit_code == 1


def test_faults_of_input_alone_keep_their_exit_code(snakemake):
    cell = next(iter(grid().values()))
    cell.folder.mkdir(parents=True)
    told = '{"message": "data/a failed: y", "exit_code": 2}'
    snakemake(f"import sys; open({str(cell.folder / FAILED)!r}, 'w').write({told!r}); sys.exit(1)")
    with pytest.raises(XstiltsError) as caught:
        compute("smoke")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("code", [0, 1])
def test_an_engine_that_ends_early_is_an_error_that_names_its_log(root, snakemake, code):
    snakemake(f"import sys; print('said by the engine', flush=True); sys.exit({code})")
    with pytest.raises(XstiltsError, match="10 cells are not done and none says why; see outputs"):
        compute("smoke")
    assert "said by the engine" in (root / "outputs/smoke/logs/snakemake.log").read_text()


def test_the_engine_works_in_the_project_whatever_the_folder_of_the_caller(
    root, snakemake, tmp_path_factory, monkeypatch
):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    snakemake("import os; open('here', 'w').write(os.environ['XSTILTS_ROOT'])")
    with pytest.raises(XstiltsError):
        compute("smoke")
    assert (root / "here").read_text() == str(root)


def test_a_study_that_is_not_there_leaves_no_folder(root):
    with pytest.raises(SpecError, match="Did you mean 'smoke'"):
        compute("smokey")
    assert not (root / "outputs").exists()


def test_the_finished_cells_of_a_failed_run_stay(snakemake):
    finish(grid()["data/smoke_nli"])
    snakemake("raise SystemExit(1)")
    with pytest.raises(XstiltsError, match="9 cells are not done"):
        compute("smoke")
    assert is_done(grid()["data/smoke_nli"])


# ---- records --------------------------------------------------------------------------------


def train(root: Path) -> list[Cell]:
    """Leave a run without tables in every cell that trains, and return the cells."""
    trained = [cell for cell in grid().values() if cell.stage in SEEDED]
    for cell in trained:
        facts = {"run": f"smoke/{cell.name}/seed-0", "seed": 0, "key": run_key(cell, 0)}
        write_json(cell.folder / "seed-0" / "run.json", facts)
    return trained


def test_recorded_runs_are_done_before_anything_starts(root, snakemake, capsys):
    trained = train(root)
    keep("smoke")
    shutil.rmtree(root / "outputs/smoke")
    snakemake("raise SystemExit(1)")
    with pytest.raises(XstiltsError, match="5 cells are not done"):
        compute("smoke")
    assert all(map(is_done, trained))
    told = capsys.readouterr().err.splitlines()[0]
    assert told == "restored from outputs/published/smoke/runs: 5 of 5 runs"


def test_records_of_another_key_are_told_and_left(root, snakemake, capsys):
    train(root)
    keep("smoke")
    shutil.rmtree(root / "outputs/smoke")
    edit(root / STUDY, target_budget={"items": 64, "epochs": 1})
    snakemake("raise SystemExit(1)")
    with pytest.raises(XstiltsError, match="10 cells are not done"):
        compute("smoke")
    assert "runs: 0 of 5 runs (3 left out: another key or precision)" in capsys.readouterr().err


def test_a_broken_record_is_told_and_nothing_starts(root, snakemake):
    train(root)
    keep("smoke")
    snakemake("open('started', 'w')")
    (root / "outputs/published/smoke/runs" / f"{TARGET}.parquet").write_bytes(b"broken")
    shutil.rmtree(root / "outputs/smoke")
    with pytest.raises(DataError, match=r"smoke_nli\.parquet: not a Parquet file"):
        compute("smoke")
    assert not (root / "started").exists()


# ---- warm kernels ---------------------------------------------------------------------------


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happened to a server that is put in the place of that of kernels."""
    happened = []

    @contextmanager
    def serve(log: object) -> Iterator[tuple[dict[str, str], list[int]]]:
        happened.append("started")
        with open(os.devnull) as held:
            yield {VARIABLE: "/its/socket"}, [held.fileno()]
        happened.append("ended")

    monkeypatch.setattr(engine, "serve_kernels", serve)
    monkeypatch.setattr(sys, "platform", "linux")
    return happened


ANNOUNCED = f"import os; open('announced', 'w').write(os.environ.get('{VARIABLE}', ''))"


def announced(root: Path, **options: str) -> str:
    with pytest.raises(XstiltsError):
        compute("smoke", **options)
    return (root / "announced").read_text()


def test_the_server_of_kernels_is_announced_to_the_jobs_and_ends_with_the_run(
    root, snakemake, served
):
    snakemake(ANNOUNCED)
    assert announced(root) == "/its/socket"
    assert served == ["started", "ended"]


@pytest.mark.parametrize("name", ["encoders/e5_l02", TARGET])
def test_a_run_of_one_cell_that_would_gain_starts_no_server(root, snakemake, served, name):
    finish_all()
    grid()[name].manifest.unlink()
    grid()["data/smoke_nli"].manifest.unlink()
    snakemake(ANNOUNCED)
    assert announced(root) == ""
    assert served == []


def test_a_run_of_two_cells_that_gain_starts_one(root, snakemake, served):
    finish_all()
    for name in ("encoders/e5_l02", TARGET):
        grid()[name].manifest.unlink()
    snakemake(ANNOUNCED)
    assert announced(root) == "/its/socket"


def test_a_profile_starts_no_server_for_its_cells_run_who_knows_where(root, snakemake, served):
    snakemake(ANNOUNCED)
    assert announced(root, profile="profiles/slurm") == ""


def test_another_system_than_linux_starts_no_server(root, snakemake, served, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    snakemake(ANNOUNCED)
    assert announced(root) == ""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="there are no warm kernels")
def test_cells_under_snakemake_have_kernels_of_one_server(root):
    """The environment that Snakemake gives a job is the one that the server expects."""
    (root / "Snakefile").symlink_to(ROOT / "Snakefile")
    who = "import os\nopen(f'{task}.parent', 'w').write(str(os.getppid()))"
    write_notebook(root, OPEN, who, FINISH)
    with pytest.raises(XstiltsError):  # there is no other notebook
        compute("smoke", cores=2)
    log = (root / "outputs/smoke/logs/snakemake.log").read_text()
    assert "plainly" not in log
    parents = [path.read_text() for path in root.glob("*.parent")]
    assert len(parents) == 2
    assert len(set(parents)) == 1


def test_cores_are_those_this_process_may_use():
    if hasattr(os, "sched_getaffinity"):
        assert engine._cores() == len(os.sched_getaffinity(0))
    assert engine._cores() >= 1
