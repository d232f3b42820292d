import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from throwaway import FINISH, OPEN, grid, project, write_notebook
from waiting import wait_for

from xstilts import cell as module
from xstilts.cell import FAILED, RUNNING, is_running, main, parse
from xstilts.errors import BusyError, SpecError
from xstilts.params import Cell
from xstilts.results.manifest import is_done

WORDS = ["10_data", "task=smoke_nli"]
COMMAND = [sys.executable, "-m", "xstilts.cell", *WORDS]
NAME = "data/smoke_nli"
LOG = f"outputs/smoke/logs/{NAME}.log"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project whose only notebook is thrown away; the environment of kernels is put back."""
    before = dict(os.environ)
    monkeypatch.setattr(module, "watch_parent", lambda: None)
    with project(tmp_path, monkeypatch):
        yield tmp_path
    for name in set(os.environ) - set(before):
        del os.environ[name]


@pytest.fixture
def failing(root: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Return a function that runs a notebook of the given cells: the exit code and the error."""

    def run(*sources: str) -> tuple[int, str]:
        write_notebook(root, *sources)
        code = main(WORDS)
        lines = capfd.readouterr().err.splitlines()
        return code, next((line for line in lines if line.startswith("error: ")), "")

    return run


def the_cell() -> Cell:
    return grid()[NAME]


# ---- what is asked for ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "stage '' is unknown; allowed: 10_data, 20_encoder"),
        (["10_dta"], "stage '10_dta' is unknown; allowed: 10_data, 20_encoder"),
        (["10_dta"], "Did you mean '10_data'?"),
        (["10_data", "tsk=smoke_nli"], "10_data.ipynb: parameter 'tsk' is unknown"),
        (["10_data", "tsk=smoke_nli"], "Did you mean 'task'?"),
        (["10_data", "smoke_nli"], "10_data: found 'smoke_nli'; allowed: name=value"),
        (["10_data", "task=smoke_nlo"], "task 'smoke_nlo' is unknown"),
        (["10_data", "task=smoke_nlo"], "Did you mean 'smoke_nli'?"),
        (["10_data", "study=smok"], "study 'smok' is unknown"),
        (["30_intermediate", "arm=englsh"], "Did you mean 'english'?"),
        (["40_target", "start=smoke_questions"], "start 'smoke_questions' is unknown"),
    ],
)
def test_a_wrong_word_is_told_in_one_line_before_a_kernel_starts(words, told, capfd, monkeypatch):
    monkeypatch.setattr(module, "run_cell", lambda *_: pytest.fail("a kernel was started"))
    assert main(words) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("error: ")
    assert told in err


def test_a_value_may_hold_an_equals_sign_and_what_is_left_out_is_the_notebooks_own():
    cell, values = parse(["10_data", "data=/a=b"])
    assert cell.name == NAME
    assert values == {"study": "smoke", "task": "smoke_nli", "outputs": "outputs", "data": "/a=b"}


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ("n = 3", "n: found 3; allowed: text"),
        ("n = len('a')", "cell 'parameters'"),
        ("import os", "cell 'parameters'"),
        ("n =", "cell 'parameters'"),
    ],
)
def test_parameters_that_are_no_text_are_refused(root, parameters, told):
    write_notebook(root, FINISH, parameters=parameters)
    with pytest.raises(SpecError, match=told):
        parse(WORDS)


def test_a_missing_notebook_is_named(root):
    with pytest.raises(SpecError, match=r"notebooks/10_data.ipynb: file not found"):
        parse(WORDS)


# ---- what is success ------------------------------------------------------------------------


def test_a_notebook_that_ran_to_its_end_makes_the_cell_done(failing, root):
    assert failing(OPEN, "print('said in the cell')", FINISH) == (0, "")
    cell = the_cell()
    assert is_done(cell)
    assert (cell.folder / "notebook.ipynb").is_file()
    assert not {FAILED, RUNNING} & {path.name for path in cell.folder.iterdir()}
    log = (root / LOG).read_text()
    assert "10_data study=smoke task=smoke_nli outputs=outputs" in log
    assert "said in the cell" in log


KILL = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
SPEC = "from xstilts.errors import SpecError\nraise SpecError('key: found 1; allowed: 2')"


