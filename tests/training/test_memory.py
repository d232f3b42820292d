import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.conftest import random_pairs
from training.test_loop import fitted, weights
from xstilts.errors import EncoderError
from xstilts.training.memory import is_out_of_memory, make_room

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("can't allocate memory"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_only_a_failed_allocation_is_taken_for_one(error, is_it):
    assert is_out_of_memory(error) is is_it


def test_the_allocator_of_the_host_says_what_is_looked_for():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


@given(st.integers(2, 10_000))
def test_the_micro_batch_shrinks_to_one(size):
    model = torch.nn.Identity()
    seen = [size]
    while seen[-1] > 1:
        seen.append(make_room(model, seen[-1], CPU))
    assert all(2 * small >= large > small for large, small in itertools.pairwise(seen))


def test_at_one_pair_activations_are_recomputed_and_then_it_is_over(encoder):
    model = encoder("bert").train()
    assert not model.is_activation_checkpointing
    assert make_room(model, 1, CPU) == 1
    assert model.is_activation_checkpointing
    with pytest.raises(EncoderError, match="one pair at a time; `method: lora`"):
        make_room(model, 1, CPU)


# ---- steps that do not fit -----------------------------------------------------------------


def too_large(made, monkeypatch, most, error=torch.OutOfMemoryError):
    """Let passes of more than `most` pairs in training fail as if memory were out."""
    logits, passes = made.logits, []

    def watched(pairs, places):
        if len(places) > most:
            raise error("DefaultCPUAllocator: can't allocate memory: you tried to allocate")
        passes.append(len(places))
        return logits(pairs, places)

    monkeypatch.setattr(made, "logits", watched)
    return passes


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError, MemoryError])
def test_a_step_that_does_not_fit_is_taken_in_halves_and_stays_the_same_step(
    classifier, monkeypatch, error
):
    pairs = random_pairs(40)
    whole, made = classifier("aligned"), classifier("aligned")
    for one in (whole, made):
        one.head.dropout.p = 0.0  # two halves draw other numbers than the whole
    expected = fitted(whole, pairs)
    passes = too_large(made, monkeypatch, 3, error)
    found = fitted(made, pairs)
    assert found.micro_batch == 2
    assert expected.micro_batch == 8
    assert set(passes) == {2}
    np.testing.assert_allclose(found.curve, expected.curve, rtol=1e-5)
    for name, weight in weights(made).items():
        if not name.endswith("key.bias"):  # softmax ignores it: its gradient is rounding alone
            torch.testing.assert_close(weight, weights(whole)[name], atol=1e-4, rtol=0, msg=name)


def test_tokens_of_a_step_that_failed_do_not_count(classifier, monkeypatch):
    pairs = random_pairs(16)
    made = classifier()
    passes = too_large(made, monkeypatch, 4)
    found = fitted(made, pairs)
    assert sum(passes) == 16
    assert 0 < found.encoded <= found.tokens
    assert found.slots == found.encoded  # nothing is padded


def test_a_single_pair_that_does_not_fit_is_an_error_that_says_so(classifier, monkeypatch):
    made = classifier()
    too_large(made, monkeypatch, 0)
    with pytest.raises(EncoderError, match="out of memory with one pair at a time"):
        fitted(made, random_pairs(16))


def test_another_error_is_not_taken_for_memory(classifier, monkeypatch):
    made = classifier()
    monkeypatch.setattr(made, "logits", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fitted(made, random_pairs(16))
