"""The official files in the folder that XSTILTS_DATA names: counts that their makers state."""

import os
from collections import Counter
from pathlib import Path

import pytest

from xstilts.params import load_task
from xstilts.tasks import load_items, read_split
from xstilts.tasks.audit import marked
from xstilts.tasks.leak import drop_test_text, normalise
from xstilts.tasks.load import scored
from xstilts.tasks.textfile import lines_of, read_text

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif("XSTILTS_DATA" not in os.environ, reason="XSTILTS_DATA names no folder"),
]
ROOT = Path(os.environ.get("XSTILTS_DATA", "."))
#: rows that read "NS" where a sentence was not translated
NS_TEST = {"de": 32, "en": 0, "es": 1, "fr": 14, "ja": 54, "ko": 28, "zh": 25}
NS_DEV = {"de": 68, "en": 0, "es": 38, "fr": 8, "ja": 20, "ko": 35, "zh": 16}


@pytest.fixture(scope="module")
def splits():
    wanted = [("xnli", "test"), ("pawsx", "test"), ("pawsx", "train"), ("xnli", "train"),
              ("mnli_mt", "train"), ("pawsx_dev", "train"), ("xnli_60k", "train"),
              ("xnli_60k", "test")]  # fmt: skip
    return {(name, part): read_split(name, load_task(name), part, ROOT) for name, part in wanted}


def by_language(table):
    return {language: rows for language, rows in table.groupby("language")}


def test_xnli_test_has_5010_rows_and_1670_of_each_label_in_15_languages(splits):
    languages = by_language(splits["xnli", "test"].table)
    assert len(languages) == 15
    for rows in languages.values():
        assert Counter(rows["label"]) == {0: 1670, 1: 1670, 2: 1670}


def test_xnli_labels_agree_with_the_independent_labelled_copy(splits):
    languages = by_language(splits["xnli", "test"].table)
    for code, rows in languages.items():
        path = ROOT / "xnli/hf_tsv_labelled_test" / f"xnli_test_{code}.tsv.gz"
        other = [line.split("\t") for line in lines_of(read_text(path, path.name))[1:]]
        assert rows["label"].tolist() == [int(row[3]) for row in other]
        same = [
            a.strip() == row[1].strip() and b.strip() == row[2].strip()
            for a, b, row in zip(rows["text_a"], rows["text_b"], other, strict=True)
        ]
        assert all(same), code


def test_greek_rows_with_group_separators_are_whole(splits):
    notes = splits["xnli", "test"].notes
    assert notes["el"]["line_breaks"] > 0
    assert sum(note["unquoted"] for note in notes.values()) == 0


def test_pawsx_test_has_2000_rows_and_the_stated_untranslated_ones_in_7_languages(splits):
    languages = by_language(splits["pawsx", "test"].table)
    assert {code: int(marked(rows, ["NS"]).sum()) for code, rows in languages.items()} == NS_TEST
    assert {len(rows) for rows in languages.values()} == {2000}
    assert int(languages["en"]["label"].sum()) == 907


def test_an_untranslated_pair_is_never_a_paraphrase_and_nothing_else_differs(splits):
    for key in (("pawsx", "test"), ("pawsx_dev", "train")):
        languages = by_language(splits[key].table)
        english = languages["en"].set_index("id")["label"]
        for rows in languages.values():
            bad = marked(rows, ["NS"])
            assert (rows.loc[bad, "label"] == 0).all()
            assert (rows.loc[~bad, "label"] == rows.loc[~bad, "id"].map(english)).all()


def test_pawsx_dev_differs_from_english_where_its_readme_counts_it(splits):
    languages = by_language(splits["pawsx_dev", "train"].table)
    english = languages["en"].set_index("id")["label"]
    differing = {c: int((r["label"] != r["id"].map(english)).sum()) for c, r in languages.items()}
    assert differing == {"de": 32, "en": 0, "es": 16, "fr": 3, "ja": 9, "ko": 23, "zh": 10}
    marks = {code: int(marked(rows, ["NS"]).sum()) for code, rows in languages.items()}
    assert marks == NS_DEV