@pytest.mark.parametrize(
    ("sources", "code", "told"),
    [
        ((OPEN, "raise ValueError('made to fail')", FINISH), 1, "ValueError: made to fail"),
        ((OPEN, "import sys\nsys.exit(0)", FINISH), 1, "cell 5 of the notebook did not run"),
        ((OPEN, KILL, FINISH), 1, "DeadKernelError: Kernel died"),
        ((OPEN, "1 + 1"), 1, "the notebook ended without the cell's manifest"),
        ((OPEN, SPEC, FINISH), 2, "key: found 1; allowed: 2"),
        ((OPEN, FINISH, "1 / 0"), 1, "ZeroDivisionError: division by zero"),
        ((OPEN, FINISH, "raise SystemExit", "1 + 1"), 1, "cell 6 of the notebook did not run"),
    ],
    ids=["raises", "exit", "killed", "no manifest", "ours", "raises late", "exit late"],
)
def test_a_notebook_that_did_not_run_to_its_end_fails_and_leaves_no_manifest(
    failing, root, sources, code, told
):
    found, line = failing(*sources)
    assert found == code
    repeat = "python -m xstilts.cell 10_data study=smoke task=smoke_nli outputs=outputs"
    assert line == f"error: {NAME} failed: {told}. Log: {LOG}. Repeat: {repeat}"
    cell = the_cell()
    assert not cell.manifest.exists()
    assert not is_done(cell)
    assert json.loads((cell.folder / FAILED).read_text()) == {
        "message": line.removeprefix("error: "), "exit_code": code,
    }  # fmt: skip
    assert (root / LOG).is_file()
    assert (root / LOG).with_suffix(".ipynb").is_file()
    assert not (cell.folder / "notebook.ipynb").exists()
    assert not (cell.folder / RUNNING).exists()


def test_a_kernel_that_is_asked_to_end_fails_whatever_papermill_says(failing):
    code, line = failing(OPEN, "import time\nexit()\ntime.sleep(0.5)", FINISH)
    assert code == 1
    assert "did not run" in line or "DeadKernelError" in line
    assert not the_cell().manifest.exists()


@pytest.mark.parametrize("code", [0, 1])
def test_what_is_computed_may_lie_on_another_disk(root, tmp_path_factory, capfd, code):
    scratch = tmp_path_factory.mktemp("scratch")
    write_notebook(root, OPEN, FINISH, f"assert not {code}")
    assert main([*WORDS, f"outputs={scratch}"]) == code
    folder = scratch / "smoke" / NAME
    assert (folder / "manifest.json").exists() is (code == 0)
    if code:
        log = capfd.readouterr().err.rpartition("Log: ")[2].partition(". Repeat")[0]
        assert (root / log).resolve() == scratch / "smoke/logs" / f"{NAME}.log"


def test_the_log_keeps_what_a_cell_raised(failing, root):
    failing(OPEN, "{}['absent']", FINISH)
    assert "KeyError" in (root / LOG).read_text()


def test_a_cell_that_failed_is_computed_by_the_same_command_once_it_can_be(failing):
    assert failing(OPEN, "raise ValueError('made to fail')", FINISH)[0] == 1
    assert failing(OPEN, FINISH)[0] == 0
    assert not (the_cell().folder / FAILED).exists()


def test_a_done_cell_is_not_executed_again_and_an_edited_one_is(failing, root):
    count = "with open('count', 'a') as file: file.write('x')"
    assert failing(OPEN, count, FINISH)[0] == 0
    assert failing(OPEN, count, "# a comment\n" + FINISH)[0] == 0
    assert (root / "count").read_text() == "x"
    assert failing(OPEN, count, "1 + 1", FINISH)[0] == 0
    assert (root / "count").read_text() == "xx"


def test_a_stale_manifest_is_gone_before_the_notebook_runs(failing, root):
    assert failing(OPEN, FINISH)[0] == 0
    assert failing(OPEN, "assert not cell.manifest.exists()", FINISH)[0] == 0


def test_how_far_an_earlier_attempt_came_is_forgotten(failing, root):
    the_cell().folder.mkdir(parents=True)
    (the_cell().folder / "progress.json").write_text('{"share": 0.9, "doing": "seed 4"}')
    assert failing(OPEN, "assert not (cell.folder / 'progress.json').exists()", FINISH)[0] == 0


def test_a_kernel_from_jupyter_path_does_not_win(failing, tmp_path, monkeypatch):
    folder = tmp_path / "stray" / "kernels" / "python3"
    folder.mkdir(parents=True)
    spec = {"argv": ["/absent/python", "{connection_file}"], "language": "python",
            "display_name": "stray"}  # fmt: skip
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "stray"))
    assert failing(OPEN, FINISH) == (0, "")


