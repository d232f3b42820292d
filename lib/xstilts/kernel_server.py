"""Kernels that start warm: forks of one process that has imported what notebooks import.

A kernel of a stage that trains imports for six CPU-seconds (torch, transformers, pandas,
matplotlib) before its first step; a fork of this server has done so, and a cell costs 2.4
CPU-seconds beside its training in place of 8.8. The server takes 5 once, and 0.5 GB that its
forks share. `xstilts.engine` starts one for each run and announces its socket as
$XSTILTS_KERNELS; `xstilts.kernel` asks there.

A fork becomes what `python -m ipykernel_launcher` would be: arguments, environment, working
directory, standard output and error are those of the request, and it leads a session of its
own. It ends by itself, or when the process that asked for it does, and outlives the server. The
server ends when nobody holds its standard input open any more, however that came about.

Who gets no fork starts a kernel plainly, so that the server refuses rather than guesses: where
imports started a thread or there is a GPU, neither of which survives a fork; where the
environment differs in something that an import may have read; and where the project's code was
edited since, because a kernel must run the code that its results are labelled with.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

#: environment variable that announces the socket of a server
VARIABLE = "XSTILTS_KERNELS"
#: what the kernel of every cell has in its environment: one thread, no bars
SETTINGS = {
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
    "PYTHONHASHSEED": "0",
}
#: what ipykernel sets before a notebook imports anything, unless it is set
_BY_IPYKERNEL = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
#: of the server: no thread of Arrow's allocator, no parent that ipykernel watches
_OWN = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "JPY_PARENT_PID": "1"}
#: where environments may differ, beside XSTILTS_*: no import reads these
_FREE = frozenset({*_OWN, "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "OLDPWD", "PWD", "SHLVL", "_"})
#: what notebooks import; analysis and paper are left out, for each is made once
PRELOADED = (
    "ipykernel.kernelapp", "ipykernel.debugger", "xstilts.notebook", "xstilts.tasks.show",
    "pyarrow.dataset", "xstilts.encoders.show", "transformers.models.bert.modeling_bert",
    "transformers.models.xlm_roberta.modeling_xlm_roberta", "xstilts.training", "tabulate",
)  # fmt: skip
#: bytes of the largest request; seconds that it may take to arrive, and between looks at forks
_LARGEST, _ARRIVE_S, _REAP_S = 1 << 20, 1.0, 0.1


@contextmanager
def serve_kernels(log: IO[str]) -> Iterator[tuple[dict[str, str], list[int]]]:
    """Run a server; yield the environment that announces it and the file that keeps it alive.

    The file is the server's standard input: a child that holds it open too keeps the server
    if this process is killed. Both are empty if there can be no server.
    """
    folder = tempfile.mkdtemp(prefix="xstilts-")
    path = f"{folder}/kernels"
    server = None
    try:
        try:
            server = _start(path, log)
        except OSError as error:  # such as a path too long for a socket
            print(f"no kernel server: {error}", file=log, flush=True)
        pipe = server and server.stdin
        yield ({VARIABLE: path}, [pipe.fileno()]) if pipe else ({}, [])
    finally:
        if server:
            server.kill()
            server.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def _start(path: str, log: IO[str]) -> subprocess.Popen[bytes]:
    """Start a server that listens on a path; a request waits there until it has imported."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()
        return subprocess.Popen(
            [sys.executable, "-m", "xstilts.kernel_server", str(listener.fileno()), path],
            env=server_environment(), stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()], start_new_session=True,
        )  # fmt: skip


def server_environment() -> dict[str, str]:
    """Return the environment of a server: that of the kernels which it will be asked for."""
    environment = _BY_IPYKERNEL | os.environ | _by_snakemake() | SETTINGS | _OWN
    environment.pop("JUPYTER_PATH", None)
    return environment


def _by_snakemake() -> dict[str, str]:
    """Return what Snakemake sets for a job of one thread."""
    kinds = ("GOTO_NUM", "MKL_NUM", "NUMEXPR_NUM", "OMP_NUM", "OPENBLAS_NUM", "VECLIB_MAXIMUM")
    folders = dict.fromkeys(("TEMP", "TEMPDIR", "TMP", "TMPDIR"), tempfile.gettempdir())
    return dict.fromkeys((f"{kind}_THREADS" for kind in kinds), "1") | folders


@dataclass(frozen=True)
class Request:
    """What a fork becomes, and whom it serves."""

    connection: socket.socket
    outputs: list[int]
    command: list[str]
    cwd: str
    environment: dict[str, str]


