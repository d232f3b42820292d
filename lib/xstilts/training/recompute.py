"""Activations computed again on the way back: memory for time, the same gradients."""

from torch import nn


def recompute_activations(encoder: nn.Module) -> nn.Module:
    """Let `encoder` keep the input of every block alone while it trains; return it.

    The backward pass computes the rest of a block again, one block at a time, with the random
    numbers of dropout as they were: gradients are the same to the bit, activations take the
    memory of one block instead of all, and a step costs one forward pass more. In evaluation
    (`encoder.eval()`) nothing changes.

    Raises:
        ValueError: the class of the encoder cannot; all of `ARCHITECTURES` can.

    Source: Chen et al. 2016 (arXiv 1604.06174).
    """
    encoder.activation_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]
    # Transformers also makes the embeddings ask for gradients, which the re-entrant form
    # needs; here it would send gradients through embeddings that are frozen.
    encoder.disable_input_require_grads()  # type: ignore[operator]
    # An encoder has no cache of keys; transformers warns of one that is asked for.
    if getattr(encoder.config, "use_cache", False):
        encoder.config.use_cache = False
    return encoder
