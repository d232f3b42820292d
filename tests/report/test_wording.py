import math
import re
from itertools import pairwise

import made_up
import pandas as pd
import pytest
from said import plain, say

from xstilts.report.phrases import direction


@pytest.mark.parametrize(
    ("low", "high", "way"),
    [(0.1, 2, "up"), (-2, -0.1, "down"), (-1, 1, "open"), (0, 1, "open"), (-1, 0, "open"),
     (math.nan, math.nan, "open")],
)  # fmt: skip
def test_a_direction_is_claimed_only_where_the_interval_excludes_zero(low, high, way):
    assert direction(low, high) == way


def test_the_answer_says_more_when_multilingual_data_win():
    answer = plain(say(made_up.study(effect=4.0)).answer())
    assert "more than English ones: +4" in answer
    assert "95 % interval" in answer


def test_the_answer_says_less_when_they_lose():
    answer = plain(say(made_up.study(effect=-4.0)).answer())
    assert re.search(r"less than English ones: −[34]\.\d points", answer)


def test_the_answer_claims_nothing_when_the_interval_holds_zero():
    answer = plain(say(made_up.study(effect=0.0)).effect())
    assert "is not resolved" in answer
    assert "more than" not in answer


def test_an_interval_beside_zero_claims_nothing_that_holm_does_not_bear_out():
    made = made_up.study(effect=4.0)
    main = made.hypotheses.index[made.hypotheses["name"] == "multilingual_over_english"]
    changed = {"low": 0.1, "high": 8.0, "p_holm": 0.26, "verdict": "not resolved"}
    made.hypotheses.loc[main, list(changed)] = list(changed.values())
    told = plain(say(made).answer())
    assert "is not resolved after Holm’s correction" in told
    assert "(p = 0.260), though its own interval excludes zero: +4" in told
    assert "more than English ones" not in told


def test_an_open_answer_is_summed_up_by_what_is_excluded_and_a_decided_one_is_not():
    wins = say(made_up.study(effect=4.0))
    assert "In short" not in plain(wins.answer())
    open_one = say(made_up.study(effect=0.0))
    told = plain(open_one.answer())
    bound = plain(open_one.num("equivalence/multilingual_over_english"))
    assert told.endswith(f"by no more than {bound} points (two one-sided tests).")
    assert float(bound) > 0


def test_targets_that_were_declared_apart_are_told_apart():
    made = made_up.study(effect=4.0)
    main = made.hypotheses.iloc[[0]]
    nli = main.assign(name="on_nli", target="mini_nli", estimate=3.2, low=1.0, high=5.0)
    other = main.assign(name="on_other", target="mini_paraphrase", estimate=0.1, low=-1.0, high=1.2,
                        verdict="not resolved")  # fmt: skip
    made.hypotheses = pd.concat([made.hypotheses, nli, other], ignore_index=True)
    told = plain(say(made).by_target())
    assert told.startswith("By target: +3.2 points (95 % interval +1.0 to +5.0) on ")
    assert told.endswith("(not resolved).")
    assert plain(say(made_up.study(effect=4.0)).by_target()) == ""


def test_one_seed_never_makes_a_claim(smoke):
    told = say(smoke)
    answer = plain(told.answer())
    assert "nothing here is resolved" in answer
    assert "interval +" not in answer
    assert "With one seed none of them is resolved" in plain(told.tally())


def test_one_seed_with_many_sizes_gives_no_trend():
    told = say(made_up.study(seeds=(0,)))
    assert "rises" not in plain(told.answer())
    assert told.growth("mini_nli") == ""


def test_growth_says_the_whole_step_with_its_interval_and_which_steps_are_resolved():
    study = made_up.study(layers=(3, 6, 12))
    chosen = study.growths["target"].eq("mini_nli") & study.growths["group"].eq("other")
    steps = ["e5_l03", "e5_l06", "e5_l12"]
    for pair, ends in zip([*pairwise(steps), (steps[0], steps[-1])],
                          [(1.0, 3.0), (-1.0, 2.0), (2.0, 6.0)], strict=True):  # fmt: skip
        row = chosen & study.growths["smaller"].eq(pair[0]) & study.growths["larger"].eq(pair[1])
        assert row.sum() == 1
        study.growths.loc[row, ["low", "high"]] = ends
    told = plain(say(study).growth("mini_nli"))
    assert "+2.0 to +6.0), paired by seeds and items" in told
    assert "1 of the 2 steps between neighbouring sizes is resolved upwards." in told
    study.growths.loc[chosen, "low"] = 0.5
    told = plain(say(study).growth("mini_nli"))
    assert "; each step between neighbouring sizes is resolved upwards." in told
    study.growths.loc[chosen, "low"] = -0.5
    assert "; none of the 2 steps between" in plain(say(study).growth("mini_nli"))


