from pathlib import Path

import pytest
from synthetic import forget

from params.conftest import OPTIMIZER
from xstilts.errors import SpecError
from xstilts.params import load_corpus, load_model, load_study, load_task, names, project_root
from xstilts.params.load import read_yaml

PARAMS = project_root() / "params"
LOADERS = {"corpora": load_corpus, "models": load_model, "tasks": load_task, "studies": load_study}
FILES = [f"{path.parent.name}/{path.stem}" for path in sorted(PARAMS.glob("*/*.yaml"))]


def fault(loader, name: str) -> str:
    with pytest.raises(SpecError) as caught:
        loader(name)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("file", FILES)
def test_every_parameter_file_of_the_project_is_sound(file):
    kind, _, name = file.partition("/")
    assert name in names(kind)
    assert LOADERS[kind](name)


def test_the_project_has_parameter_files_of_every_kind():
    assert {file.partition("/")[0] for file in FILES} == set(LOADERS)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"seedz": [1]}, ["key 'seedz' is unknown", "allowed: title, ", "mean 'seeds'?"]),
        (
            {"optimizer": {"learning_rte": 1.0}},
            ["'optimizer.learning_rte' is unknown", "mean 'learning_rate'?",
             "key 'optimizer.batch' is missing"],
        ),
        (
            {"budgets": {"both": {"items": 3, "epoch": 1}}},
            ["key 'budgets.both.epoch' is unknown; allowed: items, epochs", "mean 'epochs'?"],
        ),
        (
            {"hypotheses": [{"name": "a", "says": "b", "contrst": "english-none"}]},
            ["key 'hypotheses.0.contrst' is unknown; allowed: name, says", "mean 'contrast'?"],
        ),
        ({"arms": ["none", "englsh"]}, ["arms.1: found 'englsh'", "allowed: 'none'", "'english'?"]),
        ({"seeds": "0"}, ['seeds: found "0" (str)', "allowed: "]),
        ({"seeds": [0.5]}, ["seeds.0: found 0.5 (float)", "integer"]),
        ({"resamples": 9}, ["resamples: found 9 (int)", "greater than or equal to 100"]),
        ({"models": ["Large"]}, ['models.0: found "Large"', "pattern"]),
        ({"arms": ["english"]}, ["arms: 'none' is missing; it is the baseline"]),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_file_key_found_allowed_and_nearest(write, changes, expected):
    write("studies", "made", **changes)
    told = fault(load_study, "made")
    assert told.startswith("params/studies/made.yaml: ")
    for part in expected:
        assert part in told


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"kind": "foldr", "path": "a"}, "source.kind: found 'foldr'; allowed: 'wheel', 'folder', "
         "'hub'. Did you mean 'folder'?"),
        ({"kind": "folder", "pth": "a"}, "'source.folder.pth' is unknown; allowed: kind, path. "
         "Did you mean 'path'?"),
        ({"path": "a"}, "key 'source.kind' is missing"),
    ],
)  # fmt: skip
def test_a_wrong_source_names_what_its_kind_allows(write, source, expected):
    write("models", "small", source=source)
    assert expected in fault(load_model, "small")


def test_keys_of_an_optional_part_of_a_source_are_named(write):
    split = {"path": "a", "layout": "csv", "colums": ["a", "b", "c"]}
    write("tasks", "goal", source={"kind": "files", "train": split})
    told = fault(load_task, "goal")
    assert "'source.files.train.colums' is unknown; allowed: path, layout" in told
    assert "Did you mean 'columns'?" in told


def test_a_fault_in_one_of_several_files_is_told_with_its_place(write):
    good = {"path": "a", "layout": "csv"}
    write("tasks", "goal", source={"kind": "files", "train": [good, {**good, "delimitr": "tab"}]})
    told = fault(load_task, "goal")
    assert "'source.files.train.1.delimitr' is unknown; allowed: path, layout" in told
    assert "Did you mean 'delimiter'?" in told
    write("tasks", "goal", source={"kind": "files", "train": []})
    assert "source.files.train: found [] (list); allowed: " in fault(load_task, "goal")
    write("tasks", "goal", source={"kind": "files", "train": "a.csv"})
    assert 'source.files.train: found "a.csv" (str); allowed: ' in fault(load_task, "goal")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"columns": ["a", 1, 2]}, "columns: ('a', 1, 2); allowed: three names, or places from 0"),
        ({"columns": [0, 1, -1]}, "columns: (0, 1, -1); allowed: three names, or places from 0"),
        ({"layout": "jsonl", "columns": [0, 1, 2]}, "columns: found [0, 1, 2] in layout 'jsonl'"),
        ({"layout": "xtreme", "quoting": True}, "quoting: found True in layout 'xtreme'"),
        ({"label_names": {"1": "maybe"}}, "label_names: '1': label 'maybe' is unknown; allowed: "),
        ({"label_names": {"1": "yes"}, "drop_labels": ["1"]}, "drop_labels: '1' is in label_names"),
    ],
)  # fmt: skip
def test_what_a_file_cannot_mean_is_refused(write, changes, expected):
    split = {"path": "a", "layout": "csv"} | changes
    write("tasks", "goal", source={"kind": "files", "train": split})
    assert expected in fault(load_task, "goal")


