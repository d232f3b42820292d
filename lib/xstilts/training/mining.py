"""Bitext mining: which sentences of two languages translate each other, and the F1 of that."""

import numpy as np
from numpy.typing import NDArray

from xstilts.training.text import Ints

Floats = NDArray[np.float32]
#: sentences whose cosines with all of the other side are held at a time
BLOCK = 512
#: neighbours on the other side that a margin is measured by
CLOSEST = 4
SMALLEST_MEAN = 1e-6


def mine(vectors: Floats, sides: Ints, labels: Ints) -> tuple[float, int]:
    """Return F1 of the pairs mined, in percent, and the number of pairs to be mined.

    The protocol of XTREME's BUCC (Hu et al. 2020, arXiv 2003.11080; `utils_retrieve.py`,
    retrieval "max", margin "ratio"): candidates are each sentence with the best of its closest
    ones, from both sides; they are taken by falling score, unless one of the two sentences is
    in a pair taken before; those from a threshold on are mined. The threshold is that of the
    best F1 on these very pairs, as XTREME chooses it on the development set: an upper bound.
    Sentences of equal text are one.

    Args:
        vectors: (texts, hidden), of length 1.
        sides: (rows, 2), places in `vectors`: an English text, and one of the language.
        labels: (rows,), 1 where the two are a pair to be mined.
    """
    english, said = np.unique(sides[:, 0]), np.unique(sides[:, 1])
    gold = {(int(one), int(other)) for one, other in sides[labels == 1]}
    taken, scores = match(vectors[english], vectors[said])
    found = zip(english[taken[:, 0]].tolist(), said[taken[:, 1]].tolist(), strict=True)
    return 100 * best_f1(scores, np.array([pair in gold for pair in found]), len(gold)), len(gold)


def match(english: Floats, said: Floats) -> tuple[Ints, Floats]:
    """Return pairs of places, (pairs, 2), no place twice, and their margins, falling.

    A pair's margin is its cosine over the mean cosine of both with their closest ones on the
    other side (Artetxe and Schwenk 2019, arXiv 1811.01136, "ratio", k = 4).
    """
    forward, forward_cosines = _closest(english, said)
    backward, backward_cosines = _closest(said, english)
    means = forward_cosines.mean(axis=1), backward_cosines.mean(axis=1)
    others, forth = _best(forward, forward_cosines, *means)
    ones, back = _best(backward, backward_cosines, *means[::-1])
    ones = np.concatenate([np.arange(len(english)), ones])
    others = np.concatenate([others, np.arange(len(said))])
    margins = np.concatenate([forth, back])
    free_one, free_other = np.ones(len(english), dtype=bool), np.ones(len(said), dtype=bool)
    taken = []
    for place in np.argsort(-margins, kind="stable"):
        one, other = ones[place], others[place]
        if free_one[one] and free_other[other]:
            free_one[one] = free_other[other] = False
            taken.append(place)
    return np.stack([ones[taken], others[taken]], axis=1), margins[taken]


def _closest(these: Floats, those: Floats) -> tuple[Ints, Floats]:
    """Return places and cosines of each one's `CLOSEST` on the other side, falling."""
    most = min(CLOSEST, len(those))
    places, found = [], []
    for start in range(0, len(these), BLOCK):
        cosines = these[start : start + BLOCK] @ those.T
        near = np.argpartition(-cosines, most - 1, axis=1)[:, :most]
        kept = np.take_along_axis(cosines, near, axis=1)
        order = np.argsort(-kept, axis=1, kind="stable")
        places.append(np.take_along_axis(near, order, axis=1))
        found.append(np.take_along_axis(kept, order, axis=1))
    return np.concatenate(places), np.concatenate(found)


def _best(near: Ints, cosines: Floats, own: Floats, other: Floats) -> tuple[Ints, Floats]:
    """Return, of each one's closest, the place of highest margin, and that margin."""
    # Encoders' vectors share a direction, so that means are well above zero.
    means = np.maximum((own[:, None] + other[near]) / 2, SMALLEST_MEAN)
    margins = cosines / means
    best = margins.argmax(axis=1)[:, None]
    return (np.take_along_axis(near, best, axis=1)[:, 0],
            np.take_along_axis(margins, best, axis=1)[:, 0])  # fmt: skip


def best_f1(scores: Floats, right: NDArray[np.bool_], pairs: int) -> float:
    """Return the highest F1 = 2 right / (mined + pairs) over all thresholds.

    Mined is what scores at least the threshold, so equal scores are mined together.

    Args:
        scores: of the candidates, falling.
        right: whether a candidate is one of the pairs to be mined.
        pairs: how many these are, found or not.
    """
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    return float((2 * np.cumsum(right)[last] / (last + 1 + pairs)).max())
