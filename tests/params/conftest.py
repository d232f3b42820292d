"""A project of two models, three tasks and one study, to be spoilt."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from synthetic import forget

SHAPE = {"layers": 4, "hidden": 8, "feed_forward": 16, "vocabulary": 50,
         "body_params": 400, "total_params": 1000}  # fmt: skip
MODEL = {"family": "made", "source": {"kind": "folder", "path": "made/up"}, "shape": SHAPE,
         "layers": 4, "head": "siamese", "dropout": 0.0, "max_tokens": 16, "licence": "MIT"}
TASK = {
    "title": "made", "kind": "nli", "skill": "nli", "labels": ["yes", "no"],
    "source": {"kind": "miniature", "generator": "nli", "lexicon": "A"},
    "train_languages": ["de", "en"], "test_languages": ["de", "en"],
    "train_items": 100, "test_items": 10,
}  # fmt: skip
BUDGET = {"items": 50, "epochs": 2}
OPTIMIZER = {"learning_rate": 1e-4, "head_factor": 10.0, "batch": 8, "warmup_fraction": 0.1,
             "weight_decay": 0.01, "clip": 1.0}  # fmt: skip
STUDY = {
    "title": "made", "models": ["small", "large"], "arms": ["none", "english", "multilingual"],
    "intermediates": ["both", "english_only"], "targets": ["both", "goal"], "seeds": [0, 1],
    "intermediate_budget": BUDGET, "target_budget": BUDGET, "optimizer": OPTIMIZER,
}  # fmt: skip

Write = Callable[..., None]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XSTILTS_ROOT", str(tmp_path))
    forget()
    return tmp_path


@pytest.fixture
def write(project: Path) -> Write:
    """Return a writer of one parameter file, `changes` made to a sound one."""
    sound = {"models": MODEL, "tasks": TASK, "studies": STUDY}

    def put(kind: str, name: str, **changes: Any) -> None:
        path = project / "params" / kind / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(sound[kind] | changes))
        forget()

    put("models", "small", layers=2)
    put("models", "large")
    put("tasks", "both")
    put("tasks", "english_only", train_languages=["en"], skill="questions")
    put("tasks", "goal", skill="paraphrase")
    put("studies", "made")
    return put
