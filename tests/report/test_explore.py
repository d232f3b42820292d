import numpy as np
import pandas as pd
import pytest
import yaml

from xstilts.params import grid, load, load_study, names
from xstilts.report import explore

STUDY = {
    "title": "made",
    "models": ["small", "large"],
    "arms": ["none", "english", "multilingual"],
    "intermediates": ["asked"],
    "targets": ["inferred"],
    "seeds": [0, 1, 2],
    "intermediate_budget": {"items": 6, "epochs": 1},
    "target_budget": {"items": 6, "epochs": 1},
    "optimizer": {
        "learning_rate": 1e-4, "head_factor": 10.0, "batch": 8, "warmup_fraction": 0.1,
        "weight_decay": 0.0, "clip": 1.0,
    },
}  # fmt: skip


def model(layers):
    return {
        "family": "f", "source": {"kind": "folder", "path": "nowhere"},
        "shape": {
            "layers": 12, "hidden": 8, "feed_forward": 8, "vocabulary": 8,
            "body_params": 12_000_000, "total_params": 20_000_000,
        },
        "layers": layers, "head": "siamese", "dropout": 0.0, "max_tokens": 8, "licence": "none",
    }  # fmt: skip


def task(generator, skill, labels):
    return {
        "title": skill, "kind": "nli", "skill": skill, "labels": labels,
        "label_names": {"0": labels[0], "1": labels[1]},
        "source": {"kind": "miniature", "generator": generator, "lexicon": "A"},
        "train_languages": ["de", "en"], "test_languages": ["de", "en"],
        "train_items": 6, "test_items": 6,
    }  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch):
    files = {
        "studies/made": STUDY,
        "models/small": model(3),
        "models/large": model(12),
        "tasks/asked": task("questions", "questions", ["different", "same"]),
        "tasks/inferred": task("nli", "nli", ["entailment", "neutral", "contradiction"]),
    }
    for name, values in files.items():
        path = tmp_path / "params" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(values))
    monkeypatch.setenv("XSTILTS_ROOT", str(tmp_path))
    caches = (load.load_study, load.load_task, load.load_model, grid.cells)
    for cache in caches:
        cache.cache_clear()
    yield tmp_path
    for cache in caches:
        cache.cache_clear()


def test_the_grid_counts_cells_and_runs_by_stage_and_what_is_done(project):
    done = project / "outputs/made/data/asked/manifest.json"
    done.parent.mkdir(parents=True)
    done.write_text("{}")
    table = explore.grid("made")
    assert table["cells"].to_dict() == {
        "10_data": 2, "20_encoder": 2, "30_intermediate": 4, "40_target": 6, "50_analysis": 1,
        "60_paper": 1,
    }  # fmt: skip
    assert table.loc["40_target", "runs"] == 6 * len(load_study("made").seeds)
    assert table["done"].sum() == 1


def test_models_are_listed_by_body_size(project):
    table = explore.models("made")
    assert table["body, millions"].to_dict() == {"small": 3.0, "large": 12.0}
    assert table["layers"].to_dict() == {"small": "3 of 12", "large": "12 of 12"}


def test_tasks_say_their_part_and_which_pairs_are_cross(project):
    table = explore.tasks("made")
    assert table["part"].to_dict() == {"inferred": "target", "asked": "intermediate"}
    assert table.loc["asked", "cross-task targets"] == "inferred"


def test_items_are_shown_before_anything_is_computed(project):
    table = explore.items("made")
    assert isinstance(table, pd.DataFrame)
    assert set(table.index.get_level_values("language")) == {"de", "en"}


def test_without_encoder_the_picture_says_how_to_get_one(project):
    assert explore.similarity("made") == (
        "No encoder yet at encoders/small: `make paper STUDY=made` prepares it."
    )


def test_translations_lie_close_and_other_sentences_apart(project, monkeypatch):
    folder = project / "outputs/made/encoders/small/encoder"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    meanings: dict[int, np.ndarray] = {}

    def vectors(_, texts):
        items = len(texts) // 2  # texts come by language: the same items twice
        rng = np.random.default_rng(0)
        for item in range(items):
            meanings[item] = rng.normal(size=32)
        noise = np.random.default_rng(1).normal(scale=0.05, size=(len(texts), 32))
        return np.stack([meanings[n % items] for n in range(len(texts))]) + noise

    monkeypatch.setattr(explore, "_mean_vectors", vectors)
    shown = explore.similarity("made")
    near, far = (float(part.split()[0]) for part in shown.alt.split(": ")[1].split(", ", 1))
    assert near > 0.9
    assert abs(far) < 0.5


def test_minixtreme_shows_every_task_in_every_language():
    table = explore.minixtreme()
    tasks = [name for name in names("tasks") if name.startswith("mini_")]
    assert list(dict.fromkeys(table.index.get_level_values("task"))) == tasks
    assert set(table.groupby("task").size()) == {10}
    assert len(explore.minixtreme(["de"])) == len(tasks)
