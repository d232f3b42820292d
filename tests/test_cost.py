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
    held_parameters,
    lora_bytes,
    memory,
    pair_tokens,
    remedies,
    trained_parameters,
    training,
)
from xstilts.encoders.architecture import freeze_lowest
from xstilts.errors import SpecError
from xstilts.params import ModelSpec, load_model
from xstilts.params.load import parse
from xstilts.params.method import adapter_params
from xstilts.params.operations import pass_flops
from xstilts.training.adapter import add_adapters
from xstilts.training.recompute import recompute_activations

HIDDEN, WIDE, LAYERS = 128, 512, 3
H100, A100_40 = DEVICES["h100-80"], DEVICES["a100-40"]


@pytest.fixture(scope="module")
def encoder():
    return make_encoder()


def make_encoder():
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


@pytest.mark.parametrize("recompute", [False, True])
def test_operations_of_lora_agree_with_those_that_torch_counts(spec, recompute):
    adapted = add_adapters(make_encoder(), 16)
    if recompute:
        recompute_activations(adapted)
    adapted.set_attn_implementation("eager")
    with FlopCounterMode(display=False) as counter:
        adapted(**pairs())[0].sum().backward()
    model = spec(method="lora")
    need = memory(model, batch=5, micro_batch=5, recompute=recompute)
    learned = training(model, items=5, epochs=1, batch=5, mean_tokens=96, need=need)
    # less than planned: no gradient passes from the first block to frozen embeddings
    assert counter.get_total_flops() < learned.flops
    assert learned.flops == pytest.approx(counter.get_total_flops(), rel=0.05)


def test_frozen_layers_are_neither_trained_nor_kept(spec):
    encoder = make_encoder()
    freeze_lowest(encoder, 2)
    trained = sum(p.numel() for p in encoder.parameters() if p.requires_grad)
    assert trained_parameters(spec(frozen_layers=2)) == trained
    kept, whole = (
        activation_bytes(spec(frozen_layers=frozen), 4, recompute=False) for frozen in (2, 0)
    )
    assert LAYERS * kept == (LAYERS - 2) * whole


def test_trained_parameters_of_lora_are_those_of_its_adapters(spec):
    adapted = add_adapters(make_encoder(), 5)
    trained = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    model = spec(method="lora", lora_rank=5)
    assert trained_parameters(model) == adapter_params(model) == trained
    assert held_parameters(model) == held_parameters(spec()) == trained_parameters(spec())


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("precision", ["auto", "fp32"])
def test_activations_agree_with_the_bytes_that_autograd_keeps(encoder, spec, precision, method):
    if method == "lora":
        encoder = add_adapters(make_encoder(), 16)
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
    expected = activation_bytes(spec(precision=precision, method=method), 5, recompute=False)
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


def test_memory_of_lora_is_two_bytes_a_frozen_parameter_and_those_of_adapters():
    model = load_model("xlmr_xxl")
    need = memory(model, batch=32, micro_batch=1, recompute=True)
    adapters, embeddings = adapter_params(model), model.total_params - model.body_params
    assert adapters == 16 * 48 * (10 * 4096 + 2 * 16384)
    assert need.weights == 2 * model.body_params + 4 * embeddings + 6 * adapters
    assert (need.gradients, need.optimizer) == (4 * adapters, 8 * adapters)
    assert lora_bytes(model.model_copy(update={"method": "full"})) == need.training


def test_lora_in_fp32_holds_weights_of_four_bytes_and_no_copies(spec):
    model = spec(method="lora", precision="fp32")
    need = memory(model, batch=8, micro_batch=8, recompute=False)
    assert need.weights == 4 * (model.total_params + adapter_params(model))


def test_a_step_of_lora_moves_adapters_and_starts_twice_the_kernels(spec):
    works = []
    for method in ("full", "lora"):
        model = spec(method=method)
        need = memory(model, batch=8, micro_batch=8, recompute=False)
        works.append(training(model, items=8, epochs=1, batch=8, mean_tokens=96, need=need))
    full, lora = works
    assert lora.step_bytes == 32 * adapter_params(spec(method="lora"))
    assert lora.block_passes == 2 * full.block_passes
    assert 2 / 3 * full.flops < lora.flops < full.flops


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
        ("xlmr_xxl", "h100-80", 16, False, True),
        ("xlmr_xxl", "a100-40", 4, False, True),
        ("xlmr_xxl", "rtx4090", 1, True, False),
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


def test_lora_is_no_remedy_for_a_model_that_is_trained_so():
    model, card = load_model("xlmr_xxl"), DEVICES["rtx4090"]
    found = " ".join(remedies(model, card, fit(model, card, 32)))
    assert "LoRA" not in found
    assert "a100-40" in found


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
