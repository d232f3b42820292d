import made_up
import pandas as pd
import pytest

from xstilts.report.budget_tables import budget_pairs, budgets, control, items_words
from xstilts.report.budgets import budget_curves, curve_rows
from xstilts.report.evidence import evidence_of
from xstilts.report.figures import all_figures


@pytest.fixture(scope="module")
def real():
    return made_up.study("real")


def test_a_study_of_one_budget_and_head_shows_neither_figure_nor_table():
    mini = made_up.study("mini")
    assert budgets(mini) is None
    assert budget_pairs(mini) is None
    assert "budget_curves" not in all_figures(mini)


def test_the_figure_shows_every_training_without_intermediate_task_once(real):
    figure = budget_curves(real)
    rows = figure.data
    assert set(rows["arm"]) == {"none"}
    keys = ["study", "title", "head", "body_params", "items", "group"]
    assert not rows.duplicated(keys).any()
    assert set(rows["head"]) == {"aligned", "joint"}
    assert set(rows.loc[rows["head"] == "joint", "items"]) == {1000, 16_000}
    assert "joint" in figure.alt
    assert figure.svg.startswith("<?xml")


def test_pools_of_one_target_are_lines_of_their_own(real):
    assert "pools" not in budget_curves(real).caption
    pooled = made_up.study("real")
    more = pooled.budgets[pooled.budgets["target"] == "xnli"]
    pooled.budgets = pd.concat(
        [pooled.budgets, more.assign(study="real_curve", target="xnli_60k", items=60_000)],
        ignore_index=True,
    )
    figure = budget_curves(pooled)
    assert "Items of XNLI from xnli and xnli_60k, pools whose lines are apart." in figure.caption
    assert figure.alt.count("XNLI, ") > budget_curves(real).alt.count("XNLI, ")


def test_rows_run_from_few_items_to_many(real):
    for _, line in curve_rows(evidence_of(real)).groupby(["title", "head", "body_params", "group"]):
        assert line["items"].is_monotonic_increasing


def test_the_table_of_pairs_gives_contrasts_at_both_numbers_of_items(real):
    table = budget_pairs(real)
    assert {row[3].text for row in table.rows} == {"2,000", "8,000"}
    assert all(row[2].text == "aligned" for row in table.rows)  # the other head has no arms
    shown = real.budgets
    one = shown[(shown["items"] == 8000) & (shown["contrast"] == "multilingual-english")
                & (shown["group"] == "other") & (shown["target"] == "xnli")].iloc[0]  # fmt: skip
    texts = {row[7].text.replace("−", "-") for row in table.rows if row[3].text == "8,000"}
    assert f"{one['value']:+.1f}" in texts


def test_the_table_of_means_has_a_row_a_kind_of_pairs_size_and_study(real):
    table = budgets(real)
    sizes = len(evidence_of(real).models)
    assert list(table.sections.values()) == [
        "Mean of the cross-task pairs", "Mean of the same-task pairs",
    ]  # fmt: skip
    assert [row[2].text for row in table.rows] == ["2,000", "8,000"] * 2 * sizes
    shown = real.budgets
    rows = shown[(shown["target"] == "cross") & (shown["group"] == "other")
                 & (shown["contrast"] == "multilingual-english")]  # fmt: skip
    wanted = rows.sort_values(["body_params", "items"])["value"]
    texts = [row[6].text.replace("−", "-") for row in table.rows[: 2 * sizes]]
    assert texts == [f"{value:+.1f}" for value in wanted]


def test_items_that_differ_between_targets_are_both_told(real):
    evidence = evidence_of(real)
    assert items_words(evidence, "real") == "2,000"
    uneven = made_up.study("real")
    shown = uneven.budgets
    shown.loc[(shown["study"] == "real_more") & (shown["target"] == "pawsx"), "items"] = 4000
    assert items_words(evidence_of(uneven), "real_more") == "8,000 / 4,000"
    assert "Items: of XNLI / PAWS-X." in budgets(uneven).caption


def test_the_control_stands_beside_the_arms_of_the_same_skill(real):
    table = control(real)
    sizes = len(evidence_of(real).models)
    assert len(table.rows) == 2 * sizes  # XNLI after MultiNLI, PAWS-X after its development set
    assert {row[2].text for row in table.rows} == {"50.0"}
    scores = real.scores.set_index(["model", "intermediate", "arm", "target", "group"])["score"]
    expected = scores["e5_l03", "mnli_mt", "multilingual", "xnli", "other"]
    place = next(place for place, title in table.sections.items() if title.startswith("XNLI"))
    assert table.rows[place][4].text == f"{expected:.1f}"


def test_there_is_no_control_without_a_training_on_as_many_items():
    assert control(made_up.study("mini")) is None
