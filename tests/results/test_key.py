import shutil

import params.conftest as made
import pytest
import yaml
from tasks.test_corpus import write_corpus
from tasks.test_mining import write_lines, write_mining

from results.conftest import forget_keys
from xstilts.params import cells
from xstilts.params.spec import ModelSpec, TaskSpec
from xstilts.results import key as module
from xstilts.results.key import SEEDED, cell_key, run_key, stamp

project, write = made.project, made.write
SEEDS = (0, 1)


@pytest.fixture(autouse=True)
def _clean(write, monkeypatch):
    monkeypatch.delenv("XSTILTS_DATA", raising=False)
    forget_keys()
    yield
    forget_keys()


def keys() -> dict[str, str]:
    forget_keys()
    return {cell.name: cell_key(cell) for cell in cells("made")}


def run_keys(seeds=SEEDS) -> dict[tuple[str, int], str]:
    forget_keys()
    trained = [cell for cell in cells("made") if cell.stage in SEEDED]
    return {(cell.name, seed): run_key(cell, seed) for cell in trained for seed in seeds}


def changed(before: dict[str, str]) -> set[str]:
    """Return names of cells whose key is another than `before`."""
    after = keys()
    assert set(after) == set(before)
    return {name for name in before if after[name] != before[name]}


def of(*folders: str) -> set[str]:
    return {name for name in keys() if name.split("/")[0] in folders}


def test_every_cell_and_run_has_a_key_of_its_own():
    every = [*keys().values(), *run_keys().values()]
    assert len(set(every)) == len(every)
    assert all(len(key) == 16 for key in every)


def test_keys_are_the_same_in_another_folder(project, tmp_path_factory, monkeypatch):
    before = keys()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(project, elsewhere, dirs_exist_ok=True)
    monkeypatch.setenv("XSTILTS_ROOT", str(elsewhere))
    assert changed(before) == set()


def test_spelling_of_a_number_and_order_of_keys_do_not_enter(project):
    before = keys()
    path = project / "params/studies/made.yaml"
    values = yaml.safe_load(path.read_text())
    text = yaml.safe_dump(dict(reversed(values.items())), sort_keys=False)
    path.write_text("# a comment\n" + text.replace("0.0001", "1.0e-4"))
    assert changed(before) == set()


def test_adding_a_seed_changes_keys_of_cells_but_of_no_run(write):
    before, runs = keys(), run_keys()
    write("studies", "made", seeds=[0, 1, 2])
    assert run_keys() == runs
    assert changed(before) == of("intermediate", "targets", "analysis", "paper")


def test_another_learning_rate_changes_what_is_trained_alone(write):
    before, runs = keys(), run_keys()
    write("studies", "made", optimizer=made.OPTIMIZER | {"learning_rate": 2e-4})
    assert changed(before) == of("intermediate", "targets", "analysis", "paper")
    assert not set(runs.values()) & set(run_keys().values())


def test_an_optimizer_of_one_model_changes_that_model_s_runs_alone(write):
    before = keys()
    write("studies", "made", optimizers={"large": made.OPTIMIZER | {"clip": 0.5}})
    trained = {name for name in of("intermediate", "targets") if "/large/" in name}
    assert changed(before) == trained | of("analysis", "paper")


def test_a_target_budget_leaves_intermediate_runs_as_they_are(write):
    before = keys()
    write("studies", "made", target_budget={"items": 40, "epochs": 1})
    assert changed(before) == of("targets", "analysis", "paper")


def test_hypotheses_change_the_analysis_alone(write):
    before = keys()
    write("studies", "made", resamples=500)
    assert changed(before) == of("analysis", "paper")


def test_difficulty_of_an_intermediate_task_changes_its_data_and_what_follows(write):
    before = keys()
    source = made.TASK["source"] | {"difficulty": {"swap": 0.5}}
    write("tasks", "english_only", train_languages=["en"], skill="questions", source=source)
    found = changed(before)
    assert {name for name in found if name.startswith("data/")} == {"data/english_only"}
    follows = {name for name in of("intermediate", "targets") if "english_only" in name}
    # an encoder keeps the word pieces of all data of the study
    assert found == {"data/english_only"} | follows | of("encoders") | of(
        "intermediate", "targets", "analysis", "paper"
    )


def test_data_of_every_task_depend_on_the_targets_whose_text_they_leave_out(write):
    before = keys()
    write("tasks", "goal", skill="paraphrase", test_items=20)
    assert of("data") <= changed(before)


def test_another_head_changes_its_model_alone(write):
    before = keys()
    write("models", "small", layers=2, head="joint")
    found = changed(before)
    assert found == {name for name in keys() if "small" in name} | of("analysis", "paper")


# ---- code that reads params/ is no key, what it yields is -------------------------------------


def test_a_size_that_is_counted_otherwise_changes_encoders_and_runs(monkeypatch):
    before = keys()
    monkeypatch.setattr(ModelSpec, "body_params", property(lambda spec: 7))
    assert changed(before) == of("encoders", "intermediate", "targets", "analysis", "paper")


