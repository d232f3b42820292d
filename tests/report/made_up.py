"""Analysis tables of made-up studies: every column of the contract, numbers by formula."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from made_up_encoders import alignments, deeper, retrievals, starts
from made_up_estimates import (
    BODY,
    CONTRASTS,
    TOTAL,
    UNITS,
    batches,
    budgets,
    claims,
    crosschecks,
    fits,
    gaps,
    groups,
    growths,
    interval,
    powers,
    slopes,
    tested,
    uncollapsed,
)

from xstilts.analysis.operators import OPERATORS
from xstilts.params import load_corpus, load_task
from xstilts.params.spec import as_json
from xstilts.results.schema import CURVE, RUNS
from xstilts.tasks.audit import audit_table
from xstilts.tasks.baseline import BASELINES

STUDIES = {
    "smoke": (["smoke_questions"], ["smoke_nli"]),
    "mini": (["mini_nli_b", "mini_questions"], ["mini_nli", "mini_paraphrase"]),
    "real": (["mnli_mt", "pawsx_dev"], ["xnli", "pawsx"]),
    "hub": (["hub_mnli", "hub_pawsx", "hub_qqp", "hub_squad"], ["hub_xnli", "hub_pawsx"]),
}


def model(layers: int) -> dict[str, object]:
    """Return the parameters of a made-up encoder that keeps `layers` of 12 blocks."""
    shape = {"layers": 12, "hidden": 384, "feed_forward": 1536, "vocabulary": 250037,
             "body_params": BODY, "total_params": TOTAL}  # fmt: skip
    return {"family": "mE5-small", "source": {"kind": "folder", "path": "made/up"},
            "shape": shape, "layers": layers, "head": "aligned", "dropout": 0.0,
            "max_tokens": 64, "precision": "auto", "licence": "MIT"}  # fmt: skip


def study(
    kind: str = "mini",
    *,
    layers: Sequence[int] = (3, 6, 12),
    seeds: Sequence[int] = (0, 1, 2),
    arms: Sequence[str] = ("none", "english", "multilingual"),
    hypotheses: bool = True,
    effect: float = 2.0,
) -> SimpleNamespace:
    """Return the tables; multilingual data raise the other languages by about `effect` points."""
    intermediates, targets = STUDIES[kind]
    models = {f"e5_l{count:02d}": model(count) for count in layers}
    tasks = {name: as_json(load_task(name)) for name in [*intermediates, *targets]}
    budget = {"items": 96, "epochs": 1} if kind == "smoke" else {"items": 2000, "epochs": 2}
    spec = {
        "title": f"A made-up study: {kind}", "models": list(models), "arms": list(arms),
        "intermediates": intermediates, "targets": targets, "seeds": list(seeds),
        "intermediate_budget": budget, "target_budget": budget,
        "optimizer": {"learning_rate": 1e-4, "head_factor": 10.0, "batch": 32,
                      "warmup_fraction": 0.1, "weight_decay": 0.01, "clip": 1.0},
        "corpora": ["tatoeba", "bucc"] if kind == "real" else [],
        "hypotheses": _hypotheses() if hypotheses else [],
        "limits": ["The numbers of this study are made up."],
    }  # fmt: skip
    world = SimpleNamespace(models=models, tasks=tasks, spec=spec, effect=effect, kind=kind)
    runs, curves = _runs(world)
    scores = _scores(world, runs)
    single = _gains(world, scores)
    gains = pd.concat([single, _mean_gains(world, single)], ignore_index=True)
    counts = {"runs": int(runs["run"].nunique()), "predictions": len(runs) * 150}
    cells = [run.removeprefix(f"{kind}/").rsplit("/", 1)[0] for run in runs["run"].unique()]
    cells = [*dict.fromkeys(cells), *(f"data/{name}" for name in tasks)]
    cells += [f"encoders/{name}" for name in models]
    corpora = {name: as_json(load_corpus(name)) for name in spec["corpora"]}
    about = {"name": kind, "study": spec, "models": models, "tasks": tasks, "corpora": corpora,
             "counts": counts,
             "cells": {name: f"{place:016x}" for place, name in enumerate(cells)}}  # fmt: skip
    return SimpleNamespace(
        runs=runs, curves=curves, scores=scores, gains=gains, slopes=slopes(world, single),
        growths=growths(world, scores), gaps=gaps(world, scores),
        fits=fits(world, scores, gains), uncollapsed=uncollapsed(world, gains),
        hypotheses=tested(world, single), baselines=_baselines(world), audit=_audit(world),
        cost=_cost(world, runs), study=about, probes=_probes(world, scores),
        alignments=alignments(world), retrievals=retrievals(world), deeper=deeper(world),
        operators=_operators(world, scores), budgets=budgets(world, about, scores, gains),
        claims=claims(), batches=batches(world), crosschecks=crosschecks(tested(world, single)),
        powers=powers(world, gains),
    )  # fmt: skip


def write(tables: SimpleNamespace, folder: Path) -> Path:
    """Write the tables as the analysis does; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in vars(tables).items():
        if isinstance(table, pd.DataFrame):
            table.to_parquet(folder / f"{name}.parquet", index=False)
    (folder / "study.json").write_text(json.dumps(tables.study))
    return folder


