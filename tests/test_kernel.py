"""Warm kernels as cells see them: like plain ones, and plain ones where there is no server."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from throwaway import FINISH, OPEN, grid, project, write_notebook
from waiting import gone, wait_for

from xstilts import cell as module
from xstilts import kernel
from xstilts.cell import RUNNING
from xstilts.kernel import KernelManager
from xstilts.kernel_server import SETTINGS, VARIABLE, serve_kernels
from xstilts.results.manifest import is_done

NAME = "data/smoke_nli"
WORDS = ["10_data", "task=smoke_nli"]
PLAINLY = "kernel starts plainly, not from the server: "
#: pytest's, which another environment would have otherwise
MARK = "PYTEST_CURRENT_TEST"
#: seconds that a process may take to notice that another is gone
NOTICE_S = 2.0


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """Run a server; yield its socket and its process."""
    mark = os.environ.pop(MARK, "")
    with (folder / "server.log").open("w") as log, serve_kernels(log) as (told, _):
        os.environ[MARK] = mark
        path = told[VARIABLE]
        lines = {one.pid: Path(f"/proc/{one.pid}/cmdline") for one in psutil.Process().children()}
        yield path, next(pid for pid, line in lines.items() if path in line.read_text())


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    with served(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project whose only notebook is thrown away; the environment is put back."""
    before = dict(os.environ)
    monkeypatch.setattr(module, "watch_parent", lambda: None)
    with project(tmp_path, monkeypatch):
        yield tmp_path
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def server(root: Path, running: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> int:
    """The process of a server that is announced."""
    announce(monkeypatch, running[0])
    return running[1]


def announce(monkeypatch: pytest.MonkeyPatch, path: str, answer_s: float = 60.0) -> None:
    for name, value in (SETTINGS | {VARIABLE: path}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(kernel, "ANSWER_S", answer_s)


def main(words: list[str] = WORDS) -> int:
    os.environ.pop(MARK, None)
    return module.main(words)


def start(words: list[str] = WORDS) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != MARK}
    command = [sys.executable, "-m", "xstilts.cell", *words]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def heard(capfd: pytest.CaptureFixture[str]) -> str:
    """Return what was written to standard error, but for a late interrupt of a kernel's end."""
    lines = capfd.readouterr().err.splitlines(keepends=True)
    return "".join(line for line in lines if "KeyboardInterrupt caught" not in line)


def found(root: Path, name: str = "found.json") -> Any:
    return json.loads((root / name).read_text())


#: writes the kernel's process and its parent
WHO = (
    "import json, os, pathlib\n"
    "pathlib.Path('written').write_text(json.dumps([os.getpid(), os.getppid()]))\n"
    "os.replace('written', f'{task}.json')"
)
WAIT = "import time\nwhile not pathlib.Path('wake').exists(): time.sleep(0.05)"


# ---- a warm kernel is as a plain one --------------------------------------------------------


def test_a_kernel_is_a_fork_of_the_announced_server_and_leaves_nothing(root, server, capfd):
    write_notebook(root, OPEN, WHO, FINISH)
    assert main() == 0
    assert is_done(grid()[NAME])
    kernel_id, parent = found(root, "smoke_nli.json")
    assert parent == server
    assert gone(kernel_id)
    assert heard(capfd) == ""


LOOK = """
import gc, json, os, random, signal, sys
loaded = "xstilts.training" in sys.modules
import matplotlib, numpy, torch, xstilts.training
torch.manual_seed(7)
look = {
    "environment": dict(os.environ), "folder": os.getcwd(), "arguments": len(sys.argv),
    "program": sys.argv[0], "path": sys.path, "flags": str(sys.flags), "name": __name__,
    "main": vars(sys.modules["__main__"]) is globals(), "executable": sys.executable,
    "handlers": {one.name: str(signal.getsignal(one)) for one in signal.Signals},
    "blocked": [int(one) for one in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
    "session": os.getsid(0) == os.getpid() == os.getpgid(0), "input": os.read(0, 1).decode(),
    "nice": os.nice(0), "mask": os.umask(0o22), "collects": [gc.isenabled(), gc.get_threshold()],
    "hash": hash("a text"), "threads": [torch.get_num_threads(), torch.get_num_interop_threads()],
    "seed": torch.initial_seed(), "backend": matplotlib.get_backend(),
    "drawn": torch.randn(64, 64).matmul(torch.randn(64, 64)).flatten().tolist(),
    "figure": matplotlib.figure.Figure()._repr_html_(),
}
one = {"loaded": loaded, "random": [random.random(), float(numpy.random.random())]}
open("found.json", "w").write(json.dumps([look, one]))
"""


def test_a_warm_kernel_has_what_a_plain_one_has_and_random_numbers_of_its_own(
    root, server, monkeypatch
):
    write_notebook(root, OPEN, LOOK, FINISH)
    looks, ones = [], []
    for _ in range(3):
        assert main() == 0
        grid()[NAME].manifest.unlink()
        look, one = found(root)
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):  # new for every cell
            look["environment"].pop(name)
        looks.append(look)
        ones.append(one)
        if len(looks) == 2:
            monkeypatch.delenv(VARIABLE)
    announced = looks[0]["environment"].pop(VARIABLE)
    assert looks[1]["environment"].pop(VARIABLE) == announced
    assert looks[0] == looks[1] == looks[2]
    assert [one["loaded"] for one in ones] == [True, True, False]
    for drawn in zip(*(one["random"] for one in ones), strict=True):
        assert len(set(drawn)) == 3


