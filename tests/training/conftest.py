"""Tiny encoders, pairs of random token ids, and a study whose data and encoders are computed."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import encoders.conftest as tiny
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from results.conftest import forget_keys
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from xstilts.encoders.architecture import body_parameters
from xstilts.encoders.folder import open_encoder
from xstilts.encoders.prepare import prepare_encoder
from xstilts.params import cells, find_cell
from xstilts.tasks import prepare_task
from xstilts.training.device import Device
from xstilts.training.head import make_head
from xstilts.training.model import PairClassifier
from xstilts.training.packed import use_packed_attention
from xstilts.training.text import Pairs, Texts

hub_folder = tiny.hub_folder
CPU = Device(torch.device("cpu"), "cpu", "fp32")


# ---- random token ids ---------------------------------------------------------------------


def random_texts(lengths: Sequence[int], seed: int = 0, kinds: int = 1) -> Texts:
    """Return texts of random ids, 4 to 59; segments 0 to `kinds` - 1."""
    rng = np.random.default_rng(seed)
    count = int(sum(lengths))
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Texts(rng.integers(4, 60, count), rng.integers(0, kinds, count), starts)


def random_pairs(pairs: int, *, sides: int = 2, labels: int = 3, seed: int = 0) -> Pairs:
    """Return pairs of texts of 3 to 11 tokens; every text is read by several pairs."""
    rng = np.random.default_rng(seed)
    texts = random_texts(rng.integers(3, 12, max(4, pairs // 2)), seed)
    places = rng.integers(0, len(texts), (pairs, sides))
    return Pairs(texts, places, rng.integers(0, labels, pairs), pd.DataFrame())


@pytest.fixture
def encoder(hub_folder: Callable[[str], Path]) -> Callable[..., nn.Module]:
    """Return an opener of tiny encoders by model_type; packed where the class can."""

    def opened(kind: str = "xlm-roberta", *, packed: bool = True, **options: Any) -> nn.Module:
        model = open_encoder(hub_folder(kind), **options)
        for module in model.modules():
            if isinstance(module, nn.LayerNorm):  # no feature is next to constant
                nn.init.ones_(module.weight)
        if not (packed and use_packed_attention(model)):
            model.set_attn_implementation("eager")
        return model

    return opened


@pytest.fixture
def classifier(encoder: Callable[..., nn.Module]) -> Callable[..., PairClassifier]:
    """Return a maker of classifiers, all with the same weights at first."""

    def made(head: str = "siamese", labels: int = 3, **options: Any) -> PairClassifier:
        model = encoder(**options)
        return PairClassifier(model, make_head(head, 32, labels), CPU)

    return made


# ---- tokenizers ---------------------------------------------------------------------------


def word_tokenizer(words: Sequence[str], *, segments: bool = False) -> PreTrainedTokenizerFast:
    """Return a tokenizer of whole words: XLM-R's template, or BERT's with two segments."""
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    vocabulary = {word: place for place, word in enumerate([*names, *words])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    pair = "<s> $A </s> $B:1 </s>:1" if segments else "<s> $A </s> </s> $B </s>"
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair=pair, special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        unk_token="<unk>", model_input_names=inputs if segments else [inputs[0], inputs[2]],
    )  # fmt: skip


# ---- a study ------------------------------------------------------------------------------

WIDTH = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
    "max_position_embeddings": 80, "pad_token_id": 1,
}  # fmt: skip
#: model of the study -> class of its encoder
HEADS = {"aligned": "bert", "joint": "bert", "siamese": "xlm-roberta"}
ITEMS, SCORED, LANGUAGES = 24, 9, ("de", "en", "zh")


@pytest.fixture(scope="session")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose data and encoder cells are computed; not to be written to."""
    root = tmp_path_factory.mktemp("computed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XSTILTS_ROOT", str(root))
        _write_params(root)
        forget_keys()
        grid = cells("tiny")
        tables = [prepare_task(cell) for cell in grid if cell.stage == "10_data"]
        texts = pd.concat([t[c] for d in tables for t in (d.train, d.test)
                           for c in ("text_a", "text_b")])  # fmt: skip
        words = sorted({word for text in texts for word in text.split()})
        words += [f"unread{place}" for place in range(20)]
        for head, kind in HEADS.items():
            _write_encoder(root, head, kind, words)
        forget_keys()
        for cell in cells("tiny"):
            if cell.stage == "20_encoder":
                prepare_encoder(cell)
    forget_keys()
    return root


