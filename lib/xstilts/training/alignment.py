"""How well an encoder brings the languages together: translations found among near misses."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from xstilts.params import load_corpus
from xstilts.tasks.corpus import Sample
from xstilts.training.mining import mine
from xstilts.training.model import PairClassifier
from xstilts.training.text import Ints, Pairs

#: one row a language; scores in percent
ALIGNMENT: dict[str, str] = {
    "language": "str",
    "retrieved": "float64",  # sentences whose closest English one is their translation
    "ordered": "float64",  # those closer to it than to the one with exchanged roles; chance 50
    "items": "int64",
}

#: one row a (corpus, sample, language, pooling); scores in percent, of two kinds that do not
#: compare: translations found, or, of a corpus for mining, F1
RETRIEVAL: dict[str, str] = {
    "corpus": "str",
    "sample": "str",  # "whole" or "part", of which alone scores can be compared between arms
    "language": "str",
    "pooling": "str",  # "mean" of all token vectors, or the "first" one
    "score": "float64",
    "items": "int64",  # sentences, or pairs to be mined
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
    vectors = _unit(classifier.means(pairs.texts))
    table = pairs.table
    rows = [
        (language, *_found(vectors, pairs.sides[places], table["id"].to_numpy()[places]))
        for language, places in table.groupby("language", sort=False).indices.items()
    ]
    return pd.DataFrame(rows, columns=list(ALIGNMENT)).astype(ALIGNMENT)


def retrieve(
    classifier: PairClassifier, corpora: Mapping[tuple[str, Sample], Pairs]
) -> pd.DataFrame:
    """Return how well translations are found in corpora, columns `RETRIEVAL`.

    Of a corpus of `translations`, how often an English sentence's closest one is its
    translation. Tatoeba's protocol in XTREME (Hu et al. 2020, arXiv 2003.11080;
    `run_retrieval.py`): from English into the language, by cosine, by line, so that of two
    equal lines the first alone counts. Of a corpus for `mining`, F1: see `mining.mine`. Both
    under two poolings of the last layer's token vectors.

    Args:
        classifier: its encoder is measured, its head is not used.
        corpora: of `tasks.corpus.corpus_items`, each text read alone, by (corpus, sample).
    """
    rows = [
        (*name, language, pooling, *_MEASURES[load_corpus(name[0]).kind](
            vectors, pairs.sides[places], pairs.labels[places]
        ))
        for name, pairs in corpora.items()
        for pooling, vectors in zip(
            ("mean", "first"), map(_unit, classifier.means_and_firsts(pairs.texts)), strict=True
        )
        for language, places in pairs.table.groupby("language", sort=False).indices.items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(RETRIEVAL)).astype(RETRIEVAL)


def _translated(vectors: np.ndarray, sides: Ints, labels: Ints) -> tuple[float, int]:
    """Return percent of English sentences whose closest is their translation, and how many."""
    english, said = (vectors[sides[:, side]] for side in (0, 1))
    right = (english @ said.T).argmax(axis=1) == np.arange(len(sides))
    return 100 * float(right.mean()), len(sides)


_MEASURES = {"translations": _translated, "mining": mine}


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _found(vectors: np.ndarray, sides: np.ndarray, ids: np.ndarray) -> tuple[float, float, int]:
    """Return percent retrieved, percent ordered and the number of sentences of one language."""
    order = np.argsort(ids)  # an event and its near miss then stand side by side
    english, said = vectors[sides[order, 0]], vectors[sides[order, 1]]
    cosines = said @ english.T
    place = np.arange(len(order))
    retrieved = cosines.argmax(axis=1) == place
    ordered = cosines[place, place] > cosines[place, place ^ 1]
    return 100 * float(retrieved.mean()), 100 * float(ordered.mean()), len(order)
