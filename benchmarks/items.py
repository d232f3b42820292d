"""The pairs that both sides read: real ones where they are to be had, else generated ones."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from transformers.trainer_pt_utils import get_length_grouped_indices

from xstilts.params import load_task
from xstilts.tasks import read_split
from xstilts.tasks.load import scored
from xstilts.tasks.select import generator
from xstilts.training.text import Ints, Pairs, Texts

#: generated pairs where there are no real ones
GENERATED = 2048


@dataclass(frozen=True)
class Source:
    """Where the texts come from: a folder of official files, or the miniature."""

    root: Path | None

    @property
    def title(self) -> str:
        return "real: MultiNLI, English; XNLI" if self.root else "generated: the miniature"

    def training(self, pairs: int = 0) -> pd.DataFrame:
        """Return English pairs in random order; `pairs` of them, or all there are at hand."""
        if self.root is None:
            spec = load_task("mini_nli")
            table = read_split("mini_nli", spec, "train", None, max(pairs, GENERATED)).table
        else:
            table = self._multinli(self.root, pairs)
        table = table[table["language"] == "en"]
        order = generator("benchmarks").permutation(len(table))
        return table.iloc[order[: pairs or len(order)]].reset_index(drop=True)

    @staticmethod
    def _multinli(root: Path, pairs: int) -> pd.DataFrame:
        spec = load_task("mnli_mt").model_copy(update={"train_languages": ("en",)})
        parts = [read_split("mnli_mt", spec, "train", root).table]
        if pairs > len(parts[0]):
            parts.append(read_split("xnli", load_task("xnli"), "train", root).table)
        return pd.concat(parts, ignore_index=True)

    def scored(self, items: int) -> pd.DataFrame:
        """Return `items` scored items in every language of the test set."""
        name = "xnli" if self.root else "mini_nli"
        spec = load_task(name).model_copy(update={"test_items": items})
        return scored(name, spec, read_split(name, spec, "test", self.root).table)


def pick_by_length(lengths: Ints, batch: int, steps: int, seed: int) -> Ints:
    """Return places of `steps` batches as transformers' length grouping would make them.

    Whole batches are taken at even distances from one of its windows (50 batches, sorted by
    length), so that short and long ones occur as in a long run. The places of a batch are
    neighbours.
    """
    import torch

    window = max(1, min(len(lengths) // (4 * batch), 50))
    order = get_length_grouped_indices(
        lengths.tolist(), batch, generator=torch.Generator().manual_seed(seed)
    )
    whole = np.array(order[: len(order) // batch * batch]).reshape(-1, batch)
    # not the first window: its first batch was given the longest text of all
    whole = whole[window : 2 * window] if steps <= window else whole
    chosen = ((np.arange(steps) + 0.5) * len(whole) / steps).astype(int)
    return whole[chosen].ravel()


def subset(pairs: Pairs, places: Ints) -> Pairs:
    """Return some of the pairs, in the order of `places`."""
    table = pairs.table.iloc[places].reset_index(drop=True)
    return Pairs(pairs.texts, pairs.sides[places], pairs.labels[places], table)


def write_items(path: Path, pairs: Pairs, used: Ints) -> None:
    """Write pairs, and the word pieces that a run over their pool reads, for the workers."""
    texts = pairs.texts
    np.savez(
        path, ids=texts.ids, kinds=texts.kinds, starts=texts.starts, sides=pairs.sides,
        labels=pairs.labels, used=used,
    )  # fmt: skip
    pairs.table.to_parquet(path.with_suffix(".parquet"))


def read_items(path: Path) -> tuple[Pairs, Ints]:
    """Return what `write_items` wrote."""
    with np.load(path) as held:
        texts = Texts(held["ids"], held["kinds"], held["starts"])
        table = pd.read_parquet(path.with_suffix(".parquet"))
        return Pairs(texts, held["sides"], held["labels"], table), held["used"]


def padded(pairs: Pairs, places: Ints, pad: int, length: int | None) -> dict[str, np.ndarray]:
    """Return ids, mask and labels of joint pairs, (places, longest or `length`)."""
    which = pairs.sides[places, 0]
    lengths = pairs.texts.lengths[which]
    steps = np.arange(length or lengths.max())
    mask = steps < lengths[:, None]
    where = np.where(mask, pairs.texts.starts[which, None] + steps, 0)
    return {
        "input_ids": np.where(mask, pairs.texts.ids[where], pad),
        "attention_mask": mask.astype(np.int64),
        "labels": pairs.labels[places],
    }
