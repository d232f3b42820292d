import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.errors import DataError
from xstilts.tasks.select import draw, select_training

LANGUAGES = ("en", "de")


def english(train, items, seed):
    return select_training(train, arm="english", items=items, seed=seed, languages=LANGUAGES)


def multilingual(train, items, seed, languages=LANGUAGES):
    return select_training(train, arm="multilingual", items=items, seed=seed, languages=languages)


@settings(max_examples=20)
@given(items=st.integers(1, 30), seed=st.integers(0, 99))
def test_arms_share_items_and_labels_and_differ_in_language_alone(items, seed, pairs_table_of_30):
    one, other = (
        english(pairs_table_of_30, items, seed),
        multilingual(pairs_table_of_30, items, seed),
    )
    assert one["id"].tolist() == other["id"].tolist() == sorted(one["id"])
    assert one["label"].equals(other["label"])
    assert set(one["language"]) == {"en"}
    assert len(one) == items
    for row in other.itertuples():
        assert row.text_a.startswith(row.language)


@settings(max_examples=20)
@given(items=st.integers(1, 30), seed=st.integers(0, 99))
def test_the_control_reads_the_multilingual_texts_with_labels_exchanged(
    items, seed, pairs_table_of_30
):
    one = multilingual(pairs_table_of_30, items, seed)
    other = select_training(
        pairs_table_of_30, arm="shuffled", items=items, seed=seed, languages=LANGUAGES
    )
    for column in ("id", "language", "text_a", "text_b"):
        assert one[column].equals(other[column])
    assert sorted(one["label"]) == sorted(other["label"])
    again = select_training(
        pairs_table_of_30, arm="shuffled", items=items, seed=seed, languages=LANGUAGES
    )
    assert other.equals(again)


def test_shuffled_labels_tell_nothing(pairs_table_of_30):
    found = [
        (
            select_training(
                pairs_table_of_30, arm="shuffled", items=30, seed=seed, languages=LANGUAGES
            )["label"].to_numpy()
            == multilingual(pairs_table_of_30, 30, seed)["label"].to_numpy()
        ).mean()
        for seed in range(40)
    ]
    assert abs(sum(found) / len(found) - 0.5) < 0.06


@pytest.fixture(scope="module")
def pairs_table_of_30():
    from xstilts.tasks.item import Item, to_table

    rows = [
        Item(f"i{n:02d}", code, f"{code} a {n}", f"{code} b {n}", "no" if n % 2 else "yes")
        for code in LANGUAGES
        for n in range(30)
    ]
    return to_table(rows, ["no", "yes"])


def test_the_draw_is_the_same_every_time_and_another_for_another_seed(pairs_table):
    train = pairs_table(60)
    assert multilingual(train, 30, 1).equals(multilingual(train, 30, 1))
    assert english(train, 30, 1)["id"].tolist() != english(train, 30, 2)["id"].tolist()


def test_the_draw_does_not_depend_on_the_order_of_the_rows(pairs_table):
    train = pairs_table(60)
    shuffled = train.sample(frac=1, random_state=0)
    assert multilingual(train, 30, 1).equals(multilingual(shuffled, 30, 1))


def test_languages_are_balanced_within_sampling_noise(pairs_table):
    languages = ("de", "en", "es", "zh")
    drawn = multilingual(pairs_table(4000, languages), 4000, 3, languages)
    shares = drawn["language"].value_counts(normalize=True)
    noise = (0.25 * 0.75 / 4000) ** 0.5
    assert abs(shares - 0.25).max() < 4 * noise


def test_the_language_says_nothing_about_the_label(pairs_table):
    drawn = multilingual(pairs_table(6000), 6000, 0)
    shares = drawn.groupby("label")["language"].apply(lambda column: (column == "en").mean())
    assert shares.max() - shares.min() < 0.08


def test_a_smaller_draw_is_part_of_a_larger_one():
    ids = [f"i{n}" for n in range(50)]
    assert set(draw(ids, 10, "items", 7)) < set(draw(ids, 20, "items", 7))


def test_tasks_draw_apart(pairs_table):
    train = pairs_table(60)
    chosen = [
        select_training(train, arm="english", items=20, seed=0, languages=LANGUAGES, task=task)
        for task in ("one", "two")
    ]
    assert not chosen[0].equals(chosen[1])


def test_more_items_than_there_are_is_refused(pairs_table):
    with pytest.raises(DataError, match=r"31 items asked, 30 available"):
        english(pairs_table(30), 31, 0)


def test_an_unknown_arm_names_the_nearest(pairs_table):
    with pytest.raises(DataError, match=r"arm 'englisch' is unknown.*Did you mean 'english'"):
        select_training(pairs_table(3), arm="englisch", items=1, seed=0, languages=LANGUAGES)


def test_a_language_without_training_text_is_refused(pairs_table):
    with pytest.raises(DataError, match=r"has no training text in 'sw'"):
        multilingual(pairs_table(30), 30, 0, ("en", "sw"))
