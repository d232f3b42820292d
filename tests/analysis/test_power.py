import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.analysis.power import (
    DIFFERENCES,
    POWERS,
    SEEDS,
    WANTED,
    Components,
    power_rows,
    procedure,
    tabulate_powers,
)
from xstilts.analysis.resample import Resampling, Variances

variance = st.floats(0.0, 20.0)
components = st.builds(Components, variance, st.floats(0.01, 20.0), variance)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("effect", [0.0, 1.0, 3.0, 6.0])
def test_where_items_do_not_matter_power_is_that_of_students_t(seeds: int, effect: float):
    """`effect` in standard errors of the mean of the seeds: the noncentral t distribution."""
    deviation = 1.7
    freedom, edge = seeds - 1, scipy.stats.t.isf(0.025, seeds - 1)
    expected = scipy.stats.nct.sf(edge, freedom, effect) + scipy.stats.nct.cdf(
        -edge, freedom, effect
    )
    found = procedure(Components(deviation**2, 0.0, 0.0), seeds, 0.95)
    assert found.power(effect * deviation / np.sqrt(seeds)) == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize("effect", [0.0, 1.0, 2.8])
def test_where_seeds_do_not_matter_power_is_that_of_the_normal(effect: float):
    found = procedure(Components(0.0, 4.0, 0.0), 3, 0.9)
    edge = scipy.stats.norm.isf(0.05)
    expected = scipy.stats.norm.sf(edge - effect) + scipy.stats.norm.sf(edge + effect)
    assert found.power(2.0 * effect) == pytest.approx(expected, abs=1e-6)


def test_half_the_width_is_that_of_the_draws():
    """The mixture of normals has the quantiles of Student's t plus a normal."""
    seeds, rng = 4, np.random.default_rng(0)
    parts = Components(seed=4.0, item=1.0, both=2.0)
    found = procedure(parts, seeds, 0.95)
    place = len(found.half) // 2
    ratio = scipy.stats.chi2.ppf((place + 0.5) / len(found.half), seeds - 1) / (seeds - 1)
    shown = (parts.seed + parts.both) / seeds * ratio
    drawn = np.sqrt(shown) * rng.standard_t(seeds - 1, 400_000)
    drawn += np.sqrt(parts.item) * rng.standard_normal(400_000)
    assert found.half[place] == pytest.approx(np.quantile(drawn, 0.975), rel=0.01)


@settings(max_examples=25, deadline=None)
@given(components, st.integers(2, 12), st.floats(0.5, 0.99))
def test_power_grows_with_the_difference_and_is_alike_on_both_sides(
    parts: Components, seeds: int, confidence: float
):
    found = procedure(parts, seeds, confidence)
    powers = [found.power(value) for value in (0.0, 0.5, 1.0, 2.0, 4.0)]
    assert (np.diff(powers) >= -1e-12).all()
    assert 0.0 <= powers[0] <= powers[-1] <= 1.0 + 1e-12
    assert found.power(-1.5) == pytest.approx(found.power(1.5))
    assert found.power(found.detectable()) == pytest.approx(WANTED, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(components, st.integers(2, 8), st.floats(0.1, 10.0))
def test_a_difference_in_other_units_has_the_same_power(
    parts: Components, seeds: int, factor: float
):
    scaled = Components(*(factor**2 * one for one in parts))
    mine, other = procedure(parts, seeds, 0.95), procedure(scaled, seeds, 0.95)
    assert other.detectable() == pytest.approx(factor * mine.detectable(), rel=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 20.0), variance, variance)
def test_more_seeds_detect_less(seed: float, item: float, both: float):
    parts = Components(seed, item, both)
    found = [procedure(parts, seeds, 0.95).detectable() for seeds in (3, 5, 10)]
    assert found == sorted(found, reverse=True)


def test_components_are_those_that_the_draws_hold():
    assert Components.of(Variances(3.0, 2.0, 1.0), 4) == (8.0, 1.0, 4.0)
    assert Components.of(Variances(1.0, 2.0, 3.0), 4) == (0.0, 0.0, 12.0)


def test_what_does_not_vary_is_always_detected():
    found = procedure(Components(0.0, 0.0, 0.0), 3, 0.95)
    assert found.power(0.01) == 1.0
    assert found.detectable() < 1e-6


def test_rows_hold_every_number_of_seeds_and_difference_once():
    rows = list(power_rows(Variances(0.5, 0.3, 0.1), 4, 0.95))
    keys = [(row["seeds"], row["difference"]) for row in rows]
    assert keys == [(seeds, value) for seeds in sorted({4, *SEEDS}) for value in DIFFERENCES]
    assert {row["seeds"] for row in rows if row["own"]} == {4}
    for row in rows:
        assert row["low"] <= row["detectable"] <= row["high"]


def test_a_study_has_the_power_of_each_model_and_of_their_mean(sample):
    found = tabulate_powers(sample)
    assert list(found.columns) == list(POWERS)
    assert list(dict.fromkeys(found["model"])) == [*sample.design.models, "mean"]
    assert set(found["seeds"]) == set(SEEDS)  # three are its own
    own = found[found["own"]].drop_duplicates("model").set_index("model")
    by_model = own.loc[list(sample.design.models), "detectable"]
    assert own.loc["mean", "detectable"] < by_model.max()
    assert (found.loc[found["difference"] == 0, "power"] < 0.15).all()
    assert set(found["items"]) == {120}  # sixty of each target


def test_one_seed_has_no_power(study):
    from xstilts.analysis import analyse

    assert analyse(study(layers=(3,), seeds=(0,), items=20)).powers.empty


def test_variances_of_seeds_alone_are_those_of_their_mean():
    by_seed = np.array([61.0, 64.0, 66.5, 63.0])
    resampling = Resampling.of("s", 4, 40_000, 0.95)
    values = np.full(resampling.columns, by_seed.mean())
    values[1:40_001] += resampling.shifts @ by_seed
    found = resampling.variances(values)
    assert found.seeds == pytest.approx(scipy.stats.sem(by_seed) ** 2, rel=0.03)
    assert found.items == found.interaction == 0.0
    assert resampling.own_share(values) == 0.0
