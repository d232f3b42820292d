"""The server of kernels alone: what it refuses, when it serves, when it ends."""

import ast
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from waiting import gone, wait_for

from xstilts import kernel_server as module
from xstilts.engine import WARM
from xstilts.kernel_server import (
    PRELOADED,
    SETTINGS,
    VARIABLE,
    Request,
    Server,
    code_times,
    serve_kernels,
    server_environment,
)
from xstilts.params import STAGES
from xstilts.results.code import stage_modules

ROOT = Path(__file__).parents[1]


# ---- what it has imported -------------------------------------------------------------------


def test_results_of_no_stage_are_keyed_by_how_kernels_start():
    beside = {"xstilts.kernel", "xstilts.kernel_server", "xstilts.engine", "xstilts.cell"}
    for stage in STAGES:
        assert not beside & stage_modules(stage)


@pytest.mark.parametrize("stage", ["10_data", *WARM])
def test_what_a_notebook_imports_is_imported_beforehand(stage):
    notebook = json.loads((ROOT / "notebooks" / f"{stage}.ipynb").read_text())
    sources = ["".join(one["source"]) for one in notebook["cells"] if one["cell_type"] == "code"]
    for node in ast.walk(ast.parse("\n".join(sources))):
        if isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            assert set(names) & set(PRELOADED)


# ---- what it refuses ------------------------------------------------------------------------


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str | None]]:
    """Return a function that asks a server for a fork, and returns why it refuses."""
    for name in os.environ:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/home/one")
    for name, value in server_environment().items():
        monkeypatch.setenv(name, value)
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server = Server(here)

    def ask(command: tuple[str, ...] = (sys.executable, "-m", "x"), **other: str) -> str | None:
        environment = SETTINGS | {"HOME": "/home/one"} | other
        request = Request(here, [], list(command), "/", environment)
        return server._refusal(request)

    with here, there:
        ask.hang_up = there.close
        yield ask


def test_a_plain_request_is_not_refused(refusal):
    assert refusal() is None


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PYTHONHASHSEED", "1", "the environment differs: PYTHONHASHSEED"),
        ("CUDA_VISIBLE_DEVICES", "", "the environment differs: CUDA_VISIBLE_DEVICES"),
        ("MKL_NUM_THREADS", "2", "the environment differs: MKL_NUM_THREADS"),
        ("TMPDIR", "/elsewhere", "the environment differs: TMPDIR"),
        ("MPLBACKEND", "agg", "the environment differs: MPLBACKEND"),
        ("MKL_NUM_THREADS", "1", None),
        ("MPLBACKEND", "module://matplotlib_inline.backend_inline", None),
        ("IPYTHONDIR", "/its/own", None),
        ("JPY_PARENT_PID", "7", None),
        ("XSTILTS_ROOT", "/a/project", None),
        ("SHLVL", "3", None),
    ],
)
def test_an_environment_may_differ_in_what_no_import_reads(refusal, name, value, told):
    assert refusal(**{name: value}) == told


def test_every_name_that_differs_is_told(refusal):
    assert refusal(B="1", A="2") == "the environment differs: A, B"


@pytest.mark.parametrize("command", [("/bin/R", "-m", "x"), (sys.executable, "x.py"), ()])
def test_a_command_of_something_else_is_refused(refusal, command):
    assert "not a module of" in refusal(command)


def test_code_that_was_edited_since_is_not_run(refusal, tmp_path, monkeypatch):
    package = tmp_path / "lib" / "xstilts"
    (package / "training").mkdir(parents=True)
    monkeypatch.setattr(module, "__file__", str(package / "kernel_server.py"))
    for name in ("kernel_server.py", "training/loop.py", "training/loop.pyc"):
        (package / name).touch()
    before = code_times()
    assert len(before) == 2
    os.utime(package / "training/loop.pyc", (1, 1))
    assert code_times() == before
    os.utime(package / "training/loop.py", (1, 1))
    assert code_times() != before
    assert refusal() == "the project's code was edited"


def test_a_request_that_nobody_waits_for_is_dropped(refusal):
    refusal.hang_up()
    assert refusal() == "whoever asked is gone"


# ---- when it serves and when it ends --------------------------------------------------------

#: a server that imports what is named, with a PyTorch that is made up
LIGHT = """
import sys, types
from xstilts import kernel_server as module
torch = types.ModuleType("torch")
torch.set_num_threads = print
torch.cuda = types.SimpleNamespace(is_available=lambda: {gpu})
sys.modules["torch"] = torch
module.PRELOADED = {names}
module.main(sys.argv[1:])
"""


@pytest.fixture
def light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Return a function that starts a server: its process and its socket's path."""
    made: list[subprocess.Popen[str]] = []
    (tmp_path / "threads.py").write_text(
        "from threading import Thread\nimport time\n"
        "Thread(target=time.sleep, args=[60], daemon=True).start()"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "lib"), str(tmp_path)]))

    def start(names: tuple[str, ...] = (), gpu: bool = False) -> tuple[subprocess.Popen[str], str]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(path := str(folder / "s"))
            listener.listen()
            script = LIGHT.format(names=names, gpu=gpu)
            process = subprocess.Popen(
                [sys.executable, "-c", script, str(listener.fileno()), path], text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[listener.fileno()],
                env=server_environment(),
            )  # fmt: skip
        made.append(process)
        return process, path

    yield start
    for process in made:
        process.kill()
        with process:
            pass


