import pandas as pd
import pytest

from xstilts.errors import DataError
from xstilts.tasks.item import Item, to_table
from xstilts.tasks.load import load_items, read_split
from xstilts.tasks.select import draw

LABELS = ("entailment", "neutral", "contradiction")
SOURCE = {
    "kind": "files",
    "train": {"path": "train-{language}.tsv", "layout": "xtreme"},
    "test": {"path": "test-{language}.tsv", "layout": "xtreme"},
}


def rows(items, language, split, changes=None):
    """Return the lines of a file, labels in turn; `changes` maps a row to its two texts."""
    lines = []
    for n in range(items):
        a, b = (changes or {}).get(n, (f"{split} {language} a{n}", f"{split} {language} b{n}"))
        lines.append(f"{a}\t{b}\t{LABELS[n % 3]}\n")
    return "".join(lines)


@pytest.fixture
def load(task_spec, write, tmp_path):
    """Return a loader of a task with 12 training and 9 test rows in English and German."""

    def run(train_changes=None, *, held_out=(), **values):
        for language in ("en", "de"):
            changes = (train_changes or {}).get(language)
            write(f"train-{language}.tsv", rows(12, language, "train", changes))
            write(f"test-{language}.tsv", rows(9, language, "test"))
        spec = task_spec(SOURCE, **{"train_languages": ["en", "de"], **values})
        return load_items("made", spec, tmp_path, held_out=held_out)

    return run


def test_every_language_has_the_same_items_of_the_number_asked(load):
    data = load(train_items=9, test_items=6)
    for table, items in ((data.train, 9), (data.test, 6)):
        counts = table.groupby("language")["id"].agg(["size", "nunique"])
        assert (counts == items).all(axis=None)
        assert table.groupby("id")["language"].nunique().eq(2).all()
    assert data.test_languages == ["de", "en"]


def test_the_scored_items_depend_on_the_tasks_name_alone(load):
    data = load(test_items=6)
    everything = [f"made-test-{n:05d}" for n in range(9)]
    assert sorted(data.test["id"].unique()) == draw(everything, 6, "test", "made")


def test_an_item_with_test_text_in_one_language_is_dropped_in_all_and_counted(load):
    data = load({"de": {4: ("Test DE a3!", "new"), 5: ("new", "other")}}, train_items=11,
                test_items=9)  # fmt: skip
    assert "made-train-00004" not in set(data.train["id"])
    assert set(data.audit.query("split == 'train'")["dropped_test_text"]) == {1}
    assert data.report["training_items_available"] == 11


def test_text_of_another_tasks_test_is_dropped_too(load):
    other = to_table([Item("other-test-0", "fr", "TRAIN en a7", "x", "neutral")], LABELS)
    data = load(train_items=11, held_out=[other])
    assert "made-train-00007" not in set(data.train["id"])


def test_untranslated_items_are_dropped_from_training_but_scored(load, write):
    data = load({"de": {2: ("NS", "NS")}}, train_items=11, drop_rows_with=["NS"])
    assert "made-train-00002" not in set(data.train["id"])
    train = data.audit.query("split == 'train'").set_index("language")
    assert train["dropped_marked"].tolist() == [1, 1]
    assert train["marked"].to_dict() == {"en": 0, "de": 1}


def test_too_few_items_left_is_told_with_the_key(load):
    with pytest.raises(DataError, match=r"made.yaml: train_items: 12 asked, 11 can be had"):
        load({"de": {4: ("test de a3", "new")}}, train_items=12, test_items=9)
    with pytest.raises(DataError, match=r"made.yaml: test_items: 10 asked, the test split has 9"):
        load(test_items=10)


def test_a_training_set_without_one_of_the_labels_is_refused(load, write, tmp_path, task_spec):
    load()
    sorted_by_label = "".join(f"a{n}\tb{n}\tneutral\n" for n in range(9))
    write("train-en.tsv", sorted_by_label)
    spec = task_spec(SOURCE)
    with pytest.raises(
        DataError, match=r"no training item is labelled 'entailment'; a file sorted"
    ):
        load_items("made", spec, tmp_path)


