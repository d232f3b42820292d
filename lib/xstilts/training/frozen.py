"""Frozen lowest layers: what they make of a text is computed once, and read by every run.

Where a model freezes its embeddings and lowest layers (`frozen_layers`), they give a text the
same vectors in every run of a study, whatever its stage, arm and seed. They are then taken out
of the encoder: a step or a score computes the upper layers alone.
"""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xstilts.encoders.architecture import architecture, blocks, replace_blocks
from xstilts.files import digest, file_digest, write_atomically
from xstilts.params import ModelSpec
from xstilts.training import encode as encoding
from xstilts.training.device import Device
from xstilts.training.encode import encode
from xstilts.training.text import Ints, Pairs, Texts

#: texts that are computed together
BLOCK = 256


def can_be_taken_out(spec: ModelSpec, encoder: nn.Module) -> bool:
    """Say whether the model has frozen layers whose output is the input of the next one.

    Not if dropout falls on them, and not in classes whose blocks share more than that:
    relative positions, or a norm after the last block.
    """
    row = architecture(encoder.config)
    plain = row.positions != "relative" and row.final_norm is None
    return spec.frozen_layers > 0 and spec.dropout == 0 and plain


class Frozen:
    """The embeddings and lowest `layers` of an encoder, taken out of it until `put_back`."""

    def __init__(
        self, encoder: nn.Module, layers: int, device: Device, store: Path, key: str
    ) -> None:
        """Take them out.

        Args:
            encoder: settled on its device; changed in place.
            layers: lowest blocks, with the embeddings.
            device: where and in which precision texts are computed.
            store: folder that the runs of a study share.
            key: of the encoder as prepared: what these layers are known by.
        """
        self._encoder, self._device, self._store = encoder, device, store
        self._path = architecture(encoder.config).embeddings
        self._embeddings = encoder.get_submodule(self._path)
        self._whole = list(blocks(encoder))
        self._layers = layers
        code = [file_digest(Path(file)) for file in (__file__, encoding.__file__)]
        self._key = [key, layers, device.precision, code]
        for part in (self._embeddings, *self._whole[:layers]):
            part.requires_grad_(requires_grad=False)
        self._fill(_Given(), self._whole[layers:])

    def put_back(self) -> None:
        """Make the encoder whole again."""
        self._fill(self._embeddings, self._whole)

    def read(self, pairs: Pairs, *, keep: bool) -> Pairs:
        """Return the pairs with what the frozen layers make of their texts.

        Half precision is kept where the device multiplies in it, else single.

        Args:
            pairs: with the ids of the encoder's own vocabulary.
            keep: in the store, for other runs; else in memory.
        """
        texts = pairs.texts
        kind = np.float16 if self._device.precision == "bf16" else np.float32
        shape = (len(texts.ids), int(self._encoder.config.hidden_size))  # type: ignore[union-attr,arg-type]
        if not keep or not len(texts):
            states = np.empty(shape, kind)
            self._compute(texts, states)
        else:
            parts = [array.tobytes() for array in (texts.ids, texts.kinds, texts.starts)]
            path = self._store / f"{digest([*self._key, *map(_hashed, parts)])}.npy"
            if not path.is_file():
                write_atomically(path, partial(self._write, texts, shape, kind))
            states = np.load(path, mmap_mode="r")
        return replace(pairs, texts=replace(texts, states=states))

    def _write(self, texts: Texts, shape: tuple[int, int], kind: Any, path: Path) -> None:
        states = np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)
        self._compute(texts, states)
        states.flush()

    @torch.inference_mode()
    def _compute(self, texts: Texts, states: np.ndarray) -> None:
        """Write the vectors of every token of the texts into `states`, (tokens, hidden)."""
        self._fill(self._embeddings, self._whole[: self._layers])
        self._encoder.eval()
        order = np.argsort(texts.lengths, kind="stable")
        for start in range(0, len(order), BLOCK):
            part = order[start : start + BLOCK]
            found = encode(self._encoder, texts, part, self._device)
            tokens = _tokens(found.starts, found.lengths)
            states[_tokens(texts.starts[part], found.lengths)] = found.vectors[tokens].cpu().numpy()
        self._fill(_Given(), self._whole[self._layers :])

    def _fill(self, embeddings: nn.Module, layers: list[nn.Module]) -> None:
        self._encoder.set_submodule(self._path, embeddings)
        replace_blocks(self._encoder, layers)


class _Given(nn.Module):
    """Stands where the embeddings were: hands on the vectors that are given."""

    def forward(self, inputs_embeds: Tensor, **_: Any) -> Tensor:
        return inputs_embeds


def _tokens(starts: Ints, lengths: Ints) -> Ints:
    """Return the places of the tokens of texts that begin at `starts`, text after text."""
    before = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def _hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
