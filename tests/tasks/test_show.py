from xml.etree import ElementTree

import pytest

from xstilts.tasks import show
from xstilts.tasks.audit import audit_split
from xstilts.tasks.baseline import score_baselines
from xstilts.tasks.item import empty_table
from xstilts.tasks.load import TaskData

LABELS = ("entailment", "neutral", "contradiction")


@pytest.fixture
def data(pairs_table):
    train, test = pairs_table(12, ("en",)), pairs_table(9, ("de", "en", "zh"), "test")
    report = {"rows": audit_split("made", "test", test, test, LABELS)}
    return TaskData("made", LABELS, train, test, score_baselines("made", train, test), report)


def test_examples_show_each_label_in_the_languages_asked_that_exist(data):
    table = show.examples(data, items=3, languages=("en", "de", "sw"))
    assert table["label"].nunique() == 3
    assert set(table.index.get_level_values("language")) == {"de", "en"}
    assert list(table.columns) == ["label", "text_a", "text_b"]


def test_operators_are_shown_where_there_are_any(data):
    data.test["group"] = "swap"
    assert "group" in show.examples(data).columns


def test_a_task_without_test_shows_its_training_items(data):
    only = TaskData("made", LABELS, data.train, empty_table(), data.baselines, data.report)
    assert set(show.examples(only, items=2).index.get_level_values("language")) == {"en"}
    assert "en" in show.lengths(only).alt
    assert show.label_balance(only).alt.endswith("training 33, 33, 33.")


def test_text_is_shown_in_full_and_its_markup_escaped(data):
    data.test["text_a"] = "<b>" + "long " * 40
    page = show.readable(show.examples(data)).to_html()
    assert "&lt;b&gt;" + "long " * 40 in page
    assert "<b>" not in page


@pytest.mark.parametrize("draw", [show.label_balance, show.lengths])
def test_pictures_are_the_same_svg_every_time_with_numbers_in_the_alternative_text(data, draw):
    one, other = draw(data), draw(data)
    assert one == other
    assert ElementTree.fromstring(one.svg).tag.endswith("svg")
    assert any(character.isdigit() for character in one.alt)
    assert set(one._repr_mimebundle_(include=None)) == {"image/svg+xml", "text/plain"}


def test_floors_are_one_row_a_language(data):
    table = show.baselines(data)
    assert list(table.index) == ["de", "en", "zh"]
    assert table["items"].tolist() == [9, 9, 9]


def test_splits_are_counted_once_for_all_translations(data):
    assert show.count_items(data).loc["test"].tolist() == [9, 3]
