"""Test text never enters any training set: the rule, and the hashes that check it."""

import hashlib
import sys
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from xstilts.tasks.item import item_ids

SIDES = ("text_a", "text_b")
#: what `normalise` removes: punctuation, symbols, separators, controls and format characters
_REMOVED = ("P", "S", "Z", "Cc", "Cf")


@lru_cache(maxsize=1)
def _removals() -> dict[int, None]:
    return {
        code: None
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)).startswith(_REMOVED)
    }


def normalise(text: str) -> str:
    """Return the letters, marks and digits of a text, compatibility-composed and casefolded.

    Spacing and punctuation go, so tokenised text ("they 're .") equals untokenised.
    Combining marks stay: without its vowel signs a Hindi or Thai word is another word.
    """
    return unicodedata.normalize("NFKC", text).casefold().translate(_removals())


def text_digests(tables: Iterable[pd.DataFrame], ignored: Collection[str] = ()) -> set[bytes]:
    """Return a 16-byte hash of every normalised text in the tables, both sides, all languages.

    Texts that are empty once normalised, or equal to one of `ignored` (the marks of
    untranslated rows, such as "NS"), are placeholders and no test text.
    """
    skipped = {"", *(normalise(text) for text in ignored)}
    texts: set[str] = set()
    for table in tables:
        for side in SIDES:
            texts.update(normalise(text) for text in table[side].unique())
    return {_hash(text) for text in texts - skipped}


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def drop_test_text(
    train: pd.DataFrame,
    tests: Iterable[pd.DataFrame],
    ignored: Collection[str] = (),
    sides: Sequence[str] = SIDES,
) -> tuple[pd.DataFrame, list[str]]:
    """Return the training rows whose item shares no text with any test, and the ids dropped.

    The rule: an item is dropped, in every language, if in any language either of its texts
    equals, after `normalise`, either text of any row of any of `tests`. It is stricter
    than asking that no pair occur in both, because PAWS-X's development and test sets
    share single sentences (google-research-datasets/paws, pawsx/README). `sides` names the
    texts of the training rows that are looked at: both, but where one is a short answer.
    """
    dropped = item_ids(train[_hits(train, text_digests(tests, ignored), sides)])
    return train[~train["id"].isin(dropped)].reset_index(drop=True), dropped


def count_overlap(
    train: pd.DataFrame,
    tests: Iterable[pd.DataFrame],
    ignored: Collection[str] = (),
    sides: Sequence[str] = SIDES,
) -> dict[str, int]:
    """Return how many training rows of each language share a text with a test: none should."""
    hit = _hits(train, text_digests(tests, ignored), sides)
    return train[hit]["language"].value_counts().astype(int).to_dict()


def _hits(train: pd.DataFrame, held_out: set[bytes], sides: Sequence[str]) -> np.ndarray:
    """Return, for each row, whether one of its texts is held out."""
    hit = np.zeros(len(train), dtype=bool)
    for side in sides if held_out else ():
        rows, texts = pd.factorize(train[side])
        found = (_hash(normalise(text)) in held_out for text in texts)
        hit |= np.fromiter(found, dtype=bool, count=len(texts))[rows]
    return hit
