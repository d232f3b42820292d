"""Encoders: where weights come from, what differs between classes, and vocabulary trimming.

Importing this package imports torch.
"""

from xstilts.encoders.architecture import (
    Architecture,
    architecture,
    blocks,
    body_parameters,
    longest_input,
    position_ids,
    word_embedding,
)
from xstilts.encoders.folder import open_encoder, resolve_folder, resolve_hub, save_encoder
from xstilts.encoders.prepare import PreparedEncoder, load_encoder_facts, prepare_encoder
from xstilts.encoders.trim import Trimmed, trim_vocabulary
from xstilts.encoders.vector import open_tokenizer, sentence_vectors
from xstilts.encoders.wheel import resolve_wheel

__all__ = [
    "Architecture",
    "PreparedEncoder",
    "Trimmed",
    "architecture",
    "blocks",
    "body_parameters",
    "load_encoder_facts",
    "longest_input",
    "open_encoder",
    "open_tokenizer",
    "position_ids",
    "prepare_encoder",
    "resolve_folder",
    "resolve_hub",
    "resolve_wheel",
    "save_encoder",
    "sentence_vectors",
    "trim_vocabulary",
    "word_embedding",
]