def test_a_task_without_test_set_has_an_empty_one_and_no_baselines(load):
    data = load(test_items=0)
    assert len(data.test) == len(data.baselines) == 0
    assert set(data.audit["split"]) == {"train"}


def test_the_report_names_every_file_relative_to_the_folder(load):
    assert set(load().report["files"]) == {
        "test-de.tsv", "test-en.tsv", "train-de.tsv", "train-en.tsv",
    }  # fmt: skip


def test_loading_twice_gives_the_same(load):
    one, other = load(), load()
    assert one.report == other.report
    pd.testing.assert_frame_equal(one.train, other.train)


def test_what_several_training_files_share_is_dropped_and_counted(load, write, tmp_path, task_spec):
    load()
    shared = [
        "train en a3\ttrain en b3\tentailment\n",
        "TRAIN en a4.\ttrain en b4\tentailment\n",  # neutral in the first file
        "new\ttest en b3\tneutral\n",
        "other\ttext\t-\n",
        "third\ttext\tneutral\n",
    ]
    write("more-en.tsv", "".join(shared))
    more = {"path": "more-{language}.tsv", "layout": "xtreme", "drop_labels": ["-"]}
    source = {**SOURCE, "train": [SOURCE["train"], more]}
    spec = task_spec(source, train_items=11, test_items=9)
    data = load_items("made", spec, tmp_path)
    found = data.audit.query("split == 'train'").iloc[0]
    assert found["rows"] == 12 + 5
    dropped = ("unlabelled", "marked", "repeated", "contradicting", "test_text")
    assert [found[f"dropped_{why}"] for why in dropped] == [1, 0, 1, 2, 1]
    assert data.report["training_items_available"] == 12
    assert not data.train.duplicated(["text_a", "text_b"]).any()


def test_one_training_file_keeps_what_it_repeats(load):
    data = load({"en": {4: ("train en a1", "train en b1")}}, train_items=12)
    found = data.audit.query("split == 'train' and language == 'en'").iloc[0]
    assert (found["duplicates"], found["dropped_repeated"], found["items"]) == (1, 0, 12)


def test_a_task_may_score_the_items_of_another(load, tmp_path, task_spec):
    one = load(test_items=6)
    other = load_items("larger", task_spec(SOURCE, test_items=6, test_draw="made"), tmp_path)
    assert other.test.equals(one.test)
    assert other.train["id"].str.startswith("larger-train-").all()
    own = load_items("larger", task_spec(SOURCE, test_items=6), tmp_path)
    assert own.test["text_a"].tolist() != one.test["text_a"].tolist()


def test_official_files_need_a_folder_and_the_error_says_how(task_spec, tmp_path):
    spec = task_spec(SOURCE)
    with pytest.raises(DataError, match=r"task 'made' reads official files \(such as train-") as e:
        read_split("made", spec, "train", None)
    assert "make paper STUDY=real DATA=/path" in str(e.value)
    with pytest.raises(DataError, match=r"nowhere: no such folder"):
        read_split("made", spec, "train", tmp_path / "nowhere")


def test_a_split_that_the_task_lacks_is_told_with_the_key(task_spec, tmp_path):
    spec = task_spec({"kind": "files", "train": SOURCE["train"]})
    with pytest.raises(DataError, match=r"made.yaml: source.test: missing"):
        read_split("made", spec, "test", tmp_path)


def test_span_tasks_are_refused_with_the_kinds_that_work(task_spec):
    spec = task_spec(SOURCE, kind="question_answering")
    with pytest.raises(DataError, match=r"kind 'question_answering' cannot be trained or scored"):
        load_items("made", spec)


def test_a_generated_task_makes_more_items_until_enough_are_free_of_test_text(task_spec):
    source = {"kind": "miniature", "generator": "nli", "lexicon": "A"}
    spec = task_spec(source, train_items=30, test_items=0, test_languages=[])
    first = read_split("made", spec, "train", None).table.head(4)
    data = load_items("made", spec, held_out=[first])
    assert data.train["id"].nunique() == 30
    assert set(first["id"]).isdisjoint(data.train["id"])
