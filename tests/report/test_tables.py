from types import SimpleNamespace

import made_up
import pytest

from xstilts.report import tables
from xstilts.report.crosscheck_table import agreeing
from xstilts.report.method_tables import costs
from xstilts.tasks.baseline import BASELINES


@pytest.fixture(scope="module")
def made(mini):
    return tables.all_tables(mini)


def test_rows_fill_their_columns(made):
    for table in made.values():
        assert all(len(row) == len(table.columns) for row in table.rows), table.id


def test_main_results_hold_every_model_arm_and_target(made, mini):
    assert len(made["main"].rows) == 2 * 3 * 5
    assert len(made["main"].sections) == 2


def test_main_results_repeat_the_scores(made, mini):
    row = made["main"].rows[0]
    score = mini.scores.query(
        "model == 'e5_l03' and arm == 'none' and target == 'mini_nli' and group == 'en'"
    ).iloc[0]
    assert row[3].text == f"{score['score']:.1f}"
    assert row[3].small == f"[{score['low']:.1f} to {score['high']:.1f}]"


def test_same_task_pairs_are_starred(made):
    starred = {row[1].text for row in made["main"].rows if row[1].text.endswith("*")}
    assert starred == {"NLI, other lexicon*"}


def test_one_seed_has_no_brackets(smoke):
    main = tables.main_results(smoke)
    assert not any(entry.small for row in main.rows for entry in row)
    assert "brackets" not in main.caption


def test_collapsed_runs_are_counted_where_they_fell():
    study = made_up.study("smoke", layers=(2,), seeds=(0, 1))
    study.scores.loc[study.scores["arm"] == "english", "collapsed"] = 1
    rows = tables.main_results(study).rows
    assert ["collapsed" in row[4].small for row in rows] == [False, True, False]


def test_languages_without_score_are_blank(made):
    study = made_up.study("real")
    table = tables.languages(study)
    column = table.columns.index("ko")
    assert {row[column].text for row in table.rows[:3]} == {""}


def test_every_tested_hypothesis_stands_beside_its_other_methods(made, mini):
    table = made["crosschecks"]
    assert [row[0].text for row in table.rows] == mini.hypotheses["says"].tolist()
    assert table.rows[0][6].text == "0.250 / 0.250"
    assert "cannot give less than 0.250" in table.caption
    open_row = mini.hypotheses["low"].lt(0).to_numpy().argmax()
    assert agreeing(mini.crosschecks) == (len(table.rows) - 1, len(table.rows))
    assert table.rows[open_row][2].text.startswith("−")


def test_critical_batches_are_told_by_size_and_volume():
    study = made_up.study("real")
    table = tables.batch_table(study)
    assert [row[1].text for row in table.rows[:2]] == ["1,000", "2,000"]
    assert [row[3].text for row in table.rows[:2]] == ["24", "over 32"]
    assert table.rows[0][3].small == "[12 to 24]"
    assert tables.batch_table(made_up.study("mini")) is None


def test_a_study_of_one_seed_has_no_other_methods(smoke):
    assert "crosschecks" not in tables.all_tables(smoke)


def test_audit_joins_languages_with_equal_counts(made, mini):
    audit = made["audit"]
    assert len(audit.rows) < len(mini.audit)
    together = " ".join(sorted(mini.study["tasks"]["mini_nli"]["test_languages"]))
    assert any(row[1].text == together for row in audit.rows)


def test_audit_keeps_what_differs(mini):
    changed = made_up.study()
    place = changed.audit.query("task == 'mini_nli' and split == 'test' and language == 'tr'").index
    changed.audit.loc[place, "marked"] = 7
    audit = tables.audit(changed)
    assert "Marked" in audit.columns
    assert [row for row in audit.rows if row[0].text == "test" and row[1].text == "tr"]


def test_audit_counts_labels_in_the_order_that_stands_above_them(made, mini):
    audit, labels = made["audit"], mini.study["tasks"]["mini_nli"]["labels"]
    assert f"Miniature NLI: {' / '.join(labels)}" in audit.sections.values()
    row = audit.rows[0]
    counts = row[audit.columns.index("By label")].text.split("/")
    assert ", ".join(f"{label} {count}" for label, count in zip(labels, counts, strict=True)) in (
        set(mini.audit["labels"])
    )


def test_costs_add_up(made, mini):
    runs = sum(int(row[2].text.replace(",", "")) for row in made["cost"].rows)
    assert runs == len(mini.cost)


