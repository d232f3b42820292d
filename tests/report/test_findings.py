import re
from types import SimpleNamespace

import made_up
import pandas as pd
import pytest
from said import plain, say

# ---- the transfer gap --------------------------------------------------------------------


def test_the_gap_is_told_at_both_ends_of_the_sizes(mini):
    told = plain(say(mini).transfer_gap())
    assert told.count("at the smallest") == told.count("at the largest encoder") == 2
    base = mini.gaps.query("arm == 'none' and target == 'mini_nli'").set_index("model")["gap"]
    assert f"{base['e5_l03']:+.1f} (" in told
    assert f"{base['e5_l12']:+.1f} (" in told


def test_one_size_has_one_gap(smoke):
    told = plain(say(smoke).transfer_gap())
    assert "smallest" not in told
    assert "points on Miniature" in told


def test_shares_are_told_as_a_span_with_how_many_are_resolved(mini):
    told = plain(say(mini).gap_closed())
    cross = mini.gaps[(mini.gaps["pair"] == "cross") & (mini.gaps["arm"] == "multilingual")]
    low, high = cross["share"].min(), cross["share"].max()
    closing = int((cross["share_low"] > 0).sum())
    assert f"multilingual data close from {low:+.1f} to {high:+.1f} % of the gap" in told
    assert f"in {closing} of 9 cross-task cases" in told
    assert told.startswith("English data close")
    assert told.endswith("above zero beyond noise in all of these cases.")


def test_it_is_told_where_a_share_is_undefined():
    study = made_up.study("mini")
    rows = (study.gaps["model"] == "e5_l12") & (study.gaps["target"] == "mini_nli")
    study.gaps.loc[rows, "defined"] = False
    study.gaps.loc[rows, ["share", "share_low", "share_high"]] = float("nan")
    told = plain(say(study).gap_closed())
    assert "In 1 of 9 cross-task cases the share is undefined" in told
    assert told.endswith("beyond noise: at 21.3M on Miniature NLI.")
    study.gaps.loc[:, "defined"] = False
    told = plain(say(study).gap_closed())
    assert told.startswith("In 9 of 9 cross-task cases")
    assert "close" not in told


def test_one_seed_closes_no_gap(smoke):
    told = plain(say(smoke).gap_closed())
    assert told.startswith("With one seed it is unknown")
    assert "%" not in told


def test_without_cross_pairs_the_same_ones_are_told():
    study = made_up.study("mini")
    study.gaps = study.gaps[study.gaps["pair"] != "cross"]
    study.gains = study.gains[study.gains["pair"] != "cross"]
    assert "of 3 same-task cases" in plain(say(study).gap_closed())


def test_arm_none_alone_closes_nothing():
    told = say(made_up.study("smoke", arms=("none",), layers=(2, 4), hypotheses=False))
    assert told.gap_closed() == ""
    assert told.transfer_gap()


# ---- the size axis -----------------------------------------------------------------------


def test_lines_steps_and_prediction_are_told(mini):
    lines = [plain(line) for line in say(mini).size_lines()]
    assert [line.split(":*")[0] for line in lines] == [
        "*Score of arm none on Miniature NLI", "*Score of arm none on Miniature paraphrase",
        "*Multilingual minus English, mean over the cross-task pairs",
    ]  # fmt: skip
    for line in lines:
        assert " per tenfold, R² = " in line
        assert "2 resolved upwards, 0 downwards, 0 open; every step rises in 97.5 %" in line
        verdict = "above" if "Score" in line else "within"
        assert line.endswith(f"was measured, {verdict} that interval.")
    told = plain(say(mini).size_axis())
    assert told == (
        "These are lines over the depth of one encoder, not over the scale of a pretraining."
    )


def test_encoders_of_their_own_are_not_called_truncations(mini):
    whole = SimpleNamespace(**vars(mini))
    models = {name: spec | {"shape": spec["shape"] | {"layers": spec["layers"]}}
              for name, spec in mini.study["models"].items()}  # fmt: skip
    whole.study = mini.study | {"models": models}
    assert "depth" not in plain(say(whole).size_axis())


def test_one_seed_tells_slopes_and_predicts_nothing():
    told = say(made_up.study("mini", seeds=(0,)))
    lines = plain(" ".join(told.size_lines()))
    assert lines.count("per tenfold") == 3
    assert not re.search("interval|every step|predicts", lines)
    assert "With one seed no size is predicted" in plain(told.size_axis())


def test_two_sizes_tell_neither_fit_nor_prediction():
    lines = plain(" ".join(say(made_up.study("mini", layers=(3, 6))).size_lines()))
    assert lines.count("per tenfold") == 3
    assert not re.search("R²|predicts", lines)


def test_one_size_has_nothing_to_tell(smoke):
    assert say(smoke).size_lines() == []


def test_families_are_told_apart():
    study = made_up.study("mini")
    study.fits = pd.concat([study.fits, study.fits.assign(family="other")], ignore_index=True)
    lines = plain(" ".join(say(study).size_lines()))
    assert ", mE5-small encoders, head “aligned”:*" in lines
    assert ", other encoders, head “aligned”:*" in lines


# ---- collapsed runs ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "words"),
    [(3, "points on 3 cells in which no intermediate"), (1, "points on 1 cell in which"),
     (0, "undefined, for there is no cell, in which")],
)  # fmt: skip
def test_contrasts_are_told_with_and_without_collapsed_runs(cells, words):
    study = made_up.study("mini")
    rows = study.uncollapsed["without"] == "any"
    study.uncollapsed.loc[rows, "cells"] = cells
    told = plain(say(study).uncollapsed())
    assert told.startswith("Averaged over the cross-task pairs, multilingual minus English is ")
    assert "points on 9 cells," in told
    assert words in told
    assert "chosen by outcome" in told


def test_without_such_a_table_nothing_is_told(mini):
    older = SimpleNamespace(**vars(mini))
    older.uncollapsed = mini.uncollapsed.iloc[:0]
    assert say(older).uncollapsed() == ""
