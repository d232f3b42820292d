import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

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
