"""How well a run used its device: speeds, padding, and the share of what it can multiply."""

import statistics
import time
from functools import lru_cache
from typing import Any

import torch

from xstilts.params import ModelSpec
from xstilts.params.method import training_flops
from xstilts.training.device import Device
from xstilts.training.loop import Trained

#: rounds that the ceiling is measured in, the first not counted; the largest number of rows
ROUNDS, MOST_ROWS = 6, 16384


def speed_facts(spec: ModelSpec, device: Device, trained: Trained) -> dict[str, Any]:
    """Return what a run's training reached.

    flops: operations of training, by formula, of the tokens that passed the encoder; what is
    computed twice to save memory counts once. padding_share: of the places computed.
    gemm_flops: operations a second of the model's own matrix products in this process. mfu:
    the run's operations a second over them, on real tokens (Chowdhery et al. 2022, arXiv
    2204.02311, appendix B, against a measured ceiling instead of a data sheet's).
    """
    length = trained.tokens / trained.items
    flops = float(trained.encoded * training_flops(spec, length))
    rows = min(MOST_ROWS, max(1, trained.encoded // trained.steps))
    ceiling = gemm_ceiling(spec.shape.hidden, spec.shape.feed_forward, rows, device)
    return {
        "flops": flops,
        "encoded_tokens": trained.encoded,
        "padding_share": 1.0 - trained.encoded / trained.slots,
        "items_per_second": trained.items / trained.seconds,
        "tokens_per_second": trained.tokens / trained.seconds,
        "gemm_flops": ceiling,
        "mfu": flops / trained.seconds / ceiling,
        "micro_batch": trained.micro_batch,
    }


@lru_cache
def gemm_ceiling(hidden: int, feed_forward: int, rows: int, device: Device) -> float:
    """Return the operations a second of a block's matrix products, and of nothing else.

    The four products of attention's projections and the two of the feed-forward part, each
    forward, for the gradient of its input and for that of its weight; median of 5 rounds.

    Args:
        hidden: width of the encoder.
        feed_forward: width of the feed-forward part.
        rows: tokens of a step.
        device: with the precision that the run computes in.
    """
    kind = torch.bfloat16 if device.precision == "bf16" else torch.float32
    shapes = [(hidden, hidden)] * 4 + [(hidden, feed_forward), (feed_forward, hidden)]
    made = [
        tuple(torch.randn(size, device=device.torch, dtype=kind) for size in
              ((rows, inside), (outside, inside), (rows, outside)))
        for inside, outside in shapes
    ]  # fmt: skip
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for x, weight, gradient in made:
            torch.nn.functional.linear(x, weight)
            gradient @ weight
            gradient.T @ x
        if device.is_cuda:
            torch.cuda.synchronize(device.torch)
        taken.append(time.perf_counter() - started)
    operations = 6.0 * rows * sum(inside * outside for inside, outside in shapes)
    return operations / statistics.median(taken[1:])