def _hypotheses() -> list[dict[str, str]]:
    return [
        {"name": "multilingual_over_english", "contrast": "multilingual-english",
         "says": "Multilingual intermediate data beat English ones on the other languages."},
        {"name": "english_gain", "contrast": "english-none",
         "says": "English intermediate data raise the other languages."},
        {"name": "grows", "contrast": "multilingual-english", "quantity": "slope",
         "says": "The advantage of multilingual data grows with size."},
    ]  # fmt: skip


def _latent(world: SimpleNamespace, layers: int, start: tuple[str, str], language: str) -> float:
    base = 38 + 36 * np.log10(layers) / np.log10(12) * 0.9
    gap = 0 if language == "en" else 6 + 3 * (ord(language[0]) % 5) - 2 * np.log2(layers / 3)
    bonus = {
        "none": 0.0, "english": 1.5, "multilingual": 1.5 + world.effect, "shuffled": -1.0
    }[start[1]]  # fmt: skip
    return base - gap + bonus * (1 if language != "en" else 0.5) + 0.3 * len(start[0]) % 2


def _runs(world: SimpleNamespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    rows, curves = [], []
    for name, spec in world.models.items():
        for start in starts(world):
            for target in world.spec["targets"]:
                for seed in world.spec["seeds"]:
                    label = "none" if start[1] == "none" else "-".join(start)
                    run = f"{world.kind}/targets/{name}/{label}/{target}/seed-{seed}"
                    seen = world.tasks[start[0]]["train_languages"] if start[0] != "none" else []
                    for language in world.tasks[target]["test_languages"]:
                        score = _latent(world, spec["layers"], start, language) + rng.normal(0, 0.6)
                        rows.append(
                            [run, world.kind, "target", name, spec["family"], "aligned",
                             spec["layers"], BODY * spec["layers"] // 12,
                             TOTAL - BODY + BODY * spec["layers"] // 12, start[1], start[0],
                             target, language, start[1] == "multilingual" and language in seen,
                             seed, 150, score, "accuracy", "ok", 2000, 126, 120_000,
                             1.2e12 * spec["layers"], 20.0 * spec["layers"], 900_000_000, "cpu",
                             "bf16", "full", 5.0, 300.0, 0.01, 2e11, 0.6, "0" * 16]
                        )  # fmt: skip
                    for step in range(1, 17):
                        loss = 1.1 - 0.5 * (1 - np.exp(-step / 6)) * spec["layers"] / 12
                        items = step * world.spec["target_budget"]["items"] // 16
                        curves.append([run, "target", step * 8, items, loss, 100 * (1.3 - loss)])
    return pd.DataFrame(rows, columns=list(RUNS)), pd.DataFrame(curves, columns=list(CURVE))


def _scores(world: SimpleNamespace, runs: pd.DataFrame) -> pd.DataFrame:
    rows = []
    fixed = ["model", "family", "head", "layers", "body_params", "total_params", "intermediate",
             "arm", "target"]  # fmt: skip
    for key, table in runs.groupby(fixed, sort=False):
        means = table.groupby("language")["score"].mean()
        for group, codes in groups(world, key[-1], key[6]).items():
            value = float(means[codes].mean())
            rows.append([*key, group, value, *interval(world, value, 1.1),
                         len(world.spec["seeds"]), 150, 0])  # fmt: skip
    columns = [*fixed, "group", "score", "low", "high", "seeds", "items", "collapsed"]
    return pd.DataFrame(rows, columns=columns)


def _gains(world: SimpleNamespace, scores: pd.DataFrame) -> pd.DataFrame:
    rows = []
    fixed = ["model", "family", "layers", "body_params", "total_params"]
    columns = [*fixed, "intermediate", "target", "pair", "contrast", "unit", "group", "estimate",
               "low", "high", "seeds", "items", "resolved", "p", "q"]  # fmt: skip
    looked = scores.set_index(["model", "intermediate", "arm", "target", "group"])["score"]
    for name in world.models:
        sizes = scores[scores["model"] == name].iloc[0][fixed].tolist()
        for middle in world.spec["intermediates"]:
            for target in world.spec["targets"]:
                same = world.tasks[middle]["skill"] == world.tasks[target]["skill"]
                for contrast in CONTRASTS:
                    high_arm, low_arm = contrast.split("-")
                    if not {high_arm, low_arm} <= set(world.spec["arms"]):
                        continue
                    for group, codes in groups(world, target, middle).items():
                        high, low = (
                            np.mean([looked[name, middle if arm != "none" else "none", arm,
                                            target, code] for code in codes])
                            for arm in (high_arm, low_arm)
                        )  # fmt: skip
                        for unit in UNITS:
                            points = high - low
                            value = points if unit == "points" else 100 * points / (100 - low)
                            ends = interval(world, value, 1.2 if unit == "points" else 3.5)
                            sure = bool(ends[0] > 0 or ends[1] < 0)
                            p = np.nan if np.isnan(ends[0]) else 0.01 if sure else 0.4
                            rows.append([*sizes, middle, target, "same" if same else "cross",
                                         contrast, unit, group, value, *ends,
                                         len(world.spec["seeds"]), 150, sure, p,
                                         2 * p])  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _mean_gains(world: SimpleNamespace, gains: pd.DataFrame) -> pd.DataFrame:
    keys = ["model", "family", "layers", "body_params", "total_params", "pair", "contrast", "unit",
            "group", "seeds", "items"]  # fmt: skip
    means = gains.groupby(keys, sort=False, as_index=False)["estimate"].mean()
    ends = [interval(world, value, 0.9) for value in means["estimate"]]
    low, high = ([end[place] for end in ends] for place in (0, 1))
    sure = [bool(a > 0 or b < 0) for a, b in ends]
    means = means.assign(intermediate="mean", target=means["pair"], low=low, high=high,
                         resolved=sure, p=np.nan, q=np.nan)  # fmt: skip
    return means.reindex(columns=gains.columns)


def _baselines(world: SimpleNamespace) -> pd.DataFrame:
    rows = []
    for task in dict.fromkeys([*world.spec["intermediates"], *world.spec["targets"]]):
        chance = 100 / len(world.tasks[task]["labels"])
        for language in world.tasks[task]["test_languages"]:
            for name in BASELINES:
                above = {"majority": 1, "overlap": 6, "hypothesis_only": 3}.get(name, 2)
                rows.append([task, language, name, chance + above, 150])
    return pd.DataFrame(rows, columns=["task", "language", "baseline", "score", "items"])


def _probes(world: SimpleNamespace, scores: pd.DataFrame) -> pd.DataFrame:
    single = ~scores["group"].isin(["other", "seen", "unseen", "all"])
    rows = scores[(scores["arm"] == "none") & single]
    probes = rows[["model", "target", "group", "score", "items"]]
    return probes.rename(columns={"group": "language"}).assign(score=probes["score"] - 8)


def _operators(world: SimpleNamespace, scores: pd.DataFrame) -> pd.DataFrame:
    rows = scores[scores["group"].isin(["en", "other"])]
    keys = ["model", "intermediate", "arm", "target", "group", "score"]
    parts = [rows[keys].assign(label=label, operator=f"change_{label}", items=75)
             for label in (0, 1)]  # fmt: skip
    return pd.concat(parts, ignore_index=True)[list(OPERATORS)]


def _audit(world: SimpleNamespace) -> pd.DataFrame:
    records = []
    for name, task in world.tasks.items():
        for split, languages in (("train", task["train_languages"]),
                                 ("test", task["test_languages"])):  # fmt: skip
            for language in languages:
                labels = [[label, 50] for label in task["labels"]]
                records.append(
                    {"task": name, "split": split, "language": language, "rows": 150,
                     "items": 150, "labels": labels, "file_labels": labels, "marked": 0,
                     "marks": [], "duplicates": 0, "identical": 0, "unquoted": 0,
                     "line_breaks": 0, "differing": 0, "aligned": True, "dropped_marked": 0,
                     "dropped_test_text": 0}
                )  # fmt: skip
    return audit_table(records)


def _cost(world: SimpleNamespace, runs: pd.DataFrame) -> pd.DataFrame:
    columns = ["run", "stage", "model", "arm", "target", "seed", "train_items", "steps", "tokens",
               "flops", "seconds", "peak_bytes", "device", "precision", "method",
               "items_per_second", "tokens_per_second", "padding_share", "gemm_flops",
               "mfu"]  # fmt: skip
    table = runs.drop_duplicates("run")[columns].rename(columns={"target": "task"})
    return table.reset_index(drop=True)
