"""Pairs that several files of a training set share: each is trained on once, or not at all."""

import pandas as pd

from xstilts.tasks.item import item_ids
from xstilts.tasks.leak import SIDES, normalise


def drop_repeated(train: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Return the rows without repeated items, and the ids dropped: repeated, contradicting.

    Two items are of one pair if in some language both texts are equal after
    `leak.normalise`, in their order. If the labels of a pair's items differ, none says which
    is right and all are dropped; else the first stays, in the order of the rows.
    """
    keys = {"language": train["language"]}
    keys |= {side: train[side].map({text: normalise(text) for text in train[side].unique()})
             for side in SIDES}  # fmt: skip
    pair = pd.DataFrame(keys).groupby(list(keys), sort=False).ngroup()
    differ = train["label"].groupby(pair).transform("nunique") > 1
    contradicting = item_ids(train[differ])
    left = ~train["id"].isin(contradicting)
    repeated = item_ids(train[left & pair.where(left).duplicated()])
    kept = train[left & ~train["id"].isin(repeated)].reset_index(drop=True)
    return kept, repeated, contradicting
