"""Numbers of the document from what was measured."""

import pytest
from benchmarks.profile import kind_of
from benchmarks.results import merge
from benchmarks.summary import (
    carried_forward,
    classes,
    disturbed,
    loss_difference,
    padding,
    ratio,
    share_of_ceiling,
    smoothed,
)


def side(seconds, **more):
    rounds = len(seconds)
    return {"seconds": seconds, "items": [8] * rounds, "tokens": [80] * rounds,
            "places": [100] * rounds, "precision": "fp32"} | more  # fmt: skip


def result(order="ours", **more):
    found = {"row": {"order": order}, "ours": side([1.0, 2.0, 4.0]), "theirs": side([2.0] * 3)}
    return found | more


def test_the_ratio_is_that_of_the_medians_and_its_spread_that_of_the_rounds():
    found = ratio(result())
    assert (found.value, found.low, found.high) == (1.0, 0.5, 2.0)


def test_one_round_of_the_other_side_is_set_against_every_round_of_ours():
    found = ratio(result(theirs=side([8.0])))
    assert (found.value, found.low, found.high) == (4.0, 2.0, 8.0)


def test_padding_is_the_share_of_places_without_a_token_and_never_negative():
    assert padding(side([1.0])) == pytest.approx(0.2)
    assert padding(side([1.0], places=[40])) == 0.0


def test_the_share_of_the_ceiling_counts_real_tokens():
    found = share_of_ceiling(side([1.0], body_params=100, ceiling=96_000.0), "training")
    assert found == pytest.approx(0.5)


def test_a_curve_is_smoothed_over_the_last_eight_steps():
    assert smoothed([1.0, 3.0]) == [1.0, 2.0]
    assert smoothed([0.0] * 8 + [8.0])[-1] == 1.0


def test_curves_are_compared_only_in_the_same_order():
    ours, theirs = side([1.0], losses=[1.0, 1.0]), side([1.0], losses=[1.0, 0.5])
    assert loss_difference(result(ours=ours, theirs=theirs)) == 0.25
    assert loss_difference(result("by_length", ours=ours, theirs=theirs)) is None


def test_classes_follow_precision_and_order():
    assert classes(result()) == ["same numbers"]
    other = result("by_length", theirs=side([1.0], precision="bf16"))
    assert classes(other) == ["same function, other rounding", "other order of items"]


def test_a_row_is_disturbed_when_its_workers_did_not_get_the_machine():
    assert not disturbed(result(ours=side([1.0], cpu_seconds=[0.99])))
    assert disturbed(result(ours=side([1.0], cpu_seconds=[0.6])))


def test_times_are_carried_forward_from_starting_and_pair_costs():
    ours = {"processes": 1, "fixed_seconds": 5.0, "seconds_an_item": 0.01}
    theirs = {"processes": 2, "fixed_seconds": 5.0, "seconds_an_item": 0.1}
    told = carried_forward({"languages": 2, "ours": ours, "theirs": theirs}, 100)
    assert told == pytest.approx((7.0, 30.0))


@pytest.mark.parametrize(("name", "kind"), [
    ("aten::addmm", "matrix products"), ("aten::mm", "matrix products"),
    ("aten::bmm", "attention"), ("aten::_softmax_backward_data", "attention"),
    ("aten::copy_", "casts and copies"), ("aten::add_", "elementwise"),
    ("aten::native_layer_norm_backward", "elementwise"),
    ("aten::embedding_dense_backward", "embedding table"),
    ("aten::_fused_adamw_", "optimizer"), ("cudaLaunchKernel", "other"),
])  # fmt: skip
def test_operations_are_sorted_by_name(name, kind):
    assert kind_of(name) == kind


def test_a_row_that_could_not_be_measured_now_keeps_what_was_measured_before():
    before = {"rows": {"a": {"status": "measured"}, "b": {"status": "failed"}}}
    assert merge(before, "a", {"status": "not measured"}) == before
    assert merge(before, "b", {"status": "measured"})["rows"]["b"]["status"] == "measured"
