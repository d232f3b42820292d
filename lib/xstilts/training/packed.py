"""Attention over texts laid end to end: no token of padding passes through the encoder.

Every layer but attention sees one long sequence of real tokens. Attention takes texts of like
length together, padded to a common length inside its own products only, or, on a GPU in half
precision, reads the sequence as it is (torch's variable-length flash attention).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface

from xstilts.encoders.architecture import architecture
from xstilts.training.text import Ints

NAME = "xstilts_packed"
#: lengths are rounded up to this: softmax over other lengths took 2 to 8 times as long on a
#: CPU with AVX-512 (384 heads of 13 to 24 tokens)
GRAIN = 16
#: a group takes in longer texts until its products hold this many more entries than they need,
#: or this share more: below, one more group costs more than what it saves
SPARE, SPARE_SHARE = 1500, 0.25


@dataclass(frozen=True)
class Group:
    """Neighbouring texts that are attended together, tokens `start` to `stop`.

    places: (texts * longest,), the token at each padded place, any token where there is none.
    back: (stop - start,), the padded place of each token. mask: (texts, 1, longest), 0 at a
    token and minus infinity at padding; None where every text is `longest`.
    """

    start: int
    stop: int
    texts: int
    longest: int
    places: Tensor
    back: Tensor
    mask: Tensor | None


@dataclass(frozen=True)
class Layout:
    """How texts lie end to end. bounds: (texts + 1,), int32, first token of each and the end."""

    groups: tuple[Group, ...]
    bounds: Tensor
    longest: int


def lay_out(lengths: Ints, device: torch.device) -> Layout:
    """Return the layout of texts that are laid end to end, shortest first.

    Args:
        lengths: tokens of each text, (texts,), ascending.
        device: where the encoder is.
    """
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    groups = tuple(_group(lengths, bounds, *span, device) for span in _spans(lengths))
    return Layout(groups, torch.from_numpy(bounds.astype(np.int32)).to(device), int(lengths[-1]))


def _spans(lengths: Ints) -> list[tuple[int, int]]:
    """Return first and past-last text of each group."""
    padded = -(-lengths // GRAIN) * GRAIN
    needed = np.concatenate([[0], np.cumsum(padded**2)])
    spans, first = [], 0
    for last in range(1, len(lengths)):
        need = needed[last + 1] - needed[first]
        spare = (last + 1 - first) * padded[last] ** 2 - need
        if spare > max(SPARE, SPARE_SHARE * need):
            spans.append((first, last))
            first = last
    return [*spans, (first, len(lengths))]


def _group(lengths: Ints, bounds: Ints, first: int, last: int, device: torch.device) -> Group:
    longest = int(-(-lengths[last - 1] // GRAIN) * GRAIN)
    real = np.arange(longest) < lengths[first:last, None]
    places = np.where(real, bounds[first:last, None] + np.arange(longest), bounds[first])
    mask = None
    if not real.all():
        mask = torch.from_numpy(np.where(real, 0.0, -np.inf).astype(np.float32))[:, None]
        mask = mask.to(device)
    return Group(
        int(bounds[first]), int(bounds[last]), last - first, longest,
        torch.from_numpy(places.ravel()).to(device),
        torch.from_numpy(np.flatnonzero(real.ravel())).to(device), mask,
    )  # fmt: skip


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    layout: Layout,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Return attention within each text, (1, tokens, heads, width).

    Registered with transformers under `NAME`.

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
    dropped = dropout if module.training else 0.0
    if query.is_cuda and query.dtype != torch.float32 and not dropped:
        side = -1 if sliding_window is None else sliding_window - 1
        q, k, v = (states[0].transpose(0, 1) for states in (query, key, value))
        return varlen_attn(
            q, k, v, layout.bounds, layout.bounds, layout.longest, layout.longest,
            scale=scale, window_size=(side, side),
        )[None], None  # fmt: skip
    window = sliding_window if (sliding_window or layout.longest) < layout.longest else None
    attended = _Attention.apply(query[0], key[0], value[0], layout, scale, dropped, window)
    return attended[None], None


class _Attention(torch.autograd.Function):
    """Attention group by group, with the backward pass written out.

    Padding is cut off again by gathering, so that nothing is summed into zeros; automatic
    differentiation would, and would copy every group once more. Softmax is in fp32.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, layout: Layout, scale: float,
        dropout: float, window: int | None,
    ) -> Tensor:  # fmt: skip
        """Return (tokens, heads, width) from states of (heads, tokens, width)."""
        heads, tokens, width = query.shape
        attended = value.new_empty(tokens, heads, width)
        saved: list[Tensor | None] = []
        for group in layout.groups:
            q, k, v = (_pad(states, group) for states in (query, key, value))
            scores = torch.bmm(q, k.transpose(1, 2)).float().mul_(scale)
            weights = _masked(scores, group, window).softmax(dim=2).to(v.dtype)
            # What is kept is scaled up, as in nn.Dropout.
            kept = torch.empty_like(weights).bernoulli_(1 - dropout) / (1 - dropout) if dropout \
                else None  # fmt: skip
            mixed = torch.bmm(weights if kept is None else weights * kept, v)
            attended[group.start : group.stop] = _unpad(mixed, group, heads).transpose(0, 1)
            saved += [q, k, v, weights, kept]
        ctx.save_for_backward(*saved)
        ctx.layout, ctx.scale = layout, scale
        return attended

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient = gradients[0].transpose(0, 1)
        heads = len(gradient)
        by_query, by_key, by_value = (gradient.new_empty(gradient.shape) for _ in range(3))
        saved = ctx.saved_tensors  # once: where activations are recomputed it is given once
        for place, group in enumerate(ctx.layout.groups):
            q, k, v, weights, kept = saved[5 * place : 5 * place + 5]
            mixed = _pad(gradient, group)
            if group.mask is not None:  # padded queries attend to something, and must not count
                mixed = mixed.view(heads, group.texts, group.longest, -1)
                mixed = (mixed * (group.mask == 0).transpose(1, 2).to(mixed.dtype)).view(q.shape)
            used = weights if kept is None else weights * kept
            of_value = torch.bmm(used.transpose(1, 2), mixed)
            of_weights = torch.bmm(mixed, v.transpose(1, 2))
            if kept is not None:
                of_weights *= kept
            exact, of_weights = weights.float(), of_weights.float()
            inner = torch.linalg.vecdot(exact, of_weights)[:, :, None]
            of_scores = of_weights.sub_(inner).mul_(exact).mul_(ctx.scale).to(q.dtype)
            rows = slice(group.start, group.stop)
            by_value[:, rows] = _unpad(of_value, group, heads)
            by_query[:, rows] = _unpad(torch.bmm(of_scores, k), group, heads)
            by_key[:, rows] = _unpad(torch.bmm(of_scores.transpose(1, 2), q), group, heads)
        return by_query, by_key, by_value, None, None, None, None


def _pad(states: Tensor, group: Group) -> Tensor:
    """Return (heads * texts, longest, width) from (heads, tokens, width)."""
    heads, _, width = states.shape
    return states.index_select(1, group.places).view(heads * group.texts, group.longest, width)


def _unpad(padded: Tensor, group: Group, heads: int) -> Tensor:
    """Return (heads, tokens of the group, width)."""
    return padded.view(heads, -1, padded.shape[2]).index_select(1, group.back)


def _masked(scores: Tensor, group: Group, window: int | None) -> Tensor:
    """Return scores, (heads * texts, longest, longest), minus infinity where none may look."""
    if group.mask is not None:
        scores.view(-1, group.texts, group.longest, group.longest).add_(group.mask)
    if window is not None and group.longest > window:
        place = torch.arange(group.longest, device=scores.device)
        far = (place[:, None] - place).abs() >= window
        # A padded query may see padding alone; a large finite number keeps its row defined.
        scores = scores.clamp_(min=-1e30).masked_fill_(far, -2e30)
    return scores


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
