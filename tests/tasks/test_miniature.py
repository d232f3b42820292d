from types import SimpleNamespace

import pytest

from xstilts import miniature
from xstilts.errors import DataError, SpecError
from xstilts.tasks.miniature import read_miniature

SOURCE = {"kind": "miniature", "generator": "nli", "lexicon": "A"}


@pytest.fixture
def read(task_spec):
    def run(languages=("en",), items=12, split="train", difficulty=None, **values):
        spec = task_spec({**SOURCE, "difficulty": difficulty or {}}, **values)
        return read_miniature("made", spec, spec.source, split, languages, items)

    return run


def test_items_are_numbered_labelled_and_grouped_by_operator(read):
    table = read(tuple(list(miniature.LANGUAGES)[:2]))
    assert table["id"].nunique() == 12
    assert table["id"][0] == "made-train-00000"
    assert table.groupby("id")["label"].nunique().max() == 1
    assert sorted(table["label"].value_counts()) == [8, 8, 8]
    assert (table["group"] != "").all()


def test_a_smaller_set_is_the_beginning_of_a_larger_one(read):
    assert read(items=12).equals(read(items=30).head(12))


def test_training_and_test_share_no_text(read):
    train, test = read(items=200), read(items=60, split="test")
    texts = set(test["text_a"]) | set(test["text_b"])
    assert texts.isdisjoint(train["text_a"])
    assert texts.isdisjoint(train["text_b"])


def test_difficulty_is_handed_on(read):
    assert not read(items=30, difficulty={"negation": 0.9}).equals(read(items=30))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"languages": ("xx",)}, "params/tasks/made.yaml: language 'xx' is unknown"),
        ({"difficulty": {"swaps": 1.0}}, "difficulty 'swaps' is unknown.*Did you mean 'swap'"),
        ({"labels": ["yes", "no"]}, "labels: yes, no; the generator makes '"),
    ],
)
def test_what_the_generator_does_not_know_is_a_fault_of_the_file(read, values, told):
    with pytest.raises(SpecError, match=told):
        read(**values)


def test_a_value_that_the_generator_refuses_is_told(read):
    with pytest.raises(DataError, match=r"params/tasks/made.yaml: negation: expected 0 to 1"):
        read(difficulty={"negation": 7.0})


def test_the_generators_names_of_labels_are_mapped(read, monkeypatch):
    example = SimpleNamespace(label="1", operator="swap", texts={"en": ("a", "b")})
    monkeypatch.setattr(miniature, "generate", lambda *args, **kwargs: [example])
    names = {"labels": ["different", "paraphrase"], "label_names": {"1": "paraphrase"}}
    assert read(items=1, **names)["label"].tolist() == [1]
