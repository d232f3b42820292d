"""Texts through the encoder: token vectors without padding."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xstilts.encoders.architecture import position_ids
from xstilts.training.batch import length_groups
from xstilts.training.device import Device
from xstilts.training.packed import lay_out, reads_packed, use_packed_attention
from xstilts.training.text import Ints, Texts


@dataclass(frozen=True)
class States:
    """Token vectors of some texts under an encoder, fp32.

    vectors: (tokens + 1, hidden), the last row zero. starts, lengths: (texts,), where a
    text's vectors begin and how many they are, in the order of the texts asked for; kept on
    the host, so that nothing waits for the device. slots: token places that the encoder
    computed, padding included.
    """

    vectors: Tensor
    starts: Ints
    lengths: Ints
    slots: int

    @property
    def tokens(self) -> int:
        return len(self.vectors) - 1

    def padded(self, places: Ints) -> tuple[Tensor, Tensor]:
        """Return vectors (texts, longest, hidden) and mask (texts, longest) of some texts."""
        lengths = self.lengths[places]
        steps = np.arange(lengths.max())
        mask = steps < lengths[:, None]
        rows = np.where(mask, self.starts[places, None] + steps, self.tokens)
        where = self.vectors.device
        return self.vectors[to_device(rows, where)], to_device(mask, where)

    def means(self) -> Tensor:
        """Return the mean vector of every text, (texts, hidden), special tokens included."""
        order = np.argsort(self.starts)
        where = self.vectors.device
        lengths = to_device(self.lengths[order], where)
        sums = torch.segment_reduce(self.vectors[:-1], "sum", lengths=lengths, axis=0)
        return (sums / lengths[:, None])[to_device(np.argsort(order), where)]

    def firsts(self) -> Tensor:
        """Return the vector of every text's first token, (texts, hidden)."""
        return self.vectors[to_device(self.starts, self.vectors.device)]

    @classmethod
    def of_means(cls, means: Tensor) -> "States":
        """Return states in which every text is one vector: all that some heads read."""
        last = means.new_zeros(1, means.shape[1])
        count = len(means)
        return cls(torch.cat([means, last]), np.arange(count), np.ones(count, np.int64), count)


def settle(encoder: nn.Module, device: Device) -> nn.Module:
    """Return the encoder on its device, with the attention that is fastest there."""
    encoder.to(device.torch)
    if not use_packed_attention(encoder) and not device.is_cuda:
        # The fused attention of PyTorch's CPU build spends more on its backward pass of short
        # texts than everything else together; plain matrix products do not.
        encoder.set_attn_implementation("eager")  # type: ignore[operator]
    return encoder


def encode(encoder: nn.Module, texts: Texts, wanted: Ints, device: Device) -> States:
    """Return the token vectors of the texts `wanted` (distinct places in `texts`).

    Texts pass shortest first: end to end where the encoder reads them so, else in groups of
    like length with as little padding as pays.
    """
    lengths = texts.lengths[wanted]
    order = np.argsort(lengths, kind="stable")
    # One context for all groups: the bf16 copies of the weights are made once.
    with device.autocast() if device.precision == "bf16" else nullcontext():
        if reads_packed(encoder):
            slots = int(lengths.sum())
            vectors = [_encode_packed(encoder, texts, wanted[order], device)]
        else:
            groups = list(length_groups(lengths, whole=device.is_cuda))
            slots = sum(len(group) * int(lengths[group].max()) for group in groups)
            vectors = [_encode_padded(encoder, texts, wanted[group], device) for group in groups]
    starts = np.empty(len(wanted), dtype=np.int64)
    starts[order] = np.concatenate([[0], np.cumsum(lengths[order])[:-1]])
    last = vectors[0].new_zeros(1, vectors[0].shape[1])
    return States(torch.cat([*vectors, last]), starts, lengths, slots)


def _encode_packed(encoder: nn.Module, texts: Texts, wanted: Ints, device: Device) -> Tensor:
    """Return (tokens, hidden) of texts in order of length, as one sequence without padding."""
    lengths = texts.lengths[wanted]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    rank = np.arange(lengths.sum()) - np.repeat(starts, lengths)
    places = np.repeat(texts.starts[wanted], lengths) + rank
    shift = int(position_ids(encoder, torch.ones(1, 1)).item())  # type: ignore[union-attr]
    inputs = _inputs(encoder, texts, places[None], device)
    inputs["position_ids"] = to_device(rank[None] + shift, device.torch)
    return encoder(**inputs, layout=lay_out(lengths, device.torch))[0][0].float()


def _encode_padded(encoder: nn.Module, texts: Texts, group: Ints, device: Device) -> Tensor:
    """Return the vectors of the real tokens of a group, (tokens, hidden), text after text."""
    lengths = texts.lengths[group]
    steps = np.arange(lengths.max())
    mask = steps < lengths[:, None]
    places = np.where(mask, texts.starts[group, None] + steps, -1)
    inputs = _inputs(encoder, texts, places, device)
    attended = to_device(mask.astype(np.int64), device.torch)
    if (positions := position_ids(encoder, attended)) is not None:
        inputs["position_ids"] = positions
    states = encoder(**inputs, attention_mask=attended)[0].float()
    real = to_device(np.flatnonzero(mask.ravel()), device.torch)
    return states.flatten(0, 1).index_select(0, real)


def _inputs(encoder: nn.Module, texts: Texts, places: Ints, device: Device) -> dict[str, Any]:
    """Return what the encoder reads at some places of the tokens; -1 is padding.

    The ids of word pieces, or what the frozen layers made of them if these are taken out.
    """
    if texts.states is not None:
        return {"inputs_embeds": to_device(texts.states[places], device.torch).float()}
    ids = np.where(places < 0, encoder.config.pad_token_id or 0, texts.ids[places])  # type: ignore[union-attr]
    inputs = {"input_ids": to_device(ids, device.torch)}
    if getattr(encoder.config, "type_vocab_size", 0) > 1:
        kinds = np.where(places < 0, 0, texts.kinds[places])
        inputs["token_type_ids"] = to_device(kinds, device.torch)
    return inputs


def to_device(values: np.ndarray, where: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(where)
