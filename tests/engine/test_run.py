import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from throwaway import ROOT, edit, finish, forget, grid

from engine.conftest import STUDY, TARGET, finish_all, manifests
from xstilts import engine
from xstilts.cell import FAILED
from xstilts.engine import compute, snakemake_command
from xstilts.errors import BusyError, SpecError, XstiltsError
from xstilts.files import exclusive, write_json
from xstilts.results.key import SEEDED
from xstilts.results.manifest import is_done


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


def test_cores_are_those_this_process_may_use():
    if hasattr(os, "sched_getaffinity"):
        assert engine._cores() == len(os.sched_getaffinity(0))
    assert engine._cores() >= 1
