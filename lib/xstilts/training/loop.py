"""The loop: AdamW over batches of pairs, one for all tasks, heads and devices."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from xstilts.encoders.architecture import architecture
from xstilts.params import Budget, Optimizer
from xstilts.training.batch import epoch_batches
from xstilts.training.model import PairClassifier
from xstilts.training.text import Pairs

#: points of a learning curve
POINTS = 16


@dataclass(frozen=True)
class Trained:
    """What training left. curve: step, items, loss, accuracy; seconds exclude evaluation."""

    curve: pd.DataFrame = field(repr=False)
    steps: int
    items: int
    tokens: int
    seconds: float


@dataclass
class _Window:
    """Sums since the last point of the curve, kept on the device."""

    loss: Tensor
    right: Tensor
    steps: int = 0
    items: int = 0


def train(
    classifier: PairClassifier,
    pairs: Pairs,
    budget: Budget,
    rule: Optimizer,
    *,
    seed: int,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
) -> Trained:
    """Train encoder and head on `pairs`, `budget.epochs` times each, and return the record.

    AdamW with bias correction, linear warm-up and decay to zero, clipping at a norm. The loss
    is cross-entropy, meaned over the pairs of a step. No checkpoint is selected. Everything
    random depends on `seed`.

    Args:
        classifier: with its head prepared; trained in place.
        pairs: training items, one row an item.
        budget: items and epochs; `pairs` holds just these items.
        rule: learning rate, batch, ...
        seed: of the run.
        on_step: called after each step with (steps done, steps in all).

    Raises:
        FloatingPointError: the loss is no longer a number.
    """
    optimizer = make_optimizer(classifier, rule)
    per_epoch = math.ceil(len(pairs) / rule.batch)
    steps = budget.epochs * per_epoch
    torch.manual_seed(seed)
    classifier.train()
    window, points = _empty(classifier), []
    done = seen = 0
    started = time.perf_counter()
    for epoch in range(budget.epochs):
        for places in epoch_batches(len(pairs), rule.batch, seed=seed, epoch=epoch):
            set_rates(optimizer, rate_factor(done, steps, rule.warmup_fraction))
            _step(classifier, optimizer, pairs, places, rule.clip, window)
            done, seen = done + 1, seen + len(places)
            if done * POINTS // steps > (done - 1) * POINTS // steps:
                points.append(_point(window, done, seen))
                window = _empty(classifier)
            on_step(done, steps)
    seconds = time.perf_counter() - started
    curve = pd.DataFrame(points, columns=["step", "items", "loss", "accuracy"])
    return Trained(curve, steps, seen, budget.epochs * int(pairs.lengths.sum()), seconds)


def _step(
    classifier: PairClassifier,
    optimizer: torch.optim.Optimizer,
    pairs: Pairs,
    places: np.ndarray,
    clip: float,
    window: _Window,
) -> None:
    labels = torch.from_numpy(pairs.labels[places]).to(classifier.device.torch)
    logits = classifier.logits(pairs, places)
    loss = nn.functional.cross_entropy(logits, labels)
    loss.backward()
    nn.utils.clip_grad_norm_(classifier.parameters(), clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    window.loss += loss.detach()
    window.right += (logits.detach().argmax(dim=1) == labels).sum()
    window.steps, window.items = window.steps + 1, window.items + len(places)


def _empty(classifier: PairClassifier) -> _Window:
    where = classifier.device.torch
    return _Window(torch.zeros((), device=where), torch.zeros((), device=where))


def _point(window: _Window, step: int, items: int) -> tuple[int, int, float, float]:
    """Return a point of the curve; reading it is what waits for the device."""
    loss = float(window.loss) / window.steps
    if not math.isfinite(loss):
        raise FloatingPointError(f"the loss is {loss} at step {step}; a smaller rate may help")
    return step, items, loss, 100.0 * float(window.right) / window.items


def make_optimizer(classifier: PairClassifier, rule: Optimizer) -> torch.optim.AdamW:
    """Return AdamW over encoder and head.

    The head's rate is `head_factor` times the encoder's. Embeddings, biases and norms do not
    decay: rows of the vocabulary that no batch reads then stay as they are, and training
    with a trimmed vocabulary gives the same weights as with the whole one.
    """
    inside = architecture(classifier.encoder.config).embeddings
    decayed, kept = [], []
    for name, parameter in classifier.encoder.named_parameters():
        plain = parameter.ndim > 1 and not name.startswith(f"{inside}.")
        (decayed if plain else kept).append(parameter)
    rate, decay = rule.learning_rate, rule.weight_decay
    groups = [
        {"params": decayed, "lr": rate, "weight_decay": decay},
        {"params": kept, "lr": rate, "weight_decay": 0.0},
        {"params": list(classifier.head.parameters()), "lr": rate * rule.head_factor,
         "weight_decay": 0.0},
    ]  # fmt: skip
    for group in groups:
        group["peak"] = group["lr"]
    return torch.optim.AdamW(groups, fused=True)


def rate_factor(step: int, steps: int, warmup_fraction: float) -> float:
    """Return the share of the peak rate at a step (from 0): linear up, then linear to zero.

    As transformers' `get_linear_schedule_with_warmup`, but that the first step is not lost
    to a rate of zero.
    """
    warmup = math.ceil(warmup_fraction * steps)
    if step < warmup:
        return (step + 1) / warmup
    return (steps - step) / max(1, steps - warmup)


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
