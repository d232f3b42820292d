import dataclasses

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import assume, given
from hypothesis import strategies as st

from xstilts.analysis import Resampling, Sample, analyse, tabulate_fits
from xstilts.analysis.fit import (
    AXES,
    FITS,
    Line,
    count_steps,
    fit_line,
    held_out,
    r_squared,
    training_flops,
)

KEY = ["quantity", "axis", "intermediate", "target", "pair", "family", "head"]
DRAWN = Resampling.of("lines", 4, 300, 0.95)
finite = st.floats(-50, 50, allow_nan=False).map(lambda value: round(value, 3))


def line(y, body=None, noise=0.0, axis=None) -> Line:
    """Return a line of made-up values whose draws scatter by `noise` about the estimate."""
    body = [10 ** (6 + place / 2) for place in range(len(y))] if body is None else body
    scatter = np.random.default_rng(0).normal(0, noise, (len(y), DRAWN.columns)) if noise else 0
    values = np.asarray(y, dtype=float)[:, None] + np.zeros(DRAWN.columns) + scatter
    values[:, 0] = y
    places = np.asarray(body if axis is None else axis, dtype=float)
    names = tuple(f"m{place}" for place in range(len(y)))
    return Line(names, tuple(map(int, body)), values, dict.fromkeys(AXES, places))


@pytest.fixture(scope="module")
def fits(sample, analysis):
    return tabulate_fits(sample, analysis.runs, analysis.cost)


# ---- the table ---------------------------------------------------------------------------


def test_every_fit_has_one_row(fits, analysis):
    assert list(fits.columns) == list(FITS)
    assert not fits.duplicated(KEY).any()
    assert len(fits) == 3 * (2 + 4 + 2)  # axes; scores, pairs, means
    assert (fits["steps_up"] + fits["steps_down"] + fits["steps_open"] == fits["sizes"] - 1).all()
    assert fits["rising"].between(0, 100).all()
    assert fits[KEY].equals(analysis.fits[KEY])


def test_slope_and_fit_are_those_of_scipy(fits, analysis):
    score = analysis.scores.query("arm == 'none' and group == 'other'")
    gain = analysis.gains.query(
        "contrast == 'multilingual-english' and unit == 'points' and group == 'other'"
    )
    for row in fits[fits["axis"] != "flops"].to_dict("records"):
        table, value = (score, "score") if row["quantity"] == "score" else (gain, "estimate")
        points = table[(table["intermediate"] == row["intermediate"])
                       & (table["target"] == row["target"])]  # fmt: skip
        found = scipy.stats.linregress(np.log10(points[row["axis"]]), points[value])
        assert row["estimate"] == pytest.approx(found.slope, rel=1e-12, abs=1e-12)
        assert row["r2"] == pytest.approx(found.rvalue**2, rel=1e-12, abs=1e-12)
        assert row["sizes"] == row["models"] == len(points) == 3
        assert row["decades"] == pytest.approx(np.log10(points[row["axis"]]).agg(np.ptp))


def test_slopes_over_the_body_are_those_of_the_table_of_slopes(fits, analysis):
    chosen = "contrast == 'multilingual-english' and unit == 'points' and group == 'other'"
    slopes = analysis.slopes.query(chosen).set_index(["intermediate", "target", "pair"])
    gains = fits[(fits["quantity"] == "gain") & (fits["axis"] == "body_params")]
    for row in gains.to_dict("records"):
        mean = row["intermediate"] == "mean"
        key = (row["intermediate"], "mean" if mean else row["target"], row["pair"])
        for column in ("estimate", "low", "high"):
            assert row[column] == pytest.approx(slopes.loc[key, column], abs=1e-9)


def test_the_largest_size_is_predicted_from_the_others(fits, analysis):
    score = analysis.scores.query("arm == 'none' and group == 'other'").sort_values("body_params")
    for row in fits[(fits["quantity"] == "score") & (fits["axis"] == "body_params")].itertuples():
        points = score[score["target"] == row.target]
        x, y = np.log10(points["body_params"].to_numpy(float)), points["score"].to_numpy()
        slope, start = np.polyfit(x[:-1], y[:-1], 1)
        assert row.held_out == "made_l12"
        assert row.predicted == pytest.approx(start + slope * x[-1])
        assert row.measured == pytest.approx(y[-1])
        assert row.reach == pytest.approx(np.log10(2))
        inside = row.predicted_low <= row.measured <= row.predicted_high
        assert (row.verdict == "within") == inside
        assert row.predicted_low <= row.predicted <= row.predicted_high