def test_runs_on_shuffled_labels_are_told_from_collapsed_ones():
    study = made_up.study(arms=("none", "english", "multilingual", "shuffled"))
    run = study.runs.loc[study.runs["arm"] == "shuffled", "run"].iloc[0]
    control = study.runs["run"] == run
    study.runs.loc[control, "status"] = "collapsed"
    assert "shuffled labels" not in plain(say(study).collapsed())
    study.runs.loc[control, "stage"] = "intermediate"
    told = plain(say(study).collapsed())
    assert "1 of them intermediate runs on shuffled labels, as these must;" in told


@pytest.mark.parametrize(("slope", "words"), [(3.0, "rises with"), (-3.0, "falls with")])
def test_a_trend_follows_the_sign_of_its_slope(slope, words):
    tables = made_up.study()
    tables.hypotheses = tables.hypotheses[tables.hypotheses["quantity"] != "slope"]
    rows = tables.slopes["contrast"] == "multilingual-english"
    tables.slopes.loc[rows, ["estimate", "low", "high"]] = [slope, slope - 1, slope + 1]
    assert words in plain(say(tables).trend())


def test_units_that_disagree_are_said_to_disagree():
    tables = made_up.study()
    for unit, slope in (("points", -3.0), ("error_reduction", 3.0)):
        rows = tables.slopes["unit"] == unit
        tables.slopes.loc[rows, ["estimate", "low", "high"]] = [slope, slope - 1, slope + 1]
    assert "disagree on its sign" in plain(say(tables).units())


def test_a_size_below_the_overlap_floor_is_named():
    tables = made_up.study()
    tables.baselines.loc[tables.baselines["baseline"] == "overlap", "score"] = 60.0
    floor = plain(say(tables).floor("mini_nli"))
    assert floor.startswith("At 5.3M and 10.6M body parameters")


def test_collapsed_runs_are_counted():
    tables = made_up.study()
    run = tables.runs["run"].iloc[0]
    tables.runs.loc[tables.runs["run"] == run, "status"] = "collapsed"
    assert plain(say(tables).collapsed()).startswith("1 of 90 runs collapsed")
    assert "None of the" in plain(say(made_up.study()).collapsed())


def test_tallies_add_up(mini):
    counts = [int(n) for n in re.findall(r"in (\d+)\b", plain(say(mini).tally()))]
    of = [int(n) for n in re.findall(r"of (\d+) cases", plain(say(mini).tally()))]
    assert sum(counts) == sum(of)


def test_single_contrasts_are_also_counted_at_a_rate_of_false_discoveries(mini):
    told = plain(say(mini).tally())
    single = mini.gains[mini.gains["q"].notna()]
    rows = single.query("unit == 'points' and group == 'other' and pair == 'cross'")
    count = int((rows["q"] < 0.05).sum())
    assert f"At a false discovery rate of 5 % over all pairs, {count} of these {len(rows)}" in told
    assert "false discovery" not in plain(say(made_up.study(seeds=(0,))).tally())


def test_where_nothing_is_resolved_it_is_told_what_is_excluded():
    made = made_up.study(effect=0.0)
    told = say(made)
    row = made.hypotheses.iloc[0].to_dict()
    assert row["verdict"] == "not resolved"
    ends = made.crosschecks.query("name == @row['name'] and method == 'equivalence'").iloc[0]
    bound = max(abs(ends["low"]), abs(ends["high"]))
    assert f"effects beyond ±{bound:.1f} are excluded" in plain(told.hypothesis(row))
    sure = made_up.study(effect=4.0)
    assert "excluded" not in plain(say(sure).hypothesis(sure.hypotheses.iloc[0].to_dict()))


def test_methods_that_disagree_are_told(mini):
    told = plain(say(mini).crosschecks())
    assert re.search(r"On 2 of the 3 hypotheses that can be tested", told)
    agree = made_up.study(effect=4.0)
    agree.crosschecks = agree.crosschecks[agree.crosschecks["method"] != "mixed"]
    assert "On all of the 3" in plain(say(agree).crosschecks())


def test_one_batch_is_justified_only_below_every_interval():
    made = made_up.study("real")
    told = plain(say(made).batch())
    assert "Over 6 sizes and volumes of data the critical batch lies between 24 and over 32" in told
    assert "lies below the whole interval of none of them" in told  # 32 against 12 and 14
    made.batches["low"] = 40.0
    assert "one batch is justified" in plain(say(made).batch())
    made.batches.loc[made.batches["items"] == 1000, "low"] = 12.0
    assert "all but 3 of them" in plain(say(made).batch())


def test_many_single_differences_are_given_as_a_range():
    told = plain(say(made_up.study(hypotheses=False)).effect())
    assert "ranges from" in told
    assert "over 9 cases" in told
