import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from training.conftest import CPU, random_texts
from xstilts.encoders.architecture import ARCHITECTURES, blocks, word_embedding
from xstilts.encoders.folder import open_encoder, save_encoder
from xstilts.encoders.trim import trim_vocabulary
from xstilts.training.adapter import add_adapters, merge_adapters
from xstilts.training.device import Device
from xstilts.training.encode import encode
from xstilts.training.packed import use_packed_attention

BF16 = Device(CPU.torch, "cpu", "bf16")
LENGTHS = [7, 3, 12, 5, 5, 7, 1, 30]
#: inputs and outputs of the projections of a block, hidden 32 and feed-forward 48
WIDTHS = {"modernbert": [(32, 96), (32, 32), (32, 96), (48, 32)]}
BERT_WIDTHS = [(32, 32)] * 4 + [(32, 48), (48, 32)]


def vectors(model, device=CPU):
    kinds = max(1, getattr(model.config, "type_vocab_size", 1))
    texts = random_texts(LENGTHS, kinds=kinds)
    return encode(model, texts, np.arange(len(texts)), device).vectors


def trained(model):
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def learn(model, seed=0, std=0.2):
    """Give B values as training would."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in trained(model).items():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=std, generator=generator)


def adapted(model, rank=4, seed=0, **options):
    torch.manual_seed(seed)
    return add_adapters(model, rank, **options)


@pytest.mark.parametrize("kind", ARCHITECTURES)
@torch.no_grad()
def test_fresh_adapters_change_nothing(encoder, kind):
    model = encoder(kind)
    before = vectors(model)
    assert adapted(model) is model
    assert torch.equal(vectors(model), before)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_every_projection_has_an_adapter_and_nothing_else_is_trained(encoder, kind):
    model = encoder(kind)
    inside = [one for one in blocks(model).modules() if isinstance(one, nn.Linear)]
    widths = WIDTHS.get(kind, BERT_WIDTHS) * len(blocks(model))
    assert sorted((one.in_features, one.out_features) for one in inside) == sorted(widths)
    adapted(model, rank=3)
    parameters = trained(model)
    assert all(".lora_A." in name or ".lora_B." in name for name in parameters)
    assert all(p.dtype == torch.float32 for p in parameters.values())
    assert sum(p.numel() for p in parameters.values()) == 3 * sum(map(sum, widths))


def test_positions_with_matrices_of_their_own_are_adapted(encoder):
    model = encoder("deberta-v2")
    attention = blocks(model)[0].attention.self
    attention.pos_key_proj, attention.pos_query_proj = nn.Linear(32, 32), nn.Linear(32, 32)
    adapted(model)
    assert {"pos_key_proj", "pos_query_proj"} <= {name.split(".")[5] for name in trained(model)}


@pytest.mark.parametrize("kind", ARCHITECTURES)
@torch.no_grad()
def test_a_merged_encoder_is_an_ordinary_one_with_the_same_outputs(encoder, kind, tmp_path):
    model = encoder(kind)
    keys, attributes = list(model.state_dict()), set(vars(model))
    before = vectors(model)
    learn(adapted(model))
    expected = vectors(model)
    assert (expected - before).abs().max() > 0.1
    assert merge_adapters(model) is model
    torch.testing.assert_close(vectors(model), expected, atol=1e-5, rtol=1e-5)
    assert list(model.state_dict()) == keys
    assert set(vars(model)) == attributes
    assert all(p.requires_grad and p.dtype == torch.float32 for p in model.parameters())
    save_encoder(model, tmp_path / "saved")
    assert {path.name for path in (tmp_path / "saved").iterdir()} == {
        "config.json", "model.safetensors",
    }  # fmt: skip
    assert "lora" not in json.dumps(json.loads((tmp_path / "saved/config.json").read_text()))
    again = open_encoder(tmp_path / "saved")
    if not use_packed_attention(again):
        again.set_attn_implementation("eager")
    assert torch.equal(vectors(again), vectors(model))


@given(rank=st.integers(1, 40), seed=st.integers(0, 99), std=st.floats(0, 1))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_merged_matrix_is_the_frozen_one_plus_twice_b_a(encoder, rank, seed, std):
    model = adapted(encoder("bert", layers=1), rank, seed)
    learn(model, seed, std)
    layer = blocks(model)[0].intermediate.dense
    frozen, a, b = (
        part.weight.detach().clone()
        for part in (layer.base_layer, layer.lora_A["default"], layer.lora_B["default"])
    )
    assert (a.shape, b.shape) == ((rank, 32), (48, rank))
    merged = blocks(merge_adapters(model))[0].intermediate.dense.weight
    torch.testing.assert_close(merged, frozen + 2 * b @ a, atol=1e-5, rtol=1e-5)


def test_the_seed_decides_the_adapters(encoder):
    first, same, other = (trained(adapted(encoder(), seed=seed)) for seed in (1, 1, 2))
    for name, parameter in first.items():
        assert torch.equal(parameter, same[name])
        if "lora_B" in name:
            assert not parameter.any()
        else:
            assert parameter.any()
            assert not torch.equal(parameter, other[name])


@pytest.mark.parametrize("packed", [True, False])
def test_training_moves_adapters_alone(encoder, packed):
    model = adapted(encoder(packed=packed)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(trained(model).values(), lr=0.02, weight_decay=0.0)
    losses = []
    for _ in range(8):
        loss = vectors(model).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    moved = {name for name, value in model.state_dict().items() if not value.equal(before[name])}
    assert moved == set(trained(model))


def test_narrow_projections_compute_what_autocast_computes(encoder):
    made = [adapted(encoder(), dtype=dtype) for dtype in (torch.float32, torch.bfloat16)]
    states = []
    for model in made:
        learn(model)
        states.append(vectors(model.train(), BF16))
        states[-1].square().mean().backward()
    assert torch.equal(*states)
    wide, narrow = (trained(model) for model in made)
    assert all(torch.equal(wide[name].grad, narrow[name].grad) for name in wide)
    matrices = [p for name, p in made[1].named_parameters() if name.endswith("base_layer.weight")]
    assert {p.dtype for p in matrices} == {torch.bfloat16}
    assert word_embedding(made[1]).weight.dtype == torch.float32


@torch.no_grad()
def test_what_narrow_projections_learned_is_added_to_the_exact_ones(encoder):
    """Added to the rounded ones, a small change would be lost when they are rounded again."""
    original = encoder().state_dict()
    wide, narrow = (
        adapted(encoder(), dtype=dtype) for dtype in (torch.float32, torch.bfloat16)
    )  # fmt: skip
    for model in (wide, narrow):
        learn(model, std=1e-4)
        merge_adapters(model)
    exact = wide.state_dict()
    assert all(torch.equal(value, exact[name]) for name, value in narrow.state_dict().items())
    name = "encoder.layer.0.intermediate.dense.weight"
    change = exact[name] - original[name]
    kept = exact[name].bfloat16().float() - original[name].bfloat16().float()
    rounded = original[name].bfloat16() + change.bfloat16()
    lost = (rounded == original[name].bfloat16()).float().mean()
    assert lost > 0.7
    # averaged over entries, what is kept of the exact sum has the size of the change
    assert (kept * change).sum() / change.square().sum() == pytest.approx(1, abs=0.5)


def test_a_trimmed_vocabulary_is_put_back_under_merged_adapters(encoder):
    model = encoder()
    whole = word_embedding(model).weight.detach().clone()
    trimmed = trim_vocabulary(model, range(60))
    learn(adapted(model))
    expected = vectors(model).detach()
    trimmed.restore(merge_adapters(model))
    assert torch.equal(word_embedding(model).weight, whole)
    torch.testing.assert_close(vectors(model).detach(), expected, atol=1e-5, rtol=1e-5)


def test_attention_can_be_chosen_with_adapters_in_place(encoder):
    model = encoder(packed=False)
    learn(adapted(model))
    expected = vectors(model).detach()
    assert use_packed_attention(model)
    torch.testing.assert_close(vectors(model).detach(), expected, atol=1e-5, rtol=1e-5)


def test_adapters_are_neither_put_on_twice_nor_merged_when_there_are_none(encoder):
    model = encoder()
    with pytest.raises(ValueError, match="no adapters to merge"):
        merge_adapters(model)
    with pytest.raises(ValueError, match="positive"):
        add_adapters(model, 0)
    assert all(p.requires_grad for p in model.parameters())
    with pytest.raises(ValueError, match="adapters already"):
        add_adapters(adapted(model), 4)
