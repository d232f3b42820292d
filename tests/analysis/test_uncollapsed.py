import numpy as np
import pytest

from xstilts.analysis import Sample, analyse, tabulate_uncollapsed
from xstilts.analysis.uncollapsed import (
    ALL,
    MAIN,
    UNCOLLAPSED,
    WITHOUT,
    collapsed_starts,
    is_left_out,
)

KEY = ["model", "pair", "contrast", "without"]
SPOILT = ("made_l03", "made_questions-english")


@pytest.fixture(scope="module")
def table(sample, analysis):
    return tabulate_uncollapsed(sample, analysis.runs)


def test_every_mean_has_one_row(table):
    assert list(table.columns) == list(UNCOLLAPSED)
    assert not table.duplicated(KEY).any()
    assert len(table) == (3 + 1) * 2 * len(MAIN) * len(WITHOUT)


def test_with_all_cells_they_are_the_means_of_the_gains(table, analysis):
    chosen = "unit == 'points' and group == 'other' and intermediate == 'mean'"
    expected = analysis.gains.query(chosen).set_index(["model", "pair", "contrast"])
    rows = table[(table["without"] == "nothing") & (table["model"] != ALL)]
    for row in rows.to_dict("records"):
        found = expected.loc[(row["model"], row["pair"], row["contrast"])]
        for column in ("estimate", "low", "high"):
            assert row[column] == pytest.approx(found[column], abs=1e-9)


def test_over_all_models_they_are_the_declared_effect(table, analysis):
    effect = analysis.hypotheses.set_index("name").loc["multilingual_over_english"]
    row = table.set_index(KEY).loc[(ALL, "cross", "multilingual-english", "nothing")]
    for column in ("estimate", "low", "high"):
        assert row[column] == pytest.approx(effect[column], abs=1e-9)


def test_without_collapsed_runs_the_mean_is_over_the_cells_left(table, analysis):
    rows = table.set_index(KEY)
    gains = analysis.gains.query("unit == 'points' and group == 'other' and pair == 'cross'")
    single = gains[gains["intermediate"] != "mean"]
    for contrast, left in (("english-none", 1), ("multilingual-none", 3)):
        row = rows.loc[("made_l03", "cross", contrast, "target")]
        kept = single.query("model == 'made_l03' and contrast == @contrast")
        if left == 1:  # both cells of the spoilt start are gone
            kept = kept[kept["intermediate"] != "made_questions"]
        assert row["cells"] == len(kept) == left
        assert row["estimate"] == pytest.approx(kept["estimate"].mean())
    assert rows.loc[(ALL, "cross", "english-none", "target"), "cells"] == 9 - 2
    assert rows.loc[("made_l06", "cross", "english-none", "target"), "cells"] == 3


def test_a_collapsed_baseline_takes_every_cell_of_its_target(sample, analysis):
    runs = analysis.runs.assign(status="ok")
    base = (runs["model"] == "made_l06") & (runs["arm"] == "none") & (runs["target"] == "made_nli")
    runs.loc[base & (runs["seed"] == 1), "status"] = "collapsed"
    rows = tabulate_uncollapsed(sample, runs).set_index(KEY)
    for contrast in MAIN:
        assert rows.loc[("made_l06", "cross", contrast, "target"), "cells"] == 2
        same = rows.loc[("made_l06", "same", contrast, "target")]
        assert same["cells"] == 0
        assert np.isnan([same["estimate"], same["low"], same["high"]]).all()
        assert not same["resolved"]
        assert rows.loc[(ALL, "same", contrast, "target"), "cells"] == 2


def test_a_collapsed_intermediate_run_counts_where_it_is_asked_for(sample, analysis):
    runs = analysis.runs.assign(status="ok")
    middle = (runs["stage"] == "intermediate") & (runs["model"] == "made_l12")
    middle &= (runs["intermediate"] == "made_questions") & (runs["arm"] == "multilingual")
    assert middle.any()
    runs.loc[middle, "status"] = "collapsed"
    rows = tabulate_uncollapsed(sample, runs).set_index(KEY)
    name = ("made_l12", "cross", "multilingual-none")
    assert [rows.loc[(*name, one), "cells"] for one in WITHOUT] == [3, 3, 1]
    assert rows.loc[("made_l12", "cross", "english-none", "any"), "cells"] == 3


def test_without_collapse_all_three_are_the_same(sample, analysis):
    table = tabulate_uncollapsed(sample, analysis.runs.assign(status="ok"))
    wide = table.pivot(index=KEY[:3], columns="without", values=["cells", "estimate", "low"])
    for name in ("cells", "estimate", "low"):
        assert (wide[name]["any"] == wide[name]["nothing"]).all()
        assert (wide[name]["target"] == wide[name]["nothing"]).all()


def test_seeds_that_are_not_analysed_do_not_count(sample, analysis):
    more = analysis.runs.assign(seed=99, status="collapsed")
    assert tabulate_uncollapsed(sample, more).query("without == 'any'")["cells"].min() > 0


def test_cells_that_are_missing_are_in_no_mean(sample, analysis, without):
    partly = without(sample, SPOILT, "made_nli")
    rows = tabulate_uncollapsed(partly, analysis.runs.assign(status="ok")).set_index(KEY)
    assert rows.loc[(ALL, "cross", "english-none", "nothing"), "cells"] == 3 * 2
    assert rows.loc[(ALL, "cross", "multilingual-none", "nothing"), "cells"] == 3 * 3


def test_a_study_without_same_task_pairs_has_no_rows_of_them(sample, analysis):
    only = Sample.draw(sample.design, {"made_paraphrase": sample.outcomes["made_paraphrase"]})
    assert set(tabulate_uncollapsed(only, analysis.runs)["pair"]) == {"cross"}


def test_one_seed_has_no_interval_and_one_arm_no_rows(study):
    found = analyse(study(layers=(3,), seeds=(4,), items=20)).uncollapsed
    assert found["low"].isna().all()
    assert not found["resolved"].any()
    bare = analyse(study(layers=(3,), arms=("none",), seeds=(0,), items=20)).uncollapsed
    assert len(bare) == 0
    assert list(bare.columns) == list(UNCOLLAPSED)


def test_runs_rule_a_cell_out_by_stage(analysis):
    found = collapsed_starts(analysis.runs)
    assert found == {(*SPOILT, "made_nli"), (*SPOILT, "made_paraphrase")}
    pair = ("made_questions", "made_nli")
    assert is_left_out(found, "target", "made_l03", pair, "multilingual-english")
    assert not is_left_out(found, "any", "made_l03", pair, "multilingual-none")
    assert not is_left_out(found, "nothing", "made_l03", pair, "multilingual-english")
    before = frozenset({("made_l03", "made_questions-english", "")})
    assert is_left_out(before, "any", "made_l03", pair, "english-none")
    assert not is_left_out(before, "target", "made_l03", pair, "english-none")
