import time

import pytest
import torch
from transformers import BertConfig, BertModel

from training.conftest import CPU, random_pairs
from xstilts.encoders.architecture import body_parameters
from xstilts.params import Budget, Optimizer, load_model
from xstilts.params.operations import pass_flops
from xstilts.training.device import Device
from xstilts.training.loop import train
from xstilts.training.telemetry import gemm_ceiling, speed_facts

RULE = Optimizer(
    learning_rate=1e-3, head_factor=1.0, batch=8, warmup_fraction=0.1, weight_decay=0.0, clip=1.0
)  # fmt: skip


def facts(classifier, epochs=2):
    made, pairs = classifier(), random_pairs(40)
    made.prepare_head(pairs)
    trained = train(made, pairs, Budget(items=40, epochs=epochs), RULE, seed=0)
    return trained, speed_facts(load_model("e5_l02"), CPU, trained)


def test_speeds_are_counts_over_seconds(classifier):
    trained, found = facts(classifier)
    assert found["items_per_second"] == pytest.approx(80 / trained.seconds)
    assert found["tokens_per_second"] == pytest.approx(trained.tokens / trained.seconds)
    assert found["mfu"] == pytest.approx(found["flops"] / trained.seconds / found["gemm_flops"])
    assert found["padding_share"] == 0.0
    assert found["encoded_tokens"] == trained.encoded < trained.tokens
    assert found["micro_batch"] == 8


def test_operations_are_those_that_pytorch_counts():
    """Of the products alone: attention's scores cost little at these lengths."""
    spec = load_model("e5_l02")
    config = BertConfig(
        hidden_size=384, num_hidden_layers=2, num_attention_heads=12, intermediate_size=1536,
        vocab_size=50, attn_implementation="eager",
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False)
    assert body_parameters(model) == spec.body_params
    ids = torch.randint(5, 50, (4, 20))
    with torch.utils.flop_counter.FlopCounterMode(display=False) as counter:
        model(input_ids=ids)[0].sum().backward()
    by_formula = 3 * 80 * pass_flops(spec, 40)
    assert by_formula == pytest.approx(counter.get_total_flops(), rel=0.02)


def test_the_ceiling_is_measured_once_and_is_that_of_the_products():
    gemm_ceiling.cache_clear()
    device = Device(torch.device("cpu"), "cpu", "fp32")
    found = gemm_ceiling(96, 384, 64, device)
    started = time.perf_counter()
    assert gemm_ceiling(96, 384, 64, device) == found
    assert time.perf_counter() - started < 0.01
    assert 1e8 < found < 1e15
