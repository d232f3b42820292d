"""An edit computes what it could change, and nothing else; a failing cell stops nothing else."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml

from end_to_end.place import ROOT, Place, succeeded

pytestmark = pytest.mark.slow


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
        # encoders too: their cells probe them and measure alignment with the trainer's code
        ("training/loop.py", ("encoders/", "intermediate/", "targets/", "analysis", "paper")),
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
