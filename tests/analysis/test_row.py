import pytest

from xstilts.analysis.resample import Estimate
from xstilts.analysis.row import count_columns, estimate_columns, size_columns, table_of


def test_sizes_are_those_of_the_models_file(sample):
    found = size_columns(sample, "made_l06")
    spec = sample.design.models["made_l06"]
    assert found == {
        "model": "made_l06", "family": "made", "layers": 6, "body_params": spec.body_params,
        "total_params": spec.total_params,
    }  # fmt: skip


def test_items_are_counted_once_over_the_languages(sample):
    assert count_columns(sample, "made_nli", ("de", "sw")) == {"seeds": 3, "items": 60}


@pytest.mark.parametrize(("low", "resolved"), [(0.5, True), (-0.5, False), (float("nan"), False)])
def test_resolved_says_that_the_interval_excludes_zero(low, resolved):
    found = estimate_columns(Estimate(1.0, low, 2.0, 0.5))
    assert (found["estimate"], found["resolved"]) == (1.0, resolved)


def test_no_rows_are_a_table_of_the_right_types():
    table = table_of([], {"a": "int64", "b": "bool"})
    assert dict(table.dtypes.astype(str)) == {"a": "int64", "b": "bool"}
