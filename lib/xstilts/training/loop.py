"""The loop: AdamW over batches of pairs, one for all tasks, heads and devices."""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import nn

from xstilts.encoders.architecture import architecture
from xstilts.errors import StoppedError
from xstilts.params import Budget, Optimizer
from xstilts.training.batch import epoch_batches
from xstilts.training.checkpoint import Checkpoint, Course
from xstilts.training.memory import is_out_of_memory, make_room
from xstilts.training.model import PairClassifier
from xstilts.training.text import Pairs

#: points of a learning curve
POINTS = 16


@dataclass(frozen=True)
class Trained:
    """What training left.

    curve: step, items, loss, accuracy. items, tokens: read by the steps, a text counting in
    every pair. encoded, slots: tokens that passed the encoder, where a text counts once a
    step, without and with padding. micro_batch: pairs a pass in the end. seconds exclude
    evaluation. resumed: step that a checkpoint let it go on from, or 0.
    """

    curve: pd.DataFrame = field(repr=False)
    steps: int
    items: int
    tokens: int
    encoded: int
    slots: int
    micro_batch: int
    seconds: float
    resumed: int


def train(
    classifier: PairClassifier,
    pairs: Pairs,
    budget: Budget,
    rule: Optimizer,
    *,
    seed: int,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Train encoder and head on `pairs`, `budget.epochs` times each, and return the record.

    AdamW with bias correction, linear warm-up and decay to zero, clipping at a norm. The loss
    is cross-entropy, meaned over the pairs of a step. The last state is kept, none is
    selected. Everything random depends on `seed`. A step that does not fit the memory is
    taken again in smaller parts (`memory.make_room`).

    Args:
        classifier: with its head prepared; trained in place.
        pairs: training items, one row an item.
        budget: items and epochs; `pairs` holds just these items.
        rule: learning rate, batch, ...
        seed: of the run.
        on_step: called after each step with (steps done, steps in all).
        checkpoint: where the run keeps itself; if it holds this run, the run goes on.

    Raises:
        FloatingPointError: the loss is no longer a number.
        StoppedError: SIGTERM came; the run is in the checkpoint.
        EncoderError: a single pair does not fit the memory.
    """
    optimizer = make_optimizer(classifier, rule)
    steps = budget.epochs * math.ceil(len(pairs) / rule.batch)
    torch.manual_seed(seed)
    where = classifier.device.torch
    course = Course(torch.zeros((), device=where), torch.zeros((), device=where), rule.batch)
    if checkpoint is not None:
        checkpoint.restore(classifier, optimizer, course)
    resumed = course.done
    classifier.train()
    with checkpoint.until_stopped() if checkpoint is not None else nullcontext():
        _run(classifier, optimizer, pairs, rule, seed, steps, course, on_step, checkpoint)
    curve = pd.DataFrame(course.points, columns=["step", "items", "loss", "accuracy"])
    return Trained(
        curve, steps, course.seen, budget.epochs * int(pairs.lengths.sum()), course.tokens,
        course.slots, course.micro_batch, course.seconds, resumed,
    )  # fmt: skip


def _run(
    classifier: PairClassifier, optimizer: torch.optim.Optimizer, pairs: Pairs, rule: Optimizer,
    seed: int, steps: int, course: Course, on_step: Callable[[int, int], None],
    checkpoint: Checkpoint | None,
) -> None:  # fmt: skip
    """Take the steps that are left."""
    per_epoch = math.ceil(len(pairs) / rule.batch)
    batches: list[np.ndarray] = []
    while course.done < steps:
        started = time.perf_counter()
        epoch, place = divmod(course.done, per_epoch)
        if not batches or not place:
            batches = epoch_batches(len(pairs), rule.batch, seed=seed, epoch=epoch)
        set_rates(optimizer, rate_factor(course.done, steps, rule.warmup_fraction))
        _step(classifier, optimizer, pairs, batches[place], rule.clip, course)
        if course.done * POINTS // steps > (course.done - 1) * POINTS // steps:
            _add_point(course)
        course.seconds += time.perf_counter() - started
        if checkpoint is not None:
            checkpoint.save_if_due(classifier, optimizer, course)
            if checkpoint.stop_asked:
                raise StoppedError(f"stopped by SIGTERM after step {course.done} of {steps}")
        on_step(course.done, steps)


def _step(
    classifier: PairClassifier,
    optimizer: torch.optim.Optimizer,
    pairs: Pairs,
    places: np.ndarray,
    clip: float,
    course: Course,
) -> None:
    """Move the weights once, by the mean loss of the pairs at `places`."""
    tally = classifier.tally
    while True:
        tally.tokens = tally.slots = 0
        try:
            loss, right = _gradients(classifier, pairs, places, course.micro_batch)
            break
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        # Outside of the handler: the error would keep the step's tensors alive.
        optimizer.zero_grad(set_to_none=True)
        smaller = min(course.micro_batch, len(places))
        course.micro_batch = make_room(classifier.encoder, smaller, classifier.device.torch)
    nn.utils.clip_grad_norm_(classifier.parameters(), clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    course.loss += loss
    course.right += right
    course.done, course.seen = course.done + 1, course.seen + len(places)
    course.window_steps += 1
    course.window_items += len(places)
    course.tokens, course.slots = course.tokens + tally.tokens, course.slots + tally.slots


def _gradients(
    classifier: PairClassifier, pairs: Pairs, places: np.ndarray, micro_batch: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Add the gradients of the mean loss; return loss and right answers, on the device."""
    loss = right = torch.zeros((), device=classifier.device.torch)
    for start in range(0, len(places), micro_batch):
        part = places[start : start + micro_batch]
        labels = torch.from_numpy(pairs.labels[part]).to(classifier.device.torch)
        logits = classifier.logits(pairs, part)
        share = nn.functional.cross_entropy(logits, labels, reduction="sum") / len(places)
        share.backward()
        loss = loss + share.detach()
        right = right + (logits.detach().argmax(dim=1) == labels).sum()
    return loss, right


def _add_point(course: Course) -> None:
    """Add a point to the curve; reading it is what waits for the device."""
    loss = float(course.loss) / course.window_steps
    if not math.isfinite(loss):
        where = f"the loss is {loss} at step {course.done}"
        raise FloatingPointError(f"{where}; a smaller rate may help")
    accuracy = 100.0 * float(course.right) / course.window_items
    course.points.append((course.done, course.seen, loss, accuracy))
    course.loss.zero_()
    course.right.zero_()
    course.window_steps = course.window_items = 0


def make_optimizer(classifier: PairClassifier, rule: Optimizer) -> torch.optim.AdamW:
    """Return AdamW over encoder and head.

    The head's rate is `head_factor` times the encoder's. Embeddings, biases and norms do not
    decay: rows of the vocabulary that no batch reads then stay as they are, and training
    with a trimmed vocabulary gives the same weights as with the whole one.
    """
    inside = architecture(classifier.encoder.config).embeddings
    decayed, kept = [], []
    for name, parameter in classifier.encoder.named_parameters():
        if not parameter.requires_grad:
            continue
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
