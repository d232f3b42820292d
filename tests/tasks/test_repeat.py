from xstilts.tasks.item import Item, to_table
from xstilts.tasks.repeat import drop_repeated

LABELS = ("entailment", "neutral", "contradiction")


def rows(*pairs, language="en"):
    return [
        Item(f"made-{n}", language, a, b, LABELS[label]) for n, (a, b, label) in enumerate(pairs)
    ]


def ids(table):
    return sorted(table["id"].unique())


def test_a_pair_that_occurred_before_is_dropped_whatever_its_spacing_and_case():
    table = to_table(rows(("A cat.", "It sits", 0), ("a  cat", "it sits!", 0), ("a dog", "x", 1)),
                     LABELS)  # fmt: skip
    kept, repeated, contradicting = drop_repeated(table)
    assert (ids(kept), repeated, contradicting) == (["made-0", "made-2"], ["made-1"], [])
    assert list(kept.index) == [0, 1]


def test_a_pair_with_several_labels_is_dropped_whole():
    table = to_table(rows(("a", "b", 0), ("a", "b", 1), ("a", "b", 0), ("a", "c", 0)), LABELS)
    kept, repeated, contradicting = drop_repeated(table)
    assert (ids(kept), repeated) == (["made-3"], [])
    assert contradicting == ["made-0", "made-1", "made-2"]


def test_a_shared_text_or_the_same_texts_in_turn_are_no_repetition():
    table = to_table(rows(("a", "b", 0), ("b", "a", 1), ("a", "c", 2)), LABELS)
    kept, repeated, contradicting = drop_repeated(table)
    assert kept.equals(table)
    assert repeated == contradicting == []


def test_an_item_that_repeats_another_in_one_language_is_dropped_in_all():
    english = rows(("a", "b", 0), ("c", "d", 0))
    german = rows(("e", "f", 0), ("e", "f", 0), language="de")
    kept, repeated, _ = drop_repeated(to_table([*english, *german], LABELS))
    assert repeated == ["made-1"]
    assert list(kept["id"]) == ["made-0", "made-0"]
