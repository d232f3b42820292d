import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.analysis.estimand import (
    contrast_value,
    error_reduction,
    gain,
    language_groups,
    share_of_gap_closed,
    slope_weights,
    transfer_gap,
)

scores = st.floats(0, 99.9)
CODES = ["ar", "de", "en", "es", "fr", "sw", "zh"]


def test_worked_cases():
    assert gain(72.0, 70.0) == 2.0
    assert error_reduction(72.0, 60.0) == pytest.approx(30.0)
    assert transfer_gap(80.0, 65.0) == 15.0
    assert share_of_gap_closed(68.0, 65.0, 80.0) == pytest.approx(20.0)


def test_two_points_are_more_errors_removed_where_fewer_are_left():
    high, low = error_reduction(92.0, 90.0), error_reduction(62.0, 60.0)
    assert gain(92.0, 90.0) == gain(62.0, 60.0)
    assert high == pytest.approx(20.0)
    assert low == pytest.approx(5.0)


@given(scores, scores)
def test_both_units_have_one_sign(score: float, base: float):
    points, errors = (contrast_value(unit, score, base) for unit in ("points", "error_reduction"))
    assert np.sign(points) == np.sign(errors)


@given(scores, scores)
def test_errors_removed_are_those_of_the_base(score: float, base: float):
    left = (100 - base) * (1 - error_reduction(score, base) / 100)
    assert left == pytest.approx(100 - score, abs=1e-9)


def test_what_is_undefined_is_nan_and_spoils_no_neighbour():
    found = error_reduction(np.array([99.0, 72.0]), np.array([100.0, 60.0]))
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(30.0)
    shares = share_of_gap_closed(np.array([70.0, 70.0]), np.array([66.0, 66.0]), [60.0, 70.0])
    assert np.isnan(shares[0])
    assert shares[1] == pytest.approx(100.0)


@given(st.lists(st.integers(10**6, 10**10), min_size=2, max_size=6, unique=True), st.data())
def test_the_slope_is_that_of_a_fitted_line(params: list[int], data: st.DataObject):
    y = np.array([data.draw(st.floats(-50, 50)) for _ in params])
    x = np.log10(params)
    if np.ptp(x) < 1e-3:  # polyfit itself is ill-conditioned there
        return
    weights = slope_weights(params, ["one"] * len(params))
    assert weights is not None
    assert weights @ y == pytest.approx(np.polyfit(x, y, 1)[0], rel=1e-6, abs=1e-6)


def test_families_share_a_slope_and_have_intercepts_of_their_own():
    params, families = [10**6, 10**7, 10**8, 3 * 10**6, 3 * 10**8], ["a"] * 3 + ["b"] * 2
    y = np.random.default_rng(0).normal(size=5)
    dummies = np.array([[name == "a", name == "b"] for name in families], dtype=float)
    fit, *_ = np.linalg.lstsq(np.column_stack([np.log10(params), dummies]), y, rcond=None)
    weights = slope_weights(params, families)
    assert weights is not None
    assert weights @ y == pytest.approx(fit[0])


def test_a_family_of_one_size_has_no_say():
    weights = slope_weights([10**6, 10**7, 10**9], ["a", "a", "b"])
    assert weights is not None
    assert weights[2] == 0
    assert slope_weights([10**6, 10**9], ["a", "b"]) is None
    assert slope_weights([10**6, 10**6], ["a", "a"]) is None


@given(
    st.lists(st.sampled_from(CODES), min_size=1, unique=True),
    st.lists(st.sampled_from(CODES), unique=True),
)
def test_groups_part_the_languages(languages: list[str], trained: list[str]):
    groups = language_groups(languages, trained)
    assert groups["all"] == tuple(languages)
    assert set(groups.get("en", ())) | set(groups.get("other", ())) == set(languages)
    seen, unseen = set(groups.get("seen", ())), set(groups.get("unseen", ()))
    assert seen | unseen == set(groups.get("other", ()))
    assert not seen & unseen
    assert seen <= set(trained)
    assert all(groups.values())
    assert all(groups[code] == (code,) for code in languages)


def test_without_intermediate_task_no_language_is_seen_or_unseen():
    assert set(language_groups(["en", "de"])) == {"en", "other", "all", "de"}
