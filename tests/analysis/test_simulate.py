import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.analysis.crosscheck import bca_interval
from xstilts.analysis.power import Components, procedure
from xstilts.analysis.resample import Variances
from xstilts.analysis.simulate import (
    BATCH,
    METHODS,
    SIMULATION,
    SPREADS,
    MadeUp,
    differences,
    scenarios,
    simulate,
)

#: a share of 200 has a standard error of 1.5 points at 95 %, 3.5 at 50 %
REPETITIONS, DRAWS = 200, 300


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, float], pd.DataFrame]:
    """Three seeds: what matters and the true difference -> what each method gives."""
    return {
        (matters, effect): simulate(
            MadeUp(matters, effect, 3, items=200), REPETITIONS, DRAWS
        ).set_index("method")
        for matters in ("items", "seeds")
        for effect in (0.0, 2.0)
    }


def test_every_method_has_a_row_and_shares_are_shares(found):
    for table in found.values():
        assert [*table.reset_index()[list(SIMULATION)]] == list(SIMULATION)
        assert tuple(table.index) == METHODS
        assert table[["coverage", "rejected"]].stack().between(0, 1).all()
        assert (table["width"] > 0).all()


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_hold_the_truth_and_seldom_reject_what_is_true(found, method):
    for (_, effect), table in found.items():
        assert table.loc[method, "coverage"] > 0.88
        if effect == 0.0:
            assert table.loc[method, "rejected"] < 0.12


def test_without_a_difference_an_interval_rejects_what_it_does_not_hold(found):
    for matters in ("items", "seeds"):
        table = found[matters, 0.0]
        assert (table["coverage"] + table["rejected"]).to_numpy() == pytest.approx(1.0)


def test_naive_intervals_fall_short_where_what_they_leave_out_matters(found):
    naive = found["seeds", 0.0]
    assert naive.loc["items", "coverage"] < 0.75
    assert naive.loc["unstretched", "coverage"] < naive.loc["percentile", "coverage"]
    assert naive.loc["unstretched", "coverage"] < 0.92
    blind = simulate(MadeUp("items", 0.0, 10, items=200), REPETITIONS, DRAWS).set_index("method")
    assert blind.loc["seeds", "coverage"] < 0.9
    assert blind.loc["percentile", "coverage"] > 0.9


def test_students_t_over_seeds_is_exact_where_items_have_no_part_of_their_own():
    table = simulate(MadeUp("answers", 0.0, 5, items=200), REPETITIONS, DRAWS)
    assert table.set_index("method").loc["seeds", "coverage"] == pytest.approx(0.95, abs=0.05)


def test_power_is_above_the_error_and_grows_with_the_seeds(found):
    table = found["items", 2.0]
    assert table.loc["percentile", "rejected"] > found["items", 0.0].loc["percentile", "rejected"]
    more = simulate(MadeUp("items", 2.0, 10, items=200), REPETITIONS, DRAWS).set_index("method")
    assert more.loc["percentile", "rejected"] > table.loc["percentile", "rejected"]


def test_equal_arguments_give_equal_numbers_and_other_kinds_other_draws():
    made = MadeUp("items", 2.0, 3, items=60)
    first, again = (simulate(made, 2 * BATCH, 50) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    one, other = (differences(made, place, 50)[1][:, 0] for place in (0, 1))
    assert (one != other).mean() > 0.5


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(sorted(SPREADS)), st.floats(-5, 5), st.integers(2, 5), st.integers(0, 10**6)
)
def test_the_share_of_right_answers_is_the_expected_accuracy(
    matters: str, effect: float, seeds: int, seed: int
):
    made = MadeUp(matters, effect, seeds, items=20)
    right = made.answers(400, np.random.default_rng(seed))
    assert right.shape == (400, 2, seeds, 5, 20)
    shares = 100.0 * right.mean(axis=(0, 2, 4))
    expected = np.add.outer([0.0, effect], made.accuracies)
    # seeds and items of 400 studies leave less than a point; five of these
    np.testing.assert_allclose(shares, expected, atol=4.0)


def test_what_matters_is_what_the_difference_varies_by():
    parts = {}
    for matters in SPREADS:
        resampling, drawn = differences(MadeUp(matters, 0.0, 5), 0, 200)
        mean = np.mean([resampling.variances(values) for values in drawn], axis=0)
        parts[matters] = Components.of(Variances(*mean), 5)
    assert parts["items"].item > parts["items"].seed / 5
    assert parts["seeds"].seed / 5 > 2 * parts["seeds"].item
    for variance in (parts["answers"].seed, parts["answers"].item):
        assert variance < parts["answers"].both / 4


@pytest.mark.parametrize(("matters", "seeds"), [("items", 5), ("seeds", 3)])
def test_power_by_chi_square_is_that_of_the_grid(matters, seeds):
    """The share of made-up studies that reject is what `power.procedure` says beforehand."""
    made = MadeUp(matters, 4.0, seeds, items=200)
    rejected, variances = [], []
    for place in range(8):
        resampling, drawn = differences(made, place, DRAWS)
        rejected += [resampling.estimate(values).resolved for values in drawn]
        variances += [resampling.variances(values) for values in drawn]
    components = Components.of(Variances(*np.mean(variances, axis=0)), seeds)
    said = procedure(components, seeds, 0.95)
    assert np.mean(rejected) == pytest.approx(said.power(4.0), abs=0.08)
    low, high = bca_interval(resampling, drawn[0])
    assert low < drawn[0, 0] < high


def test_kinds_of_studies_differ_and_numbers_of_repetitions_are_whole_batches():
    kinds = list(scenarios())
    assert len(set(kinds)) == len(kinds) == 18
    for wrong in (BATCH, 2 * BATCH + 1, 0):
        with pytest.raises(ValueError, match="repetitions"):
            simulate(kinds[0], wrong)
