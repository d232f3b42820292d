"""Train with the rows of the embedding table that a task reads: the same result, less memory.

A row that no text reads has a gradient of zero, and Adam leaves it where it is. So the rows
can be left out while training and put back afterwards.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from xstilts.encoders.architecture import replace_word_embedding, word_embedding
from xstilts.errors import EncoderError


@dataclass(frozen=True, slots=True, eq=False)
class Trimmed:
    """What was kept of an embedding table, and the table as it was.

    `rows`: the ids kept, int64, sorted; the place of an id in it is its new id.
    `whole`: the whole table before trimming, (vocabulary, hidden), on the CPU.
    """

    rows: torch.Tensor
    whole: torch.Tensor = field(repr=False)

    def remap(self, ids: np.ndarray) -> np.ndarray:
        """Return the new id of every old one, int64, in the shape of `ids`.

        Raises:
            EncoderError: an id was not kept.
        """
        kept = self.rows.numpy()
        new = np.searchsorted(kept, ids)
        absent = kept[np.minimum(new, len(kept) - 1)] != ids
        if absent.any():
            first = int(np.asarray(ids)[absent].flat[0])
            raise EncoderError(
                f"word piece {first} was not kept when the vocabulary was trimmed to "
                f"{len(kept)} of {len(self.whole)} rows"
            )
        return new

    def restore(self, model: nn.Module) -> None:
        """Put the whole table back into `model`, the rows that were trained written over it.

        The model's parameter is a new one: optimizers made before do not know it.

        Raises:
            EncoderError: the model's table has another shape than the rows kept.
        """
        trained = word_embedding(model).weight.detach()
        if trained.shape != (len(self.rows), self.whole.shape[1]):
            raise EncoderError(
                f"word embeddings: found shape {tuple(trained.shape)}; "
                f"{len(self.rows)} rows of {self.whole.shape[1]} were kept"
            )
        whole = self.whole.to(trained.dtype, copy=True)
        whole[self.rows] = trained.cpu()
        replace_word_embedding(model, whole.to(trained.device))


def trim_vocabulary(model: nn.Module, used: Iterable[int]) -> Trimmed:
    """Leave in `model`, an encoder, the embedding rows of the word pieces in `used`.

    Every id up to and including the padding id of the table is kept too, so that it does not
    move: XLM-R counts positions from it. Where a tokenizer pads with another id than the
    table (Multilingual MiniLM), `used` must hold that one.

    Outputs are those of the whole model, bit for bit. Weights after training are too, up to
    the order of summation in the norm of the gradient, if two things hold: the optimizer
    moves no parameter whose gradient has always been zero (Adam and AdamW do not), and the
    word embeddings are left out of weight decay, which would shrink the rows that are not
    read as well.

    Raises:
        EncoderError: an id outside the table.
    """
    table = word_embedding(model)
    ids = np.unique(np.fromiter(used, dtype=np.int64))
    if len(ids) and not 0 <= ids[0] <= ids[-1] < table.num_embeddings:
        bad = ids[0] if ids[0] < 0 else ids[-1]
        raise EncoderError(
            f"word embeddings: no row for word piece {bad}; allowed: 0 to "
            f"{table.num_embeddings - 1}"
        )
    fixed = np.arange(0 if table.padding_idx is None else table.padding_idx + 1)
    rows = torch.from_numpy(np.union1d(fixed, ids))
    whole = table.weight.detach()
    replace_word_embedding(model, whole[rows.to(whole.device)])
    return Trimmed(rows, whole.cpu())
