"""How many operations a second this process gets from matrix products alone."""

import time
from collections.abc import Sequence

import torch

#: rounds that are timed, and the largest number of rows of a product
ROUNDS, MOST_ROWS = 5, 16384


def gemm_ceiling(
    shapes: Sequence[tuple[int, int]], rows: int, precision: str, device: str = "cpu"
) -> float:
    """Return the operations a second of a block's matrix products, and of nothing else.

    Each product is made forward, for the gradient of its input and for that of its weight,
    as training does; the best of 5 rounds.

    Args:
        shapes: (inputs, outputs) of each matrix.
        rows: tokens of a step.
        precision: "fp32" or "bf16".
        device: where to multiply.
    """
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    rows = max(1, min(rows, MOST_ROWS))
    made = [
        [torch.randn(size, device=device, dtype=kind) for size in
         ((rows, inside), (outside, inside), (rows, outside))]
        for inside, outside in shapes
    ]  # fmt: skip
    best = min(_round(made, device) for _ in range(ROUNDS + 1))
    return 6.0 * rows * sum(inside * outside for inside, outside in shapes) / best


def _round(made: Sequence[Sequence[torch.Tensor]], device: str) -> float:
    started = time.perf_counter()
    for x, weight, gradient in made:
        torch.nn.functional.linear(x, weight)
        gradient @ weight
        gradient.T @ x
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started
