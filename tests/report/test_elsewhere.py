from types import SimpleNamespace

import made_up
import pandas as pd
import pytest
from said import plain, say


@pytest.fixture(scope="module")
def real() -> SimpleNamespace:
    return made_up.study("real", layers=(3, 6), seeds=(0, 1))


def test_studies_beside_are_named_if_their_scores_are_there(real, mini):
    assert plain(say(real).beside()) == "“real_more”, “real_control” and “real_joint”"
    assert say(mini).beside() == ""


def test_the_best_encoder_at_the_most_items_is_told_with_both_scores(real):
    told = plain(say(real).most_items())
    rows = real.budgets.query("arm == 'none' and title == 'XNLI' and items == 16000")
    best = rows[rows["group"] == "other"].sort_values("value").iloc[-1]
    english = rows[(rows["group"] == "en") & (rows["model"] == best["model"])]["value"].item()
    assert f"{english:.1f} % in English and {best['value']:.1f} % on the other languages" in told
    assert "on XNLI (16,000 items" in told
    assert "head “joint”" in told


def test_the_main_contrast_is_told_at_every_budget_and_head(real, mini):
    told = plain(say(real).other_budgets())
    assert told.startswith("Over the cross-task pairs, multilingual minus English data give")
    rows = real.budgets.query("contrast == 'multilingual-english' and target == 'cross'")
    rows = rows[rows["group"] == "other"].set_index(["study", "layers"])["value"]
    own, more = told.split("; ")
    assert "here (2,000 items, head “aligned”)" in own
    assert "in study “real_more” (8,000 items, head “aligned”)" in more
    for text, study in ((own, "real"), (more, "real_more")):
        for layers in (3, 6):
            assert f"{rows[study, layers]:+.1f}" in text.replace("−", "-")
    assert say(mini).other_budgets() == ""


def test_another_budget_is_held_against_this_study_at_the_same_size(real):
    told = plain(say(real).other_budgets())
    assert say(real).compares_budgets()
    rows = real.budgets.query("contrast == 'multilingual-english' and target == 'cross'")
    rows = rows[(rows["group"] == "other") & (rows["layers"] == 6)].set_index("study")["value"]
    difference = f"{rows['real_more'] - rows['real']:+.1f}".replace("+0.0", "0.0")
    assert f"At 10.6M, study “real_more” is {difference} points" in told.replace("−", "-")
    assert told.count("a difference that is not resolved") == 2


def test_gains_with_another_head_stand_beside_those_with_this_one(real):
    assert say(real).gains_by_head() == ""  # the study of the other head has no arms
    armed = SimpleNamespace(**vars(real))
    rows = real.budgets[(real.budgets["study"] == "real_more") & (real.budgets["layers"] == 6)]
    joint = rows.assign(study="real_joint", head="joint", items=16_000, value=rows["value"] + 3)
    armed.budgets = pd.concat([real.budgets, joint], ignore_index=True)
    told = plain(say(armed).gains_by_head()).replace("−", "-")
    other, own = told.split("; ")
    assert "with head “joint”, 16,000 items" in other
    assert "with head “aligned”, 2,000 items (10.6M)" in own
    for arm in ("english", "multilingual"):
        found = armed.budgets.query(f"contrast == '{arm}-none' and target == 'cross'")
        found = found[(found["group"] == "other") & (found["layers"] == 6)].set_index("study")
        assert f"{found['value']['real_joint']:+.1f}" in other
        assert f"{found['value']['real']:+.1f}" in own


def test_what_the_same_skill_brings_is_told_from_few_items_to_many(real, mini):
    told = plain(say(real).same_skill_by_items()).replace("−", "-")
    rows = real.budgets.query("contrast == 'multilingual-none' and target == 'same'")
    rows = rows[(rows["group"] == "other") & (rows["layers"] == 6)].set_index("study")["value"]
    few, many = told.split(" and ")
    assert "at 10.6M" in few
    assert f"{rows['real']:+.1f}" in few
    assert few.endswith("with 2,000 items")
    assert f"{rows['real_more']:+.1f}" in many
    assert many.endswith("with 8,000 items.")
    assert say(mini).same_skill_by_items() == ""


def test_a_study_of_one_seed_gives_no_interval_and_says_so(real):
    lone = real.budgets["study"] == "real_more"
    one = SimpleNamespace(**vars(real))
    one.budgets = real.budgets.assign(
        seeds=real.budgets["seeds"].mask(lone, 1),
        low=real.budgets["low"].mask(lone), high=real.budgets["high"].mask(lone),
    )  # fmt: skip
    more = plain(say(one).other_budgets()).split("; ")[1]
    assert "one seed, which gives no interval" in more
    assert more.count("(") == 1
    assert not say(one).compares_budgets()


def test_the_whole_encoder_is_told_where_a_study_beside_has_it(real, mini):
    told = plain(say(real).deepest_retrieval("tatoeba"))
    assert told.startswith("With 12 layers, study “made_whole” finds 81.0 %")
    assert say(mini).deepest_retrieval("tatoeba") == ""
