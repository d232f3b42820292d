import json
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from params.conftest import BUDGET, MODEL, OPTIMIZER, STUDY, TASK
from xstilts.params import ModelSpec, Optimizer, StudySpec, TaskSpec, as_json


def model(**changes):
    return ModelSpec.model_validate_json(json.dumps(MODEL | changes))


def study(**changes):
    return StudySpec.model_validate_json(json.dumps(STUDY | changes))


def test_a_spec_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        study().title = "other"


@pytest.mark.parametrize(
    ("key", "value"),
    [("learning_rate", 0.0), ("learning_rate", inf), ("learning_rate", nan), ("batch", 0),
     ("batch", 2.0), ("batch", True), ("warmup_fraction", 1.0), ("weight_decay", -0.1),
     ("clip", 0.0), ("clip", "1")],
)  # fmt: skip
def test_an_optimizer_refuses_what_is_out_of_range_or_of_another_type(key, value):
    with pytest.raises(ValidationError, match=key):
        Optimizer.model_validate(OPTIMIZER | {key: value})


def test_a_whole_number_may_stand_for_a_real_one():
    assert study(optimizer=OPTIMIZER | {"clip": 1}).optimizer.clip == 1.0
    assert as_json(study(optimizer=OPTIMIZER | {"clip": 1})) == as_json(study())


def test_equal_values_are_one_spec_whatever_their_spelling():
    text = json.dumps(STUDY)
    for spelling in ("1.0e-4", "1E-4", "0.00010"):
        assert "0.0001" in text
        spelt = StudySpec.model_validate_json(text.replace("0.0001", spelling))
        assert as_json(spelt) == as_json(study())


def test_more_layers_than_there_are_are_refused():
    assert model(layers=4).layers == 4
    with pytest.raises(ValidationError, match="5 kept of 4"):
        model(layers=5)


@given(layers=st.integers(1, 4))
def test_leaving_layers_out_takes_parameters_of_blocks_alone(layers):
    spec = model(layers=layers)
    assert spec.truncated == (layers < 4)
    assert spec.body_params == 100 * layers
    assert spec.total_params - spec.body_params == 600


@pytest.mark.parametrize("key", ["models", "arms", "intermediates", "targets", "seeds"])
def test_a_value_listed_twice_is_refused(key):
    doubled = [*STUDY[key], STUDY[key][0]]
    with pytest.raises(ValidationError, match=f"{key}: a value is listed twice"):
        study(**{key: doubled})


def test_a_study_needs_its_baseline():
    with pytest.raises(ValidationError, match="'none' is missing"):
        study(arms=["english"])


def test_an_arm_needs_an_intermediate_task():
    with pytest.raises(ValidationError, match="intermediates: empty"):
        study(intermediates=[])
    assert study(intermediates=[], arms=["none"]).intermediates == ()


def test_a_budget_of_a_task_replaces_both_defaults():
    made = study(
        intermediate_budget={"items": 7, "epochs": 1}, budgets={"both": {"items": 9, "epochs": 3}}
    )
    assert {made.budget("both", stage).items for stage in ("intermediate", "target")} == {9}
    assert made.budget("english_only", "intermediate").items == 7
    assert made.budget("goal", "target").items == BUDGET["items"]


def test_items_in_a_targets_name_replace_those_of_its_budget_alone():
    made = study(targets=["goal@20", "both"], budgets={"goal": {"items": 9, "epochs": 3}})
    assert made.budget("goal@20", "target").model_dump() == {"items": 20, "epochs": 3}
    assert made.budget("both@7", "target").model_dump() == BUDGET | {"items": 7}


@pytest.mark.parametrize("name", ["goal@", "goal@0", "goal@-3", "goal@1e3", "@20", "goal@20@20"])
def test_a_target_with_no_whole_number_of_items_is_refused(name):
    with pytest.raises(ValidationError):
        study(targets=[name])


def test_an_optimizer_of_a_model_replaces_the_default():
    made = study(optimizers={"large": OPTIMIZER | {"learning_rate": 1e-5}})
    assert made.optimizer_of("large").learning_rate == 1e-5
    assert made.optimizer_of("small").learning_rate == 1e-4


def test_a_source_is_told_by_its_kind():
    assert model().source.kind == "folder"
    assert model(source={"kind": "hub", "id": "a/b", "revision": "main"}).source.id == "a/b"
    with pytest.raises(ValidationError, match="revision"):
        model(source={"kind": "hub", "id": "a/b"})


def test_the_metric_of_a_task_is_accuracy():
    assert TaskSpec.model_validate_json(json.dumps(TASK)).metric == "accuracy"
