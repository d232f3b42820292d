import dataclasses

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import World

from xstilts.analysis.estimand import error_reduction
from xstilts.analysis.resample import GROUPS, Estimate, Resampling


def answers(seed: int, shape: tuple[int, int, int, int], chance: float = 0.6) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < chance


def whole(languages: int, items: int) -> np.ndarray:
    return np.ones((languages, items), dtype=bool)


def test_the_estimate_is_the_plain_mean_and_means_of_draws_are_close_to_it():
    correct = answers(0, (2, 3, 4, 50))
    values = Resampling.of("s", 3, 4000, 0.95).scores("t", correct, whole(4, 50))
    assert values.shape == (2, 4, 1 + 3 * 4000 + 3 + GROUPS + 3 * GROUPS)
    np.testing.assert_allclose(values[:, :, 0], 100 * correct.mean(axis=(1, 3)))
    for part in np.split(values[:, :, 1 : 1 + 3 * 4000], 3, axis=2):
        np.testing.assert_allclose(part.mean(axis=2), values[:, :, 0], atol=0.6)


def test_items_that_a_language_lacks_count_neither_as_right_nor_as_wrong():
    correct = answers(1, (1, 2, 2, 40))
    scored = whole(2, 40)
    scored[1, 10:] = False
    values = Resampling.of("s", 2, 200, 0.95).scores("t", correct, scored)
    assert values[0, 1, 0] == pytest.approx(100 * correct[0, :, 1, :10].mean())
    assert (values[..., : 1 + 3 * 200] >= -1e-9).all()
    changed = correct.copy()
    changed[:, :, 1, 10:] = ~changed[:, :, 1, 10:]
    again = Resampling.of("s", 2, 200, 0.95).scores("t", changed, scored)
    np.testing.assert_array_equal(values, again)


def test_equal_names_give_equal_draws_and_other_names_other_ones():
    correct, scored = answers(2, (1, 3, 2, 30)), whole(2, 30)
    first, again = (Resampling.of("s", 3, 100, 0.95).scores("t", correct, scored) for _ in "ab")
    np.testing.assert_array_equal(first, again)
    for other in (
        Resampling.of("s", 3, 100, 0.95).scores("u", correct, scored),
        Resampling.of("r", 3, 100, 0.95).scores("t", correct, scored),
    ):
        assert (other != first).mean() > 0.3


def test_arms_with_the_same_answers_differ_by_nothing_in_every_draw():
    one = answers(3, (1, 3, 2, 60))
    resampling = Resampling.of("s", 3, 300, 0.95)
    values = resampling.scores("t", np.concatenate([one, one]), whole(2, 60))
    found = resampling.estimate((values[1] - values[0]).mean(axis=0))
    assert found == Estimate(0.0, 0.0, 0.0, 1.0)
    assert not found.resolved


def test_pairing_makes_a_difference_surer_than_its_parts():
    rng = np.random.default_rng(4)
    hard = rng.normal(size=100)  # shared by the arms
    latent = hard + 0.3 * rng.normal(size=(2, 6, 1, 100)) + np.array([0, 0.5])[:, None, None, None]
    resampling = Resampling.of("s", 6, 1000, 0.95)
    values = resampling.scores("t", latent > 0, whole(1, 100))[:, 0]
    gain, base = resampling.estimate(values[1] - values[0]), resampling.estimate(values[0])
    assert gain.high - gain.low < 0.75 * (base.high - base.low)
    assert gain.resolved


