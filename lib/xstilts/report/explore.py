"""A study at a glance, before and while it is computed: what the explore notebook shows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from xstilts.params import (
    Cell,
    base_task,
    cells,
    is_cross,
    load_model,
    load_study,
    load_task,
    names,
)
from xstilts.params.source import MiniatureSource
from xstilts.tasks import TaskData, data_root, load_items, load_task_data
from xstilts.tasks.show import Picture, examples, readable

__all__ = ["grid", "items", "minixtreme", "models", "readable", "similarity", "tasks"]

#: items whose translations the heat map compares, and languages it has room for
_ITEMS, _LANGUAGES = 3, 8
_TEXTS = ("text_a", "text_b")


def grid(study: str, *, outputs: str = "outputs") -> pd.DataFrame:
    """Return the cells of a study by stage: how many, how many are done, runs, and one name.

    A run is one seed of a cell that trains.

    Raises:
        SpecError: there is no such study, or its file is wrong.
    """
    seeds = len(load_study(study).seeds)
    rows: dict[str, dict[str, Any]] = {}
    for cell in cells(study, outputs):
        trains = cell.stage in ("30_intermediate", "40_target")
        row = rows.setdefault(cell.stage, {"cells": 0, "done": 0, "runs": 0, "example": cell.name})
        row["cells"] += 1
        row["done"] += cell.manifest.exists()
        row["runs"] += seeds if trains else 0
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("stage")


def models(study: str) -> pd.DataFrame:
    """Return the encoders of a study; parameters in millions, embeddings left out and all."""
    rows = []
    for name in load_study(study).models:
        spec = load_model(name)
        rows.append(
            {
                "model": name,
                "family": spec.family,
                "layers": f"{spec.layers} of {spec.shape.layers}",
                "body, millions": round(spec.body_params / 1e6, 1),
                "total, millions": round(spec.total_params / 1e6, 1),
                "head": spec.head,
                "source": spec.source.kind,
                "licence": spec.licence,
            }
        )
    return pd.DataFrame(rows).set_index("model")


def tasks(study: str) -> pd.DataFrame:
    """Return the tasks of a study, their part in it and the sizes of their splits."""
    spec = load_study(study)
    rows = []
    for name in dict.fromkeys([*spec.targets, *spec.intermediates]):
        task = load_task(name)
        parts = {"target": name in spec.targets, "intermediate": name in spec.intermediates}
        others = spec.targets if name in spec.intermediates else ()
        rows.append(
            {
                "task": name,
                "title": task.title,
                "part": " and ".join(part for part, held in parts.items() if held),
                "labels": ", ".join(task.labels),
                "training items": task.train_items,
                "training languages": " ".join(task.train_languages),
                "scored items": task.test_items,
                "scored languages": " ".join(task.test_languages),
                "cross-task targets": " ".join(t for t in others if is_cross(name, t)),
            }
        )
    return pd.DataFrame(rows).set_index("task")


def items(study: str, *, outputs: str = "outputs", data: str = "") -> pd.DataFrame:
    """Return one item of each target task in every language that is scored."""
    targets = load_study(study).targets
    shown = [examples(_task_data(study, name, outputs, data), items=1) for name in targets]
    return pd.concat(shown, keys=targets, names=["task"])


def minixtreme(languages: Sequence[str] = ()) -> pd.DataFrame:
    """Return one generated item of every task of MiniXTREME, in all its languages or some."""
    from xstilts.tasks.miniature import read_miniature

    specs = {name: load_task(name) for name in names("tasks") if name.startswith("mini_")}
    shown = []
    for name, spec in specs.items():
        source = cast(MiniatureSource, spec.source)
        codes = [code for code in spec.test_languages if not languages or code in languages]
        table = read_miniature(name, spec, source, "test", codes, 1)
        label = [spec.labels[number] for number in table["label"]]
        table = table.assign(task=name, label=label, operator=table["group"])
        shown.append(table.set_index(["task", "language"])[["label", "operator", *_TEXTS]])
    return pd.concat(shown)


def similarity(study: str, *, outputs: str = "outputs", data: str = "") -> Picture | str:
    """Draw how close translations lie under the study's first encoder, as pretrained.

    Cosine of mean token vectors, the mean over all of the texts taken off: raw vectors of a
    multilingual encoder share one large direction. Returns what to do if the encoder has
    not been prepared.
    """
    spec = load_study(study)
    encoder = Cell("20_encoder", study, (("model", spec.models[0]),), outputs)
    folder = encoder.folder / "encoder"
    if not (folder / "config.json").exists():
        return f"No encoder yet at {encoder.name}: `make paper STUDY={study}` prepares it."
    test = _task_data(study, spec.targets[0], outputs, data).test
    chosen = list(test["language"].unique())[:_LANGUAGES]
    ids = list(test["id"].unique())[: 8 * _ITEMS]
    table = test[test["id"].isin(ids) & test["language"].isin(chosen)]
    vectors = _mean_vectors(folder, table["text_a"].tolist())
    vectors = vectors - vectors.mean(axis=0)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    drawn = table["id"].isin(ids[:_ITEMS]).to_numpy()
    shown = table[drawn]
    order = np.lexsort((shown["language"], shown["id"]))
    angles = (vectors[drawn] @ vectors[drawn].T)[np.ix_(order, order)]
    from xstilts.encoders.show import heat_map  # torch: imported for the picture alone

    return heat_map(angles, list(shown["language"].to_numpy()[order]), _ITEMS, spec.models[0])


def _task_data(study: str, task: str, outputs: str, data: str) -> TaskData:
    task = base_task(task)
    cell = Cell("10_data", study, (("task", task),), outputs)
    if cell.manifest.exists():
        return load_task_data(cell)
    return load_items(task, load_task(task), data_root(data))


def _mean_vectors(folder: Path, texts: list[str]) -> np.ndarray:
    """Return the mean token vector of each text, shape (texts, hidden)."""
    from xstilts.encoders import sentence_vectors  # torch: imported for the picture alone

    return sentence_vectors(folder, texts)
