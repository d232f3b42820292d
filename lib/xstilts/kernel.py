"""The kernels of cells: warm if a server is announced (`xstilts.kernel_server`), else plain."""

import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any

import zmq
from jupyter_client import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from xstilts.kernel_server import VARIABLE

#: seconds that a server may take to answer, which it does not while it is still importing
ANSWER_S = 15.0
#: seconds between two looks at a process that is waited for; bytes of the largest answer
_POLL_S, _LARGEST = 0.05, 1 << 14


#: kernels that this process has started
_started: list["Provisioner"] = []


def ask_to_stop() -> None:
    """Send SIGTERM to the kernels of this process: one that trains saves itself and ends."""
    for one in _started:
        with suppress(ProcessLookupError):
            if one.process is not None and one.process.poll() is None:
                os.kill(one.process.pid, signal.SIGTERM)


class KernelManager(AsyncKernelManager):
    """Starts warm kernels, and encrypts what is said to them where that is built in."""

    def __init__(self, **options: Any) -> None:
        secret = "auto" if zmq.has("curve") else "disabled"
        super().__init__(**{"transport_encryption": secret} | options)
        self.provisioner = Provisioner(parent=self, kernel_spec=self.kernel_spec)
        _started.append(self.provisioner)


class Provisioner(LocalProvisioner):
    """A local kernel that is forked from the announced server if that answers."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel; return how it is reached."""
        forked = fork_kernel(cmd, kwargs.get("cwd") or os.getcwd(), kwargs["env"])
        if forked is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid = forked, forked.pid, forked.pid
        self.cwd = kwargs.get("cwd")
        return self.connection_info


class Fork:
    """A forked process, with what jupyter_client uses of subprocess.Popen."""

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection
        connection.setblocking(False)

    def poll(self) -> int | None:
        """Return the exit code, None while the process runs.

        If the server ended before the process, nobody knows the code: it is that of a kill.
        """
        if self.returncode is None:
            try:
                said = self._connection.recv(_LARGEST)
            except BlockingIOError:
                return None
            except OSError:
                said = b""
            self.returncode = json.loads(said)["ended"] if said else -signal.SIGKILL
            self._connection.close()
        return self.returncode

    def wait(self) -> int:
        while (code := self.poll()) is None:
            time.sleep(_POLL_S)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def fork_kernel(command: list[str], cwd: str, environment: dict[str, str]) -> Fork | None:
    """Return a fork of the announced server that runs a command, None if there is to be none."""
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    parent = {"JPY_PARENT_PID": str(os.getpid())}  # as jupyter_client does
    request = {"command": command, "cwd": cwd, "environment": environment | parent}
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.settimeout(ANSWER_S)
        connection.connect(path)
        socket.send_fds(connection, [json.dumps(request).encode()], [1, 2])
        answer = json.loads(connection.recv(_LARGEST) or '{"refused": "it has ended"}')
        if "pid" in answer:
            return Fork(connection, answer["pid"])
        why = answer.get("refused", "it ended at once")
    except OSError as error:
        why = str(error)
    connection.close()
    print(f"kernel starts plainly, not from the server: {why}", file=sys.stderr)
    return None
