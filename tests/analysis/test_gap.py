import dataclasses

import numpy as np
import pytest

from xstilts.analysis import Sample, analyse, tabulate_gaps
from xstilts.analysis.gap import GAPS

KEY = ["model", "intermediate", "arm", "target"]


@pytest.fixture(scope="module")
def gaps(sample):
    return tabulate_gaps(sample)


def english_raised(sample: Sample, by: float) -> Sample:
    """Return the sample with the English score of every start moved, in every draw."""
    values = {}
    for target, outcomes in sample.outcomes.items():
        moved = sample._values[target].copy()
        moved[:, outcomes.languages.index("en")] += by
        values[target] = moved
    return dataclasses.replace(sample, _values=values, _means={})


def test_every_start_has_one_row(gaps, analysis):
    assert list(gaps.columns) == list(GAPS)
    assert not gaps.duplicated(KEY).any()
    assert len(gaps) == 3 * 2 * 5
    assert set(gaps["pair"]) == {"none", "cross", "same"}
    assert ((gaps["pair"] == "none") == (gaps["arm"] == "none")).all()
    assert analysis.gaps[KEY].equals(gaps[KEY])


def test_gaps_are_differences_of_the_scores(gaps, analysis):
    score = analysis.scores.set_index([*KEY, "group"])["score"]
    for row in gaps.to_dict("records"):
        start, base = (row["intermediate"], row["arm"]), ("none", "none")
        (english, other), (base_english, base_other) = (
            [score[row["model"], *one, row["target"], group] for group in ("en", "other")]
            for one in (start, base)
        )
        assert row["gap"] == pytest.approx(english - other)
        assert row["base_gap"] == pytest.approx(base_english - base_other)
        if row["arm"] != "none" and row["defined"]:
            expected = 100 * (other - base_other) / (base_english - base_other)
            assert row["share"] == pytest.approx(expected)
            assert row["share_low"] <= row["share"] <= row["share_high"]


def test_the_arm_that_helps_other_languages_closes_more_of_the_gap(gaps):
    shares = gaps[gaps["intermediate"] == "made_nli_b"].set_index(["model", "target", "arm"])
    wide = shares["share"].unstack("arm").dropna()
    assert len(wide)
    assert (wide["multilingual"] > wide["english"]).all()


def test_a_share_is_given_where_the_baselines_gap_lies_above_zero_and_nowhere_else(gaps):
    assert (gaps["defined"] == (gaps["base_low"] > 0)).all()
    arms = gaps[gaps["arm"] != "none"]
    assert (arms["share"].notna() == arms["defined"]).all()
    assert gaps.loc[gaps["arm"] == "none", "share"].isna().all()


@pytest.mark.parametrize("by", [-60.0, 0.0])
def test_a_gap_that_is_not_positive_or_within_noise_has_no_share(sample, gaps, by):
    level = gaps.loc[gaps["arm"] == "none", "base_gap"].max() if not by else 0.0
    found = tabulate_gaps(english_raised(sample, by - level))
    assert (found["base_low"] < 0).all()
    assert not found["defined"].any()
    assert found[["share", "share_low", "share_high"]].isna().all(axis=None)
    np.testing.assert_allclose(found["gap"], gaps["gap"] + by - level)


def test_a_change_in_english_alone_changes_the_gap_and_not_what_closes_it(sample, gaps):
    outcomes = sample.outcomes["made_nli"]
    start = outcomes.entries.index(("made_l06", "made_nli_b-multilingual"))
    moved = sample._values["made_nli"].copy()
    moved[start, outcomes.languages.index("en")] += 5.0
    values = dict(sample._values) | {"made_nli": moved}
    found = tabulate_gaps(dataclasses.replace(sample, _values=values, _means={}))
    changed = ~np.isclose(found["gap"], gaps["gap"])
    assert changed.sum() == 1
    np.testing.assert_allclose(found["share"], gaps["share"])


def test_without_a_baseline_a_start_has_its_own_gap_alone(sample, without):
    found = tabulate_gaps(without(sample, ("made_l06", "none"), "made_nli"))
    rows = found[(found["model"] == "made_l06") & (found["target"] == "made_nli")]
    assert len(rows) == 4
    assert rows[["gap", "low", "high"]].notna().all(axis=None)
    assert rows[["base_gap", "share"]].isna().all(axis=None)
    assert not rows["defined"].any()


@pytest.mark.parametrize("kept", [("en",), ("de", "sw")])
def test_a_target_without_english_or_without_others_has_no_gap(sample, kept):
    one = sample.outcomes["made_nli"]
    places = [one.languages.index(code) for code in kept]
    cut = dataclasses.replace(
        one, languages=kept, correct=one.correct[:, :, places], scored=one.scored[places]
    )
    drawn = Sample.draw(sample.design, dict(sample.outcomes) | {"made_nli": cut})
    assert set(tabulate_gaps(drawn)["target"]) == {"made_paraphrase"}


def test_one_seed_has_gaps_without_interval_and_no_share(study):
    found = analyse(study(layers=(3,), seeds=(4,), items=20)).gaps
    assert found["gap"].notna().all()
    assert found[["low", "high", "base_low", "share"]].isna().all(axis=None)
    assert not found["defined"].any()


def test_arm_none_alone_has_a_gap(study):
    found = analyse(study(layers=(3,), arms=("none",), seeds=(0, 1), items=20)).gaps
    assert len(found) == 2
    assert (found["gap"] == found["base_gap"]).all()