@pytest.mark.parametrize("warm", [True, False])
def test_a_kernel_writes_to_the_outputs_of_its_cell_and_warns_of_nothing(
    root, server, monkeypatch, capfd, warm
):
    if not warm:
        monkeypatch.delenv(VARIABLE)
    say = "import os, sys\nos.write(sys.{0}._original_stdstream_copy, b'to {0}\\n')"
    write_notebook(root, OPEN, *(say.format(one) for one in ("stdout", "stderr")), FINISH)
    assert main() == 0
    out, err = capfd.readouterr()
    assert (out, err.splitlines()[:1]) == ("to stdout\n", ["to stderr"])
    assert "encryption" not in err


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        (("raise ValueError('made to fail')",), "ValueError: made to fail"),
        (("import sys\nsys.exit(0)", "1 + 1"), "cell 6 of the notebook did not run"),
        (("import os\nos._exit(0)",), "DeadKernelError: Kernel died"),
        (("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",), "DeadKernelError"),
    ],
    ids=["raises", "exit", "exits at once", "killed"],
)
def test_a_cell_that_fails_in_a_warm_kernel_fails_as_in_a_plain_one(
    root, server, capfd, sources, told
):
    write_notebook(root, OPEN, WHO, *sources, FINISH)
    assert main() == 1
    assert f"error: {NAME} failed: {told}" in capfd.readouterr().err
    kernel_id, parent = found(root, "smoke_nli.json")
    assert parent == server
    assert gone(kernel_id)
    assert not grid()[NAME].manifest.exists()


async def _interrupted() -> tuple[str, int | None]:
    """Interrupt what a kernel executes, then shut it down; return the error and the exit code."""
    os.environ.pop(MARK, None)
    manager = KernelManager(kernel_name="python3")
    await manager.start_kernel()
    process = manager.provisioner.process
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=30)
    client.execute("print('on'); import time; time.sleep(60)")
    while (await client.get_iopub_msg(timeout=30))["msg_type"] != "stream":
        pass
    await manager.interrupt_kernel()
    reply = await client.get_shell_msg(timeout=10)
    client.stop_channels()
    await manager.shutdown_kernel()
    return reply["content"]["ename"], process.returncode


@pytest.mark.parametrize("warm", [True, False])
def test_a_kernel_can_be_interrupted_and_shut_down(root, server, monkeypatch, warm):
    if not warm:
        monkeypatch.delenv(VARIABLE)
    assert asyncio.run(_interrupted()) == ("KeyboardInterrupt", 0)


@pytest.mark.parametrize(
    ("code", "ended"),
    [("import os; os._exit(3)", 3), ("import os; os.abort()", -signal.SIGABRT)],
)
def test_the_exit_code_of_a_fork_is_known(root, server, code, ended):
    async def run() -> int:
        os.environ.pop(MARK, None)
        manager = KernelManager(kernel_name="python3")
        await manager.start_kernel()
        process = manager.provisioner.process
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=30)
        client.execute(code)
        wait_for(lambda: process.poll() is not None)
        client.stop_channels()
        await manager.cleanup_resources()
        return process.wait()

    assert asyncio.run(run()) == ended