def ask(path: str, script: str, **other: Any) -> socket.socket:
    """Ask for a fork that runs a script; return the connection."""
    folder = Path(path).parent
    (folder / "asked.py").write_text(script)
    environment = os.environ | SETTINGS
    request = {"command": [sys.executable, "-m", "asked", "word"], "cwd": str(folder),
               "environment": environment} | other  # fmt: skip
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(30)
    connection.connect(path)
    socket.send_fds(connection, [json.dumps(request).encode()], [1, 2])
    return connection


def answer(connection: socket.socket) -> dict[str, Any]:
    return json.loads(connection.recv(1 << 14) or "{}")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"names": ("threads",)}, "kernel server ends: an import started a thread"),
        ({"gpu": True}, "kernel server ends: there is a GPU"),
    ],
)
def test_nothing_is_forked_where_that_would_break_it(light, options, told):
    process, path = light(**options)
    connection = ask(path, "")
    assert process.stdout.read().splitlines()[-1] == told
    assert process.wait() == 0
    with connection, pytest.raises(ConnectionResetError):
        connection.recv(1)
    assert not Path(path).parent.exists()


def test_a_fork_runs_a_module_as_python_would(light):
    _, path = light()
    script = "import sys\nprint(__name__, *sys.argv, sys.path[0], file=open('seen', 'w'))"
    with ask(path, script) as connection:
        pid = answer(connection)["pid"]
        assert answer(connection) == {"ended": 0}
        assert gone(pid)
    folder = Path(path).parent
    seen = (folder / "seen").read_text().split()
    assert seen == ["__main__", str(folder / "asked.py"), "word", str(folder)]


@pytest.mark.parametrize(
    ("script", "ended"),
    [
        ("import atexit; atexit.register(open, 'left', 'w')", 0),
        ("raise SystemExit(4)", 4),
        ("raise ValueError", 1),
        ("import os; os._exit(3)", 3),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("import os; os.kill(os.getpid(), 15)", -15),
    ],
)
def test_it_is_told_how_a_fork_ended(light, script, ended):
    _, path = light()
    with ask(path, script) as connection:
        assert answer(connection).keys() == {"pid"}
        assert answer(connection) == {"ended": ended}
    assert (Path(path).parent / "left").exists() is (ended == 0)


def test_what_is_no_request_is_refused_and_the_server_serves_on(light, monkeypatch):
    process, path = light()
    for text in (b"{}", b"[]", b"nothing", b'{"command": 1}', b'"x"'):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(path)
            socket.send_fds(connection, [text], [1, 2])
            assert answer(connection).keys() == {"refused"}
    socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(path)  # gone at once
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:
        silent.connect(path)
        assert answer(silent) == {"refused": "timed out"}
    with ask(path, "", environment={}) as connection:
        assert answer(connection)["refused"].startswith("the environment differs: ")
    with ask(path, "") as connection:
        assert answer(connection).keys() == {"pid"}
    assert len(psutil.Process(process.pid).open_files()) == 0


def test_a_fork_ends_with_whoever_asked_and_outlives_the_server(light):
    process, path = light()
    first, second = (ask(path, "while True: pass") for _ in range(2))
    pids = [answer(one)["pid"] for one in (first, second)]
    first.close()
    wait_for(lambda: gone(pids[0]), 2)
    process.kill()
    time.sleep(0.5)
    assert not gone(pids[1])
    second.close()
    wait_for(lambda: gone(pids[1]), 2)


def test_a_fork_that_outlives_the_server_is_seen_to_end(light):
    process, path = light()
    with ask(path, "import time; time.sleep(4)") as connection, ask(path, "") as other:
        answer(other)
        pid = answer(connection)["pid"]
        process.kill()
        assert connection.recv(1) == b""
        wait_for(lambda: gone(pid), 8)


def test_it_ends_with_its_input_and_leaves_no_folder(light):
    process, path = light()
    with ask(path, "") as connection:
        answer(connection)
    process.stdin.close()
    wait_for(lambda: process.poll() == 0, 5)
    assert process.stdout.read().endswith("kernel server ends: the run is over\n")
    assert not Path(path).parent.exists()


LAUNCHER = """
import subprocess, sys
from xstilts.kernel_server import serve_kernels
with serve_kernels(sys.stderr) as (told, held):
    child = subprocess.Popen(["sleep", "60"], pass_fds=held)
    print(child.pid, *told.values(), flush=True)
    child.wait()
"""


def test_it_ends_once_the_launcher_and_its_child_are_killed():
    with subprocess.Popen([sys.executable, "-c", LAUNCHER], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL) as launcher:  # fmt: skip
        child, path = launcher.stdout.readline().split()
        children = psutil.Process(launcher.pid).children()
        server = next(one.pid for one in children if one.pid != int(child))
        launcher.kill()
    time.sleep(1)
    assert not gone(server)
    os.kill(int(child), signal.SIGKILL)
    wait_for(lambda: gone(server), 15)
    assert not Path(path).parent.exists()


def test_it_ends_with_the_block_and_leaves_nothing(tmp_path):
    before = {one.pid for one in psutil.Process().children()}
    with (tmp_path / "log").open("w") as log, serve_kernels(log) as (told, held):
        path = Path(told[VARIABLE])
        assert path.is_socket()
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert len(held) == 1
        (server,) = {one.pid for one in psutil.Process().children()} - before
    assert gone(server)
    assert not path.parent.exists()


def test_there_is_none_where_the_path_is_too_long(tmp_path, monkeypatch):
    (long := tmp_path / ("x" * 100)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with (tmp_path / "log").open("w") as log, serve_kernels(log) as (told, held):
        assert (told, held) == ({}, [])
    assert (tmp_path / "log").read_text() == "no kernel server: AF_UNIX path too long\n"
    assert not list(long.iterdir())
