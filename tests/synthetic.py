"""A finished study made of random numbers, in the folders of a real one (tests/synthetic.py).

`write_study(root)` writes params/ and everything that the analysis reads: data cells and the
runs of every intermediate and target cell. Correct answers come from a model with known
effects, so that an analysis can be held against the truth (`true_score`).
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import yaml

from xstilts.params import grid, load
from xstilts.results.schema import CURVE, PREDICTIONS, RUNS, conform
from xstilts.tasks.baseline import BASELINES

LANGUAGES = ("de", "en", "es", "ru", "sw", "zh")
SEEN = ("de", "en", "es", "zh")
BODY, TOTAL = 21_293_568, 117_505_920
INTERMEDIATES = {"made_nli_b": "nli", "made_questions": "questions"}
TARGETS = {"made_nli": "nli", "made_paraphrase": "paraphrase"}
LABELS = {
    "nli": ("entailment", "neutral", "contradiction"),
    "questions": ("different", "same"),
    "paraphrase": ("different", "paraphrase"),
}


@dataclass(frozen=True)
class World:
    """What is true: latent effects, in standard deviations of an item's latent score.

    english, multilingual: what an arm adds, whatever the size; growth: what the multilingual
    arm adds more for each doubling of the layers kept; spread: standard deviations of a seed,
    of an item (shared by languages and runs), of what is left.
    """

    seeds: Sequence[int] = (0, 1, 2)
    layers: Sequence[int] = (3, 6, 12)
    arms: Sequence[str] = ("none", "english", "multilingual")
    items: int = 60
    english: float = 0.05
    multilingual: float = 0.6
    growth: float = 0.0
    spread: tuple[float, float, float] = (0.03, 0.7, 0.7)
    collapsed: tuple[str, ...] = ()
    hypotheses: Sequence[dict[str, str]] = field(
        default=(
            {"name": "multilingual_over_english", "contrast": "multilingual-english",
             "says": "Multilingual intermediate data beat English ones."},
            {"name": "advantage_grows", "contrast": "multilingual-english", "quantity": "slope",
             "says": "The advantage grows with size."},
        )
    )  # fmt: skip

    def latent(self, layers: int, arm: str, language: str) -> float:
        """Return the mean latent score of an item; above zero is correct."""
        doublings = float(np.log2(layers / 3))
        value = 0.4 + 0.3 * doublings - (0.0 if language == "en" else 0.5)
        if arm == "english":
            value += self.english
        if arm == "multilingual":
            value += self.multilingual + self.growth * doublings
        return value

    def true_score(self, layers: int, arm: str, language: str) -> float:
        """Return the expected accuracy over all seeds and items, 0 to 100."""
        whole = float(np.sqrt(np.sum(np.square(self.spread))))
        return 100 * NormalDist().cdf(self.latent(layers, arm, language) / whole)


def forget() -> None:
    """Empty the caches of parameters, so that another project root is read."""
    for cached in (
        load.load_model, load.load_task, load.load_corpus, load.load_study, grid.cells,
    ):
        cached.cache_clear()


def write_study(root: Path, name: str = "made", **values: Any) -> str:
    """Write a finished study below `root` and return its name; `values` are those of `World`.

    Set XSTILTS_ROOT to `root` before.
    """
    world = World(**values)
    _write_params(root, name, world)
    forget()
    for cell in grid.cells(name):
        if cell.stage in ("10_data", "20_encoder", "30_intermediate", "40_target"):
            cell.folder.mkdir(parents=True, exist_ok=True)
            _write_json(cell.manifest, {"key": f"{zlib.crc32(cell.name.encode()):016x}"})
        if cell.stage == "10_data":
            _write_data(cell, world)
        if cell.stage == "20_encoder":
            _write_encoder(cell, world)
        if cell.stage in ("30_intermediate", "40_target"):
            for seed in world.seeds:
                write_run(cell, seed, world)
    return name


def write_run(cell: grid.Cell, seed: int, world: World) -> Path:
    """Write one finished run and return its folder."""
    folder, run = cell.folder / f"seed-{seed}", f"{cell.study}/{cell.name}/seed-{seed}"
    target = cell["task"]
    intermediate, arm = (
        grid.split_start(cell["start"]) if cell.stage == "40_target" else (target, cell["arm"])
    )
    spec = load.load_model(cell["model"])
    predictions = _predictions(run, target, seed, spec.layers, arm, world)
    facts = {
        "run": run, "stage": cell.stage.split("_")[1], "model": cell["model"], "arm": arm,
        "seed": seed, "train_items": 2000, "steps": 126, "tokens": 120_000 + seed,
        "flops": 1.2e12 * spec.layers, "seconds": 20.0 * spec.layers, "peak_bytes": 900_000_000,
        "device": "cpu", "precision": "fp32",
    }  # fmt: skip
    rows = [
        facts | {
            "study": cell.study, "family": spec.family, "head": spec.head, "layers": spec.layers,
            "body_params": spec.body_params, "total_params": spec.total_params,
            "intermediate": intermediate, "target": target, "language": language,
            "seen_in_intermediate": arm in grid.MIXED_ARMS and language in SEEN,
            "items": len(part), "score": 100 * float((part["label"] == part["prediction"]).mean()),
            "metric": "accuracy", "status": "ok", "cell_key": "0" * 16,
        }
        for language, part in predictions.groupby("language", sort=True)
    ]  # fmt: skip
    steps = np.arange(1, 9)
    curve = pd.DataFrame({"run": run, "stage": facts["stage"], "step": 16 * steps})
    curve = curve.assign(items=250 * steps, loss=1.1 - 0.05 * steps, accuracy=40.0 + 3 * steps)
    folder.mkdir(parents=True, exist_ok=True)
    conform(pd.DataFrame(rows), RUNS).to_parquet(folder / "runs.parquet", index=False)
    predictions.to_parquet(folder / "predictions.parquet", index=False)
    conform(curve, CURVE).to_parquet(folder / "curve.parquet", index=False)
    if cell.stage == "30_intermediate":
        _write_alignment(folder, spec.layers + {"multilingual": 6, "english": 3}.get(arm, 0))
    _write_json(folder / "run.json", facts | {"task": target})
    return folder


def _write_encoder(cell: grid.Cell, world: World) -> None:
    layers = load.load_model(cell["model"]).layers
    rows = [
        (target, code, world.true_score(layers, "none", code) - 5, world.items)
        for target in TARGETS
        for code in LANGUAGES
    ]
    probe = pd.DataFrame(rows, columns=["target", "language", "score", "items"])
    probe.to_parquet(cell.folder / "probe.parquet", index=False)
    _write_alignment(cell.folder, layers)


def _write_alignment(folder: Path, level: float) -> None:
    rows = [(code, 40.0 + level, 60.0 + level, 120) for code in LANGUAGES if code != "en"]
    table = pd.DataFrame(rows, columns=["language", "retrieved", "ordered", "items"])
    table.to_parquet(folder / "alignment.parquet", index=False)
    found = [("made", "part", code, pool, 50.0 + level, 40)
             for code in LANGUAGES if code != "en" for pool in ("mean", "first")]  # fmt: skip
    columns = ["corpus", "sample", "language", "pooling", "score", "items"]
    table = pd.DataFrame(found, columns=columns)
    table.to_parquet(folder / "retrieval.parquet", index=False)


def _predictions(
    run: str, task: str, seed: int, layers: int, arm: str, world: World
) -> pd.DataFrame:
    """Return predictions that are right where a latent score exceeds zero.

    An item's part is shared by all runs and languages of the task, a seed's part by all
    languages of its run; both have an own part for each arm, a third of their variance.
    """
    of_seed, of_item, rest = world.spread
    count = len(LABELS[(INTERMEDIATES | TARGETS)[task]])
    labels = np.arange(world.items) % count
    common, own = np.sqrt(2 / 3), np.sqrt(1 / 3)
    of_arm = _normal(f"{task}{arm}{layers}", world.items)
    shared = [
        common * _normal(task, world.items) + own * of_arm,
        common * _normal(f"seed{seed}", 1) + own * _normal(run, 1),
    ]
    frames = []
    for language in LANGUAGES:
        latent = world.latent(layers, arm, language) + of_item * shared[0] + of_seed * shared[1]
        right = latent + rest * _normal(f"{run}{language}", world.items) > 0
        guessed = np.where(right, labels, (labels + 1) % count)
        if any(part in run for part in world.collapsed):
            guessed = np.zeros_like(labels)
        sure = np.eye(count)[guessed] * 0.8 + 0.2 / count
        columns = {f"p{n}": sure[:, n].astype("float16") for n in range(count)}
        frames.append(
            pd.DataFrame(
                {"run": run, "item": [f"{task}-test-{n:05d}" for n in range(world.items)],
                 "language": language, "group": "swap", "label": labels, "prediction": guessed}
                | columns
            )
        )  # fmt: skip
    return conform(pd.concat(frames, ignore_index=True), PREDICTIONS)


def _normal(name: str, count: int) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(name.encode())).normal(size=count)


def _write_params(root: Path, name: str, world: World) -> None:
    models = {f"made_l{count:02d}": _model(count) for count in world.layers}
    tasks = {task: _task(task, skill, SEEN, 0.0) for task, skill in INTERMEDIATES.items()}
    tasks |= {task: _task(task, skill, ("en",), 1.0) for task, skill in TARGETS.items()}
    budget = {"items": 2000, "epochs": 2}
    study = {
        "title": "A made-up study", "models": list(models), "arms": list(world.arms),
        "intermediates": list(INTERMEDIATES) if len(world.arms) > 1 else [],
        "targets": list(TARGETS), "seeds": list(world.seeds),
        "intermediate_budget": budget, "target_budget": budget,
        "optimizer": {"learning_rate": 1e-4, "head_factor": 10.0, "batch": 32,
                      "warmup_fraction": 0.1, "weight_decay": 0.01, "clip": 1.0},
        "resamples": 400, "hypotheses": [dict(one) for one in world.hypotheses],
        "limits": ["The numbers of this study are made up."],
    }  # fmt: skip
    for kind, specs in (("models", models), ("tasks", tasks), ("studies", {name: study})):
        (root / "params" / kind).mkdir(parents=True, exist_ok=True)
        for stem, values in specs.items():
            (root / "params" / kind / f"{stem}.yaml").write_text(yaml.safe_dump(values))


def _model(layers: int) -> dict[str, Any]:
    shape = {"layers": 12, "hidden": 384, "feed_forward": 1536, "vocabulary": 250037,
             "body_params": BODY, "total_params": TOTAL}  # fmt: skip
    return {"family": "made", "source": {"kind": "folder", "path": "made/up"}, "shape": shape,
            "layers": layers, "head": "aligned", "dropout": 0.0, "max_tokens": 64,
            "licence": "MIT"}  # fmt: skip


def _task(name: str, skill: str, trained: Sequence[str], seed: float) -> dict[str, Any]:
    return {
        "title": name.replace("_", " "), "kind": "nli" if skill == "nli" else "paraphrase",
        "skill": skill, "labels": list(LABELS[skill]),
        "source": {"kind": "miniature", "generator": skill, "lexicon": "A", "seed": int(seed)},
        "train_languages": list(trained), "test_languages": list(LANGUAGES),
        "train_items": 2000, "test_items": 60,
    }  # fmt: skip


def _write_data(cell: grid.Cell, world: World) -> None:
    task = cell["task"]
    count = len(LABELS[(INTERMEDIATES | TARGETS)[task]])
    records, floors = [], []
    for language in LANGUAGES:
        counts = [[label, world.items // count] for label in load.load_task(task).labels]
        records.append(
            {"task": task, "split": "test", "language": language, "rows": world.items,
             "items": world.items, "labels": counts, "file_labels": counts, "marked": 0,
             "marks": [], "duplicates": 0, "identical": 0, "unquoted": 0, "line_breaks": 0,
             "differing": 0, "aligned": True, "dropped_marked": 0, "dropped_test_text": 0}
        )  # fmt: skip
        floors.append((task, language, "majority", 100 / count, world.items))
        for name in list(BASELINES)[1:]:
            floors.append((task, language, name, 100 / count + 2, world.items))
    columns = ["task", "language", "baseline", "score", "items"]
    table = pd.DataFrame(floors, columns=columns)
    table.to_parquet(cell.folder / "baselines.parquet", index=False)
    _write_json(cell.folder / "audit.json", {"task": task, "rows": records})


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))
