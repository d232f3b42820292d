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
from xstilts.training.text import Ints, Texts


@dataclass(frozen=True)
class States:
    """Token vectors of some texts under an encoder, fp32.

    vectors: (tokens + 1, hidden), the last row zero. starts, lengths: (texts,), where a
    text's vectors begin and how many they are, in the order of the texts asked for.
    """

    vectors: Tensor
    starts: Tensor
    lengths: Tensor

    def padded(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Return token vectors (texts, longest, hidden) and mask (texts, longest) of some texts."""
        lengths = self.lengths[places]
        steps = torch.arange(int(lengths.max()), device=lengths.device)
        mask = steps < lengths[:, None]
        rows = torch.where(mask, self.starts[places, None] + steps, len(self.vectors) - 1)
        return self.vectors[rows], mask


def encode(encoder: nn.Module, texts: Texts, wanted: Ints, device: Device) -> States:
    """Return the token vectors of the texts `wanted` (distinct places in `texts`)."""
    lengths = texts.lengths[wanted]
    vectors, starts = [], np.zeros(len(wanted), dtype=np.int64)
    filled = 0
    for group in length_groups(lengths, whole=device.is_cuda):
        vectors.append(_encode_group(encoder, texts, wanted[group], device))
        starts[group] = filled + np.concatenate([[0], np.cumsum(lengths[group])[:-1]])
        filled += int(lengths[group].sum())
    vectors.append(vectors[0].new_zeros(1, vectors[0].shape[1]))
    return States(
        torch.cat(vectors),
        torch.from_numpy(starts).to(device.torch),
        torch.from_numpy(lengths).to(device.torch),
    )


def _encode_group(encoder: nn.Module, texts: Texts, group: Ints, device: Device) -> Tensor:
    """Return the vectors of the real tokens of a group, (tokens, hidden), text after text."""
    lengths = texts.lengths[group]
    steps = np.arange(lengths.max())
    mask = steps < lengths[:, None]
    places = np.where(mask, texts.starts[group, None] + steps, 0)
    ids = np.where(mask, texts.ids[places], encoder.config.pad_token_id or 0)
    inputs: dict[str, Any] = {"input_ids": _tensor(ids, device)}
    attended = _tensor(mask.astype(np.int64), device)
    if (positions := position_ids(encoder, attended)) is not None:
        inputs["position_ids"] = positions
    if getattr(encoder.config, "type_vocab_size", 0) > 1:
        kinds = np.where(mask, texts.kinds[places], 0)
        inputs["token_type_ids"] = _tensor(kinds, device)
    full = bool(mask.all())
    with device.autocast() if device.precision == "bf16" else nullcontext():
        states = encoder(**inputs, attention_mask=None if full else attended)[0]
    states = states.float()
    return states.flatten(0, 1) if full else states[attended.bool()]


def _tensor(values: np.ndarray, device: Device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(device.torch)
