"""Sentences as vectors under a prepared encoder: the mean of their token vectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer

from xstilts.encoders.architecture import longest_input, position_ids
from xstilts.encoders.folder import open_encoder
from xstilts.errors import EncoderError

#: texts encoded at a time, and tokens at most of each
_BATCH, _LONGEST = 64, 128


def open_tokenizer(folder: Path) -> Any:
    """Return the fast tokenizer of an encoder's folder.

    Raises:
        EncoderError: its files cannot be read, or make no fast tokenizer.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_fast=True
        )
    # the classes below share no base class for a broken file
    except Exception as error:
        line = str(error).strip().splitlines()[0][:200] if str(error).strip() else ""
        raise EncoderError(
            f"{folder}: tokenizer not readable ({type(error).__name__}: {line})"
        ) from error
    if not tokenizer.is_fast:
        raise EncoderError(f"{folder}: no fast tokenizer; a tokenizer.json is needed")
    return tokenizer


@torch.inference_mode()
def sentence_vectors(folder: Path, texts: Sequence[str]) -> np.ndarray:
    """Return the mean token vector of each text, float32 (texts, hidden).

    Special tokens count. Texts are cut at 128 tokens and encoded by length; the order of
    the vectors is that of `texts`.

    Raises:
        EncoderError: the folder holds no encoder or no tokenizer.
    """
    tokenizer, model = open_tokenizer(folder), open_encoder(folder)
    longest = min(_LONGEST, longest_input(model.config) or _LONGEST)
    ids = tokenizer(list(texts), truncation=True, max_length=longest)["input_ids"] if texts else []
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    vectors = np.zeros((len(ids), model.config.hidden_size), np.float32)
    for start in range(0, len(order), _BATCH):
        chosen = order[start : start + _BATCH]
        batch = tokenizer.pad({"input_ids": [ids[place] for place in chosen]}, return_tensors="pt")
        mask = batch["attention_mask"]
        positions = position_ids(model, mask)
        options = {} if positions is None else {"position_ids": positions}
        states = model(input_ids=batch["input_ids"], attention_mask=mask, **options)[0]
        weights = mask[:, :, None].to(states.dtype)
        means = (states * weights).sum(dim=1) / weights.sum(dim=1)
        vectors[chosen] = means.float().numpy()
    return vectors
