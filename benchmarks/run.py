"""Rows become results: the work is laid out, workers take turns, what they say is kept."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.engine import SEED, Job, choose_precision
from benchmarks.folders import make_folder, spec_of
from benchmarks.items import Source, pick_by_length, subset, write_items
from benchmarks.machine import load_of_machine
from benchmarks.rows import Row
from benchmarks.turns import BenchmarkError, Worker, take_turns
from xstilts.encoders.vector import open_tokenizer
from xstilts.training.text import encode_pairs


@dataclass
class Session:
    """What the rows of one run share.

    Args:
        source: of the texts.
        work: a folder for encoders and pairs; the caller removes it.
    """

    source: Source
    work: Path
    _precisions: dict[tuple[str, str, bool], str] = field(default_factory=dict)

    def measure(self, row: Row) -> dict[str, Any]:
        """Return the result of a row: measured, failed, or why it was not measured."""
        if row.cuda and not torch.cuda.is_available():
            return {"status": "not measured", "why": "no GPU"}
        if row.needs_data and self.source.root is None:
            return {"status": "not measured", "why": "needs real pairs (DATA)"}
        load = load_of_machine()
        try:
            found = self._by_kind(row)
        except BenchmarkError as error:
            return {"status": "failed", "why": str(error)}
        return {"status": "measured", "load": load, **found}

    def _by_kind(self, row: Row) -> dict[str, Any]:
        if row.kind == "training":
            return self._train(row)
        if row.kind == "evaluation":
            from benchmarks import evaluation

            return evaluation.measure(self, row)
        from benchmarks import memory

        return memory.measure(self, row)

    def job(self, row: Row) -> Job:
        """Return what workers are told of a row; its encoder's folder is written."""
        folder = make_folder(row.encoder, self.work)
        key = (row.encoder, row.precision, row.cuda)
        if key not in self._precisions:
            self._precisions[key] = choose_precision(spec_of(row.encoder, row.layers), row)
        precision = self._precisions[key]
        return Job(row, folder, self.work / f"{row.name}.npz", precision, self.work)  # type: ignore[arg-type]

    def _train(self, row: Row) -> dict[str, Any]:
        from benchmarks import ours

        job = self.job(row)
        facts = self._lay_out(row, job)
        workers: list[Worker] = [ours.train]
        if row.against != "none":
            workers.append(_other(row))
        names = ("ours", "theirs")
        taken = take_turns(workers, job, row.rounds + 1)
        return facts | dict(zip(names, taken, strict=False))

    def _lay_out(self, row: Row, job: Job) -> dict[str, Any]:
        """Write the pairs of a row; return what is known of them."""
        pool = encode_pairs(
            open_tokenizer(job.folder), self.source.training(row.pairs), row.head, row.max_tokens
        )
        places = np.arange(min(len(pool), row.pairs or row.steps * row.batch))
        if row.order == "by_length":
            places = pick_by_length(pool.lengths, row.batch, row.steps, SEED)
        pairs = subset(pool, places)
        write_items(job.items, pairs, np.unique(pool.texts.ids))
        return {
            "texts": self.source.title,
            "pairs": len(pairs),
            "mean_tokens": round(float(pairs.lengths.mean()), 1),
        }


def _other(row: Row) -> Worker:
    if row.against == "sentence_transformers":
        from benchmarks import sentences

        return sentences.train
    from benchmarks import theirs

    return theirs.train


def described(row: Row) -> dict[str, Any]:
    """Return what a result keeps of its row, for a document that reads results alone."""
    return asdict(row)