@pytest.fixture
def project(computed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the computed project, with the study `tiny`."""
    shutil.copytree(computed, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("XSTILTS_ROOT", str(tmp_path))
    forget_keys()
    yield tmp_path
    forget_keys()


def change_study(root: Path, **changes: Any) -> None:
    path = root / "params" / "studies" / "tiny.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))
    forget_keys()


def middle_cell(head: str = "siamese", arm: str = "multilingual", **options: Any):
    return find_cell(
        "30_intermediate", "tiny", model=head, task="questions", arm=arm, **options
    )  # fmt: skip


def end_cell(head: str = "siamese", start: str = "none", **options: Any):
    return find_cell("40_target", "tiny", model=head, start=start, task="nli", **options)


def _write_params(root: Path) -> None:
    budget = {"items": 16, "epochs": 2}
    task = {"train_items": ITEMS, "test_items": SCORED, "test_languages": list(LANGUAGES)}
    source = {"kind": "miniature", "seed": 5}
    specs = {
        "tasks/nli": task | {
            "title": "nli", "kind": "nli", "skill": "nli", "train_languages": ["en"],
            "labels": ["entailment", "neutral", "contradiction"],
            "source": source | {"generator": "nli", "lexicon": "A"},
        },
        "tasks/questions": task | {
            "title": "questions", "kind": "paraphrase", "skill": "questions",
            "train_languages": ["de", "en"], "labels": ["different", "same"],
            "label_names": {"0": "different", "1": "same"},
            "source": source | {"generator": "questions", "lexicon": "B"},
        },
        "studies/tiny": {
            "title": "tiny", "models": list(HEADS), "arms": ["none", "english", "multilingual"],
            "intermediates": ["questions"], "targets": ["nli"], "seeds": [0, 1],
            "intermediate_budget": budget, "target_budget": budget,
            "optimizer": {"learning_rate": 1e-3, "head_factor": 10.0, "batch": 5, "clip": 1.0,
                          "warmup_fraction": 0.1, "weight_decay": 0.01},
        },
    }  # fmt: skip
    # a stand-in until the words, and so the size of the vocabulary, are known
    shape = dict.fromkeys(("layers", "hidden", "feed_forward", "vocabulary", "body_params",
                           "total_params"), 99)  # fmt: skip
    specs |= {f"models/{head}": _model(head, shape) for head in HEADS}
    for name, values in specs.items():
        path = root / "params" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(values))


def _model(head: str, shape: dict[str, int]) -> dict[str, Any]:
    return {"family": "tiny", "source": {"kind": "folder", "path": f"tiny/{head}"}, "shape": shape,
            "layers": shape["layers"], "head": head, "dropout": 0.1, "max_tokens": 40,
            "precision": "fp32", "licence": "MIT"}  # fmt: skip


def _write_encoder(root: Path, head: str, kind: str, words: Sequence[str]) -> None:
    torch.manual_seed(3)
    options = WIDTH | {"vocab_size": len(words) + 4}
    if kind == "bert":
        model = BertModel(BertConfig(**options), add_pooling_layer=False)
    else:
        config = XLMRobertaConfig(**options, type_vocab_size=1)
        model = XLMRobertaModel(config, add_pooling_layer=False)
    model.save_pretrained(root / "tiny" / head)
    word_tokenizer(words, segments=kind == "bert").save_pretrained(root / "tiny" / head)
    shape = {
        "layers": 2, "hidden": 16, "feed_forward": 24, "vocabulary": len(words) + 4,
        "body_params": body_parameters(model),
        "total_params": sum(one.numel() for one in model.parameters()),
    }  # fmt: skip
    path = root / "params" / "models" / f"{head}.yaml"
    path.write_text(yaml.safe_dump(_model(head, shape)))
