"""A run that was stopped goes on where it was, bit for bit.

One safetensors file holds weights, optimizer, generators and position. It is written beside
its place and renamed, so that it is the old one or the new one, whenever the process dies.
"""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from xstilts.files import write_atomically

#: seconds between two savings, and how many times the duration of one they are at least
INTERVAL_S, RARELY = 60.0, 50.0
WEIGHT, STATE, RANDOM, SUM = "weight.", "optimizer.", "random.", "sum."


@dataclass
class Course:
    """How far a run is. Everything in it is a number but the two sums, kept on the device.

    done, seen: steps and items so far. loss, right: sums since the last point of the curve,
    over `window_steps` steps and `window_items` items. points: the curve so far. seconds:
    spent in training. tokens, slots: as in `model.Tally`. micro_batch: pairs a pass.
    """

    loss: Tensor
    right: Tensor
    micro_batch: int
    done: int = 0
    seen: int = 0
    window_steps: int = 0
    window_items: int = 0
    seconds: float = 0.0
    tokens: int = 0
    slots: int = 0
    points: list[tuple[int, int, float, float]] = field(default_factory=list)

    def numbers(self) -> dict[str, Any]:
        """Return what is not a tensor."""
        return {one.name: getattr(self, one.name) for one in fields(self)
                if one.name not in ("loss", "right")}  # fmt: skip


class Checkpoint:
    """The file that a run keeps itself in.

    Args:
        path: of the file.
        key: of the run; a file with another key is not read.
        interval: seconds between two savings.
    """

    def __init__(self, path: Path, key: str, interval: float = INTERVAL_S) -> None:
        self._path, self._key, self._interval = path, key, interval
        self._next = time.monotonic() + interval
        self._stop = threading.Event()

    @property
    def stop_asked(self) -> bool:
        return self._stop.is_set()

    @contextmanager
    def until_stopped(self) -> Iterator[None]:
        """Let SIGTERM ask for a stop after the present step, instead of ending the process."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals can be handled by the main thread alone
            return
        before = signal.signal(signal.SIGTERM, lambda *_: self._stop.set())
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def save_if_due(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, course: Course
    ) -> None:
        """Save at intervals, and when a stop was asked for."""
        if not self.stop_asked and time.monotonic() < self._next:
            return
        started = time.monotonic()
        self._save(model, optimizer, course)
        taken = time.monotonic() - started
        self._next = time.monotonic() + max(self._interval, RARELY * taken)

    def _save(self, model: nn.Module, optimizer: torch.optim.Optimizer, course: Course) -> None:
        tensors = {WEIGHT + name: value for name, value in _changing(model).items()}
        for place, state in optimizer.state_dict()["state"].items():
            tensors |= {f"{STATE}{place}.{name}": value for name, value in state.items()}
        tensors |= {f"{SUM}loss": course.loss, f"{SUM}right": course.right}
        tensors |= {RANDOM + name: value for name, value in _generators(course.loss).items()}
        whole = {name: value.detach().contiguous() for name, value in tensors.items()}
        facts = {"key": self._key, "course": json.dumps(course.numbers())}
        write_atomically(self._path, lambda file: save_file(whole, file, metadata=facts))

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer, course: Course) -> bool:
        """Put everything back as it was; say whether there was a checkpoint of this run.

        A file that is damaged or of another key leaves everything as it is.
        """
        if (found := self._read(course.loss.device)) is None:
            return False
        tensors, numbers = found
        with torch.no_grad():
            for name, value in _changing(model).items():
                value.copy_(tensors[WEIGHT + name])
            course.loss.copy_(tensors[f"{SUM}loss"])
            course.right.copy_(tensors[f"{SUM}right"])
        states: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith(STATE):
                place, _, part = name.removeprefix(STATE).partition(".")
                states.setdefault(int(place), {})[part] = value
        optimizer.load_state_dict(optimizer.state_dict() | {"state": states})
        torch.set_rng_state(tensors[f"{RANDOM}cpu"].cpu())
        if course.loss.is_cuda:
            torch.cuda.set_rng_state(tensors[f"{RANDOM}cuda"].cpu(), course.loss.device)
        for name, value in numbers.items():
            setattr(course, name, value)
        course.points = [tuple(point) for point in course.points]
        return True

    def _read(self, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        try:
            with safe_open(self._path, framework="pt", device=str(device)) as file:
                facts = file.metadata() or {}
                if facts.get("key") != self._key:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, json.loads(facts["course"])
        except (OSError, SafetensorError, ValueError, KeyError):
            return None

    def drop(self) -> None:
        """Remove the file: the run is finished."""
        self._path.unlink(missing_ok=True)


def _changing(model: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of a model that training may change: frozen weights are left out."""
    frozen = {name for name, value in model.named_parameters() if not value.requires_grad}
    return {name: value for name, value in model.state_dict().items() if name not in frozen}


def _generators(like: Tensor) -> dict[str, Tensor]:
    found = {"cpu": torch.get_rng_state()}
    if like.is_cuda:
        found["cuda"] = torch.cuda.get_rng_state(like.device)
    return found
