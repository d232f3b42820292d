import json
import shutil

import pandas as pd
import pytest
import yaml

from xstilts.errors import DataError
from xstilts.files import file_digest
from xstilts.params import Cell, grid, load
from xstilts.tasks.prepare import data_root, load_task_data, prepare_task

STUDY = {
    "title": "made",
    "models": ["m"],
    "arms": ["none"],
    "intermediates": [],
    "targets": ["one", "two"],
    "seeds": [0],
    "intermediate_budget": {"items": 3, "epochs": 1},
    "target_budget": {"items": 3, "epochs": 1},
    "optimizer": {
        "learning_rate": 1e-4, "head_factor": 10.0, "batch": 8, "warmup_fraction": 0.1,
        "weight_decay": 0.0, "clip": 1.0,
    },
}  # fmt: skip
MODEL = {
    "family": "f",
    "source": {"kind": "folder", "path": "nowhere"},
    "shape": {
        "layers": 1, "hidden": 8, "feed_forward": 8, "vocabulary": 8, "body_params": 8,
        "total_params": 16,
    },
    "layers": 1, "head": "siamese", "dropout": 0.0, "max_tokens": 8, "licence": "none",
}  # fmt: skip
LABELS = ("entailment", "neutral", "contradiction")


def task(name):
    return {
        "title": name, "kind": "nli", "skill": name, "labels": list(LABELS),
        "source": {
            "kind": "files",
            "train": {"path": f"{name}/train.tsv", "layout": "xtreme"},
            "test": {"path": f"{name}/test.tsv", "layout": "xtreme"},
        },
        "train_languages": ["en"], "test_languages": ["en"], "train_items": 6, "test_items": 6,
    }  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a project of two tasks whose files lie in `data`; two's test holds one's text."""
    root = tmp_path / "project"
    for kind, name, values in (
        ("studies", "made", STUDY),
        ("models", "m", MODEL),
        ("tasks", "one", task("one")),
        ("tasks", "two", task("two")),
    ):
        path = root / "params" / kind / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(values))
    for name in ("one", "two"):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        for split in ("train", "test"):
            lines = [f"{name} {split} a{n}\tb{n} {name} {split}\t{LABELS[n % 3]}" for n in range(9)]
            (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    shared = (tmp_path / "data/one/train.tsv").read_text().replace("one train a4", "two test a0")
    (tmp_path / "data/one/train.tsv").write_text(shared)
    monkeypatch.setenv("XSTILTS_ROOT", str(root))
    monkeypatch.delenv("XSTILTS_DATA", raising=False)
    caches = (load.load_study, load.load_task, load.load_model, grid.cells)
    for cache in caches:
        cache.cache_clear()
    yield tmp_path
    for cache in caches:
        cache.cache_clear()


CELL = Cell("10_data", "made", (("task", "one"),))
FILES = ("audit.json", "baselines.parquet", "test.parquet", "train.parquet")


def test_what_is_written_is_read_back_the_same(project):
    made = prepare_task(CELL, str(project / "data"))
    read = load_task_data(CELL)
    for name in ("train", "test", "baselines", "audit"):
        pd.testing.assert_frame_equal(getattr(made, name), getattr(read, name))
    assert sorted(path.name for path in CELL.folder.iterdir()) == list(FILES)


def test_the_bytes_do_not_depend_on_when_or_where(project):
    prepare_task(CELL, str(project / "data"))
    before = [file_digest(CELL.folder / name) for name in FILES]
    shutil.rmtree(CELL.folder)
    shutil.copytree(project / "data", project / "elsewhere")
    prepare_task(CELL, str(project / "elsewhere"))
    assert [file_digest(CELL.folder / name) for name in FILES] == before
    assert str(project) not in (CELL.folder / "audit.json").read_text()


def test_text_of_the_studys_other_targets_never_enters_training(project):
    spec = task("two") | {"test_items": 9}
    (project / "project/params/tasks/two.yaml").write_text(yaml.safe_dump(spec))
    data = prepare_task(CELL, str(project / "data"))
    assert data.audit.query("split == 'train'")["dropped_test_text"].tolist() == [1]
    assert not data.train["text_a"].str.startswith("two test").any()


def test_the_folder_is_the_argument_else_the_variable(project, monkeypatch):
    with pytest.raises(DataError, match=r"XSTILTS_DATA=/path"):
        prepare_task(CELL)
    monkeypatch.setenv("XSTILTS_DATA", str(project / "data"))
    assert prepare_task(CELL).train["id"].nunique() == 6
    assert data_root("elsewhere").name == "elsewhere"


def test_a_cell_that_has_not_run_is_told(project):
    with pytest.raises(DataError, match=r"train.parquet: file not found; the cell data/one writes"):
        load_task_data(CELL)


def test_a_spoilt_table_is_told_when_it_is_read(project):
    prepare_task(CELL, str(project / "data"))
    (CELL.folder / "test.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"test.parquet: not a Parquet file"):
        load_task_data(CELL)


def test_the_audit_names_files_by_their_digest(project):
    prepare_task(CELL, str(project / "data"))
    files = json.loads((CELL.folder / "audit.json").read_text())["files"]
    assert files["one/test.tsv"] == file_digest(project / "data/one/test.tsv")
