"""Bitext mining: which sentences of two languages translate each other, and the F1 of that."""

import numpy as np
from numpy.typing import NDArray

from xstilts.training.text import Ints

Floats = NDArray[np.float32]
#: sentences whose cosines with all of the other side are held at a time
BLOCK = 512


def mine(vectors: Floats, sides: Ints, labels: Ints) -> tuple[float, int]:
    """Return F1 of the pairs mined, in percent, and the number of pairs to be mined.

    The form of XTREME's BUCC (Hu et al. 2020, arXiv 2003.11080; `utils_retrieve.py`, retrieval
    "max"): candidates are each sentence with its closest one, from both sides; they are taken
    by falling score, unless one of the two sentences is in a pair taken before; those from a
    threshold on are mined. The score here is the cosine itself; XTREME's script divides it by
    the mean cosine with the four closest of either side. The threshold is that of the best
    F1 on these very pairs, as XTREME chooses it on the development set: an upper bound.
    Sentences of equal text are one; XTREME leaves them out.

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
    """Return pairs of places, (pairs, 2), no place twice, and their cosines, falling.

    Of equal cosines the pair found from the English side comes first, then the lower place.
    """
    forward, forward_cosines, backward, backward_cosines = _closest(english, said)
    ones = np.concatenate([np.arange(len(english)), backward])
    others = np.concatenate([forward, np.arange(len(said))])
    cosines = np.concatenate([forward_cosines, backward_cosines])
    free_one, free_other = np.ones(len(english), dtype=bool), np.ones(len(said), dtype=bool)
    taken = []
    for place in np.argsort(-cosines, kind="stable"):
        one, other = ones[place], others[place]
        if free_one[one] and free_other[other]:
            free_one[one] = free_other[other] = False
            taken.append(place)
    return np.stack([ones[taken], others[taken]], axis=1), cosines[taken]


def _closest(english: Floats, said: Floats) -> tuple[Ints, Floats, Ints, Floats]:
    """Return the closest of the other side and its cosine, for both sides, block by block."""
    forward, forward_cosines = [], []
    backward, backward_cosines = (
        np.zeros(len(said), np.int64),
        np.full(len(said), -np.inf, said.dtype),
    )
    columns = np.arange(len(said))
    for start in range(0, len(english), BLOCK):
        cosines = english[start : start + BLOCK] @ said.T
        forward.append(cosines.argmax(axis=1))
        forward_cosines.append(cosines.max(axis=1))
        highest = cosines.argmax(axis=0)
        better = cosines[highest, columns] > backward_cosines
        backward[better] = start + highest[better]
        backward_cosines[better] = cosines[highest, columns][better]
    return np.concatenate(forward), np.concatenate(forward_cosines), backward, backward_cosines


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
