import dataclasses

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from sklearn.metrics import accuracy_score
from synthetic import World

from xstilts.analysis import analyse, tabulate_slopes
from xstilts.analysis.tables import GAINS, MEAN, SCORES, SLOPES

OTHER = ("de", "es", "ru", "sw", "zh")
SCORE_KEY = ["model", "intermediate", "arm", "target", "group"]
GAIN_KEY = ["model", "intermediate", "target", "contrast", "unit", "group"]
SLOPE_KEY = ["intermediate", "target", "pair", "contrast", "unit", "group"]


@pytest.mark.parametrize(
    ("name", "key", "schema"),
    [("scores", SCORE_KEY, SCORES), ("gains", GAIN_KEY, GAINS), ("slopes", SLOPE_KEY, SLOPES)],
)
def test_every_estimate_has_one_row(analysis, name, key, schema):
    table = getattr(analysis, name)
    assert list(table.columns) == list(schema)
    assert not table.duplicated(key).any()
    assert table.drop(columns="q", errors="ignore").notna().all(axis=None)
    value = "score" if name == "scores" else "estimate"
    assert (table["low"] <= table[value]).mean() > 0.99
    assert (table["high"] >= table[value]).mean() > 0.99


def test_the_grid_is_whole(analysis):
    groups = 5 + len(OTHER)  # en, other, seen, unseen, all
    assert len(analysis.scores) == 3 * 2 * (4 * groups + groups - 2)  # none has no seen, unseen
    assert len(analysis.gains) == 3 * (4 + 2) * 3 * 2 * groups  # four pairs, two means
    assert len(analysis.slopes) == (4 + 2) * 3 * 2 * groups  # four pairs, two means


def test_scores_are_accuracies_of_the_predictions(analysis, collected):
    runs = collected.runs[collected.runs["stage"] == "target"].drop_duplicates("run")
    for row in analysis.scores.sample(25, random_state=0).itertuples():
        codes = {
            "en": ("en",), "other": OTHER, "all": ("en", *OTHER),
            "seen": ("de", "es", "zh"), "unseen": ("ru", "sw"),
        }.get(row.group, (row.group,))  # fmt: skip
        of_row = runs.query(
            "model == @row.model and arm == @row.arm and target == @row.target "
            "and intermediate == @row.intermediate"
        )
        assert len(of_row) == row.seeds == 3
        means = []
        for code in codes:
            asked = collected.predictions[
                collected.predictions["run"].isin(of_row["run"])
                & (collected.predictions["language"] == code)
            ]
            means.append(100 * accuracy_score(asked["label"], asked["prediction"]))
        assert row.score == pytest.approx(np.mean(means))
        assert row.items == 60


def test_sizes_are_those_of_the_models(analysis):
    sizes = analysis.scores.drop_duplicates("model").set_index("model")
    assert sizes["layers"].to_dict() == {"made_l03": 3, "made_l06": 6, "made_l12": 12}
    assert sizes["body_params"].is_monotonic_increasing
    embeddings = sizes["total_params"] - sizes["body_params"]
    assert embeddings.nunique() == 1
    assert set(analysis.scores["head"]) == {"aligned"}


def test_gains_are_differences_of_scores(analysis):
    scores = analysis.scores.set_index(SCORE_KEY)["score"]
    single = analysis.gains[analysis.gains["intermediate"] != MEAN]
    plain = single[~single["group"].isin(["seen", "unseen"])]
    for row in plain.sample(100, random_state=0).itertuples():
        high, low = (
            scores[row.model, "none" if arm == "none" else row.intermediate, arm, row.target,
                   row.group]
            for arm in row.contrast.split("-")
        )  # fmt: skip
        expected = high - low
        if row.unit == "error_reduction":
            expected = 100 * expected / (100 - low)
        assert row.estimate == pytest.approx(expected, abs=1e-9)


def test_gains_on_seen_languages_average_the_gains_on_each(analysis):
    points = analysis.gains[analysis.gains["unit"] == "points"]
    by_group = points.pivot(index=GAIN_KEY[:-2], columns="group", values="estimate")
    for group, codes in (("seen", ["de", "es", "zh"]), ("unseen", ["ru", "sw"]), ("other", OTHER)):
        np.testing.assert_allclose(by_group[group], by_group[list(codes)].mean(axis=1), atol=1e-9)


def test_means_over_pairs_are_means_of_the_single_gains(analysis):
    key = ["model", "pair", "contrast", "unit", "group"]
    means = analysis.gains[analysis.gains["intermediate"] == MEAN].set_index(key)
    single = analysis.gains[analysis.gains["intermediate"] != MEAN]
    expected = single[single["unit"] == "points"].groupby(key)["estimate"].mean()
    points = means[means.index.get_level_values("unit") == "points"]["estimate"]
    np.testing.assert_allclose(points, expected.loc[points.index], atol=1e-9)
    assert set(means["target"]) == {"cross", "same"}


