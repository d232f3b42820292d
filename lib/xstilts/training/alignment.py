"""How well an encoder brings the languages together: translations found among near misses."""

import numpy as np
import pandas as pd

from xstilts.training.model import PairClassifier
from xstilts.training.text import Pairs

#: one row a language; scores in percent
ALIGNMENT: dict[str, str] = {
    "language": "str",
    "retrieved": "float64",  # sentences whose closest English one is their translation
    "ordered": "float64",  # those closer to it than to the one with exchanged roles; chance 50
    "items": "int64",
}


def align(classifier: PairClassifier, pairs: Pairs) -> pd.DataFrame:
    """Return how often translations are found, columns `ALIGNMENT`, a row a language.

    A sentence's vector is the mean of its token vectors, closeness the cosine: the protocol of
    Tatoeba in XTREME (Hu et al. 2020, arXiv 2003.11080). Candidates are all English sentences,
    half of which are near misses of the other half.

    Args:
        classifier: its encoder is measured, its head is not used.
        pairs: of `tasks.alignment.alignment_items`, each text read alone.
    """
    if not len(pairs):
        return pd.DataFrame(columns=list(ALIGNMENT)).astype(ALIGNMENT)
    vectors = classifier.means(pairs.texts)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = pairs.table
    rows = [
        (language, *_found(vectors, pairs.sides[places], table["id"].to_numpy()[places]))
        for language, places in table.groupby("language", sort=False).indices.items()
    ]
    return pd.DataFrame(rows, columns=list(ALIGNMENT)).astype(ALIGNMENT)


def _found(vectors: np.ndarray, sides: np.ndarray, ids: np.ndarray) -> tuple[float, float, int]:
    """Return percent retrieved, percent ordered and the number of sentences of one language."""
    order = np.argsort(ids)  # an event and its near miss then stand side by side
    english, said = vectors[sides[order, 0]], vectors[sides[order, 1]]
    cosines = said @ english.T
    place = np.arange(len(order))
    retrieved = cosines.argmax(axis=1) == place
    ordered = cosines[place, place] > cosines[place, place ^ 1]
    return 100 * float(retrieved.mean()), 100 * float(ordered.mean()), len(order)
