"""Rows of memory: what the plan predicts against what a fresh process comes to hold."""

import gc
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import psutil
import torch

from benchmarks.engine import SEED, Job, open_ours, train_ours
from benchmarks.folders import spec_of
from benchmarks.items import write_items
from benchmarks.rows import Row
from benchmarks.training import start_worker
from benchmarks.turns import run_alone
from xstilts import cost
from xstilts.training.text import Pairs, Texts

if TYPE_CHECKING:
    from benchmarks.run import Session

#: word pieces that the random pairs are drawn from, so that a trimmed table is small
PIECES = range(4, 100)
#: the first step has no optimizer's moments yet
STEPS = 2


def measure(session: "Session", row: Row) -> dict[str, Any]:
    """Return predicted and measured bytes of training on pairs of full length."""
    job = session.job(row)
    pairs = _full_pairs(row)
    write_items(job.items, pairs, np.unique(pairs.texts.ids))
    out = job.items.with_suffix(".memory.json")
    run_alone(alone, job, out)
    spec = spec_of(row.encoder, row.layers).model_copy(
        update={"precision": job.precision, "max_tokens": row.max_tokens}
    )
    need = cost.memory(spec, batch=row.batch, micro_batch=row.batch, recompute=row.recompute)
    parts = ("weights", "gradients", "optimizer", "activations")
    predicted = {name: int(getattr(need, name)) for name in parts}
    return {
        "texts": "random word pieces",
        "mean_tokens": float(row.max_tokens),
        "precision": job.precision,
        "predicted": predicted | {"total": sum(predicted.values())},
        "measured": json.loads(out.read_text(encoding="utf-8")),
    }


def _full_pairs(row: Row) -> Pairs:
    """Return pairs of random word pieces, each as long as the row allows."""
    count = row.batch * STEPS
    rng = np.random.default_rng(SEED)
    ids = rng.integers(PIECES.start, PIECES.stop, count * row.max_tokens)
    starts = np.arange(count + 1, dtype=np.int64) * row.max_tokens
    sides = np.arange(count, dtype=np.int64)[:, None]
    texts = Texts(ids, np.zeros_like(ids), starts)
    return Pairs(texts, sides, rng.integers(0, 3, count), pd.DataFrame({"pair": range(count)}))


def alone(job: Job, out: Path) -> None:
    """Train a few steps in a process that exists for them; leave a JSON file of bytes."""
    start_worker()
    first = torch.ones(8, 8, requires_grad=True)
    (first @ first).sum().backward()  # what the libraries take when first used
    gc.collect()
    before = psutil.Process().memory_info().rss
    # a wheel's table is trimmed by the plan, a published encoder's is not
    classifier, pairs = open_ours(job, trimmed=job.row.encoder in ("e5", "tiny"))
    gc.collect()
    loaded = psutil.Process().memory_info().rss
    _forget_peak()
    train_ours(classifier, pairs, job.row, 1, lambda *_: None)
    facts = {"before": before, "loaded": loaded - before, "peak": _peak() - before}
    out.write_text(json.dumps(facts), encoding="utf-8")


def _forget_peak() -> None:
    """Let Linux count the peak of resident memory from now on."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status: no line VmHWM")
