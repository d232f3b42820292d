"""From tables of items to token ids: every distinct text is tokenised once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from xstilts.params.spec import Head

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Texts:
    """Token ids of texts one after the other, without padding.

    ids: (tokens,); kinds: (tokens,), segment of each token, 0 but in the second text of a
    pair of BERT's; starts: (texts + 1,), text i is ids[starts[i]:starts[i + 1]]. states: (tokens,
    hidden), what an encoder's frozen layers make of them, where these are taken out of it.
    """

    ids: Ints
    kinds: Ints
    starts: Ints
    states: NDArray[Any] | None = None

    @property
    def lengths(self) -> Ints:
        """Return the tokens of each text, special ones included: (texts,)."""
        return np.diff(self.starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def renumbered(self, remap: Callable[[Ints], Ints]) -> "Texts":
        """Return the texts with every id replaced: how a trimmed vocabulary is read."""
        return Texts(remap(self.ids), self.kinds, self.starts)


@dataclass(frozen=True)
class Pairs:
    """Labelled pairs of texts as a head reads them.

    texts: distinct texts, or distinct joint sequences. sides: (pairs, 2) or (pairs, 1),
    places in `texts`. labels: (pairs,). table: the rows that the pairs were made from.
    """

    texts: Texts
    sides: Ints
    labels: Ints
    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> Ints:
        """Return the tokens of each pair: (pairs,)."""
        return self.texts.lengths[self.sides].sum(axis=1)

    def renumbered(self, remap: Callable[[Ints], Ints]) -> "Pairs":
        return Pairs(self.texts.renumbered(remap), self.sides, self.labels, self.table)


def encode_pairs(
    tokenizer: PreTrainedTokenizerFast, table: pd.DataFrame, head: Head, max_tokens: int
) -> Pairs:
    """Return the rows of a table (columns of `tasks.item.COLUMNS`) as pairs for a head.

    `joint` reads `<s> a </s></s> b </s>` as the tokenizer builds it, cut to `max_tokens` at
    the longer text; the other heads read each text alone, cut to `max_tokens`.
    """
    labels = table["label"].to_numpy(dtype=np.int64)
    a, b = table["text_a"].tolist(), table["text_b"].tolist()
    if head == "joint":
        places, distinct = pd.factorize(pd.Series(list(zip(a, b, strict=True)), dtype=object))
        texts = _encode(tokenizer, list(distinct), max_tokens)
        return Pairs(texts, places.astype(np.int64)[:, None], labels, table)
    places, distinct = pd.factorize(pd.Series([*a, *b], dtype=object))
    texts = _encode(tokenizer, list(distinct), max_tokens)
    return Pairs(texts, places.astype(np.int64).reshape(2, len(table)).T, labels, table)


def _encode(
    tokenizer: PreTrainedTokenizerFast, texts: Sequence[str | tuple[str, str]], max_tokens: int
) -> Texts:
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.enable_truncation(max_tokens)
    encoded = backend.encode_batch(list(texts), add_special_tokens=True)
    lengths = [len(one.ids) for one in encoded]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = np.fromiter((token for one in encoded for token in one.ids), np.int64, starts[-1])
    kinds = np.zeros_like(ids)
    if "token_type_ids" in tokenizer.model_input_names:
        every = (kind for one in encoded for kind in one.type_ids)
        kinds = np.fromiter(every, np.int64, starts[-1])
    return Texts(ids, kinds, starts)
