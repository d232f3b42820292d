import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from params.conftest import MODEL
from xstilts.params import ModelSpec
from xstilts.params.operations import pass_flops


def model(**changes):
    return ModelSpec.model_validate_json(json.dumps(MODEL | changes))


def test_a_token_costs_two_operations_a_parameter_and_its_attention():
    # 400 body parameters, 4 layers of width 8; texts of a pair of 20 tokens are read alone
    assert pass_flops(model(), 20) == 2 * 400 + 4 * 4 * 8 * 10
    assert pass_flops(model(head="joint"), 20) == 2 * 400 + 4 * 4 * 8 * 20


@given(layers=st.integers(1, 4), length=st.floats(1, 500))
def test_cost_is_proportional_to_the_layers_kept(layers, length):
    one, some = (pass_flops(model(layers=kept), length) for kept in (1, layers))
    assert some == pytest.approx(layers * one)