def test_two_cells_have_a_kernel_each_at_the_same_time(root, server):
    write_notebook(root, OPEN, WHO, WAIT, FINISH)
    tasks = ("smoke_nli", "smoke_questions")
    cells = [start(["10_data", f"task={task}"]) for task in tasks]
    wait_for(lambda: all((root / f"{task}.json").exists() for task in tasks))
    kernels = [found(root, f"{task}.json") for task in tasks]
    (root / "wake").touch()
    assert [cell.wait() for cell in cells] == [0, 0]
    assert [parent for _, parent in kernels] == [server, server]
    assert kernels[0] != kernels[1]
    assert all(is_done(grid()[f"data/{task}"]) for task in tasks)


# ---- killed ---------------------------------------------------------------------------------


def test_a_warm_kernel_ends_when_its_cell_is_killed_and_the_server_serves_on(root, server):
    busy = "while not pathlib.Path('wake').exists(): pass"
    write_notebook(root, OPEN, WHO, busy, FINISH)
    with start() as cell:
        wait_for(lambda: (root / "smoke_nli.json").exists())
        kernel_id, parent = found(root, "smoke_nli.json")
        assert parent == server
        cell.kill()
    wait_for(lambda: gone(kernel_id), NOTICE_S)
    (root / "wake").touch()
    assert main() == 0
    assert found(root, "smoke_nli.json")[1] == server


def test_a_cell_is_computed_to_its_end_if_the_server_is_killed_and_the_next_plainly(
    root, tmp_path_factory, monkeypatch, capfd
):
    write_notebook(root, OPEN, WHO, WAIT, FINISH)
    with served(tmp_path_factory.mktemp("server")) as (path, server):
        announce(monkeypatch, path)
        with start() as cell:
            wait_for(lambda: (root / "smoke_nli.json").exists())
            kernel_id, parent = found(root, "smoke_nli.json")
            os.kill(server, signal.SIGKILL)
            (root / "wake").touch()
            assert cell.wait() == 0
        assert parent == server
        wait_for(lambda: gone(kernel_id), NOTICE_S)
        assert main(["10_data", "task=smoke_questions"]) == 0
    assert f"{PLAINLY}[Errno 111] Connection refused" in capfd.readouterr().err


def test_a_fork_whose_cell_and_server_are_killed_ends(root, tmp_path_factory, monkeypatch):
    write_notebook(root, OPEN, WHO, WAIT, FINISH)
    with served(tmp_path_factory.mktemp("server")) as (path, server):
        announce(monkeypatch, path)
        with start() as cell:
            wait_for(lambda: (root / "smoke_nli.json").exists())
            os.kill(server, signal.SIGKILL)
            cell.kill()
        wait_for(lambda: gone(found(root, "smoke_nli.json")[0]), NOTICE_S)
    assert (grid()[NAME].folder / RUNNING).exists()
    (root / "wake").touch()
    assert main() == 0


# ---- no server ------------------------------------------------------------------------------


@pytest.fixture
def computed(root: Path, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return a function that computes a cell, and returns what was said of its kernel."""

    def run() -> str:
        write_notebook(root, OPEN, WHO, FINISH)
        assert main() == 0
        assert found(root, "smoke_nli.json")[1] == os.getpid()
        return heard(capfd)

    return run


@pytest.mark.parametrize("path", ["", None])
def test_nothing_is_said_if_no_server_is_announced(computed, monkeypatch, path):
    monkeypatch.delenv(VARIABLE, raising=False)
    if path is not None:
        monkeypatch.setenv(VARIABLE, path)
    assert computed() == ""


def test_a_kernel_starts_plainly_where_the_socket_is_not(computed, monkeypatch, tmp_path):
    announce(monkeypatch, str(tmp_path / "absent"))
    assert computed() == f"{PLAINLY}[Errno 2] No such file or directory\n"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "timed out"),
        (b"", "it has ended"),
        (b'{"refused": "a reason"}', "a reason"),
        (b'{"ended": 1}', "it ended at once"),
    ],
)
def test_a_kernel_starts_plainly_if_the_server_does_not_fork(
    computed, monkeypatch, tmp_path, answer, told
):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path := str(tmp_path / "s"))
        listener.listen()
        announce(monkeypatch, path, answer_s=0.5)
        if answer is None:
            assert computed() == f"{PLAINLY}{told}\n"
            return
        pid = os.fork()
        if pid == 0:
            connection, _ = listener.accept()
            connection.recv(1 << 20)
            connection.send(answer)
            os._exit(0)
        try:
            assert computed() == f"{PLAINLY}{told}\n"
        finally:
            os.waitpid(pid, 0)
