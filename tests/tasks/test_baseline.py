import numpy as np
import pytest

from xstilts.params import load_task, names
from xstilts.tasks.baseline import (
    BASELINES,
    GENERATED_ITEMS,
    overlap_features,
    score_baselines,
    tokens,
)
from xstilts.tasks.item import Item, empty_table, to_table
from xstilts.tasks.miniature import read_miniature

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


def test_every_baseline_is_scored_in_every_language():
    train = overlapping(80, "en", "train")
    test = to_table(
        [Item(f"t{n}", code, "a b", "b c", LABELS[n % 2]) for code in ("en", "de") for n in (0, 1)],
        LABELS,
    )
    table = score_baselines("made", train, test)
    assert table.groupby("language")["baseline"].apply(list).tolist() == [list(BASELINES)] * 2


def worded(items, side):
    """Return pairs whose label is a word of one side."""
    rows = []
    for n in range(items):
        texts = [f"w{n % 7} common", f"w{n % 5} common"]
        texts[side] += (" yes", " no")[n % 2]
        rows.append(Item(f"i{n}", "en", *texts, LABELS[n % 2]))
    return to_table(rows, LABELS)


@pytest.mark.parametrize(("side", "name"), [(0, "premise_only"), (1, "hypothesis_only")])
def test_a_word_of_one_side_is_found_by_the_baseline_of_that_side_alone(side, name):
    table = worded(120, side)
    scores = score_baselines("made", table, table).set_index("baseline")["score"]
    assert scores[name] == scores["bag_of_words"] == scores["word_difference"] == 100
    other = {"premise_only", "hypothesis_only"} - {name}
    assert scores[other.pop()] < 70


@pytest.mark.parametrize("task", [name for name in names("tasks") if name.startswith("mini_")])
def test_one_text_alone_stays_within_five_points_of_chance(task):
    """In the tasks of the default study, with their own difficulty and number of items."""
    spec = load_task(task)
    train, test = (
        read_miniature(task, spec, spec.source, split, ("en",), items)
        for split, items in (("train", spec.train_items), ("test", GENERATED_ITEMS))
    )
    scores = score_baselines(task, train, test).set_index("baseline")["score"]
    chance = 100 / len(spec.labels)
    assert scores["premise_only"] < chance + 5
    assert scores["hypothesis_only"] < chance + 5