def test_a_draw_is_shared_with_a_task_that_scores_the_same_alone(write):
    write("tasks", "goal", test_draw="both")
    assert load_task("goal").test_draw == "both"
    write("tasks", "goal", test_draw="bohts")
    told = fault(load_task, "goal")
    assert "goal.yaml: test_draw: task 'bohts' is unknown" in told
    assert "Did you mean 'both'?" in told
    source = {"kind": "miniature", "generator": "nli", "lexicon": "B"}
    write("tasks", "goal", test_draw="both", source=source)
    assert "goal.yaml: test_draw: 'both' scores other files" in fault(load_task, "goal")
    write("tasks", "goal", test_draw="goal")
    assert "a draw of its own" in fault(load_task, "goal")


def test_every_fault_of_a_file_is_told_at_once(write):
    write("studies", "made", titel="x", resamples=1, confidence=2.0)
    told = fault(load_study, "made")
    assert all(key in told for key in ("titel", "resamples", "confidence"))


def test_a_number_that_yaml_reads_as_text_is_refused_with_the_remedy(project, write):
    path = project / "params/studies/made.yaml"
    path.write_text(path.read_text().replace("0.0001", "1e-4"))
    told = fault(load_study, "made")
    assert 'optimizer.learning_rate: found "1e-4" (str)' in told
    assert "write 1.0e-5" in told


def test_a_language_that_yaml_reads_as_a_boolean_is_refused(project, write):
    path = project / "params/tasks/goal.yaml"
    path.write_text(path.read_text().replace("- de", "- no"))
    assert "train_languages.0: found false (bool)" in fault(load_task, "goal")


def test_a_key_written_twice_is_refused_with_its_line(project, write):
    path = project / "params/tasks/goal.yaml"
    lines = len(path.read_text().splitlines())
    path.write_text(path.read_text() + "test_items: 20\n")
    expected = f"goal.yaml:{lines + 1}: not YAML (key 'test_items' is written twice)"
    assert expected in fault(load_task, "goal")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a: [1", "not YAML"), ("- a\n- b\n", "found list, allowed: a mapping of keys"),
     ("", "found NoneType"), ("a: !!python/object/apply:os.getcwd []", "not YAML")],
)  # fmt: skip
def test_what_is_no_mapping_of_plain_values_is_refused(project, text, expected):
    path = project / "broken.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match=r"^broken\.yaml") as caught:
        read_yaml(path)
    assert expected in str(caught.value)


def test_a_file_that_is_not_utf_8_is_refused(project):
    (project / "latin.yaml").write_bytes("title: Größe".encode("latin-1"))
    with pytest.raises(SpecError, match=r"^latin\.yaml: not UTF-8"):
        read_yaml(project / "latin.yaml")


def test_a_missing_file_is_named(project):
    with pytest.raises(SpecError, match=r"^none\.yaml: file not found$"):
        read_yaml(project / "none.yaml")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"targets": ["goall"]}, "targets: task 'goall' is unknown; allowed: both, english_only, "
         "goal. Did you mean 'goal'?"),
        ({"intermediates": ["bth"]}, "intermediates: task 'bth' is unknown"),
        ({"models": ["smal"]}, "models: model 'smal' is unknown; allowed: large, small. Did you "
         "mean 'small'?"),
        ({"budgets": {"gaol": {"items": 1, "epochs": 1}}}, "budgets: task 'gaol' is unknown"),
        ({"optimizers": {"lrge": "same"}}, "optimizers: model 'lrge' is unknown"),
        ({"target_budget": {"items": 101, "epochs": 1}}, "target budget: 101 items asked of task "
         "'both', which has 100"),
        ({"budgets": {"english_only": {"items": 500, "epochs": 1}}}, "intermediate budget: 500 "
         "items asked of task 'english_only'"),
        ({"targets": ["goal@101"]}, "target budget: 101 items asked of task 'goal@101', which has "
         "100 (params/tasks/goal.yaml: train_items)"),
        ({"beside": ["mad"]}, "beside: study 'mad' is unknown; allowed: made. Did you mean "
         "'made'?"),
        ({"budgets": {"goal@20": {"items": 1, "epochs": 1}}}, "budgets: task 'goal@20' is unknown"),
    ],
)  # fmt: skip
def test_what_a_study_names_must_be_there(write, changes, expected):
    if "optimizers" in changes:
        changes = {"optimizers": dict.fromkeys(changes["optimizers"], OPTIMIZER)}
    write("studies", "made", **changes)
    told = fault(load_study, "made")
    assert told.startswith("params/studies/made.yaml: ")
    assert expected in told


def test_a_task_with_its_items_is_that_task_under_another_title(write):
    whole, part = load_task("goal"), load_task("goal@1500")
    assert part.title == "made, 1,500 items"
    assert part.model_copy(update={"title": "made"}) == whole


def test_a_target_must_be_scored_in_some_language(write):
    write("tasks", "goal", test_languages=[], test_items=0)
    assert "targets: task 'goal' has no test_languages" in fault(load_study, "made")


def test_an_unknown_study_names_the_nearest(write):
    told = fault(load_study, "mades")
    assert told == "study: study 'mades' is unknown; allowed: made. Did you mean 'made'?"


def test_a_file_outside_the_project_is_shown_whole(project, tmp_path_factory):
    path = tmp_path_factory.mktemp("elsewhere") / "a.yaml"
    path.write_text("[]")
    with pytest.raises(SpecError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_the_project_is_the_closest_folder_above_with_studies(write, project, monkeypatch):
    monkeypatch.delenv("XSTILTS_ROOT")
    inner = project / "notebooks" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert project_root() == project
    assert load_study("made").title == "made"
    forget()


def test_outside_any_project_the_package_s_own_is_read(tmp_path, monkeypatch):
    monkeypatch.delenv("XSTILTS_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert (project_root() / "params" / "studies").is_dir()
    assert project_root() == Path(__file__).resolve().parents[2]
