"""An encoder with a head: what is trained, and what answers."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from xstilts.training.device import Device
from xstilts.training.encode import encode
from xstilts.training.head import STANDARDISED_ON, PairHead
from xstilts.training.text import Ints, Pairs

#: pairs that are answered together; neighbours share texts, which are then encoded once
BLOCK = 128


class PairClassifier(nn.Module):
    """Labels pairs of texts. Every distinct text of a batch passes the encoder once."""

    def __init__(self, encoder: nn.Module, head: PairHead, device: Device) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head.to(device.torch)
        self.device = device

    def logits(self, pairs: Pairs, places: Ints) -> Tensor:
        """Return the logits of some pairs, (places, labels), on the device."""
        wanted, sides = np.unique(pairs.sides[places], return_inverse=True)
        states = encode(self.encoder, pairs.texts, wanted, self.device)
        return self.head(states, self._index(sides, len(places)))

    def _index(self, sides: Ints, count: int) -> Tensor:
        return torch.from_numpy(sides.reshape(count, -1)).to(self.device.torch)

    @torch.no_grad()
    def prepare_head(self, pairs: Pairs) -> None:
        """Standardise the head's features on the first training pairs, as the encoder is now."""
        self.eval()
        first = np.arange(min(STANDARDISED_ON, len(pairs)))

        def batches() -> Iterator:
            for places in np.array_split(first, max(1, len(first) // 128)):
                wanted, sides = np.unique(pairs.sides[places], return_inverse=True)
                states = encode(self.encoder, pairs.texts, wanted, self.device)
                yield states, self._index(sides, len(places))

        self.head.prepare(batches())

    @torch.inference_mode()
    def probabilities(self, pairs: Pairs) -> np.ndarray:
        """Return the probability of each label, fp32 (pairs, labels), in the order of the pairs.

        Pairs are answered in blocks of neighbours by their first text, so that a text that
        many pairs share is encoded once.
        """
        self.eval()
        order = np.lexsort(pairs.sides.T[::-1])
        answers = np.zeros((len(pairs), self.head.linear.out_features), dtype=np.float32)
        for start in range(0, len(order), BLOCK):
            places = order[start : start + BLOCK]
            answers[places] = self.logits(pairs, places).softmax(dim=1).cpu().numpy()
        return answers
