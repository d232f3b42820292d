"""When a step does not fit: smaller micro-batches, then activations computed twice.

The step stays what it was: the same pairs, the same mean loss, one move of the optimizer.
"""

import torch
from torch import nn

from xstilts.errors import EncoderError
from xstilts.training.recompute import recompute_activations


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an allocation failed, on a GPU or on the host."""
    # The host's allocator raises a plain RuntimeError.
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def make_room(encoder: nn.Module, micro_batch: int, device: torch.device) -> int:
    """Return the next smaller micro-batch, after a step that did not fit.

    Halves it; at a single pair it lets the encoder compute activations again in the
    backward pass instead of keeping them.

    Raises:
        EncoderError: a single pair with recomputation does not fit either.
    """
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if micro_batch > 1:
        return (micro_batch + 1) // 2
    if getattr(encoder, "is_activation_checkpointing", False):
        raise EncoderError(
            "out of memory with one pair at a time; `method: lora` in the model's file, a "
            "smaller `max_tokens` or a larger device would make room"
        )
    recompute_activations(encoder)
    return micro_batch
