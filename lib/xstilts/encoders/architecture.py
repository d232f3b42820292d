"""What differs between the classes of encoder: a row of a table each, and what reads it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from xstilts.errors import EncoderError, unknown

Positions = Literal["after_padding", "from_zero", "rotary", "relative"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """Where a class of `transformers` keeps its parts, as dotted paths from the model."""

    blocks: str
    embeddings: str
    word_embedding: str
    #: the linear layers of a block, as paths from the block
    projections: tuple[str, ...]
    positions: Positions
    final_norm: str | None = None
    #: the class takes add_pooling_layer
    pooler: bool = False
    dropouts: tuple[str, ...] = ("hidden_dropout_prob", "attention_probs_dropout_prob")


_AFTER_ATTENTION = ("attention.output.dense", "intermediate.dense", "output.dense")
_BERT_LIKE = {
    "blocks": "encoder.layer",
    "embeddings": "embeddings",
    "word_embedding": "embeddings.word_embeddings",
    "projections": (
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        *_AFTER_ATTENTION,
    ),
}
_DEBERTA_PROJECTIONS = (
    "attention.self.query_proj",
    "attention.self.key_proj",
    "attention.self.value_proj",
    # only where positions do not share the matrices of words
    "attention.self.pos_key_proj",
    "attention.self.pos_query_proj",
    *_AFTER_ATTENTION,
)

#: by `model_type` of config.json.
#: Source: transformers 5.23.0, modeling files of each class.
ARCHITECTURES: dict[str, Architecture] = {
    "bert": Architecture(**_BERT_LIKE, positions="from_zero", pooler=True),
    "xlm-roberta": Architecture(**_BERT_LIKE, positions="after_padding", pooler=True),
    "xlm-roberta-xl": Architecture(
        **_BERT_LIKE, positions="after_padding", final_norm="encoder.LayerNorm", pooler=True
    ),
    "deberta-v2": Architecture(
        **_BERT_LIKE | {"projections": _DEBERTA_PROJECTIONS}, positions="relative"
    ),
    "modernbert": Architecture(
        blocks="layers",
        embeddings="embeddings",
        word_embedding="embeddings.tok_embeddings",
        projections=("attn.Wqkv", "attn.Wo", "mlp.Wi", "mlp.Wo"),
        positions="rotary",
        final_norm="final_norm",
        dropouts=("embedding_dropout", "attention_dropout", "mlp_dropout"),
    ),
}


def architecture(config: Any, where: str | Path = "config.json") -> Architecture:
    """Return the row of the encoder that `config` (a transformers configuration) describes.

    Raises:
        EncoderError: a model_type that the table does not know.
    """
    if config.model_type not in ARCHITECTURES:
        raise EncoderError(unknown("model_type", config.model_type, ARCHITECTURES, str(where)))
    return ARCHITECTURES[config.model_type]


def blocks(model: nn.Module) -> nn.ModuleList:
    """Return the transformer blocks, bottom first."""
    return model.get_submodule(architecture(model.config).blocks)  # type: ignore[return-value]


def replace_blocks(model: nn.Module, kept: Iterable[nn.Module]) -> None:
    """Put `kept` in place of the transformer blocks, bottom first."""
    model.set_submodule(architecture(model.config).blocks, nn.ModuleList(kept))


def word_embedding(model: nn.Module) -> nn.Embedding:
    """Return the embedding table of word pieces, weight of shape (vocabulary, hidden)."""
    return model.get_submodule(architecture(model.config).word_embedding)  # type: ignore[return-value]


def freeze_lowest(model: nn.Module, layers: int) -> None:
    """Keep the lowest `layers` blocks and, if there are any, the embeddings as they are."""
    if not layers:
        return
    embeddings = model.get_submodule(architecture(model.config).embeddings)
    for part in (embeddings, *blocks(model)[:layers]):
        part.requires_grad_(requires_grad=False)


def replace_word_embedding(model: nn.Module, weight: torch.Tensor) -> nn.Embedding:
    """Put `weight`, (rows, hidden), in place of the word embeddings; return the new table.

    The configuration's vocab_size follows. Padding must keep its id: XLM-R counts
    positions from it.

    Raises:
        EncoderError: another width, or too few rows to hold the padding id.
    """
    old = word_embedding(model)
    padding = old.padding_idx
    if weight.ndim != 2 or weight.shape[1] != old.embedding_dim:
        raise EncoderError(
            f"word embeddings: found shape {tuple(weight.shape)}; "
            f"allowed: (rows, {old.embedding_dim})"
        )
    if padding is not None and padding >= len(weight):
        raise EncoderError(
            f"word embeddings: {len(weight)} rows found; the padding id {padding} needs more"
        )
    new = nn.Embedding(len(weight), old.embedding_dim, padding_idx=padding, _weight=weight)
    new.weight.requires_grad_(old.weight.requires_grad)
    path, _, name = architecture(model.config).word_embedding.rpartition(".")
    setattr(model.get_submodule(path), name, new)
    model.config.vocab_size = len(weight)
    return new


def position_ids(model: nn.Module, attention_mask: torch.Tensor) -> torch.Tensor | None:
    """Return the position of every token, int64 (batch, tokens); None where it is relative.

    Taken from the mask, not from the token ids: the classes would guess padding from
    `pad_token_id`, which is wrong in Multilingual MiniLM's config and moves when a
    vocabulary is trimmed. Padded places get a valid position that nothing attends to.

    Args:
        model: an encoder of the table.
        attention_mask: (batch, tokens), 1 for a real token.

    Source: XLM-R counts from padding_idx + 1 (fairseq `make_positions`).
    """
    rule = architecture(model.config).positions
    if rule == "relative":
        return None
    real = attention_mask.long()
    ranks = torch.cumsum(real, dim=1) * real
    if rule == "after_padding":
        return ranks + model.config.pad_token_id
    return (ranks - 1).clamp(min=0)


def longest_input(config: Any) -> int | None:
    """Return how many tokens the position table holds; None where nothing limits them."""
    rule = architecture(config).positions
    if rule == "relative":
        return None
    offset = config.pad_token_id + 1 if rule == "after_padding" else 0
    return config.max_position_embeddings - offset


def dropout_names(config: Any) -> tuple[str, ...]:
    """Return the keys of `config` that are probabilities of dropout inside the encoder."""
    return architecture(config).dropouts


def body_parameters(model: nn.Module) -> int:
    """Return the number of parameters outside the embeddings and the pooler."""
    outside = [model.get_submodule(architecture(model.config).embeddings)]
    if isinstance(pooler := getattr(model, "pooler", None), nn.Module):
        outside.append(pooler)
    skipped = {id(p) for part in outside for p in part.parameters()}
    return sum(p.numel() for p in model.parameters() if id(p) not in skipped)