def test_speeds_are_printed_and_a_dash_where_they_were_not_measured(made, mini):
    at = [column.lower() for column in made["cost"].columns].index("ceiling, %")
    assert {row[at].text for row in made["cost"].rows} == {"60.0"}
    older = SimpleNamespace(**vars(mini))
    older.cost = mini.cost.drop(columns=["mfu", "padding_share"])
    assert {row[at].text for row in costs(older).rows} == {"–"}


def test_examples_are_generated_items_in_every_language(made, mini):
    examples = made["examples"]
    languages = [row[1].language for row in examples.rows]
    assert languages.count("zh") == 2
    assert all(row[1].text and row[2].text for row in examples.rows)


def test_shortcuts_give_every_baseline_of_every_task(made, mini):
    table = made["shortcuts"]
    tasks = {*mini.study["study"]["targets"], *mini.study["study"]["intermediates"]}
    assert len(table.rows) == len(tasks) * len(BASELINES)
    largest = mini.scores[(mini.scores["model"] == "e5_l12") & (mini.scores["arm"] == "none")]
    english = largest.query("target == 'mini_nli' and group == 'en'")["score"].item()
    first = table.rows[0]  # majority of the first target: chance + 1
    assert first[4].text == f"{english - 100 / 3 - 1:+.1f}"
    assert table.rows[-1][4].text == ""  # no encoder is scored on an intermediate task


def test_operators_have_a_row_a_label_and_kind(made, mini):
    table = made["operators"]
    assert len(table.rows) == 2 * 2
    assert len(table.columns) == 3 + 2 * 3
    without = SimpleNamespace(**vars(mini))
    without.operators = mini.operators.iloc[:0]
    assert "operators" not in tables.all_tables(without)


def test_retrieval_compares_arms_on_one_sample(made):
    assert "retrieval" not in made
    study = made_up.study("real", layers=(3, 6), seeds=(0, 1))
    table = tables.all_tables(study)["retrieval"]
    starts = len(study.scores[["intermediate", "arm"]].drop_duplicates())
    whole, part = 2 + 1, 2 * starts  # the third is the encoder of a study beside
    assert len(table.rows) == 2 * (whole + part)
    assert list(table.sections) == [0, whole, whole + part, 2 * whole + part]
    assert "up to 100 sentences" in table.sections[whole]
    assert table.rows[2][0].small == "12 layers, study made_whole"
    assert [entry.text for entry in table.rows[2]][3:] == ["81.0", "81.0", "80.0", "80.0"]
    assert [entry.text for entry in table.rows[0]][3:] == ["34.0", "34.0", "33.0", "33.0"]


def test_shares_found_and_f1_stand_apart_and_say_what_they_are():
    study = made_up.study("real", layers=(3, 6), seeds=(0, 1))
    table = tables.all_tables(study)["retrieval"]
    assert list(table.sections.values()) == [
        "Tatoeba: percent found, up to 1,000 sentences a language",
        "Tatoeba: percent found, up to 100 sentences a language",
        "BUCC 2018 (dev), Chinese: F1, all sentences",
        "BUCC 2018 (dev), Chinese: F1, up to 500 sentences a side",
    ]
    first = table.rows[list(table.sections)[2]]
    assert [entry.text for entry in first][3:] == ["14.0", "14.0", "13.0", "13.0"]
    assert "Percent found: " in table.caption
    assert "upper bound" in table.caption
    measures = table.data.groupby("corpus")["measure"].unique()
    assert {name: list(values) for name, values in measures.items()} == {
        "bucc": ["F1"], "tatoeba": ["percent found"]
    }  # fmt: skip
    study.retrievals = study.retrievals[study.retrievals["corpus"] == "tatoeba"]
    assert "F1" not in tables.all_tables(study)["retrieval"].caption


def test_official_items_are_never_shown():
    assert "examples" not in tables.all_tables(made_up.study("real", layers=(3,), seeds=(0,)))


def test_a_notebook_shows_text_not_markup(smoke):
    smoke = made_up.study("smoke", layers=(2,), seeds=(0,))
    smoke.study["tasks"]["smoke_nli"]["title"] = "<b>bold</b>"
    assert "<b>bold" not in tables.main_results(smoke)._repr_html_()


def test_claims_say_what_decides_them_and_why_one_cannot_be_tested():
    table = tables.all_tables(made_up.study("mini"))["claims"]
    assert [row[3].text for row in table.rows] == [
        "supported", "contradicted", "not resolved", "not testable",
    ]  # fmt: skip
    assert table.rows[0][2].text == "+1.2"
    assert "0.4 to" in table.rows[0][2].small
    assert (table.rows[3][2].text, table.rows[3][3].small) == ("–", "no D here")
