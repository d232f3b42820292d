import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.analysis.multiple import false_discovery, holm


def naive_holm(p: list[float]) -> list[float]:
    """Return the least level at which each is rejected, by walking down the sorted list."""
    adjusted = []
    for mine in p:
        smaller = sorted(one for one in p if one <= mine)
        worst = max((len(p) - place) * one for place, one in enumerate(smaller))
        adjusted.append(min(1.0, worst))
    return adjusted


@given(st.lists(st.floats(0, 1), max_size=8, unique=True))
def test_holm_is_the_step_down_rule(p: list[float]):
    assert holm(p) == pytest.approx(naive_holm(p))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_p_and_bonferroni_and_keeps_the_order(p: list[float]):
    adjusted = np.array(holm(p))
    assert (adjusted >= np.array(p) - 1e-15).all()
    assert (adjusted <= np.minimum(1, len(p) * np.array(p)) + 1e-15).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_what_cannot_be_tested_makes_the_others_no_dearer():
    assert holm([0.01, float("nan"), 0.04]) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([]) == []


def naive_false_discovery(p: list[float]) -> list[float]:
    """Return m p / rank, made not larger than any of a larger p."""
    ranked = sorted(p)
    raw = [min(1.0, len(p) * one / (place + 1)) for place, one in enumerate(ranked)]
    return [min(raw[ranked.index(one) :]) for one in p]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8, unique=True))
def test_false_discovery_is_the_step_up_rule(p: list[float]):
    assert false_discovery(p) == pytest.approx(naive_false_discovery(p))


def test_what_cannot_be_tested_is_in_no_family():
    assert false_discovery([0.01, float("nan"), 0.04]) == pytest.approx(
        [0.02, np.nan, 0.04], nan_ok=True
    )
    assert np.isnan(false_discovery([float("nan")])).all()
    assert len(false_discovery([])) == 0
