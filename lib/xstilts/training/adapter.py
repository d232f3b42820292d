"""LoRA: trained low-rank matrices beside frozen ones, for encoders too large to train whole.

A frozen matrix W, (out, in), gets the product of two narrow ones: W x + 2 B A x, with A,
(rank, in), drawn at random and B, (out, rank), zero at first, so that training starts from the
encoder as it is. What is learned is a change of W of at most that rank: another method than
training W, not another way to compute it.

Source: Hu et al. 2021 (arXiv 2106.09685); the layers are those of the library `peft`.
"""

import re

import torch
from torch import nn

from xstilts.encoders.architecture import architecture

#: alpha over rank, by which peft multiplies B A
SCALE = 2


def add_adapters(encoder: nn.Module, rank: int, *, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Freeze `encoder` and put adapters on every projection of its blocks; return it.

    The object stays the same and is called as before; its outputs do not change until B does.
    Embeddings, norms and biases are frozen too. Adapters are fp32. A is drawn from torch's
    generator: seed that first.

    Args:
        encoder: of a class in `ARCHITECTURES`, without adapters.
        rank: at most that of the change of a projection; positive.
        dtype: of the frozen projections. bfloat16 halves their memory, works under autocast
            alone, and changes no number: autocast multiplies by the same rounded matrices. The
            exact ones stay in the memory of the CPU until `merge_adapters`; to a device that
            cannot hold them an encoder is moved after this call.

    Raises:
        ValueError: there are adapters already, or `rank` is not positive.
    """
    from peft import LoraConfig, inject_adapter_in_model

    if _adapted(encoder):
        raise ValueError("the encoder has adapters already; merge them first")
    row = architecture(encoder.config)
    names = "|".join(re.escape(name) for name in row.projections)
    config = LoraConfig(
        r=rank,
        lora_alpha=SCALE * rank,
        lora_dropout=0.0,
        target_modules=rf"{re.escape(row.blocks)}\.\d+\.({names})",
    )
    inject_adapter_in_model(config, encoder)
    # Not before the adapters are there: peft gives them the type of their matrix.
    for _, layer in _adapted(encoder) if dtype != torch.float32 else ():
        weight = layer.base_layer.weight
        layer.exact = weight.data.cpu()
        weight.data = weight.data.to(dtype)
    return encoder


@torch.no_grad()
def merge_adapters(encoder: nn.Module) -> nn.Module:
    """Add what the adapters learned to the exact matrices, take them out, return `encoder`.

    It is then an ordinary fp32 encoder, all of it trainable, with the names it had before
    `add_adapters` and the outputs that it had with adapters, up to rounding. Where its device
    cannot hold it in fp32, move it to the CPU first.

    Raises:
        ValueError: there are no adapters.
    """
    layers = _adapted(encoder)
    if not layers:
        raise ValueError("the encoder has no adapters to merge")
    for name, layer in layers:
        matrix = layer.base_layer
        # A change added to rounded weights would be lost when the sum is rounded once more,
        # wherever it is below half a step of bf16; so it is added to the exact ones.
        if hasattr(layer, "exact"):
            matrix.weight.data = layer.exact.to(matrix.weight.device)
        layer.merge()
        parent, _, last = name.rpartition(".")
        setattr(encoder.get_submodule(parent), last, matrix)
    del encoder.peft_config  # what peft noted on the encoder
    return encoder.requires_grad_(True)


def _adapted(encoder: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the layers that carry an adapter, by name."""
    from peft.tuners.lora import LoraLayer

    return [(name, one) for name, one in encoder.named_modules() if isinstance(one, LoraLayer)]
