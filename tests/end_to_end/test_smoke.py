"""The smallest study, computed for real and undisturbed: by one command, and by hand."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from end_to_end.place import ROOT, STAGES, STUDY, succeeded

pytestmark = pytest.mark.slow


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
