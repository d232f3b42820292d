"""What the sides of a training row share: how long they train, and what they report."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch
from datasets.utils import logging as datasets_logging
from torch import nn
from torch.utils.data import BatchSampler
from transformers.utils import logging as transformers_logging

from benchmarks.ceiling import gemm_ceiling
from benchmarks.engine import SEED, Job, block_shapes, our_batches, shape_facts, tokens_of
from benchmarks.profile import Profiled
from benchmarks.rows import Row
from benchmarks.turns import Clock
from xstilts.encoders.architecture import word_embedding
from xstilts.tasks.select import generator
from xstilts.training.text import Ints, Pairs


@dataclass(frozen=True)
class Course:
    """How a row trains: epochs over its pairs, and the steps after which a turn ends."""

    epochs: int
    marks: tuple[int, ...]

    @classmethod
    def of(cls, row: Row, pairs: int) -> "Course":
        """Return the course of a row; its first turn warms up."""
        if not row.pairs:
            ends = range(row.warm, row.warm + row.rounds + 1)
            return cls(row.warm + row.rounds, tuple(row.steps * end for end in ends))
        whole = math.ceil(pairs / row.batch)
        first = whole - row.rounds * row.steps
        return cls(1, tuple(first + row.steps * turn for turn in range(row.rounds + 1)))


def batches_of(row: Row, pairs: int, epoch: int, *, ours: bool) -> list[Ints]:
    """Return the places of the pairs of each step of an epoch, on our or the other side."""
    if ours or row.order == "ours":
        return our_batches(pairs, row, epoch)
    # the pairs lie batch by batch; an epoch reads the batches in another order
    places = np.arange(pairs).reshape(-1, row.batch)
    return list(places[generator("by_length", SEED, epoch).permutation(len(places))])


class Batches(BatchSampler):
    """The batches of an epoch, another epoch's each time that they are asked for."""

    def __init__(self, row: Row, pairs: int) -> None:
        self._row, self._pairs, self._epoch = row, pairs, 0
        self.batch_size, self.drop_last = row.batch, False

    def __iter__(self) -> Iterator[list[int]]:
        batches = batches_of(self._row, self._pairs, self._epoch, ours=False)
        self._epoch += 1
        yield from (batch.tolist() for batch in batches)

    def __len__(self) -> int:
        return math.ceil(self._pairs / self._row.batch)


class Places:
    """Token places, with padding, that the word embedding of an encoder has looked up."""

    def __init__(self, encoder: nn.Module) -> None:
        self.total = 0
        word_embedding(encoder).register_forward_pre_hook(self._count)

    def _count(self, _: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        self.total += inputs[0].numel()


@dataclass
class Watch:
    """Measures one side while it trains: turns, padding, the ceiling and the profile."""

    job: Job
    pipe: Connection
    encoder: nn.Module
    pairs: Pairs
    precision: str
    ours: bool
    counts: list[int] = field(default_factory=list)
    ceiling: float = 0.0

    def __post_init__(self) -> None:
        row = self.job.row
        self.places = Places(self.encoder)
        self.course = Course.of(row, len(self.pairs))
        device = self.job.device.torch.type
        warm = self.course.marks[0]
        profiled = min(row.profiled, warm - 1)  # the first step of all is no step like others
        self._profiled = Profiled(device, profiled)
        watch = {}
        if profiled:
            watch = {warm - profiled: self._profiled.start, warm: self._profiled.stop}
        self.clock = Clock(self.pipe, self.course.marks, self._settle, self._ceiling, watch)

    def _settle(self) -> None:
        if self.job.device.is_cuda:
            torch.cuda.synchronize()
        self.counts.append(self.places.total)

    def _ceiling(self) -> None:
        whole = sum(tokens_of(self.pairs, turn) for turn in self._turns())
        rows = whole // (self.course.marks[-1] - self.course.marks[0])
        found = gemm_ceiling(
            block_shapes(self.encoder), rows, self.precision, self.job.device.torch.type
        )
        self.ceiling = max(self.ceiling, found)

    def _turns(self) -> list[list[Ints]]:
        """Return the batches of every turn but the first."""
        epochs, row = range(self.course.epochs), self.job.row
        steps = [batch for epoch in epochs
                 for batch in batches_of(row, len(self.pairs), epoch, ours=self.ours)]  # fmt: skip
        marks = self.course.marks
        return [steps[start:end] for start, end in itertools.pairwise(marks)]

    def finish(self, losses: list[float], **facts: Any) -> None:
        """Send what was measured."""
        self._ceiling()
        turns = self._turns()
        self.clock.finish({
            "items": [sum(map(len, turn)) for turn in turns],
            "tokens": [tokens_of(self.pairs, turn) for turn in turns],
            "places": np.diff(self.counts).tolist(),
            "losses": [round(float(loss), 7) for loss in losses],
            "ceiling": self.ceiling,
            "profile": self._profiled.facts,
            "precision": self.precision,
            **shape_facts(self.encoder),
            **facts,
        })  # fmt: skip


def start_worker() -> None:
    """Make a fresh process compute on one thread, and say nothing but errors."""
    torch.set_num_threads(1)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    datasets_logging.disable_progress_bar()