def test_with_equal_seeds_the_interval_is_scipys_bootstrap_over_items():
    items = answers(5, (1, 1, 1, 200))
    correct = np.repeat(items, 3, axis=1)  # seeds that agree on everything
    resampling = Resampling.of("s", 3, 8000, 0.9)
    found = resampling.estimate(resampling.scores("t", correct, whole(1, 200))[0, 0])
    expected = scipy.stats.bootstrap(
        (100.0 * items.ravel(),), np.mean, confidence_level=0.9, n_resamples=8000,
        method="percentile", rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    assert found.low == pytest.approx(expected.low, abs=0.51)  # half an item of 200, and a hair
    assert found.high == pytest.approx(expected.high, abs=0.51)


def test_with_items_that_do_not_matter_the_interval_is_students():
    by_seed = np.array([61.0, 64.0, 66.5, 63.0])
    resampling = Resampling.of("s", 4, 40_000, 0.95)
    values = np.full(resampling.columns, by_seed.mean())
    values[1:40_001] += resampling.shifts @ by_seed
    found = resampling.estimate(values)
    low, high = scipy.stats.t.interval(0.95, 3, by_seed.mean(), scipy.stats.sem(by_seed))
    assert found.low == pytest.approx(low, abs=0.12)
    assert found.high == pytest.approx(high, abs=0.12)


def test_rounding_does_not_decide_whether_an_interval_touches_zero():
    assert not Estimate(5.0, 1e-15, 9.0, 0.05).resolved
    assert not Estimate(-5.0, -9.0, -1e-15, 0.05).resolved
    assert Estimate(5.0, 1e-3, 9.0, 0.05).resolved
    resampling = Resampling.of("s", 2, 100, 0.95)
    noise = np.where(np.arange(resampling.columns) % 2, 1e-14, -1e-14)
    assert resampling.estimate(noise).p == 1.0


def test_one_seed_has_a_value_and_no_interval():
    resampling = Resampling.of("s", 1, 200, 0.95)
    values = resampling.scores("t", answers(6, (1, 1, 1, 50)), whole(1, 50))
    found = resampling.estimate(values[0, 0])
    assert np.isfinite(found.value)
    assert np.isnan([found.low, found.high, found.p]).all()
    assert not found.resolved


def test_an_undefined_estimate_has_no_interval_and_undefined_draws_are_left_out():
    resampling = Resampling.of("s", 3, 500, 0.95)
    correct = answers(7, (2, 3, 1, 12), 0.9)
    correct[0, :, :, 1:] = True
    correct[0, :, :, 0] = False  # one error: none of it left in a third of the item draws
    base, score = resampling.scores("t", correct, whole(1, 12))[:, 0]
    drawn = error_reduction(score, base)
    assert np.isnan(drawn).any()
    assert np.isfinite(dataclasses.astuple(resampling.estimate(drawn))).all()
    assert np.isnan(resampling.estimate(np.full_like(drawn, np.nan)).low)


@settings(max_examples=30, deadline=None)
@given(st.floats(-3, 3), st.integers(2, 6), st.integers(0, 10**6))
def test_p_and_interval_agree(shift: float, seeds: int, seed: int):
    draws = 400
    resampling = Resampling.of(f"s{seed}", seeds, draws, 0.95)
    values = np.full(resampling.columns, shift)
    values[1 : 1 + 3 * draws] = np.random.default_rng(seed).normal(shift, 1, 3 * draws)
    found = resampling.estimate(values)
    assert found.low <= found.high
    if found.resolved:
        assert found.p <= 0.05 + 2 / draws
    else:
        assert found.p >= 0.05 - 2 / draws


def test_parts_of_the_answers_are_scores_on_them_alone():
    correct, scored = answers(8, (2, 3, 2, 250)), whole(2, 250)
    scored[1, 240:] = False
    resampling = Resampling.of("s", 3, 20, 0.95)
    values = resampling.scores("t", correct, scored)[1, 0]
    parts = resampling.parts(values)
    mine = 100.0 * correct[1, :, 0]
    assert parts.without_seed == pytest.approx([mine[[1, 2]].mean(), mine[[0, 2]].mean(),
                                                mine[[0, 1]].mean()])  # fmt: skip
    assert parts.without_group[0] == pytest.approx(mine[:, 3:].mean())  # groups of 2 or 3
    assert parts.cells.shape == (3, GROUPS)
    assert parts.cells[2, 0] == pytest.approx(mine[2, :3].mean())
    lacking = resampling.parts(resampling.scores("t", correct, scored)[1, 1])
    assert np.isnan(lacking.cells[:, -1]).all()
    assert np.isfinite(lacking.without_group).all()


def test_one_seed_cannot_be_left_out():
    resampling = Resampling.of("s", 1, 20, 0.95)
    values = resampling.scores("t", answers(9, (1, 1, 1, 50)), whole(1, 50))[0, 0]
    assert np.isnan(resampling.parts(values).without_seed).all()


def simulated(world: World, number: int) -> np.ndarray:
    """Return right answers (arm, seed, language, item) of the latent model, all parts shared."""
    rng = np.random.default_rng(number)
    of_seed, of_item, rest = world.spread
    arms, languages = ("none", "multilingual"), ("en", "de", "sw")
    latent = np.array([[world.latent(6, arm, code) for code in languages] for arm in arms])
    shape = (2, len(world.seeds), len(languages), world.items)
    seeds, items = rng.normal(size=shape[1]), rng.normal(size=shape[3])
    parts = of_seed * seeds[None, :, None, None] + of_item * items
    return latent[:, None, :, None] + parts + rest * rng.normal(size=shape) > 0


@pytest.mark.parametrize(
    "spread", [(0.03, 0.7, 0.7), (0.4, 0.2, 0.9)], ids=["items matter", "seeds matter"]
)
def test_intervals_hold_the_truth_as_often_as_they_say(spread: tuple[float, float, float]):
    world = World(spread=spread, seeds=(0, 1, 2), items=80)
    held, naive, repeats = {"score": 0, "gain": 0}, 0, 250
    truth = [world.true_score(6, arm, "de") for arm in ("none", "multilingual")]
    for number in range(repeats):
        correct = simulated(world, number)
        resampling = Resampling.of(f"simulated {number}", 3, 300, 0.95)
        values = resampling.scores("t", correct, whole(3, 80))[:, 1]
        for name, drawn, true in (
            ("score", values[0], truth[0]),
            ("gain", values[1] - values[0], truth[1] - truth[0]),
        ):
            found = resampling.estimate(drawn)
            held[name] += found.low <= true <= found.high
        low, high = np.quantile(values[0, 301:601], [0.025, 0.975])  # of items alone
        naive += low <= truth[0] <= high
    # three standard errors of a share of 250 are four points
    assert held["score"] / repeats > 0.91
    assert held["gain"] / repeats > 0.91
    if spread[0] > 0.1:
        assert naive / repeats < 0.7
