import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.analysis.crosscheck import (
    CROSSCHECKS,
    FLIPS,
    METHODS,
    bca_interval,
    crosscheck,
    equivalence_interval,
    mixed_effects,
    pseudo_values,
    sign_flip,
    student_interval,
)
from xstilts.analysis.resample import GROUPS, Resampling


def drawn(chance: float, seeds: int = 4, items: int = 200, draws: int = 4000):
    """Return draws of a score whose items are shared by the seeds."""
    rng = np.random.default_rng(3)
    latent = rng.normal(size=(1, 1, 1, items)) + 0.6 * rng.normal(size=(1, seeds, 1, items))
    resampling = Resampling.of("c", seeds, draws, 0.95)
    correct = latent < scipy.stats.norm.ppf(chance) * np.sqrt(1.36)
    values = resampling.scores("t", correct, np.ones((1, items), dtype=bool))
    return resampling, values[0, 0], correct[0, :, 0]


def test_every_hypothesis_that_can_be_tested_is_tried_by_every_method(sample, analysis):
    found = crosscheck(sample)
    assert list(found.columns) == list(CROSSCHECKS)
    names = [one.name for one in sample.design.study.hypotheses]
    assert list(dict.fromkeys(found["name"])) == names
    assert found.groupby("name")["method"].apply(list).tolist() == [list(METHODS)] * len(names)
    own = found[found["method"] == "percentile"].set_index("name")
    declared = analysis.hypotheses.set_index("name")
    for column in ("estimate", "low", "high", "p"):
        assert own[column].tolist() == pytest.approx(declared[column].tolist())


def test_methods_agree_on_a_clear_effect(sample):
    found = crosscheck(sample)
    clear = found[found["name"] == "multilingual_over_english"].set_index("method")
    assert (clear["low"].dropna() > 0).all()
    assert clear.loc["sign_flip_items", "p"] < 0.01
    assert clear.loc["sign_flip_seeds", "p"] == 2 / 2**3  # three seeds cannot say less
    assert clear.loc["mixed", "estimate"] == pytest.approx(clear.loc["seeds", "estimate"], abs=0.5)


def test_one_seed_gives_no_row(study):
    from xstilts.analysis import analyse

    assert analyse(study(layers=(3,), seeds=(0,), items=20)).crosschecks.empty


def test_pseudo_values_of_seeds_are_what_each_seed_says_alone():
    resampling, values, correct = drawn(0.7)
    seeds, groups = pseudo_values(resampling, values)
    assert seeds == pytest.approx(100 * correct.mean(axis=1))
    assert groups.mean() == pytest.approx(values[0])
    assert len(groups) == GROUPS


def test_groups_without_items_are_not_counted():
    resampling, values, _ = drawn(0.7, items=40)
    assert len(pseudo_values(resampling, values)[1]) == 40


def test_bca_is_scipys_where_the_seeds_agree():
    items = np.random.default_rng(5).random(GROUPS) < 0.93  # a group an item: skewed
    correct = np.broadcast_to(items, (1, 3, 1, GROUPS))
    resampling = Resampling.of("b", 3, 20_000, 0.9)
    values = resampling.scores("t", correct, np.ones((1, GROUPS), dtype=bool))[0, 0]
    low, high = bca_interval(resampling, values)
    expected = scipy.stats.bootstrap(
        (100.0 * items,), np.mean, confidence_level=0.9, n_resamples=20_000, method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1.01)
    plain = resampling.estimate(values)
    assert low < plain.low  # the skew is to the left of a high score


def test_nothing_varies_nothing_to_correct():
    resampling = Resampling.of("b", 3, 200, 0.95)
    values = np.full(resampling.columns, 2.0)
    assert bca_interval(resampling, values) == (2.0, 2.0)
    assert np.isnan(mixed_effects(resampling.parts(values).cells, 0.95)[1])


def test_students_interval_is_scipys():
    by_seed = np.array([1.0, 2.5, 0.5, 3.0])
    expected = scipy.stats.ttest_1samp(by_seed, 0).confidence_interval(0.95)
    ends = pytest.approx((expected.low, expected.high), rel=1e-12)
    assert student_interval(by_seed, 0.95) == ends


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-9, 9).filter(bool), min_size=2, max_size=8))
def test_the_exact_sign_flip_is_scipys_permutation_test(values: list[int]):
    found = sign_flip(np.array(values, dtype=float))
    expected = scipy.stats.permutation_test(
        (np.array(values, dtype=float),), np.sum, permutation_type="samples", n_resamples=np.inf,
        alternative="two-sided",
    ).pvalue  # fmt: skip
    assert found == pytest.approx(min(1.0, expected), abs=1e-12)


def test_many_values_are_flipped_at_random_and_the_observed_sign_counts():
    assert sign_flip(np.full(40, 1.0)) == 1 / (FLIPS + 1)
    assert sign_flip(np.zeros(40)) == 1.0
    noise = np.random.default_rng(0).normal(size=60)
    assert sign_flip(noise - noise.mean()) == 1.0
    assert sign_flip(noise) == pytest.approx(scipy.stats.ttest_1samp(noise, 0).pvalue, abs=0.05)


def test_the_mixed_model_of_balanced_data_has_the_error_of_the_analysis_of_variance():
    rng = np.random.default_rng(7)
    seeds, groups = rng.normal(0, 2, 5), rng.normal(0, 3, GROUPS)
    cells = 4 + seeds[:, None] + groups + rng.normal(0, 2, (5, GROUPS))
    mean, low, high, p = mixed_effects(cells, 0.95)
    rest = cells - cells.mean(axis=0) - cells.mean(axis=1, keepdims=True) + cells.mean()
    within = (rest**2).sum() / (4 * (GROUPS - 1))
    of_seeds, of_groups = cells.mean(axis=1).var(ddof=1), cells.mean(axis=0).var(ddof=1)
    error = np.sqrt(of_seeds / 5 + of_groups / GROUPS - within / (5 * GROUPS))
    assert mean == pytest.approx(cells.mean(), abs=1e-3)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.01)
    assert p == pytest.approx(2 * scipy.stats.norm.sf(mean / error), rel=0.1)


def test_the_mixed_model_takes_cells_that_are_missing():
    cells = np.random.default_rng(8).normal(1, 1, (3, 20))
    cells[0, :4] = np.nan
    mean, low, high, _ = mixed_effects(cells, 0.95)
    assert low < np.nanmean(cells) < high
    assert np.isfinite(mean)


def test_equivalence_is_the_interval_of_twice_the_level():
    resampling, values, _ = drawn(0.7)
    low, high = equivalence_interval(resampling, values)
    whole = resampling.estimate(values)
    assert whole.low < low < values[0] < high < whole.high
    spread = resampling.spread(values)
    assert np.mean(spread < low) <= 0.05 <= np.mean(spread <= low)


def test_a_part_that_does_not_vary_is_left_out_of_the_mixed_model():
    rng = np.random.default_rng(9)
    cells = rng.normal(0, 3, 40) + rng.normal(0, 1, (4, 40))
    cells -= cells.mean(axis=1, keepdims=True)  # seeds agree to the last digit
    mean, low, high, _ = mixed_effects(cells, 0.95)
    assert mean == pytest.approx(0, abs=1e-6)
    by_group = cells.mean(axis=0)
    assert (high - low) / 2 == pytest.approx(1.96 * scipy.stats.sem(by_group), rel=0.05)
