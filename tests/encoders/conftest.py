"""Tiny random encoders of every supported class, as folders in the hub's layout."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DebertaV2Config,
    DebertaV2ForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
    XLMRobertaXLConfig,
    XLMRobertaXLForMaskedLM,
)

SIZE = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
}
#: published checkpoints carry a language-model head; so do these
MAKERS: dict[str, Callable[[], PreTrainedModel]] = {
    "xlm-roberta": lambda: XLMRobertaForMaskedLM(
        XLMRobertaConfig(**SIZE, pad_token_id=1, type_vocab_size=1)
    ),
    "xlm-roberta-xl": lambda: XLMRobertaXLForMaskedLM(
        XLMRobertaXLConfig(**SIZE, pad_token_id=1, type_vocab_size=1)
    ),
    "bert": lambda: BertForMaskedLM(BertConfig(**SIZE)),
    "deberta-v2": lambda: DebertaV2ForMaskedLM(
        DebertaV2Config(
            **SIZE,
            type_vocab_size=0,
            relative_attention=True,
            position_buckets=8,
            norm_rel_ebd="layer_norm",
            share_att_key=True,
            pos_att_type=["p2c", "c2p"],
            position_biased_input=False,
        )
    ),
    "modernbert": lambda: ModernBertForMaskedLM(
        ModernBertConfig(
            **SIZE, pad_token_id=0, bos_token_id=2, eos_token_id=1, cls_token_id=1,
            sep_token_id=1, local_attention=8,
        )
    ),
}  # fmt: skip


@pytest.fixture(scope="session")
def hub_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a maker of folders: by model_type, made once, not to be written to."""
    root = tmp_path_factory.mktemp("hub")

    def folder(kind: str) -> Path:
        place = root / kind
        if not place.exists():
            torch.manual_seed(len(kind))
            model = MAKERS[kind]()
            for parameter in model.parameters():  # far from the symmetric start
                torch.nn.init.normal_(parameter, std=0.2)
            model.save_pretrained(place)
            (place / "tokenizer.json").write_text("{}")
        return place

    return folder


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids and mask, (3, 12): rows of 12, 7 and 5 tokens, padded on the right."""
    generator = torch.Generator().manual_seed(5)
    ids = torch.randint(4, 60, (3, 12), generator=generator)
    mask = torch.zeros(3, 12, dtype=torch.long)
    for row, length in enumerate((12, 7, 5)):
        mask[row, :length] = 1
    return ids, mask