def test_the_kernel_has_this_interpreter_one_thread_and_this_project(failing, root):
    look = (
        "import os, sys, json\n"
        "names = ('OMP_NUM_THREADS', 'XSTILTS_ROOT')\n"
        "found = [sys.prefix, *map(os.environ.get, names), os.getcwd()]\n"
        "open('found.json', 'w').write(json.dumps(found))"
    )
    assert failing(OPEN, look, FINISH)[0] == 0
    found = json.loads((root / "found.json").read_text())
    assert found == [sys.prefix, "1", str(root), str(root)]


# ---- one process a cell, and none without a parent ------------------------------------------


def test_a_cell_is_computed_once_at_a_time_and_anew_after_a_kill(root, capfd):
    sleep = "import time, pathlib\ntime.sleep(0 if pathlib.Path('wake').exists() else 60)"
    write_notebook(root, OPEN, sleep, FINISH)
    cell = the_cell()
    with subprocess.Popen(COMMAND, stderr=subprocess.DEVNULL) as first:
        try:
            wait_for(lambda: (cell.folder / RUNNING).is_file())
            assert is_running(cell)
            assert main(WORDS) == BusyError.exit_code == 5
            told = capfd.readouterr().err
            assert told == f"error: {NAME} of study 'smoke' is being computed by another process\n"
        finally:
            first.kill()
    assert not is_running(cell)
    (root / "wake").touch()
    assert main(WORDS) == 0
    assert is_done(cell)


#: a cell of a notebook that saves itself on SIGTERM, as training does, or one that does not
SAVING = """import pathlib, signal, time
from xstilts.errors import StoppedError
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
pathlib.Path("began").touch()
while not asked and not pathlib.Path("wake").exists():
    time.sleep(0.05)
if asked:
    pathlib.Path("saved").touch()
    raise StoppedError("stopped by SIGTERM after step 3 of 9")"""
CARELESS = """import pathlib, time
pathlib.Path("began").touch()
while not pathlib.Path("wake").exists():
    time.sleep(0.05)"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("source", [SAVING, CARELESS])
def test_a_cell_that_is_told_to_stop_lets_its_notebook_save_itself(root, source, number):
    write_notebook(root, OPEN, source, FINISH)
    cell = the_cell()
    default = [sys.executable, "-c", "import signal, sys, xstilts.cell as c\n"
               "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
               "sys.exit(c.main(sys.argv[1:]))", *WORDS]  # fmt: skip
    with subprocess.Popen(default, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: (root / "began").exists())
        process.send_signal(number)
        told = process.communicate(timeout=30)[1]
    assert process.returncode == 143
    assert (root / "saved").exists() == (source is SAVING)
    assert ("after step 3 of 9" if source is SAVING else "before it could save") in told
    assert not is_done(cell)
    assert not (cell.folder / FAILED).exists()  # it did not fail
    assert not (cell.folder / RUNNING).exists()
    (root / "wake").touch()
    assert main(WORDS) == 0


@pytest.mark.parametrize(
    ("text", "running"),
    [
        ("", False),
        ("{}", False),
        ("[]", False),
        ('{"host": "here", "process": "x"}', False),
        ('{"host": "here", "process": 4194305}', False),
        ('{"host": "elsewhere", "process": 4194305}', True),
    ],
)
def test_a_mark_of_running_counts_if_the_process_lives_or_is_on_another_host(
    root, monkeypatch, text, running
):
    monkeypatch.setattr(module.platform, "node", lambda: "here")
    folder = the_cell().folder
    folder.mkdir(parents=True)
    (folder / RUNNING).write_text(text)
    assert is_running(the_cell()) is running


def test_a_process_ends_when_its_parent_is_killed():
    child = (
        "import time; from xstilts.cell import watch_parent\n"
        "watch_parent(); print('on', flush=True); time.sleep(60)"
    )
    parent = (
        "import subprocess, sys, time\n"
        f"made = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE)\n"
        "made.stdout.readline()\n"
        "print(made.pid, flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        watched = psutil.Process(int(process.stdout.readline()))
        time.sleep(2 * module.WATCH_S)
        assert watched.is_running()
        process.kill()
    wait_for(
        lambda: not watched.is_running() or watched.status() == psutil.STATUS_ZOMBIE, seconds=5
    )
