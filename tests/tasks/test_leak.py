import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.tasks.item import Item, to_table
from xstilts.tasks.leak import count_overlap, drop_test_text, normalise, text_digests


def table(*rows):
    return to_table([Item(i, code, a, b, "x") for i, code, a, b in rows], ["x"])


TEST = table(("t-0", "en", "They're here.", "A cat!"), ("t-0", "de", "Sie sind da.", "NS"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("They 're here .", "they're here"),
        ("你好 , 世界 。", "你好，世界"),
        ("Straße", "STRASSE"),
        ("e\u0301t\u00e9", "\u00e9te\u0301"),
        ("ﬁne", "fine"),
        ("a\u200db\x1dc", "abc"),
    ],
)
def test_texts_that_differ_in_form_alone_are_one(one, other):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(("one", "other"), [("की", "का"), ("มี", "มา"), ("3", "4"), ("été", "ete")])
def test_texts_of_different_words_stay_apart(one, other):
    assert normalise(one) != normalise(other)


def test_an_item_goes_in_every_language_if_one_of_its_texts_is_test_text():
    train = table(
        ("a", "en", "new", "words"), ("a", "de", "neue", "Worte"),
        ("b", "en", "new", "words"), ("b", "de", "Worte", "sie sind da"),
        ("c", "en", "a  CAT", "else"), ("c", "de", "noch", "etwas"),
    )  # fmt: skip
    kept, dropped = drop_test_text(train, [TEST])
    assert dropped == ["b", "c"]
    assert kept["id"].tolist() == ["a", "a"]


def test_a_text_of_one_side_matches_the_other_side():
    kept, dropped = drop_test_text(table(("a", "en", "a cat", "new")), [TEST])
    assert (len(kept), dropped) == (0, ["a"])


def test_placeholders_and_empty_texts_are_no_test_text():
    train = table(("a", "de", "NS", "..."))
    assert drop_test_text(train, [TEST], ignored=("NS",))[1] == []
    assert drop_test_text(train, [TEST])[1] == ["a"]
    assert text_digests([table(("t", "en", "?!", ""))]) == set()


@given(st.lists(st.text("ab .", max_size=3), min_size=2, max_size=12))
def test_nothing_that_is_kept_occurs_in_the_test(words):
    half = len(words) // 2
    train = table(*((f"a{n}", "en", w, "unique") for n, w in enumerate(words[:half])))
    test = table(*((f"t{n}", "en", w, "other") for n, w in enumerate(words[half:])))
    kept, dropped = drop_test_text(train, [test])
    held_out = {normalise(word) for word in words[half:]} - {""}
    assert {normalise(text) for text in kept["text_a"]}.isdisjoint(held_out)
    assert len(kept) + len(dropped) == half


def test_what_is_left_overlaps_with_no_test_and_what_was_there_is_counted_by_language():
    train = pd.DataFrame({
        "id": ["a", "a", "b", "b"], "language": ["en", "de", "en", "de"],
        "text_a": ["One.", "Eins.", "Two.", "Zwei."], "text_b": ["x1", "x2", "x3", "x4"],
    })  # fmt: skip
    test = pd.DataFrame({"text_a": ["zwei"], "text_b": ["other"]})
    assert count_overlap(train, [test]) == {"de": 1}
    kept, dropped = drop_test_text(train, [test])
    assert dropped == ["b"]
    assert count_overlap(kept, [test]) == {}
    assert count_overlap(train, [test], sides=("text_b",)) == {}
