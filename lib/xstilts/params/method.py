"""What a method of training trains, and with how many operations, from the parameter file.

`full` trains every weight, or the blocks above `frozen_layers`. `lora` trains a low-rank change
of every matrix of the blocks (Hu et al. 2021, arXiv 2106.09685) and freezes the rest.
"""

from xstilts.params.operations import pass_flops
from xstilts.params.spec import ModelSpec


def method_title(model: ModelSpec) -> str:
    """Return how tables and results name the method: "full", "upper 5" layers, "LoRA r=16"."""
    if model.method == "lora":
        return f"LoRA r={model.lora_rank}"
    return f"upper {model.layers - model.frozen_layers}" if model.frozen_layers else "full"


def adapter_params(model: ModelSpec) -> int:
    """Return the parameters of the adapters; 0 where all weights are trained.

    rank x (in + out) for each projection: four of the attention, two of the feed-forward.
    Counted for BERT's classes; ModernBERT's gated ones have 8 hidden + 3 feed-forward.
    """
    if model.method == "full":
        return 0
    a_block = 10 * model.shape.hidden + 2 * model.shape.feed_forward
    return model.lora_rank * a_block * model.layers


def training_flops(model: ModelSpec, pair_tokens: float, *, recompute: bool = False) -> float:
    """Return the operations of forward and backward pass for one token of a pair.

    Backward is twice forward: gradients of activations, and gradients of weights. Those of
    frozen matrices are not computed; adapters cost as any trained matrix does. Frozen lowest
    blocks are computed once a text, not in training (training/frozen.py): they count nothing.

    Args:
        model: the encoder.
        pair_tokens: tokens of a pair.
        recompute: activations are computed twice, which adds one forward pass.
    """
    forward = trained_share(model) * pass_flops(model, pair_tokens) + 2 * adapter_params(model)
    frozen = 2 * model.body_params if model.method == "lora" else 0
    return (4 if recompute else 3) * forward - frozen


def scoring_flops(model: ModelSpec, pair_tokens: float) -> float:
    """Return the operations for one token of a pair that is scored: those of trained blocks."""
    return trained_share(model) * pass_flops(model, pair_tokens)


def trained_share(model: ModelSpec) -> float:
    """Return the share of the blocks that are not frozen; adapters train in all of them."""
    return (model.layers - model.frozen_layers) / model.layers