@pytest.mark.parametrize("key", [("pawsx", "test"), ("pawsx_dev", "train")])
def test_leftover_quoting_is_undone_in_translations_alone(splits, key):
    notes, table = splits[key].notes, splits[key].table
    assert notes["en"]["unquoted"] == 0
    assert min(notes[code]["unquoted"] for code in ("es", "fr", "ko")) > 200
    texts = [*table["text_a"], *table["text_b"]]
    doubled = [text for text in texts if text.startswith('"') and '""' in text[1:-1]]
    assert len(doubled) < 0.001 * len(texts)


def test_parallel_training_files_hold_the_same_items_and_labels(splits):
    table = splits["mnli_mt", "train"].table
    assert table["language"].value_counts().eq(9000).all()
    assert table.groupby("id")["label"].nunique().eq(1).all()


def test_english_paraphrase_training_has_the_stated_labels(splits):
    assert Counter(splits["pawsx", "train"].table["label"]) == {0: 4757, 1: 3835}


def test_english_inference_files_have_the_stated_rows_and_labels(splits):
    assert Counter(splits["xnli", "train"].table["label"]) == {0: 6998, 1: 6117, 2: 6532}
    table = splits["xnli_60k", "train"].table
    found = [Counter(rows["label"]) for _, rows in table.groupby(table["id"].str.split("-").str[2])]
    assert found[:3] == [
        {0: 6998, 1: 6117, 2: 6532}, {0: 3325, 1: 3231, 2: 3275}, {0: 6015, 1: 5899, 2: 6086}
    ]  # fmt: skip
    assert [sum(counts.values()) for counts in found[3:]] == [8330, 9000]


def test_numbers_of_snli_mean_what_the_same_pairs_are_called_elsewhere(splits):
    table = splits["xnli_60k", "train"].table
    pair = table["text_a"].map(normalise) + "\t" + table["text_b"].map(normalise)
    file = table["id"].str.split("-").str[2]
    numbered, named = (
        table[file == place].groupby(pair)["label"].first() for place in ("2", "3")
    )
    both = numbered.index.intersection(named.index)
    assert len(both) > 50
    assert (numbered[both] == named[both]).mean() > 0.95


def test_both_sizes_of_xnli_score_the_same_items(splits):
    small, large = (
        scored(name, load_task(name), splits[name, "test"].table) for name in ("xnli", "xnli_60k")
    )
    assert small.equals(large)


@pytest.fixture(scope="module")
def scored_texts(splits):
    return [scored(name, load_task(name), splits[name, "test"].table) for name in ("xnli", "pawsx")]


@pytest.mark.parametrize("name", ["xnli", "xnli_60k", "mnli_mt", "pawsx", "pawsx_dev"])
def test_each_task_of_the_real_study_loads_free_of_scored_text(name, scored_texts):
    data = load_items(name, load_task(name), ROOT, held_out=scored_texts)
    held_out = {normalise(text) for table in scored_texts for text in table["text_a"]}
    held_out |= {normalise(text) for table in scored_texts for text in table["text_b"]}
    texts = {normalise(text) for side in ("text_a", "text_b") for text in data.train[side]}
    assert texts & held_out <= {"", "ns"}
    assert data.train["id"].nunique() == load_task(name).train_items
    assert not marked(data.train, load_task(name).drop_rows_with).any()


def test_the_development_set_of_pawsx_shares_sentences_with_its_test(splits, scored_texts):
    dev, test = splits["pawsx_dev", "train"].table, splits["pawsx", "test"].table
    assert len(drop_test_text(dev, [test], ["NS"])[1]) > len(
        drop_test_text(dev, scored_texts, ["NS"])[1]
    )
