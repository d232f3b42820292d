"""Three heads over an encoder: features of a pair, standardised, through one linear layer."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from xstilts.params.spec import Head
from xstilts.training.batch import length_groups
from xstilts.training.encode import States, to_device
from xstilts.training.text import Ints

#: items whose features set mean and spread, and whose tokens set the centre
STANDARDISED_ON, CENTRED_ON = 128, 128
#: logarithm of the alignment's temperature at the start, and dropout before the linear layer
TEMPERATURE, DROPOUT = 3.0, 0.1
#: padding of a group of pairs in alignment from which it is cut in two, and the smallest
#: group: below it, one more group costs more than what it saves
SLACK, SMALLEST_GROUP = 1.15, 8
_SMALL = 1e-4


class PairHead(nn.Module):
    """Features of pairs -> logits. Subclasses say what the features are.

    Features are standardised by fixed numbers, set by `prepare` from the first training
    items under the encoder as it is when the head is made. The linear layer starts at zero, so
    a seed decides the data and their order, not the head's first state.
    """

    centre: Tensor
    mean: Tensor
    spread: Tensor
    #: texts that a pair is read as
    sides = 2
    #: features are made of tokens, not of the texts' means alone
    reads_tokens = False

    def __init__(self, hidden: int, width: int, labels: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(hidden))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.dropout = nn.Dropout(DROPOUT)
        self.linear = nn.Linear(width, labels)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def features(self, states: States, sides: Ints) -> Tensor:
        """Return the features of pairs, (pairs, width).

        Args:
            states: token vectors of texts.
            sides: (pairs, 2) or (pairs, 1), places in `states`.
        """
        raise NotImplementedError

    def forward(self, states: States, sides: Ints) -> Tensor:
        """Return logits, (pairs, labels)."""
        return self.linear(self.dropout(self.standard(states, sides)))

    def standard(self, states: States, sides: Ints) -> Tensor:
        """Return standardised features, (pairs, width)."""
        return (self.features(states, sides) - self.mean) / self.spread

    @torch.no_grad()
    def prepare(self, batches: Iterable[tuple[States, Ints]]) -> None:
        """Set centre, mean and spread from the first training items, given in batches."""
        kept = list(batches)
        total, tokens, seen = torch.zeros_like(self.centre), 0, 0
        for states, sides in kept:
            if seen < CENTRED_ON:
                total += states.vectors.sum(dim=0)
                tokens += states.tokens
                seen += len(sides)
        self.centre.copy_(total / tokens)
        features = torch.cat([self.features(states, sides) for states, sides in kept])
        self.mean.copy_(features.mean(dim=0))
        self.spread.copy_(features.std(dim=0, correction=0).clamp(min=_SMALL))


class SiameseHead(PairHead):
    """[u, v, |u - v|, u * v, u - v] of mean token vectors; blind to word order beyond them.

    Source: Conneau et al. 2017 (arXiv 1705.02364), with the signed difference added.
    """

    def __init__(self, hidden: int, labels: int) -> None:
        super().__init__(hidden, 5 * hidden, labels)

    def features(self, states: States, sides: Ints) -> Tensor:
        return _compared(*_side_means(states, sides))


class AlignedHead(PairHead):
    """Siamese features, and each text's tokens set against their soft alignment in the other.

    S = exp(t) cos(x - c, y - c) with c the mean token vector; a token attends to the other
    text by softmax(S). Of X and its alignment A: mean |X - A|, max |X - A|, mean X * A, mean
    relu(X - A), for both texts.

    Source: decomposable attention, Parikh et al. 2016 (arXiv 1606.01933); ESIM, Chen et al.
    2017 (arXiv 1609.06038).
    """

    reads_tokens = True

    def __init__(self, hidden: int, labels: int) -> None:
        super().__init__(hidden, 13 * hidden, labels)
        self.temperature = nn.Parameter(torch.tensor(TEMPERATURE))

    def features(self, states: States, sides: Ints) -> Tensor:
        # Pairs of like length are aligned together, so that none is padded to the longest.
        groups = list(length_groups(
            states.lengths[sides].max(axis=1), slack=SLACK, smallest=SMALLEST_GROUP
        ))  # fmt: skip
        aligned = torch.cat([self._aligned(states, sides[group]) for group in groups])
        place = np.argsort(np.concatenate(groups))
        order = to_device(place, aligned.device)
        return torch.cat([_compared(*_side_means(states, sides)), aligned[order]], dim=1)

    def _aligned(self, states: States, sides: Ints) -> Tensor:
        """Return eight summaries of each pair's alignment, (pairs, 8 * hidden)."""
        x, x_mask = states.padded(sides[:, 0])
        y, y_mask = states.padded(sides[:, 1])
        unit_x = nn.functional.normalize(x - self.centre, dim=2)
        unit_y = nn.functional.normalize(y - self.centre, dim=2)
        similar = self.temperature.exp() * (unit_x @ unit_y.transpose(1, 2))
        return torch.cat(
            [
                _against(x, x_mask, _attend(similar, y, y_mask)),
                _against(y, y_mask, _attend(similar.transpose(1, 2), x, x_mask)),
            ],
            dim=1,
        )


class JointHead(PairHead):
    """Mean token vector of the pair read as one sequence: X-STILTs' own form."""

    sides = 1

    def __init__(self, hidden: int, labels: int) -> None:
        super().__init__(hidden, hidden, labels)

    def features(self, states: States, sides: Ints) -> Tensor:
        return states.means()[to_device(sides[:, 0], states.vectors.device)]


HEADS: dict[Head, type[PairHead]] = {
    "siamese": SiameseHead, "aligned": AlignedHead, "joint": JointHead,
}  # fmt: skip


def make_head(kind: Head, hidden: int, labels: int) -> PairHead:
    """Return a fresh head of a model's kind."""
    return HEADS[kind](hidden, labels)  # type: ignore[call-arg]


def _side_means(states: States, sides: Ints) -> tuple[Tensor, Tensor]:
    """Return the mean vectors of first and second texts, each (pairs, hidden)."""
    means = states.means()
    where = means.device
    return means[to_device(sides[:, 0], where)], means[to_device(sides[:, 1], where)]


def _compared(u: Tensor, v: Tensor) -> Tensor:
    return torch.cat([u, v, (u - v).abs(), u * v, u - v], dim=1)


def _attend(similar: Tensor, other: Tensor, mask: Tensor) -> Tensor:
    """Return, for each token, the other text's vectors weighted by similarity."""
    weights = similar.masked_fill(~mask[:, None, :], float("-inf")).softmax(dim=2)
    return weights @ other


def _against(x: Tensor, mask: Tensor, aligned: Tensor) -> Tensor:
    """Return four summaries of tokens against their alignment, (pairs, 4 * hidden)."""
    real = mask[:, :, None]
    count = mask.sum(dim=1, keepdim=True)
    difference = (x - aligned) * real
    distance = difference.abs()
    product = x * aligned * real
    return torch.cat(
        [
            distance.sum(dim=1) / count,
            distance.amax(dim=1),
            product.sum(dim=1) / count,
            difference.relu().sum(dim=1) / count,
        ],
        dim=1,
    )
