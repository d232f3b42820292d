import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from training.conftest import LANGUAGES, SCORED, change_study, end_cell, middle_cell
from xstilts.files import file_digest
from xstilts.params import cells
from xstilts.results.collect import collect
from xstilts.results.manifest import is_done, run_is_done, write_manifest
from xstilts.results.schema import CURVE, PREDICTIONS, RUNS
from xstilts.training import CellRuns, read_runs, train_cell

TABLES = ["curve.parquet", "predictions.parquet", "run.json", "runs.parquet"]


def files(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*.*")
            if p.is_file()}  # fmt: skip


def events(cell) -> list[tuple[object, str]]:
    lines = (cell.folder / "events.jsonl").read_text().splitlines()
    return [(one["seed"], one["what"]) for one in map(json.loads, lines)]


@pytest.mark.parametrize("head", ["siamese", "aligned", "joint"])
def test_every_seed_leaves_the_documented_files(project, head):
    cell = end_cell(head)
    runs = train_cell(cell)
    assert [facts["seed"] for facts in runs.facts] == [0, 1]
    for seed in (0, 1):
        folder = cell.folder / f"seed-{seed}"
        assert sorted(path.name for path in folder.iterdir()) == TABLES
        assert run_is_done(cell, seed)
        for name, schema in (("runs", RUNS), ("curve", CURVE), ("predictions", PREDICTIONS)):
            table = pd.read_parquet(folder / f"{name}.parquet")
            assert list(table.columns)[: len(schema)] == list(schema)
            assert set(table["run"]) == {f"tiny/{cell.name}/seed-{seed}"}
    assert not is_done(cell)  # the notebook writes the manifest
    write_manifest(cell)
    assert is_done(cell)


def test_scores_are_the_accuracies_of_the_predictions(project):
    cell = end_cell()
    scores = train_cell(cell).scores.set_index(["seed", "language"])
    for seed in (0, 1):
        made = pd.read_parquet(cell.folder / f"seed-{seed}" / "predictions.parquet")
        assert len(made) == SCORED * len(LANGUAGES)
        shares = made[["p0", "p1", "p2"]].to_numpy(dtype=np.float64)
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=2e-3)
        chosen = shares[np.arange(len(made)), made["prediction"]]
        assert (chosen >= shares.max(axis=1) - 1e-3).all()
        for language, part in made.groupby("language"):
            row = scores.loc[(seed, language)]
            assert row["score"] == pytest.approx(
                100 * accuracy_score(part["label"], part["prediction"])
            )
            assert row["items"] == SCORED


def test_the_labels_and_items_of_predictions_are_those_of_the_test_set(project):
    cell = end_cell()
    train_cell(cell)
    made = pd.read_parquet(cell.folder / "seed-0" / "predictions.parquet")
    given = pd.read_parquet(cell.inputs[0].folder / "test.parquet")
    columns = {"item": "id", "language": "language", "label": "label", "group": "group"}
    for mine, theirs in columns.items():
        assert made[mine].tolist() == given[theirs].tolist()


def test_finished_seeds_are_kept_as_they_are(project):
    cell = end_cell()
    first = train_cell(cell)
    before = [files(cell.folder / f"seed-{seed}") for seed in (0, 1)]
    again = train_cell(cell)
    assert [files(cell.folder / f"seed-{seed}") for seed in (0, 1)] == before
    assert again.facts == first.facts
    pd.testing.assert_frame_equal(again.scores, first.scores)
    assert events(cell)[-2:] == [(0, "kept"), (1, "kept")]


def test_adding_a_seed_trains_that_seed_alone(project):
    train_cell(end_cell())
    before = files(end_cell().folder / "seed-0")
    change_study(project, seeds=[0, 1, 2])
    cell = end_cell()
    runs = train_cell(cell)
    assert files(cell.folder / "seed-0") == before
    assert events(cell)[-4:] == [(0, "kept"), (1, "kept"), (2, "started"), (2, "finished")]
    assert sorted(runs.scores["seed"].unique()) == [0, 1, 2]


def test_another_budget_trains_again(project):
    train_cell(end_cell())
    change_study(project, target_budget={"items": 8, "epochs": 1})
    cell = end_cell()
    assert [run["train_items"] for run in train_cell(cell).facts] == [8, 8]
    assert [what for _, what in events(cell)[-4:]] == ["started", "finished"] * 2


def test_a_broken_run_is_trained_again_to_the_same_numbers(project):
    cell = end_cell()
    train_cell(cell)
    folder = cell.folder / "seed-1"
    tables = {name: file_digest(folder / name) for name in TABLES if name.startswith("pred")}
    (folder / "run.json").write_text("{")
    (folder / "predictions.parquet").write_bytes(b"half")
    train_cell(cell)
    assert {name: file_digest(folder / name) for name in tables} == tables
    assert events(cell)[-3:] == [(0, "kept"), (1, "started"), (1, "finished")]


def test_a_study_trained_whole_is_collected(project):
    change_study(project, models=["siamese"], seeds=[0])
    for cell in cells("tiny"):
        if cell.stage in ("30_intermediate", "40_target"):
            train_cell(cell)
    found = collect("tiny")
    assert found.missing == ()
    # two arms of one intermediate task, and the target after each and after none
    assert len(found.cost) == 2 + 3
    assert len(found.runs) == 5 * len(LANGUAGES)
    assert set(found.runs["arm"]) == {"none", "english", "multilingual"}
    target = found.runs[found.runs["stage"] == "target"].set_index(["arm", "language"])
    seen = target["seen_in_intermediate"]
    assert seen["multilingual"].to_dict() == {"de": True, "en": True, "zh": False}
    assert not seen["none"].any()
    assert not seen["english"].any()
    assert set(target["intermediate"]) == {"none", "questions"}
    assert (found.cost["train_items"] == 32).all()
    assert found.cost["tokens"].nunique() > 1
    assert (found.cost["flops"] > 0).all()


def test_runs_are_shown_by_seed_and_language(project):
    runs = train_cell(end_cell())
    assert list(runs.by_language.columns) == list(LANGUAGES)
    assert list(runs.by_language.index) == list(runs.cost.index) == [0, 1]
    assert (runs.cost[["tokens", "steps", "items_per_second", "peak_bytes"]] > 0).all(axis=None)
    assert set(runs.cost["device"]) == {"cpu"}
    assert set(runs.cost["precision"]) == {"fp32"}


def test_a_task_without_a_test_set_says_so():
    assert "no test set" in CellRuns((), None, pd.DataFrame()).by_language


def test_runs_are_read_as_they_were_returned(project):
    cell = middle_cell()
    runs = train_cell(cell)
    again = read_runs(cell)
    assert again.facts == runs.facts
    pd.testing.assert_frame_equal(again.curves, runs.curves)
