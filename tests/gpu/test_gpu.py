"""What needs a CUDA GPU; skipped where there is none."""

import numpy as np
import pytest
import torch
from torch import nn
from training.conftest import CPU, random_pairs, random_texts

from xstilts.params import Budget, Optimizer
from xstilts.training import packed
from xstilts.training.checkpoint import Checkpoint
from xstilts.training.device import Device
from xstilts.training.encode import encode as encode_texts
from xstilts.training.head import make_head
from xstilts.training.loop import train
from xstilts.training.model import PairClassifier
from xstilts.training.telemetry import gemm_ceiling

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")

PACKED = ["bert", "xlm-roberta", "xlm-roberta-xl", "modernbert"]
LENGTHS = [7, 3, 12, 5, 5, 7, 1, 30, 3, 20]
RULE = Optimizer(
    learning_rate=1e-3, head_factor=10.0, batch=8, warmup_fraction=0.2, weight_decay=0.1, clip=1.0
)  # fmt: skip


def gpu(precision: str = "fp32") -> Device:
    return Device(torch.device("cuda"), "gpu", precision)


def vectors(model: nn.Module, device: Device) -> torch.Tensor:
    texts = random_texts(LENGTHS)
    model = model.to(device.torch)
    return encode_texts(model, texts, np.arange(len(LENGTHS)), device).vectors.detach().cpu()


@pytest.mark.parametrize("kind", [*PACKED, "deberta-v2"])
def test_the_gpu_answers_as_the_cpu_does(encoder, kind):
    torch.backends.cuda.matmul.allow_tf32 = False
    expected = vectors(encoder(kind), CPU)
    torch.testing.assert_close(vectors(encoder(kind), gpu()), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", PACKED)
def test_variable_length_attention_answers_as_the_cpu_does_in_half_precision(
    encoder, kind, monkeypatch
):
    """Windows of local layers included: ModernBERT's long texts exceed them."""
    called = []
    attend = packed.varlen_attn
    monkeypatch.setattr(
        packed, "varlen_attn", lambda *args, **kw: (called.append(1), attend(*args, **kw))[1]
    )
    expected = vectors(encoder(kind), CPU)
    found = vectors(encoder(kind), gpu("bf16"))
    assert called
    assert (found - expected).abs().max() < 0.15
    assert (found - expected).abs().mean() < 0.02


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_training_learns_what_the_cpu_learns(encoder, precision):
    curves = []
    for device in (CPU, gpu(precision)):
        made = PairClassifier(encoder().to(device.torch), make_head("aligned", 32, 3), device)
        made.head.dropout.p = 0.0
        pairs = random_pairs(40)
        made.prepare_head(pairs)
        curves.append(train(made, pairs, Budget(items=40, epochs=2), RULE, seed=0).curve)
    tolerance = 1e-3 if precision == "fp32" else 0.1
    np.testing.assert_allclose(curves[0]["loss"], curves[1]["loss"], atol=tolerance)


def test_a_run_goes_on_bit_by_bit(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr("xstilts.training.checkpoint.RARELY", 0.0)
    torch.use_deterministic_algorithms(True, warn_only=True)

    def run(checkpoint=None, stop=0):
        model = encoder(dropout=0.2).cuda()
        made = PairClassifier(model, make_head("siamese", 32, 3), gpu())
        pairs = random_pairs(40)
        made.prepare_head(pairs)

        def on_step(step, _):
            if step == stop:
                raise KeyboardInterrupt

        budget = Budget(items=40, epochs=2)
        return train(made, pairs, budget, RULE, seed=0, on_step=on_step, checkpoint=checkpoint)

    path = tmp_path / "c.safetensors"
    whole = run()
    with pytest.raises(KeyboardInterrupt):
        run(Checkpoint(path, "k", 0.0), stop=6)
    again = run(Checkpoint(path, "k", 0.0))
    assert again.resumed == 6
    assert again.curve.equals(whole.curve)


def test_a_batch_that_does_not_fit_is_cut(encoder):
    made = PairClassifier(encoder().cuda(), make_head("siamese", 32, 3), gpu())
    _, total = torch.cuda.mem_get_info()
    pairs = random_pairs(16)
    made.prepare_head(pairs)
    held = torch.cuda.memory_allocated()
    torch.cuda.set_per_process_memory_fraction((held + (48 << 20)) / total)
    try:
        logits = made.logits

        def greedy(pairs, places):
            torch.empty(len(places) * (8 << 20), dtype=torch.uint8, device="cuda")
            return logits(pairs, places)

        made.logits = greedy
        trained = train(made, pairs, Budget(items=16, epochs=1), RULE, seed=0)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert trained.micro_batch < 8


def test_the_ceiling_is_that_of_a_gpu():
    assert gemm_ceiling(1024, 4096, 8192, gpu("bf16")) > 1e12
