"""What computes, and with which numbers: one choice a study, measured once and recorded."""

import platform
import statistics
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from xstilts.files import exclusive, read_json, write_json
from xstilts.params import ModelSpec

Precision = Literal["fp32", "bf16"]
#: how many times faster bf16 must be to be taken
WORTH = 1.2
#: rows of the matrices that are timed: tokens of a batch of short pairs
_ROWS, _REPEATS = 1024, 7


@dataclass(frozen=True)
class Device:
    """Where a run computes. `title` is what the results say of it."""

    torch: torch.device
    title: str
    precision: Precision

    @property
    def is_cuda(self) -> bool:
        return self.torch.type == "cuda"

    def autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.torch.type, dtype=torch.bfloat16)

    def peak_bytes(self) -> int:
        """Return the most memory held so far: on the GPU, else of the process."""
        if self.is_cuda:
            return torch.cuda.max_memory_allocated(self.torch)
        import resource  # no module of Windows

        unit = 1 if platform.system() == "Darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def open_device(record: Path, spec: ModelSpec) -> Device:
    """Return the device of a study's runs, with one thread on a CPU.

    One thread: results then do not depend on the number of cores, and two cells on two cores
    are faster than one on both. The precision is the model's, or what `record`
    (outputs/<study>/precision.json) holds; the first cell that asks measures and writes it,
    so that a study never mixes two.
    """
    torch.set_num_threads(1)
    where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    title = torch.cuda.get_device_name(where) if where.type == "cuda" else "cpu"
    if spec.precision != "auto":
        return Device(where, title, spec.precision)
    with exclusive(record.with_suffix(".lock"), "precision is being measured", wait=True):
        if not record.is_file():
            write_json(record, measure_precision(where, spec))
        return Device(where, title, read_json(record)["precision"])


def measure_precision(where: torch.device, spec: ModelSpec) -> dict[str, object]:
    """Return which of fp32 and bf16 multiplies the model's matrices faster, with the times.

    Median of 7 interleaved rounds of a feed-forward block, forward and backward.
    """
    block = torch.nn.Sequential(
        torch.nn.Linear(spec.shape.hidden, spec.shape.feed_forward),
        torch.nn.GELU(),
        torch.nn.Linear(spec.shape.feed_forward, spec.shape.hidden),
    ).to(where)
    x = torch.randn(_ROWS, spec.shape.hidden, device=where)
    times: dict[str, list[float]] = {"fp32": [], "bf16": []}
    for _ in range(_REPEATS + 1):
        for name, taken in times.items():
            start = time.perf_counter()
            with torch.autocast(where.type, dtype=torch.bfloat16, enabled=name == "bf16"):
                block(x).float().square().mean().backward()
            if where.type == "cuda":
                torch.cuda.synchronize(where)
            taken.append(time.perf_counter() - start)
    medians = {name: statistics.median(taken[1:]) for name, taken in times.items()}
    chosen = "bf16" if medians["fp32"] >= WORTH * medians["bf16"] else "fp32"
    milliseconds = {name: round(1e3 * value, 3) for name, value in medians.items()}
    return {"precision": chosen, "device": where.type, "milliseconds": milliseconds}
