"""Every place where the benchmarks touch the engine that they measure."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.items import read_items
from benchmarks.rows import Row
from xstilts.encoders.architecture import body_parameters, word_embedding
from xstilts.encoders.folder import open_encoder
from xstilts.encoders.trim import trim_vocabulary
from xstilts.params import Budget, ModelSpec, Optimizer
from xstilts.training import loop
from xstilts.training.batch import epoch_batches
from xstilts.training.device import Device, Precision, measure_precision
from xstilts.training.head import make_head
from xstilts.training.model import PairClassifier
from xstilts.training.packed import use_packed_attention
from xstilts.training.recompute import recompute_activations
from xstilts.training.text import Ints, Pairs

#: of data, order and head; the optimizer's settings, on which both sides agree
SEED, RATE, CLIP = 7, 1e-4, 1.0
#: a norm that no gradient has: sentence-transformers leaves its classifier out of the norm, so
#: that clipping would not be the same on both sides
UNCLIPPED = 1e9
LABELS = 3


@dataclass(frozen=True)
class Job:
    """What a worker is told: a row, the files it reads, and how it computes."""

    row: Row
    folder: Path
    items: Path
    precision: Precision
    work: Path

    @property
    def device(self) -> Device:
        where = torch.device("cuda" if self.row.cuda else "cpu")
        return Device(where, where.type, self.precision)


def choose_precision(spec: ModelSpec, row: Row) -> Precision:
    """Return the precision that the project would take for a model on this machine."""
    torch.set_num_threads(1)
    if row.precision != "auto":
        return "fp32"
    where = torch.device("cuda" if row.cuda else "cpu")
    return measure_precision(where, spec)["precision"]  # type: ignore[return-value]


def open_ours(job: Job, *, trimmed: bool = True) -> tuple[PairClassifier, Pairs]:
    """Return the project's classifier with its head prepared, and the pairs as it reads them."""
    pairs, used = read_items(job.items)
    encoder = open_encoder(job.folder, layers=job.row.layers, device=job.device.torch)
    if not use_packed_attention(encoder) and not job.row.cuda:
        encoder.set_attn_implementation("eager")  # type: ignore[operator]
    if trimmed:
        pairs = pairs.renumbered(trim_vocabulary(encoder, used.tolist()).remap)
    if job.row.recompute:
        recompute_activations(encoder)
    classifier = PairClassifier(
        encoder, make_head(job.row.head, encoder.config.hidden_size, LABELS), job.device
    )
    for module in classifier.head.modules():  # both sides draw no random number
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    classifier.prepare_head(pairs)
    if job.row.head == "siamese":
        _forget_products(classifier)
    return classifier, pairs


def _forget_products(classifier: PairClassifier) -> None:
    """Leave [u, v, |u - v|] of the siamese features, the form of Sentence-BERT."""
    hidden = classifier.encoder.config.hidden_size
    classifier.head.spread[3 * hidden :] = 1e30


def train_ours(
    classifier: PairClassifier, pairs: Pairs, row: Row, epochs: int,
    on_step: Callable[[int, int], None],
) -> list[float]:  # fmt: skip
    """Train as the project does and return the loss of every step."""
    budget = Budget(items=len(pairs), epochs=epochs)
    rule = Optimizer(
        learning_rate=RATE, head_factor=1.0, batch=row.batch, warmup_fraction=0.0,
        weight_decay=0.0, clip=clip_of(row),
    )  # fmt: skip
    with _a_point_a_step(epochs * -(-len(pairs) // row.batch)):
        trained = loop.train(classifier, pairs, budget, rule, seed=SEED, on_step=on_step)
    return trained.curve["loss"].tolist()


def clip_of(row: Row) -> float:
    """Return the norm at which both sides clip gradients."""
    return UNCLIPPED if row.against == "sentence_transformers" else CLIP


@contextmanager
def _a_point_a_step(steps: int) -> Iterator[None]:
    usual = loop.POINTS
    loop.POINTS = steps
    try:
        yield
    finally:
        loop.POINTS = usual


def our_batches(pairs: int, row: Row, epoch: int) -> list[Ints]:
    """Return the places of the pairs of each step, as the project orders them."""
    return epoch_batches(pairs, row.batch, seed=SEED, epoch=epoch)


def shape_facts(encoder: nn.Module) -> dict[str, int]:
    """Return what a row says of an encoder's shape."""
    config = encoder.config
    return {
        "hidden": config.hidden_size,  # type: ignore[union-attr, dict-item]
        "feed_forward": config.intermediate_size,  # type: ignore[union-attr, dict-item]
        "body_params": body_parameters(encoder),
        "rows": word_embedding(encoder).num_embeddings,
    }


def block_shapes(encoder: nn.Module) -> list[tuple[int, int]]:
    """Return (inputs, outputs) of the six matrices of a block."""
    hidden, wide = encoder.config.hidden_size, encoder.config.intermediate_size  # type: ignore[union-attr]
    return [(hidden, hidden)] * 4 + [(hidden, wide), (wide, hidden)]  # type: ignore[list-item]


def tokens_of(pairs: Pairs, batches: list[Ints]) -> int:
    """Return the tokens of the pairs of some batches, every text counted in every pair."""
    return int(pairs.lengths[np.concatenate(batches)].sum()) if batches else 0
