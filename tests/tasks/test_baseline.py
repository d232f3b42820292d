import numpy as np
import pytest

from xstilts.tasks.baseline import overlap_features, score_baselines, tokens
from xstilts.tasks.item import Item, empty_table, to_table

LABELS = ("different", "paraphrase")


def overlapping(items, language, split):
    """Return pairs whose label is whether they share most words: overlap solves them."""
    rng = np.random.default_rng(len(language) + items)
    rows = []
    for n in range(items):
        words = [f"{language}{number}" for number in rng.choice(500, 8, replace=False)]
        same = bool(rng.random() < 0.4)
        other = words[:6] if same else [f"{language}{900 + k}" for k in range(6)]
        label = LABELS[same]
        rows.append(Item(f"{split}-{n}", language, " ".join(words), " ".join(other), label))
    return to_table(rows, LABELS)


def test_overlap_solves_another_language_where_words_overlap():
    train, test = overlapping(80, "en", "train"), overlapping(50, "de", "test")
    scores = score_baselines("made", train, test).set_index("baseline")["score"]
    assert scores["overlap"] == 100.0
    assert scores["majority"] == 100 * test["label"].value_counts(normalize=True).max()


def test_overlap_is_chance_where_the_label_is_random():
    train, test = overlapping(400, "en", "train"), overlapping(400, "en", "test")
    rng = np.random.default_rng(0)
    train["label"], test["label"] = rng.integers(0, 2, 400), rng.integers(0, 2, 400)
    scores = score_baselines("made", train, test).set_index("baseline")["score"]
    assert abs(scores["overlap"] - 50) < 10


def test_features_are_shares_of_tokens_and_of_neighbours():
    pair = to_table([Item("i", "en", "The cat sat down.", "the dog sat down now", "different")],
                    LABELS)  # fmt: skip
    expected = [3 / 4, 3 / 5, 1 / 3, 1 / 4, np.log(5 / 6)]
    assert overlap_features(pair)[0] == pytest.approx(expected)


def test_texts_without_words_have_features_too():
    pair = to_table([Item("i", "en", "?", "", "different")], LABELS)
    assert np.isfinite(overlap_features(pair)).all()


@pytest.mark.parametrize("language", ["zh", "ja", "th"])
def test_languages_without_spaces_are_read_by_character(language):
    assert tokens("你好, 世界", language) == ["你", "好", "世", "界"]
    assert tokens("你好, 世界", "en") == ["你好", "世界"]


def test_no_test_set_gives_no_baselines():
    table = score_baselines("made", overlapping(20, "en", "train"), empty_table())
    assert len(table) == 0
    assert list(table.columns) == ["task", "language", "baseline", "score", "items"]
