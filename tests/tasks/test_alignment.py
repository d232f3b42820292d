from xstilts.miniature import LANGUAGES
from xstilts.tasks.alignment import alignment_items


def test_every_event_has_its_near_miss_of_the_same_words():
    table = alignment_items(["en", "de", "ja"], events=20)
    assert len(table) == 20 * 2 * 2
    for _, pair in table[table["language"] == "de"].groupby("group"):
        first, second = pair["text_a"]
        assert first != second
        assert sorted(first.lower().strip(".").split()) == sorted(second.lower().strip(".").split())


def test_english_sentences_are_all_different():
    table = alignment_items(["de"])
    assert table["text_a"].is_unique
    assert table["text_b"].is_unique


def test_languages_that_the_miniature_does_not_speak_are_left_out():
    table = alignment_items([*LANGUAGES, "xx"], events=3)
    assert set(table["language"]) == set(LANGUAGES) - {"en"}
    assert alignment_items(["en", "xx"], events=3).empty
