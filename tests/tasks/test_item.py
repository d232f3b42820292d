import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.errors import DataError
from xstilts.tasks.item import COLUMNS, Item, check_table, empty_table, of_items, to_items, to_table

LABELS = ("no", "yes")
ITEMS = [Item("t-1", "en", "a", "b", "yes", "swap"), Item("t-1", "de", "c", "", "no")]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def test_a_table_holds_labels_as_indices_and_every_column():
    table = to_table(ITEMS, LABELS)
    assert list(table.columns) == list(COLUMNS)
    assert table["label"].tolist() == [1, 0]
    assert table["label"].dtype == "int8"


@given(st.lists(st.tuples(texts, texts, st.sampled_from(LABELS)), max_size=5))
def test_items_survive_the_table_and_parquet(tmp_path_factory, rows):
    items = [Item(f"t-{n}", "en", a, b, label) for n, (a, b, label) in enumerate(rows)]
    path = tmp_path_factory.mktemp("table") / "t.parquet"
    to_table(items, LABELS).to_parquet(path, index=False)
    assert to_items(check_table(pd.read_parquet(path), LABELS, "t"), LABELS) == items


def test_an_unknown_label_is_refused():
    with pytest.raises(DataError, match=r"item t-1 \(en\): label 'yes' is unknown; allowed: no"):
        to_table(ITEMS, ("no",))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda t: t.drop(columns="group"), "found columns id, language, text_a, text_b, label;"),
        (lambda t: t.assign(more=1), "expected id, language"),
        (lambda t: t.assign(label=[1, 2]), "item t-1: label 2 of 2 labels"),
        (lambda t: pd.concat([t, t]), "item t-1 occurs twice in 'en'"),
    ],
)
def test_a_spoilt_table_is_refused(spoil, told):
    with pytest.raises(DataError, match=told):
        check_table(spoil(to_table(ITEMS, LABELS)), LABELS, "train.parquet")


def test_an_empty_table_is_sound():
    assert len(check_table(empty_table(), LABELS, "test.parquet")) == 0


def test_rows_of_items_come_by_language_as_found_then_by_id(pairs_table):
    table = pairs_table(4, ("en", "de")).iloc[::-1]
    chosen = of_items(table, ["made-train-00003", "made-train-00001"])
    assert list(zip(chosen["language"], chosen["id"].str[-1], strict=True)) == [
        ("de", "1"), ("de", "3"), ("en", "1"), ("en", "3"),
    ]  # fmt: skip
