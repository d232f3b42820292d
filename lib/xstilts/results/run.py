"""What one run leaves in its folder; `run.json` is written last and makes it finished."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xstilts.files import write_atomically, write_json
from xstilts.params import MIXED_ARMS, Cell, load_model, load_task
from xstilts.results.key import run_key
from xstilts.results.schema import CURVE, PREDICTIONS, RUNS, conform


@dataclass(frozen=True)
class Scored:
    """Test rows (`tasks.item.COLUMNS`) and the probability of each label, (rows, labels)."""

    table: pd.DataFrame
    probabilities: np.ndarray

    @property
    def predictions(self) -> np.ndarray:
        return self.probabilities.argmax(axis=1).astype(np.int8)


def training_facts(
    cell: Cell, seed: int, stage: str, intermediate: str, arm: str
) -> dict[str, Any]:
    """Return what names a run: its id and where it stands in the grid."""
    return {
        "run": f"{cell.study}/{cell.name}/seed-{seed}",
        "stage": stage,
        "model": cell["model"],
        "arm": arm,
        "intermediate": intermediate,
        "task": cell["task"],
        "seed": seed,
    }


def write_run(
    cell: Cell, seed: int, facts: dict[str, Any], curve: pd.DataFrame, scored: Scored | None
) -> None:
    """Write a run's tables, then run.json with its key.

    Args:
        cell: of 30_intermediate or 40_target.
        seed: of the run.
        facts: names and costs; the keys of `collect.COST` and `intermediate` are needed.
        curve: step, items, loss, accuracy.
        scored: None where the task has no test set.
    """
    folder = cell.folder / f"seed-{seed}"
    (folder / "run.json").unlink(missing_ok=True)
    named = curve.assign(run=facts["run"], stage=facts["stage"])
    _write(folder / "curve.parquet", conform(named, CURVE))
    if scored is not None:
        _write(folder / "predictions.parquet", prediction_table(facts["run"], scored))
        _write(folder / "runs.parquet", score_table(cell, seed, facts, scored))
    write_json(folder / "run.json", facts | {"key": run_key(cell, seed)})


def read_facts(folder: Path) -> dict[str, Any]:
    """Return what a finished run's `run.json` holds."""
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def prediction_table(run: str, scored: Scored) -> pd.DataFrame:
    """Return a row an (item, language): `schema.PREDICTIONS`, then p0, p1, ... as float16."""
    columns = {
        "run": run,
        "item": scored.table["id"].to_numpy(),
        "language": scored.table["language"].to_numpy(),
        "group": scored.table["group"].to_numpy(),
        "label": scored.table["label"].to_numpy(),
        "prediction": scored.predictions,
    }
    table = pd.DataFrame(columns)
    for label, column in enumerate(scored.probabilities.T):
        table[f"p{label}"] = column.astype("float16")
    return conform(table, PREDICTIONS)


def score_table(cell: Cell, seed: int, facts: dict[str, Any], scored: Scored) -> pd.DataFrame:
    """Return a row a language: `schema.RUNS`."""
    model, task = load_model(cell["model"]), load_task(cell["task"])
    mixed = facts["arm"] in MIXED_ARMS
    seen = load_task(facts["intermediate"]).train_languages if mixed else ()
    shared = {name: facts[name] for name in RUNS if name in facts} | {
        "study": cell.study,
        "family": model.family,
        "head": model.head,
        "layers": model.layers,
        "body_params": model.body_params,
        "total_params": model.total_params,
        "target": cell["task"],
        "metric": task.metric,
        "status": "ok",
        "cell_key": run_key(cell, seed),
    }
    right = pd.Series(scored.predictions == scored.table["label"].to_numpy())
    by_language = right.groupby(scored.table["language"].to_numpy(), sort=False)
    rows = [
        shared
        | {
            "language": language,
            "seen_in_intermediate": language in seen,
            "items": len(part),
            "score": 100.0 * float(part.mean()),
        }
        for language, part in by_language
    ]
    return conform(pd.DataFrame(rows), RUNS)


def _write(path: Path, table: pd.DataFrame) -> None:
    write = partial(table.to_parquet, index=False, compression="zstd")
    write_atomically(path, write)
