"""An encoder with a head: what is trained, and what answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from xstilts.training.device import Device
from xstilts.training.encode import States, encode
from xstilts.training.head import STANDARDISED_ON, PairHead
from xstilts.training.text import Ints, Pairs, Texts

#: pairs that are answered together; neighbours share texts, which are then encoded once
BLOCK = 128


@dataclass
class Tally:
    """What has passed through an encoder: real tokens, and token places with padding."""

    tokens: int = 0
    slots: int = 0


class PairClassifier(nn.Module):
    """Labels pairs of texts. Every distinct text of a batch passes the encoder once."""

    def __init__(self, encoder: nn.Module, head: PairHead, device: Device) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head.to(device.torch)
        self.device = device
        self.tally = Tally()

    def logits(self, pairs: Pairs, places: Ints) -> Tensor:
        """Return the logits of some pairs, (places, labels), on the device."""
        return self.head(*self._read(pairs, places))

    def _read(self, pairs: Pairs, places: Ints) -> tuple[States, Ints]:
        """Return the states of the texts of some pairs, and the pairs' sides in them."""
        wanted, sides = np.unique(pairs.sides[places], return_inverse=True)
        return self._encode(pairs.texts, wanted), sides.reshape(len(places), -1)

    def _encode(self, texts: Texts, wanted: Ints) -> States:
        states = encode(self.encoder, texts, wanted, self.device)
        self.tally.tokens += states.tokens
        self.tally.slots += states.slots
        return states

    @torch.no_grad()
    def prepare_head(self, pairs: Pairs) -> None:
        """Standardise the head's features on the first training pairs, as the encoder is now."""
        self.eval()
        first = np.arange(min(STANDARDISED_ON, len(pairs)))
        parts = np.array_split(first, max(1, len(first) // BLOCK))
        self.head.prepare(self._read(pairs, places) for places in parts)

    @torch.inference_mode()
    def probabilities(self, pairs: Pairs) -> np.ndarray:
        """Return the probability of each label, fp32 (pairs, labels), in the order of the pairs.

        Pairs of all languages are answered in one pass. Where the head reads means alone,
        every distinct text is encoded once; else pairs are answered in blocks of neighbours
        by their first text, so that a text that many pairs share is encoded once a block.
        """
        self.eval()
        answers = np.zeros((len(pairs), self.head.linear.out_features), dtype=np.float32)
        for places, states, sides in self._blocks(pairs):
            answers[places] = self.head(states, sides).softmax(dim=1).cpu().numpy()
        return answers

    @torch.inference_mode()
    def features(self, pairs: Pairs) -> np.ndarray:
        """Return the head's standardised features, fp32 (pairs, width), in the pairs' order."""
        self.eval()
        found = np.zeros((len(pairs), self.head.linear.in_features), dtype=np.float32)
        for places, states, sides in self._blocks(pairs):
            found[places] = self.head.standard(states, sides).cpu().numpy()
        return found

    @torch.inference_mode()
    def means(self, texts: Texts) -> np.ndarray:
        """Return the mean token vector of every text, fp32 (texts, hidden)."""
        self.eval()
        return self._pooled(texts, np.arange(len(texts)), States.means).cpu().numpy()

    @torch.inference_mode()
    def means_and_firsts(self, texts: Texts) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and first token vector (<s> or [CLS]) of every text, by one pass, fp32."""
        self.eval()
        both = self._pooled(
            texts, np.arange(len(texts)),
            lambda states: torch.cat([states.means(), states.firsts()], dim=1),
        ).cpu().numpy()  # fmt: skip
        means, firsts = np.split(both, 2, axis=1)
        return means, firsts

    def _blocks(self, pairs: Pairs) -> Iterator[tuple[Ints, States, Ints]]:
        order = np.lexsort(pairs.sides.T[::-1])
        blocks = [order[start : start + BLOCK] for start in range(0, len(order), BLOCK)]
        if self.head.reads_tokens or not blocks:
            yield from ((places, *self._read(pairs, places)) for places in blocks)
            return
        wanted, sides = np.unique(pairs.sides, return_inverse=True)
        states = States.of_means(self._pooled(pairs.texts, wanted, States.means))
        sides = sides.reshape(pairs.sides.shape)
        yield from ((places, states, sides[places]) for places in blocks)

    def _pooled(self, texts: Texts, wanted: Ints, pool: Callable[[States], Tensor]) -> Tensor:
        """Return one vector of each of some distinct texts, (wanted, hidden), taken by length."""
        order = np.argsort(texts.lengths[wanted], kind="stable")
        size = BLOCK * self.head.sides
        parts = [order[start : start + size] for start in range(0, len(order), size)]
        found = torch.cat([pool(self._encode(texts, wanted[part])) for part in parts])
        return found[torch.from_numpy(np.argsort(order)).to(found.device)]