class Server:
    """Answers requests one after the other, and tells whoever asked how a fork ended."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._code = code_times()
        self._environment = dict(os.environ)
        self._asked: dict[int, socket.socket] = {}

    def preload(self) -> str | None:
        """Import what notebooks import; return why no kernel can be forked, if none can."""
        for name in PRELOADED:
            if select.select([0], [], [], 0)[0]:
                return "the run is over"
            importlib.import_module(name)
        import torch

        torch.set_num_threads(1)
        if torch.cuda.is_available():
            return "there is a GPU"
        if threading.active_count() > 1 or len(os.listdir("/proc/self/task")) > 1:
            return "an import started a thread"
        gc.collect()
        gc.freeze()
        return None

    def serve(self) -> Request | None:
        """Serve until the input ends and return None; return, in each fork, its request."""
        while True:
            wait = _REAP_S if self._asked else None
            ready, _, _ = select.select([0, self._listener], [], [], wait)
            self._reap()
            if 0 in ready:
                return None
            if self._listener in ready and (request := self._answer()):
                return request

    def _answer(self) -> Request | None:
        """Fork for the next request, or refuse it; return None, and it in the fork."""
        connection, _ = self._listener.accept()
        outputs: list[int] = []
        pid = None
        try:
            connection.settimeout(_ARRIVE_S)
            text, outputs, _, _ = socket.recv_fds(connection, _LARGEST, 2)
            request = Request(connection, outputs, **json.loads(text))
            if why := self._refusal(request):
                raise ValueError(why)
            pid = os.fork()
        except (OSError, ValueError, TypeError) as error:
            tell(connection, refused=str(error))
            connection.close()
        if pid == 0:
            for one in (self._listener, *self._asked.values()):
                one.close()
            return request
        if pid is not None:
            self._asked[pid] = connection
        for number in outputs:
            os.close(number)
        return None

    def _refusal(self, request: Request) -> str | None:
        """Return why a fork would not be what was asked for, None if it would."""
        if select.select([request.connection], [], [], 0)[0]:
            return "whoever asked is gone"
        if request.command[:2] != [sys.executable, "-m"]:
            return f"the command is not a module of {sys.executable}"
        asked = _BY_IPYKERNEL | _by_snakemake() | request.environment
        names = (self._environment.keys() | asked.keys()) - _FREE
        other = sorted(one for one in names if self._environment.get(one) != asked.get(one))
        if other := [one for one in other if not one.startswith("XSTILTS_")]:
            return f"the environment differs: {', '.join(other)}"
        return "the project's code was edited" if code_times() != self._code else None

    def _reap(self) -> None:
        """Tell how each fork ended that has."""
        for pid in list(self._asked):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with self._asked.pop(pid) as connection:
                    tell(connection, ended=os.waitstatus_to_exitcode(status))

    def imported(self) -> dict[str, str]:
        """Return what imports have set in the environment."""
        before = self._environment.items()
        return {name: value for name, value in os.environ.items() if (name, value) not in before}


def become(request: Request, imported: dict[str, str]) -> NoReturn:
    """Be, in a fork, the process that was asked for, until it ends."""
    os.setsid()
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    for number, output in enumerate(request.outputs, start=1):
        os.dup2(output, number)
        os.close(output)
    os.environ.clear()
    os.environ.update(request.environment | imported)
    os.chdir(request.cwd)
    import numpy

    numpy.random.seed()  # noqa: NPY002  Python seeds its own generator anew in a fork
    threading.Thread(target=_end_with, args=[request.connection], daemon=True).start()
    tell(request.connection, pid=os.getpid())
    module, *words = request.command[2:]
    sys.path.insert(0, request.cwd)  # as -m does
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    # As multiprocessing ends its forks: taking down what was imported would first copy it all.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _end_with(connection: socket.socket) -> None:
    """End this process once nobody is at the other end of the connection."""
    connection.settimeout(None)
    connection.recv(1)
    os._exit(143)


def tell(connection: socket.socket, **what: int | str) -> None:
    """Send a message to whoever asked, who may be gone."""
    with suppress(OSError):
        connection.send(json.dumps(what).encode())


def code_times() -> dict[str, int]:
    """Return when each file of the project's code was last written."""
    return {
        str(path): path.stat().st_mtime_ns
        for path in Path(__file__).parent.rglob("*.*")
        if path.suffix != ".pyc"
    }


def main(words: list[str]) -> None:
    """Serve on the socket of a number and path; remove the folder that holds it at the end."""
    listener, folder = socket.socket(fileno=int(words[0])), Path(words[1]).parent
    if not sys.flags.safe_path:
        del sys.path[0]  # where -m puts the working directory
    server = Server(listener)
    why = server.preload()
    request = None if why else server.serve()
    if request is not None:
        become(request, server.imported())
    print(f"kernel server ends: {why or 'the run is over'}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
