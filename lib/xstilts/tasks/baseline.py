"""The floors that a score must clear: constant answers, one side alone, words, word overlap."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from xstilts.tasks.leak import normalise

#: written without spaces between words: their tokens are characters
UNSPACED = frozenset({"zh", "ja", "th"})
#: English training items at most
MAX_ITEMS = 5000
#: of a task whose items are generated, how many test items are scored: more than the encoders'
#: own, since a floor costs nothing and is known the better
GENERATED_ITEMS = 1000

Words = Sequence[str]


def score_baselines(task: str, train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracy of each floor of `BASELINES` in every test language.

    `majority` answers with the most frequent label of that language's test set: no
    constant does better. The others are logistic regressions, fitted on (at most 5,000)
    English training items: on words of one side or both, which know no other language, and on
    `overlap_features`, which know none at all and so are what can be had zero-shot without
    understanding a word. Generated and adversarial pairs are where they matter most.

    Returns: columns task, language, baseline, score (percent), items; no rows without a
    test set.
    """
    rows: list[tuple[str, str, str, float, int]] = []
    english = train[train["language"] == "en"].head(MAX_ITEMS)
    models = _fitted(english) if len(test) and english["label"].nunique() > 1 else {}
    for language in test["language"].unique():
        items = test[test["language"] == language]
        gold = items["label"].to_numpy()
        found = {"majority": np.bincount(gold).argmax()}
        found |= {name: answer(items) for name, answer in models.items()}
        for name, answers in found.items():
            rows.append((task, language, name, 100 * float((answers == gold).mean()), len(gold)))
    columns = ["task", "language", "baseline", "score", "items"]
    return pd.DataFrame(rows, columns=columns).astype(
        {"task": "str", "language": "str", "baseline": "str", "score": "float64", "items": "int64"}
    )


def _fitted(english: pd.DataFrame) -> dict[str, Callable[[pd.DataFrame], np.ndarray]]:
    # Only here: every stage imports this package, and scikit-learn takes a second.
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def fit(features: Callable[[pd.DataFrame], Any], *steps: Any) -> Callable[..., np.ndarray]:
        model = make_pipeline(*steps, LogisticRegression(max_iter=1000))
        model.fit(features(english), english["label"].to_numpy())
        return lambda table: model.predict(features(table))

    made = {
        name: fit(lambda table, words=words: [dict.fromkeys(words(*p), 1) for p in _pairs(table)],
                  DictVectorizer())
        for name, words in _WORDS.items()
    }  # fmt: skip
    made["word_overlap"] = fit(
        lambda table: overlap_features(table)[:, [0, 1, 4]], StandardScaler()
    )
    made["overlap"] = fit(overlap_features, StandardScaler())
    return made


def _marked(a: Words, b: Words) -> list[str]:
    return [*(f"a:{word}" for word in a), *(f"b:{word}" for word in b)]


#: name of a floor that knows words -> the words that it knows of a pair
_WORDS: dict[str, Callable[[Words, Words], Words]] = {
    "premise_only": lambda a, b: a,
    "hypothesis_only": lambda a, b: b,
    "bag_of_words": _marked,
    "word_difference": lambda a, b: _marked(sorted(set(a) - set(b)), sorted(set(b) - set(a))),
}
#: every floor and what it sees, in the order of the tables
BASELINES: dict[str, str] = {
    "majority": "most frequent label",
    "premise_only": "words of the first text",
    "hypothesis_only": "words of the second text",
    "bag_of_words": "words of both, marked by side",
    "word_difference": "words in one text only, marked by side",
    "word_overlap": "shares of common words, lengths",
    "overlap": "the same, and shares of common word pairs",
}
#: floors that need no vocabulary, and so hold in every language
TRANSFERRING = ("majority", "word_overlap", "overlap")


def overlap_features(table: pd.DataFrame) -> np.ndarray:
    """Return features that know no language, shape (rows, 5).

    The share of each text's tokens that occur in the other, the same of its pairs of
    neighbouring tokens, and the logarithm of the ratio of their lengths in tokens.
    """
    rows = [_overlap(a, b) for a, b in _pairs(table)]
    return np.array(rows, dtype=np.float64).reshape(len(table), 5)


def _pairs(table: pd.DataFrame) -> Iterator[tuple[list[str], list[str]]]:
    columns = zip(table["language"], table["text_a"], table["text_b"], strict=True)
    return ((tokens(a, language), tokens(b, language)) for language, a, b in columns)


def tokens(text: str, language: str) -> list[str]:
    """Return a text's normalised words; its characters where words are not spaced."""
    if language in UNSPACED:
        return list(normalise(text))
    return [word for word in map(normalise, text.split()) if word]


def _overlap(a: Words, b: Words) -> tuple[float, ...]:
    pairs_a, pairs_b = set(pairwise(a)), set(pairwise(b))
    both, shared = set(a) & set(b), pairs_a & pairs_b
    return (
        len(both) / max(len(set(a)), 1),
        len(both) / max(len(set(b)), 1),
        len(shared) / max(len(pairs_a), 1),
        len(shared) / max(len(pairs_b), 1),
        float(np.log((len(a) + 1) / (len(b) + 1))),
    )
