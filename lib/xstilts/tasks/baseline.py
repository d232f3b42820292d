"""The floors that a score must clear: the best constant answer, and word overlap alone."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from xstilts.tasks.leak import normalise

#: written without spaces between words: their tokens are characters
UNSPACED = frozenset({"zh", "ja", "th"})
#: English training items at most; the model has five weights a label
MAX_ITEMS = 5000


def score_baselines(task: str, train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracy of both floors in every test language.

    `majority` answers with the most frequent label of that language's test set: no
    constant does better. `overlap` is a logistic regression on `overlap_features`, fitted
    on (at most 5,000) English training items: what can be had zero-shot without
    understanding a word. Generated and adversarial pairs are where it matters most.

    Returns: columns task, language, baseline, score (0 to 100), items; no rows without a
    test set.
    """
    # Only here: every stage imports this package, and scikit-learn takes a second.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows: list[tuple[str, str, str, float, int]] = []
    english = train[train["language"] == "en"].head(MAX_ITEMS)
    model = None
    if len(test) and english["label"].nunique() > 1:
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(overlap_features(english), english["label"].to_numpy())
    for language in test["language"].unique():
        items = test[test["language"] == language]
        gold = items["label"].to_numpy()
        majority = np.bincount(gold).max() / len(gold)
        rows.append((task, language, "majority", 100 * float(majority), len(gold)))
        if model is not None:
            right = float((model.predict(overlap_features(items)) == gold).mean())
            rows.append((task, language, "overlap", 100 * right, len(gold)))
    columns = ["task", "language", "baseline", "score", "items"]
    return pd.DataFrame(rows, columns=columns).astype(
        {"task": "str", "language": "str", "baseline": "str", "score": "float64", "items": "int64"}
    )


def overlap_features(table: pd.DataFrame) -> np.ndarray:
    """Return features that know no language, shape (rows, 5).

    The share of each text's tokens that occur in the other, the same of its pairs of
    neighbouring tokens, and the logarithm of the ratio of their lengths in tokens.
    """
    columns = zip(table["language"], table["text_a"], table["text_b"], strict=True)
    rows = [_features(tokens(a, language), tokens(b, language)) for language, a, b in columns]
    return np.array(rows, dtype=np.float64).reshape(len(table), 5)


def tokens(text: str, language: str) -> list[str]:
    """Return a text's normalised words; its characters where words are not spaced."""
    if language in UNSPACED:
        return list(normalise(text))
    return [word for word in map(normalise, text.split()) if word]


def _features(a: Sequence[str], b: Sequence[str]) -> tuple[float, ...]:
    pairs_a, pairs_b = set(pairwise(a)), set(pairwise(b))
    both, shared = set(a) & set(b), pairs_a & pairs_b
    return (
        len(both) / max(len(set(a)), 1),
        len(both) / max(len(set(b)), 1),
        len(shared) / max(len(pairs_a), 1),
        len(shared) / max(len(pairs_b), 1),
        float(np.log((len(a) + 1) / (len(b) + 1))),
    )