def test_steps_are_the_growths_of_neighbours(fits, analysis):
    pairs = [("made_l03", "made_l06"), ("made_l06", "made_l12")]
    growths = analysis.growths[analysis.growths["group"] == "other"]
    keys = growths[["smaller", "larger"]].apply(tuple, axis=1)
    for row in fits[fits["quantity"] == "score"].itertuples():
        steps = growths[keys.isin(pairs) & (growths["target"] == row.target)]
        assert row.steps_up == (steps["low"] > 0).sum()
        assert row.steps_down == (steps["high"] < 0).sum()


def test_operations_are_those_of_both_trainings(analysis):
    found = training_flops(analysis.runs, analysis.cost)
    assert len(found) == 3 * 5 * 2
    for (model, start, _), value in found.items():
        runs = 1 if start == "none" else 2
        assert value == pytest.approx(1.2e12 * int(model[-2:]) * runs)


def test_operations_that_are_unknown_leave_the_axis_out(sample, analysis):
    cost = analysis.cost[analysis.cost["stage"] == "target"]
    found = training_flops(analysis.runs, cost)
    assert all(np.isnan(value) == (key[1] != "none") for key, value in found.items())
    table = tabulate_fits(sample, analysis.runs, cost)
    assert set(table.loc[table["quantity"] == "gain", "axis"]) == {"body_params", "total_params"}
    assert set(table.loc[table["quantity"] == "score", "axis"]) == set(AXES)


def test_lines_are_of_one_family_and_head(sample, analysis):
    other = sample.design.models["made_l12"].model_copy(update={"family": "other"})
    models = dict(sample.design.models) | {"made_l12": other}
    design = dataclasses.replace(sample.design, models=models)
    table = tabulate_fits(dataclasses.replace(sample, design=design), analysis.runs, analysis.cost)
    assert set(table["family"]) == {"made"}
    assert set(table["sizes"]) == {2}


def test_a_missing_size_shortens_the_line(sample, analysis, without):
    partly = without(sample, ("made_l06", "none"), "made_nli")
    table = tabulate_fits(partly, analysis.runs, analysis.cost)
    scores = table[(table["quantity"] == "score") & (table["axis"] == "body_params")]
    assert scores.set_index("target")["sizes"].to_dict() == {"made_nli": 2, "made_paraphrase": 3}


def test_a_study_without_same_task_pairs_has_no_fit_of_them(sample, analysis):
    only = Sample.draw(sample.design, {"made_paraphrase": sample.outcomes["made_paraphrase"]})
    table = tabulate_fits(only, analysis.runs, analysis.cost)
    assert set(table["pair"]) == {"none", "cross"}


def test_one_seed_has_slopes_without_interval_and_predicts_nothing(study):
    found = analyse(study(layers=(3, 6, 12), seeds=(4,), items=20)).fits
    assert found["estimate"].notna().all()
    assert found[["low", "high", "rising", "predicted", "predicted_low"]].isna().all(axis=None)
    assert set(found["verdict"]) == {""}
    assert found["measured"].notna().all()
    assert (found["steps_open"] == 2).all()


def test_one_size_has_no_fit(study):
    found = analyse(study(layers=(3,), seeds=(0, 1), items=20)).fits
    assert len(found) == 0
    assert list(found.columns) == list(FITS)


# ---- lines -------------------------------------------------------------------------------


@given(st.lists(st.tuples(finite, finite), min_size=3, max_size=9, unique_by=lambda one: one[0]))
def test_the_share_explained_is_that_of_scipy_and_statsmodels(points):
    x, y = np.array(points).T
    assume(np.ptp(x) > 0.1 and np.ptp(y) > 0.1)
    found = r_squared(x, y)
    assert -1e-12 <= found <= 1 + 1e-12
    assert found == pytest.approx(scipy.stats.linregress(x, y).rvalue ** 2, abs=1e-10)
    assert found == pytest.approx(sm.OLS(y, sm.add_constant(x)).fit().rsquared, abs=1e-10)


