"""Attention over texts laid end to end: no token of padding passes through the encoder."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from xstilts.encoders.architecture import architecture
from xstilts.training.text import Ints

NAME = "xstilts_packed"


@dataclass(frozen=True)
class Run:
    """Neighbouring texts of one length: `texts` of them from token `start` on."""

    start: int
    texts: int
    length: int


def equal_runs(lengths: Ints) -> tuple[Run, ...]:
    """Return the runs of equal length in texts that are laid end to end, shortest first."""
    sizes, counts = np.unique(lengths, return_counts=True)
    starts = np.concatenate([[0], np.cumsum(sizes * counts)[:-1]])
    rows = zip(starts.tolist(), counts.tolist(), sizes.tolist(), strict=True)
    return tuple(Run(start, count, size) for start, count, size in rows)


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    layout: tuple[Run, ...],
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Return attention within each text, (1, tokens, heads, width).

    Texts of one length are attended together, so that there is nothing to mask; every other
    layer of the encoder sees one long sequence. Registered with transformers under `NAME`.

    Args:
        module: the attention layer.
        query: (1, heads, tokens, width), and `key` and `value` alike.
        attention_mask: None; there is no padding.
        layout: how the tokens are laid out.
        scaling: of the products; one over the root of the width by default.
        dropout: probability on the attention weights.
        sliding_window: a token sees those less than this far away (ModernBERT's local layers).
    """
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    attended = []
    for run in layout:
        q, k, v = (_texts(states, run) for states in (query, key, value))
        scores = q @ k.transpose(-1, -2) * scale
        if sliding_window is not None and run.length > sliding_window:
            place = torch.arange(run.length, device=query.device)
            far = (place[:, None] - place).abs() >= sliding_window
            scores = scores.masked_fill(far, float("-inf"))
        weights = nn.functional.dropout(scores.softmax(dim=-1), dropout, module.training)
        attended.append((weights.to(v.dtype) @ v).transpose(1, 2).flatten(0, 1))
    return torch.cat(attended)[None], None


def _texts(states: Tensor, run: Run) -> Tensor:
    """Return (texts, heads, length, width) of a run."""
    part = states[0, :, run.start : run.start + run.texts * run.length]
    return part.unflatten(1, (run.texts, run.length)).transpose(0, 1)


AttentionInterface.register(NAME, packed_attention)


def use_packed_attention(encoder: nn.Module) -> bool:
    """Let the encoder read texts end to end if its class can; say whether it can.

    DeBERTa's relative positions are computed within its own attention, so it cannot.
    """
    if architecture(encoder.config).positions == "relative":
        return False
    encoder.set_attn_implementation(NAME)  # type: ignore[operator]
    return True


def reads_packed(encoder: nn.Module) -> bool:
    return getattr(encoder.config, "_attn_implementation", None) == NAME
