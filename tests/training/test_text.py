import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training.conftest import word_tokenizer
from xstilts.tasks.item import COLUMNS, empty_table
from xstilts.training.text import encode_pairs

WORDS = [f"w{place}" for place in range(30)]
SENTENCES = st.lists(st.sampled_from([*WORDS, "unheard"]), max_size=14).map(" ".join)
PAIRS = st.lists(st.tuples(SENTENCES, SENTENCES), min_size=1, max_size=5)
HEADS = ["siamese", "aligned", "joint"]


def table(pairs, labels=None):
    a, b = zip(*pairs, strict=True) if pairs else ((), ())
    count = len(pairs)
    columns = {
        "id": [f"i{place}" for place in range(count)], "language": ["en"] * count, "text_a": a,
        "text_b": b, "label": labels or [0] * count, "group": [""] * count,
    }  # fmt: skip
    return pd.DataFrame(columns).astype(COLUMNS)


def of(texts, place):
    part = slice(texts.starts[place], texts.starts[place + 1])
    return texts.ids[part].tolist(), texts.kinds[part].tolist()


@pytest.fixture(scope="module", params=[False, True], ids=["xlm-r", "bert"])
def tokenizer(request):
    return word_tokenizer(WORDS, segments=request.param)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    pairs=PAIRS,
    longest=st.integers(8, 24),
)
def test_a_joint_sequence_is_that_of_the_tokenizer(tokenizer, pairs, longest):
    found = encode_pairs(tokenizer, table(pairs), "joint", longest)
    for (a, b), (place,) in zip(pairs, found.sides, strict=True):
        # as lists: of one pair, transformers drops a second text that is empty
        expected = tokenizer([a], [b], truncation=True, max_length=longest)
        ids, kinds = of(found.texts, place)
        assert ids == expected["input_ids"][0]
        assert kinds == expected.get("token_type_ids", [[0] * len(ids)])[0]
        assert len(ids) <= longest


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    pairs=PAIRS,
    longest=st.integers(3, 16),
)
def test_texts_read_alone_are_those_of_the_tokenizer(tokenizer, pairs, longest):
    found = encode_pairs(tokenizer, table(pairs), "siamese", longest)
    for pair, places in zip(pairs, found.sides, strict=True):
        for text, place in zip(pair, places, strict=True):
            expected = tokenizer(text, truncation=True, max_length=longest)["input_ids"]
            assert of(found.texts, place) == (expected, [0] * len(expected))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(pairs=PAIRS)
def test_distinct_texts_are_tokenised_once(tokenizer, pairs):
    alone = encode_pairs(tokenizer, table(pairs), "aligned", 40)
    assert len(alone.texts) == len({text for pair in pairs for text in pair})
    assert alone.sides.shape == (len(pairs), 2)
    joint = encode_pairs(tokenizer, table(pairs), "joint", 40)
    assert len(joint.texts) == len(set(pairs))
    assert joint.sides.shape == (len(pairs), 1)


def test_a_pair_is_cut_at_its_longer_text(tokenizer):
    a, b = " ".join(WORDS[:12]), "w20 w21"
    found = encode_pairs(tokenizer, table([(a, b)]), "joint", 10)
    ids, _ = of(found.texts, 0)
    assert len(ids) == 10
    assert [place for place in ids if place > 20] == [24, 25]  # the shorter text is whole


def test_the_order_within_a_pair_counts():
    made = word_tokenizer(WORDS)
    found = encode_pairs(made, table([("w1", "w2"), ("w2", "w1")]), "joint", 16)
    assert found.sides.tolist() == [[0], [1]]
    alone = encode_pairs(made, table([("w1", "w2"), ("w2", "w1")]), "siamese", 16)
    assert alone.sides.tolist() == [[0, 1], [1, 0]]


def test_only_the_second_text_of_a_bert_pair_is_of_another_segment():
    pairs = table([("w1 w2", "w3")])
    joint = encode_pairs(word_tokenizer(WORDS, segments=True), pairs, "joint", 16)
    assert joint.texts.kinds.tolist() == [0, 0, 0, 0, 1, 1]
    plain = encode_pairs(word_tokenizer(WORDS), pairs, "joint", 16)
    assert not plain.texts.kinds.any()


@pytest.mark.parametrize("head", HEADS)
def test_an_empty_table_gives_no_pairs(tokenizer, head):
    found = encode_pairs(tokenizer, empty_table(), head, 16)
    assert len(found) == len(found.texts) == len(found.lengths) == 0
    assert found.sides.shape == (0, 1 if head == "joint" else 2)
    assert found.texts.ids.dtype == np.int64


@pytest.mark.parametrize("head", HEADS)
def test_lengths_of_pairs_are_sums_over_their_texts(head):
    made = word_tokenizer(WORDS)
    found = encode_pairs(made, table([("w1 w2 w3", "w4"), ("w4", "w4")]), head, 16)
    assert found.lengths.tolist() == [8, 6]


def test_labels_and_rows_stay_with_their_pairs(tokenizer):
    rows = table([("w1", "w2"), ("w3", "w4"), ("w1", "w2")], [2, 0, 1])
    found = encode_pairs(tokenizer, rows, "joint", 16)
    assert found.labels.tolist() == [2, 0, 1]
    assert found.labels.dtype == np.int64
    assert found.table is rows
    assert found.sides.ravel().tolist() == [0, 1, 0]


def test_a_renumbered_vocabulary_changes_ids_alone(tokenizer):
    found = encode_pairs(tokenizer, table([("w1 w2", "w3")]), "siamese", 16)
    moved = found.renumbered(lambda ids: ids + 100)
    assert (moved.texts.ids == found.texts.ids + 100).all()
    assert moved.texts.starts is found.texts.starts
    assert moved.sides is found.sides
    assert found.texts.ids.max() < 100


def test_what_the_tokenizer_was_asked_before_does_not_matter():
    """Truncation and padding stay set in a tokenizer; each call sets its own."""
    made = word_tokenizer(WORDS)
    rows = table([(" ".join(WORDS[:9]), "w1")])
    first = encode_pairs(made, rows, "siamese", 16).texts.ids.tolist()
    made(["w1", "w1 w2"], padding=True, truncation=True, max_length=4)
    assert encode_pairs(made, rows, "siamese", 16).texts.ids.tolist() == first