def test_where_nothing_varies_no_share_is_explained():
    assert np.isnan(r_squared(np.arange(3.0), np.ones(3)))
    assert np.isnan(r_squared(np.ones(3), np.arange(3.0)))
    found = fit_line(DRAWN, line([5.0, 5.0, 5.0]), "flops")
    assert np.isnan(found["r2"])
    assert (found["estimate"], found["resolved"], found["verdict"]) == (0.0, False, "within")
    steps = count_steps(DRAWN, line([5.0, 5.0, 5.0]))
    assert steps == {"steps_up": 0, "steps_down": 0, "steps_open": 2, "rising": 0.0}


@given(st.lists(finite, min_size=3, max_size=7), finite, st.floats(0.1, 9))
def test_a_moved_or_scaled_quantity_moves_or_scales_its_line(y, shift, factor):
    assume(np.ptp(y) > 0.1)
    plain, other = (fit_line(DRAWN, line(values), "flops") for values in
                    (y, [factor * one + shift for one in y]))  # fmt: skip
    assert other["estimate"] == pytest.approx(factor * plain["estimate"], abs=1e-7)
    assert other["r2"] == pytest.approx(plain["r2"], abs=1e-7)
    assert other["predicted"] == pytest.approx(factor * plain["predicted"] + shift, abs=1e-6)


@given(finite, finite, st.integers(3, 7))
def test_points_on_a_line_are_foretold(start, slope, sizes):
    found = fit_line(DRAWN, line([start + slope * place for place in range(sizes)]), "flops")
    assert found["estimate"] == pytest.approx(2 * slope, abs=1e-7)  # half a decade a step
    assert found["predicted"] == pytest.approx(found["measured"], abs=1e-7)
    assert found["verdict"] == "within"


@pytest.mark.parametrize(("last", "verdict"), [(9.0, "above"), (3.0, "within"), (-3.0, "below")])
def test_a_value_off_the_line_is_told_apart(last, verdict):
    found = held_out(DRAWN, line([0.0, 1.0, 2.0, last], noise=0.2), np.arange(4.0))
    assert found["predicted"] == pytest.approx(3.0)
    assert found["verdict"] == verdict
    assert (found["predicted_low"] <= last <= found["predicted_high"]) == (verdict == "within")


def test_with_two_sizes_nothing_is_held_out_and_no_fit_is_claimed():
    found = fit_line(DRAWN, line([1.0, 4.0], noise=0.1), "body_params")
    assert found["estimate"] == pytest.approx(6.0)
    assert np.isnan([found["r2"], found["predicted"], found["measured"]]).all()
    assert (found["held_out"], found["verdict"]) == ("", "")


def test_an_axis_without_spread_or_with_a_gap_has_no_line():
    assert fit_line(DRAWN, line([1.0, 2.0, 3.0], axis=[7, 7, 7]), "flops") is None
    assert fit_line(DRAWN, line([1.0, 2.0, 3.0], axis=[7, np.nan, 9]), "flops") is None
    assert fit_line(DRAWN, line([1.0, 2.0, 3.0], axis=[0, 8, 9]), "flops") is None
    one_place = fit_line(DRAWN, line([1.0, 2.0, 3.0], axis=[7, 7, 9]), "flops")
    assert one_place["held_out"] == ""  # the others lie at one place: no line through them


def test_models_of_one_size_are_one_size():
    tied = line([1.0, 3.0, 3.0, 5.0, 7.0], body=[10**6, 10**7, 10**7, 10**8, 10**8])
    assert tied.sizes == 3
    found = fit_line(DRAWN, tied, "body_params")
    assert (found["models"], found["sizes"], found["held_out"]) == (5, 3, "m3,m4")
    assert found["measured"] == 6.0
    assert found["predicted"] == pytest.approx(5.0)
    assert sum(count_steps(DRAWN, tied)[f"steps_{way}"] for way in ("up", "down", "open")) == 2


@pytest.mark.parametrize(
    ("y", "expected"),
    [([0, 5, 9], (2, 0, 0, 100)), ([9, 5, 0], (0, 2, 0, 0)), ([0, 5, 5.01], (1, 0, 1, None))],
)
def test_monotonicity_is_counted_not_assumed(y, expected):
    found = count_steps(DRAWN, line(y, noise=0.3))
    assert [found[f"steps_{way}"] for way in ("up", "down", "open")] == list(expected[:3])
    if expected[3] is None:
        assert 30 < found["rising"] < 70
    else:
        assert found["rising"] == pytest.approx(expected[3], abs=2)
