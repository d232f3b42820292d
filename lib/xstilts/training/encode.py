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
from xstilts.training.packed import equal_runs, reads_packed
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
        """Return vectors (texts, longest, hidden) and mask (texts, longest) of some texts."""
        lengths = self.lengths[places]
        steps = torch.arange(int(lengths.max()), device=lengths.device)
        mask = steps < lengths[:, None]
        rows = torch.where(mask, self.starts[places, None] + steps, len(self.vectors) - 1)
        return self.vectors[rows], mask


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
            vectors = [_encode_packed(encoder, texts, wanted[order], device)]
        else:
            vectors = [
                _encode_padded(encoder, texts, wanted[group], device)
                for group in length_groups(lengths, whole=device.is_cuda)
            ]
    starts = np.empty(len(wanted), dtype=np.int64)
    starts[order] = np.concatenate([[0], np.cumsum(lengths[order])[:-1]])
    last = vectors[0].new_zeros(1, vectors[0].shape[1])
    return States(torch.cat([*vectors, last]), _tensor(starts, device), _tensor(lengths, device))


def _encode_packed(encoder: nn.Module, texts: Texts, wanted: Ints, device: Device) -> Tensor:
    """Return (tokens, hidden) of texts in order of length, as one sequence without padding."""
    lengths = texts.lengths[wanted]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    rank = np.arange(lengths.sum()) - np.repeat(starts, lengths)
    places = np.repeat(texts.starts[wanted], lengths) + rank
    shift = int(position_ids(encoder, torch.ones(1, 1)).item())  # type: ignore[union-attr]
    inputs: dict[str, Any] = {
        "input_ids": _tensor(texts.ids[places][None], device),
        "position_ids": _tensor(rank[None] + shift, device),
    }
    if getattr(encoder.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = _tensor(texts.kinds[places][None], device)
    return encoder(**inputs, layout=equal_runs(lengths))[0][0].float()


def _encode_padded(encoder: nn.Module, texts: Texts, group: Ints, device: Device) -> Tensor:
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
        inputs["token_type_ids"] = _tensor(np.where(mask, texts.kinds[places], 0), device)
    states = encoder(**inputs, attention_mask=attended)[0].float()
    return states[attended.bool()]


def _tensor(values: np.ndarray, device: Device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(device.torch)
