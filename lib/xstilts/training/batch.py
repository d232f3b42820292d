"""Which pairs a step reads, and in what groups their texts pass through the encoder."""

from collections.abc import Iterator

import numpy as np

from xstilts.tasks.select import generator
from xstilts.training.text import Ints

#: batches whose pairs are sorted by length together; larger: less padding, less random
WINDOW = 16
#: share of padding from which a group of texts is cut in two, and the smallest group
SLACK, SMALLEST_GROUP = 1.15, 6


def epoch_batches(lengths: Ints, batch: int, *, seed: int, epoch: int) -> list[Ints]:
    """Return the places of the pairs that each step of an epoch reads.

    Pairs are shuffled, sorted by length within windows of 16 batches, cut into batches, and
    the batches shuffled: every pair once, ceil(pairs / batch) batches, all of `batch` pairs
    but one. Fixed by (seed, epoch), lengths and batch alone.

    Args:
        lengths: tokens of each pair, (pairs,).
        batch: pairs a step.
        seed: of the run.
        epoch: from 0.
    """
    rng = generator("batches", seed, epoch)
    order = rng.permutation(len(lengths))
    size = WINDOW * batch
    windows = [order[start : start + size] for start in range(0, len(order), size)]
    ordered = [window[np.argsort(lengths[window], kind="stable")] for window in windows]
    cut = [
        window[start : start + batch]
        for window in ordered
        for start in range(0, len(window), batch)
    ]
    return [cut[place] for place in rng.permutation(len(cut))]


def length_groups(lengths: Ints, *, whole: bool = False) -> Iterator[Ints]:
    """Yield places of texts that are padded together, shortest first, each text once.

    A group is cut before padding exceeds 15 % of its tokens, if it holds 6 texts or more: on
    a CPU a further pass costs less than padding.

    Args:
        lengths: tokens of each text, (texts,).
        whole: one group for all, for devices where a pass costs more than padding.
    """
    order = np.argsort(lengths, kind="stable")
    start = real = 0
    for end, place in enumerate(order):
        length = int(lengths[place])
        padded, grown = (end - start + 1) * length, real + length
        if not whole and end - start >= SMALLEST_GROUP and padded > SLACK * grown:
            yield order[start:end]
            start, grown = end, length
        real = grown
    if len(order):
        yield order[start:]