def test_a_pair_of_one_skill_is_marked_same(analysis):
    single = analysis.gains[analysis.gains["intermediate"] != MEAN]
    kinds = single.drop_duplicates(["intermediate", "target"])
    same = kinds.loc[kinds["pair"] == "same", ["intermediate", "target"]].to_numpy().tolist()
    assert same == [["made_nli_b", "made_nli"]]


def test_resolved_says_that_the_interval_excludes_zero(analysis):
    for table in (analysis.gains, analysis.slopes):
        expected = (table["low"] > 1e-9) | (table["high"] < -1e-9)
        assert (table["resolved"] == expected).all()
        assert table["resolved"].nunique() == 2


def test_growths_are_differences_of_scores_without_intermediate_task(analysis):
    base = analysis.scores[analysis.scores["arm"] == "none"]
    score = base.set_index(["model", "target", "group"])["score"]
    assert len(analysis.growths) == 3 * 2 * score.index.get_level_values("group").nunique()
    for row in analysis.growths.itertuples():
        after, before = (score[name, row.target, row.group] for name in (row.larger, row.smaller))
        assert row.estimate == pytest.approx(after - before)
        assert row.resolved == (row.low > 0 or row.high < 0)


def test_slopes_are_lines_through_the_gains(analysis):
    gains = analysis.gains[analysis.gains["intermediate"] != MEAN].sort_values("body_params")
    mean = gains.groupby(["pair", "contrast", "unit", "group", "body_params"])["estimate"].mean()
    single = gains.set_index([*SLOPE_KEY, "body_params"])["estimate"].sort_index()
    assert {"mean"} < set(analysis.slopes["intermediate"])
    for row in analysis.slopes.sample(60, random_state=0).itertuples():
        key = (row.pair, row.contrast, row.unit, row.group)
        y = mean[key] if row.target == "mean" else single[(row.intermediate, row.target, *key)]
        slope = np.polyfit(np.log10(y.index.to_numpy(dtype=float)), y.to_numpy(), 1)[0]
        assert row.estimate == pytest.approx(slope, abs=1e-7)
        assert (row.sizes, row.seeds) == (3, 3)


def test_the_mean_of_one_pair_is_that_pair(analysis):
    same = analysis.slopes[analysis.slopes["pair"] == "same"]
    columns = ["contrast", "unit", "group", "estimate", "low", "high"]
    alone, mean = (same.loc[same["target"] == name, columns] for name in ("made_nli", "mean"))
    pd.testing.assert_frame_equal(alone.reset_index(drop=True), mean.reset_index(drop=True))


def test_collapsed_runs_are_counted_and_kept(analysis):
    spoilt = (analysis.scores["model"] == "made_l03") & (analysis.scores["arm"] == "english")
    spoilt &= analysis.scores["intermediate"] == "made_questions"
    assert (analysis.scores.loc[spoilt, "collapsed"] == 3).all()
    assert (analysis.scores.loc[~spoilt, "collapsed"] == 0).all()
    assert set(analysis.scores.loc[spoilt, "seeds"]) == {3}


def test_most_intervals_hold_what_is_true(analysis):
    world, held = World(), []
    single = analysis.scores[analysis.scores["group"].isin(["en", *OTHER])]
    for row in single[single["collapsed"] == 0].itertuples():
        true = world.true_score(row.layers, row.arm, row.group)
        held.append(row.low <= true <= row.high)
    # items are shared by the rows of a target, so their errors are too: not a test of 95 %
    assert np.mean(held) > 0.85


def test_one_seed_has_estimates_and_no_intervals(study):
    found = analyse(study(layers=(3, 6), seeds=(4,), items=20))
    for table in (found.scores, found.gains, found.slopes):
        assert len(table)
        assert table[["low", "high"]].isna().all(axis=None)
        assert set(table["seeds"]) == {1}
    assert not found.gains["resolved"].any()
    assert found.gains["estimate"].notna().all()


def test_one_size_has_no_slopes_and_one_arm_no_gains(study):
    found = analyse(study(layers=(3,), arms=("none",), seeds=(0, 1), items=20))
    assert len(found.scores) == 2 * 8
    assert len(found.gains) == len(found.slopes) == 0
    assert list(found.gains.columns) == list(GAINS)
    assert list(found.slopes.columns) == list(SLOPES)


def test_slopes_do_not_depend_on_the_order_of_the_models(sample):
    models = dict(reversed(sample.design.models.items()))
    turned = dataclasses.replace(sample, design=dataclasses.replace(sample.design, models=models))
    expected, found = tabulate_slopes(sample), tabulate_slopes(turned)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-9)


def test_single_pairs_are_adjusted_within_their_unit_and_group(analysis):
    gains = analysis.gains
    single = gains[gains["intermediate"] != "mean"]
    assert gains.loc[gains["intermediate"] == "mean", "q"].isna().all()
    for _, family in single.groupby(["unit", "group"]):
        expected = scipy.stats.false_discovery_control(family["p"])
        np.testing.assert_allclose(family["q"], expected)
