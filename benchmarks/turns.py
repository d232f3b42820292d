"""Two processes that compute in turns: both loaded, one at work, the other asleep."""

import multiprocessing
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from xstilts.errors import XstiltsError

#: seconds that a turn, or loading and warming up, may take
PATIENCE = 1800.0


class BenchmarkError(XstiltsError):
    """A worker failed or fell silent; the row is recorded as failed."""


@dataclass
class Clock:
    """A worker's side: it waits for its turn, and tells how long a turn took.

    Args:
        pipe: to the coordinator.
        marks: numbers of steps after which a turn ends; the last ends the work.
        settle: called at the end of every turn, before it is timed (waits for a GPU).
        between: called after the first turn, untimed: what needs a warm process.
        watch: what to call when so many steps are done, within the first turn.
    """

    pipe: Connection
    marks: Sequence[int]
    settle: Callable[[], None] = lambda: None
    between: Callable[[], None] = lambda: None
    watch: dict[int, Callable[[], None]] = field(default_factory=dict)
    _ended: int = 0
    _began: float = 0.0
    _computed: float = 0.0

    def begin(self) -> None:
        """Say that all is loaded, and wait for the first turn."""
        self._say("ready", None)
        self._wait()

    def step(self, done: int) -> None:
        """Count a step; at a mark, end the turn and wait for the next."""
        if done in self.watch:
            self.watch[done]()
        if done != self.marks[self._ended]:
            return
        self.settle()
        seconds = time.perf_counter() - self._began, time.process_time() - self._computed
        if not self._ended:
            self.between()
        self._ended += 1
        self._say("turn", seconds)
        self._wait()  # after the last turn too: what follows must not disturb the other side

    def finish(self, facts: dict[str, Any]) -> None:
        """Send what else is known, after the last turn."""
        self._say("facts", facts)

    def _say(self, what: str, value: Any) -> None:
        self.pipe.send((what, value))

    def _wait(self) -> None:
        self.pipe.recv()
        self._began, self._computed = time.perf_counter(), time.process_time()


Worker = Callable[[Any, Connection], None]


def guarded(worker: Worker, job: Any, pipe: Connection) -> None:
    """Run a worker in its process; what it raises is told to the coordinator."""
    try:
        worker(job, pipe)
    except Exception as error:  # the coordinator must hear of everything
        where = traceback.extract_tb(error.__traceback__)[-1]
        pipe.send(("failed", f"{type(error).__name__}: {error} ({where.name}:{where.lineno})"))


class Side:
    """The coordinator's side of one worker."""

    def __init__(self, worker: Worker, job: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = worker.__module__.rpartition(".")[2]
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=guarded, args=(worker, job, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.turns: list[tuple[float, float]] = []

    def hear(self, expected: str) -> Any:
        """Return what the worker says next. Raises BenchmarkError if it is something else."""
        if not self.pipe.poll(PATIENCE):
            self._fail(f"silent for {PATIENCE:.0f} s")
        try:
            what, value = self.pipe.recv()
        except EOFError:
            self.process.join(5)
            self._fail(f"ended with code {self.process.exitcode}")
        if what != expected:
            self._fail(str(value).splitlines()[0][:300])
        return value

    def turn(self) -> None:
        self.pipe.send("go")
        self.turns.append(self.hear("turn"))

    def facts(self) -> dict[str, Any]:
        """Let the worker finish, alone, and return what it knows."""
        self.pipe.send("go")
        return self.hear("facts")

    def stop(self) -> None:
        if self.process.is_alive():
            self.process.terminate()
        self.process.join(10)

    def _fail(self, why: str) -> NoReturn:
        raise BenchmarkError(f"{self.name}: {why}")


def take_turns(workers: Sequence[Worker], job: Any, turns: int) -> list[dict[str, Any]]:
    """Return what each worker says, with `seconds` and `cpu_seconds` of every turn.

    The first turn, which warms up, is left out. Who goes first changes with every turn.

    Raises:
        BenchmarkError: a worker failed.
    """
    sides: list[Side] = []
    try:
        for worker in workers:
            sides.append(Side(worker, job))
        for side in sides:
            side.hear("ready")
        for turn in range(turns):
            for side in sides if turn % 2 == 0 else sides[::-1]:
                side.turn()
        return [_timed(side) | side.facts() for side in sides]
    finally:
        for side in sides:
            side.stop()


def _timed(side: Side) -> dict[str, list[float]]:
    wall, computed = zip(*side.turns[1:], strict=True)
    return {
        "seconds": [round(one, 4) for one in wall],
        "cpu_seconds": [round(one, 4) for one in computed],
    }


def run_alone(target: Callable[..., None], *arguments: Any) -> float:
    """Run a function in a fresh process and return the seconds from its start to its end.

    Raises:
        BenchmarkError: the process failed.
    """
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    began = time.perf_counter()
    process.start()
    process.join()
    seconds = time.perf_counter() - began
    if process.exitcode:
        raise BenchmarkError(f"{target.__qualname__}: ended with code {process.exitcode}")
    return seconds
