import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from params.conftest import MODEL
from xstilts.params import ModelSpec, as_json
from xstilts.params.method import adapter_params, method_title, scoring_flops, training_flops
from xstilts.params.operations import pass_flops


def model(**changes):
    return ModelSpec.model_validate_json(json.dumps(MODEL | changes))


def test_every_weight_is_trained_unless_a_file_says_otherwise():
    assert (model().method, model().lora_rank) == ("full", 16)
    assert method_title(model()) == "full"
    assert method_title(model(method="lora", lora_rank=4)) == "LoRA r=4"


def test_what_is_validated_can_be_read_again():
    for spec in (model(), model(method="lora", lora_rank=4)):
        assert ModelSpec.model_validate_json(json.dumps(as_json(spec))) == spec


@pytest.mark.parametrize("rank", [0, -1, 2.5, True])
def test_a_rank_is_a_positive_whole_number(rank):
    with pytest.raises(ValidationError, match="lora_rank"):
        model(method="lora", lora_rank=rank)


def test_a_rank_that_nothing_would_read_is_refused():
    with pytest.raises(ValidationError, match="8 means nothing without `method: lora`"):
        model(lora_rank=8)


def test_another_method_is_refused():
    with pytest.raises(ValidationError, match="method"):
        model(method="prefix")


def test_frozen_layers_are_fewer_than_the_layers_and_not_loras():
    assert model().frozen_layers == 0
    assert method_title(model(layers=4, frozen_layers=1)) == "upper 3"
    with pytest.raises(ValidationError, match="frozen_layers: 4 of 4 layers; allowed: fewer"):
        model(layers=4, frozen_layers=4)
    with pytest.raises(ValidationError, match="freezes every layer already"):
        model(layers=4, frozen_layers=1, method="lora")


@given(layers=st.integers(2, 4), length=st.integers(1, 500), recompute=st.booleans())
def test_frozen_layers_cost_nothing_in_training_and_scoring(layers, length, recompute):
    full, upper = model(layers=layers), model(layers=layers, frozen_layers=1)
    share = (layers - 1) / layers
    whole = training_flops(full, length, recompute=recompute)
    part = training_flops(upper, length, recompute=recompute)
    assert part == pytest.approx(share * whole)
    assert scoring_flops(full, length) == pytest.approx(pass_flops(full, length))
    assert scoring_flops(upper, length) == pytest.approx(share * pass_flops(full, length))


@given(layers=st.integers(1, 4), rank=st.integers(1, 64), length=st.integers(1, 500))
def test_operations_follow_from_what_is_trained(layers, rank, length):
    full = model(layers=layers)
    lora = model(layers=layers, method="lora", lora_rank=rank)
    forward, adapters = pass_flops(full, length), 2 * adapter_params(lora)
    assert adapter_params(full) == 0
    assert adapter_params(lora) == rank * adapter_params(model(layers=layers, method="lora",
                                                               lora_rank=1))  # fmt: skip
    assert training_flops(full, length) == pytest.approx(3 * forward)
    assert training_flops(full, length, recompute=True) == pytest.approx(4 * forward)
    saved = 3 * (forward + adapters) - training_flops(lora, length)
    assert saved == pytest.approx(2 * full.body_params)
    again = training_flops(lora, length, recompute=True) - training_flops(lora, length)
    assert again == pytest.approx(forward + adapters)
