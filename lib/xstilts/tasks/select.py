"""Draws: which items a test set scores, which a run trains on, and in which language."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from xstilts.errors import DataError, unknown
from xstilts.files import digest
from xstilts.tasks.item import COLUMNS, item_ids

ENGLISH = "en"
TRAINING_ARMS = ("english", "multilingual", "shuffled")


def generator(*key: str | int) -> np.random.Generator:
    """Return a generator that depends on `key` alone: the same on every machine and run."""
    return np.random.default_rng(int(digest(list(key)), 16))


def draw(ids: Sequence[str], items: int, *key: str | int) -> list[str]:
    """Return `items` of the ids, drawn without replacement by `key`, sorted.

    A smaller draw by the same key is a part of a larger one.

    Raises:
        DataError: there are fewer ids than asked.
    """
    if items > len(ids):
        raise DataError(f"{items} items asked, {len(ids)} available")
    order = generator(*key).permutation(len(ids))
    ordered = sorted(ids)
    return sorted(ordered[place] for place in order[:items])


def select_training(
    train: pd.DataFrame,
    *,
    arm: str,
    items: int,
    seed: int,
    languages: Sequence[str],
    task: str = "",
) -> pd.DataFrame:
    """Return the rows that a run trains on: one row an item, in the order of the ids.

    The ids depend on (seed, task) alone, so that arms and sizes train on the same items.
    `english` takes each in English; `multilingual` draws the language of each uniformly
    from `languages` by a second generator of (seed, task); `shuffled` takes the same texts
    with their labels exchanged among them by a third, so that languages and texts are met but
    the task is not. The training loop shuffles.

    Raises:
        DataError: fewer items than asked, an unknown arm, or an item that a language lacks.
    """
    if arm not in TRAINING_ARMS:
        raise DataError(unknown("arm", arm, TRAINING_ARMS, f"training on '{task}'"))
    ids = draw(item_ids(train), items, "items", seed, task)
    if arm == "english":
        drawn = np.full(items, ENGLISH, dtype=object)
    else:
        choices = np.array(sorted(languages), dtype=object)
        drawn = choices[generator("language", seed, task).integers(len(choices), size=items)]
    wanted = pd.DataFrame({"id": ids, "language": drawn}).astype("str")
    chosen = wanted.merge(train, on=["id", "language"], how="left", validate="one_to_one")
    absent = chosen["text_a"].isna()
    if absent.any():
        row = chosen[absent].iloc[0]
        raise DataError(f"item {row['id']} has no training text in '{row['language']}'")
    if arm == "shuffled":
        order = generator("labels", seed, task).permutation(items)
        chosen = chosen.assign(label=chosen["label"].to_numpy()[order])
    return chosen[list(COLUMNS)].astype(COLUMNS)
