"""The tasks as written in params/tasks: what must hold of each, whatever it reads."""

import pytest

from xstilts import miniature
from xstilts.params import load_task, names
from xstilts.tasks import load_items

TASKS = names("tasks")
MINIATURE = [name for name in TASKS if load_task(name).source.kind == "miniature"]
SMOKE = [name for name in MINIATURE if name.startswith("smoke_")]


@pytest.mark.parametrize("name", TASKS)
def test_every_task_trains_in_english_and_says_what_it_scores(name):
    spec = load_task(name)
    assert "en" in spec.train_languages
    assert bool(spec.test_languages) == bool(spec.test_items)
    assert set(spec.label_names.values()) <= set(spec.labels)
    for languages in (spec.train_languages, spec.test_languages):
        assert list(languages) == sorted(set(languages))


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_source_for_each_split_it_uses(name):
    spec = load_task(name)
    if spec.source.kind != "miniature":
        assert spec.source.train is not None
        assert (spec.source.test is not None) == bool(spec.test_items)


@pytest.mark.parametrize("name", [name for name in TASKS if load_task(name).source.kind == "hub"])
def test_hub_tasks_pin_a_commit(name):
    source = load_task(name).source
    for split in (source.train, source.test):
        assert split is None or len(split.revision) == 40


@pytest.mark.parametrize("name", MINIATURE)
def test_languages_of_generated_tasks_exist(name):
    spec = load_task(name)
    assert {*spec.train_languages, *spec.test_languages} <= set(miniature.LANGUAGES)


@pytest.mark.parametrize("name", [name for name in MINIATURE if name.endswith(("_b", "questions"))])
def test_generated_intermediate_tasks_leave_languages_unseen(name):
    spec = load_task(name)
    assert set(spec.train_languages) < set(spec.test_languages)
    assert spec.source.lexicon == "B"


@pytest.mark.parametrize("name", SMOKE)
def test_the_smallest_tasks_load_with_every_label_balanced(name):
    data = load_items(name, load_task(name))
    shares = data.test.groupby("language")["label"].value_counts(normalize=True)
    assert shares.max() - shares.min() < 0.05
    assert data.audit["aligned"].all()
    assert data.audit["dropped_test_text"].sum() == 0


def test_translated_mnli_and_xnli_train_on_other_files():
    paths = [
        {part.path for part in load_task(name).source.parts("train")}
        for name in ("mnli_mt", "xnli")
    ]
    assert paths[0].isdisjoint(paths[1])


def test_the_larger_training_pool_of_xnli_holds_the_smaller_and_is_scored_on_its_items():
    small, large = load_task("xnli"), load_task("xnli_60k")
    assert small.source.train in large.source.train
    assert large.train_items >= 60_000
    assert large.test_draw == "xnli"
    for key in ("labels", "test_languages", "test_items"):
        assert getattr(small, key) == getattr(large, key)