def test_another_metric_changes_whatever_reads_the_task(monkeypatch):
    before = keys()
    monkeypatch.setattr(TaskSpec, "metric", property(lambda spec: "f1"))
    assert changed(before) == set(keys())


def test_an_arm_that_is_mixed_no_more_changes_its_runs_alone(monkeypatch):
    before = keys()
    monkeypatch.setattr(module, "MIXED_ARMS", ("shuffled",))
    mixed = {name for name in of("intermediate", "targets") if "multilingual" in name}
    assert changed(before) == mixed | of("analysis", "paper")


def test_a_start_that_is_read_otherwise_changes_its_runs(monkeypatch):
    before = keys()
    monkeypatch.setattr(module, "split_start", lambda start: ("both", "english"))
    assert changed(before) >= {name for name in of("targets") if "/none/" in name}


def test_the_study_s_own_entries_are_no_part_of_a_run(write):
    before, runs = keys(), run_keys()
    write("studies", "made", title="another", limits=["one"], confidence=0.9)
    assert run_keys() == runs
    assert changed(before) == of("analysis", "paper")


# ---- files ------------------------------------------------------------------------------------


def test_weights_in_a_folder_change_their_encoder_and_its_runs(project):
    before = keys()
    (project / "made" / "up").mkdir(parents=True)
    (project / "made" / "up" / "model.safetensors").write_bytes(b"weights")
    assert changed(before) == of("encoders", "intermediate", "targets", "analysis", "paper")


def test_a_word_in_the_manuscript_changes_the_paper_alone(project):
    before = keys()
    (project / "paper").mkdir()
    (project / "paper" / "text.md").write_text("word")
    assert changed(before) == {"paper"}


@pytest.fixture
def official(project, write, monkeypatch):
    """Return the folder of official files of task `goal`."""
    folder = project / "official"
    folder.mkdir()
    for name in ("de", "en"):
        (folder / f"test-{name}.jsonl").write_text("{}")
    split = {"path": "test-{language}.jsonl", "layout": "jsonl"}
    write("tasks", "english_only", train_languages=["en"], skill="questions",
          source={"kind": "files", "test": split})  # fmt: skip
    monkeypatch.setenv("XSTILTS_DATA", str(folder))
    return folder


def test_bytes_of_an_official_file_change_its_data(official):
    before = keys()
    assert changed(before) == set()
    (official / "test-de.jsonl").write_text("{} ")
    found = changed(before)
    assert {name for name in found if name.startswith("data/")} == {"data/english_only"}


def test_a_file_that_is_not_read_does_not_enter(official):
    before = keys()
    (official / "test-fr.jsonl").write_text("{}")
    assert changed(before) == set()


def test_a_missing_official_file_is_another_key(official):
    before = keys()
    (official / "test-de.jsonl").unlink()
    assert "data/english_only" in changed(before)


def test_where_the_official_files_lie_does_not_enter(official, monkeypatch):
    before = keys()
    official.rename(official.with_name("moved"))
    monkeypatch.setenv("XSTILTS_DATA", str(official.with_name("moved")))
    assert changed(before) == set()


def test_bytes_of_a_corpus_change_encoders_and_what_follows(project, write, monkeypatch):
    write_corpus(project, monkeypatch)
    write("studies", "made", corpora=["made"])
    before = keys()
    assert changed(before) == set()
    (project / "files/made/deu-eng.deu").write_text("another line\n" * 20)
    found = changed(before)
    assert not [name for name in found if name.startswith("data/")]
    assert {name.split("/")[0] for name in found} == {
        "encoders", "intermediate", "targets", "analysis", "paper"
    }  # fmt: skip


def test_bytes_of_the_pairs_to_be_mined_change_encoders(project, write, monkeypatch):
    write_mining(project, monkeypatch)
    write("studies", "made", corpora=["mined"])
    before = keys()
    write_lines(project, "cmn.gold.gz", ["z-0\te-0\n"])
    assert {name.split("/")[0] for name in changed(before)} >= {"encoders", "intermediate"}


def test_a_large_file_is_known_by_size_and_time(tmp_path, monkeypatch):
    monkeypatch.setattr("xstilts.results.key._LARGE", 10)
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"x" * 10)
    large.write_bytes(b"x" * 11)
    assert len(stamp(small)) == 64
    assert stamp(large) == f"11 bytes, {large.stat().st_mtime_ns}"
    assert stamp(tmp_path / "none") == "absent"


def test_a_target_at_another_number_of_items_leaves_all_others_as_they_are(write):
    before = keys()
    write("studies", "made", targets=["both", "goal", "goal@20"])
    after = keys()
    kept = {name for name in before if after[name] == before[name]}
    assert set(before) - kept == {"analysis", "paper"}
    assert {name for name in set(after) - kept if "goal@20" in name} == set(after) - set(before)


def test_tables_of_a_study_beside_change_the_analysis_alone(project, write):
    write("studies", "other")
    write("studies", "made", beside=["other"])
    before = keys()
    folder = project / "outputs" / "other" / "analysis"
    folder.mkdir(parents=True)
    (folder / "study.json").write_text("{}")
    stamp.cache_clear()
    assert changed(before) == {"analysis", "paper"}
