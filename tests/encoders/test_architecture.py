import pytest
import torch
from transformers import (
    AutoModel,
    BertConfig,
    DebertaV2Config,
    ModernBertConfig,
    XLMRobertaConfig,
    XLMRobertaXLConfig,
)

from xstilts.encoders.architecture import (
    ARCHITECTURES,
    architecture,
    blocks,
    body_parameters,
    dropout_names,
    freeze_lowest,
    longest_input,
    position_ids,
    replace_word_embedding,
    word_embedding,
)
from xstilts.encoders.folder import open_encoder
from xstilts.errors import EncoderError
from xstilts.params import load_model

KINDS = tuple(ARCHITECTURES)
XLMR = {"type_vocab_size": 1, "max_position_embeddings": 514, "pad_token_id": 1}
#: what the published config.json files say beyond the shape
CONFIGS = {
    "xlmr_base": lambda size: XLMRobertaConfig(**size, **XLMR, num_attention_heads=12),
    "xlmr_large": lambda size: XLMRobertaConfig(**size, **XLMR, num_attention_heads=16),
    "xlmr_xl": lambda size: XLMRobertaXLConfig(**size, **XLMR, num_attention_heads=32),
    "xlmr_xxl": lambda size: XLMRobertaXLConfig(**size, **XLMR, num_attention_heads=32),
    "mminilm_l12": lambda size: BertConfig(**size, num_attention_heads=12),
    "mdeberta_base": lambda size: DebertaV2Config(
        **size, num_attention_heads=12, type_vocab_size=0, relative_attention=True,
        position_buckets=256, norm_rel_ebd="layer_norm", share_att_key=True,
        pos_att_type=["p2c", "c2p"], position_biased_input=False,
    ),
    "mmbert_base": lambda size: ModernBertConfig(**size, num_attention_heads=12, pad_token_id=0),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_the_parameter_file_counts_what_transformers_builds(name):
    shape = load_model(name).shape
    config = CONFIGS[name](
        {
            "vocab_size": shape.vocabulary,
            "hidden_size": shape.hidden,
            "num_hidden_layers": shape.layers,
            "intermediate_size": shape.feed_forward,
        }
    )
    options = {"add_pooling_layer": False} if architecture(config).pooler else {}
    with torch.device("meta"):  # shapes only: XXL in no memory
        model = AutoModel.from_config(config, **options)
    assert body_parameters(model) == shape.body_params
    assert sum(p.numel() for p in model.parameters()) == shape.total_params
    assert len(blocks(model)) == shape.layers


def test_an_unknown_class_is_refused_with_the_nearest_name():
    config = XLMRobertaConfig()
    config.model_type = "xlm-robert"
    with pytest.raises(EncoderError, match=r"'xlm-robert' is unknown.*Did you mean 'xlm-roberta'"):
        architecture(config)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_names_cover_every_dropout_of_the_encoder(hub_folder, kind):
    model = open_encoder(hub_folder(kind), dropout=0.3)
    found = {m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)}
    # attention drops by a number, not by a module, in the fused kernels
    found |= {m.attention_dropout for m in model.modules() if hasattr(m, "attention_dropout")}
    assert found == {0.3}
    for name in dropout_names(model.config):
        assert getattr(model.config, name) == 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_fewer_embedding_rows_give_the_same_vectors(hub_folder, batch, kind):
    ids, mask = batch
    model = open_encoder(hub_folder(kind))
    expected = model(input_ids=ids, attention_mask=mask, position_ids=position_ids(model, mask))[0]
    kept = torch.unique(torch.cat([torch.arange(4), ids.flatten()]))
    new_id = torch.zeros(60, dtype=torch.long).scatter(0, kept, torch.arange(len(kept)))
    table = replace_word_embedding(model, word_embedding(model).weight.detach()[kept])
    found = model(
        input_ids=new_id[ids], attention_mask=mask, position_ids=position_ids(model, mask)
    )[0]
    assert word_embedding(model) is table
    assert model.config.vocab_size == len(kept) == table.num_embeddings
    assert torch.equal(found[mask.bool()], expected[mask.bool()])


@pytest.mark.parametrize("shape", [(60, 31), (60,), (1, 32)])
def test_embeddings_of_another_shape_are_refused(hub_folder, shape):
    model = open_encoder(hub_folder("xlm-roberta"))
    with pytest.raises(EncoderError, match="word embeddings"):
        replace_word_embedding(model, torch.zeros(shape))


@pytest.mark.parametrize("kind", KINDS)
def test_a_padded_batch_equals_its_rows_one_by_one(hub_folder, batch, kind):
    ids, mask = batch
    model = open_encoder(hub_folder(kind))
    together = model(input_ids=ids, attention_mask=mask, position_ids=position_ids(model, mask))[0]
    for row, length in enumerate(mask.sum(1).tolist()):
        alone = model(
            input_ids=ids[row : row + 1, :length],
            attention_mask=torch.ones(1, length, dtype=torch.long),
        )[0]
        torch.testing.assert_close(together[row, :length], alone[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("xlm-roberta", [[2, 3, 4], [2, 3, 1]]),
        ("xlm-roberta-xl", [[2, 3, 4], [2, 3, 1]]),
        ("bert", [[0, 1, 2], [0, 1, 0]]),
        ("modernbert", [[0, 1, 2], [0, 1, 0]]),
    ],
)
def test_positions_start_where_the_class_expects_them(hub_folder, kind, expected):
    model = open_encoder(hub_folder(kind))
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    assert position_ids(model, mask).tolist() == expected


def test_relative_positions_are_left_to_the_class(hub_folder):
    model = open_encoder(hub_folder("deberta-v2"))
    assert position_ids(model, torch.ones(1, 3)) is None
    assert longest_input(model.config) is None


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_lowest_layers_are_embeddings_and_blocks(hub_folder, kind):
    model = open_encoder(hub_folder(kind))
    freeze_lowest(model, 0)
    assert all(value.requires_grad for value in model.parameters())
    freeze_lowest(model, 1)
    assert not word_embedding(model).weight.requires_grad
    first, *rest = blocks(model)
    assert not any(value.requires_grad for value in first.parameters())
    assert all(value.requires_grad for block in rest for value in block.parameters())


@pytest.mark.parametrize(("kind", "longest"), [("xlm-roberta", 38), ("bert", 40)])
def test_the_longest_input_is_the_last_that_runs(hub_folder, kind, longest):
    model = open_encoder(hub_folder(kind))
    assert longest_input(model.config) == longest

    def run(length):
        ids = torch.full((1, length), 5)
        mask = torch.ones_like(ids)
        return model(input_ids=ids, attention_mask=mask, position_ids=position_ids(model, mask))

    run(longest)
    with pytest.raises((IndexError, RuntimeError)):
        run(longest + 1)
