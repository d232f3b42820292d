"""Analysis tables of made-up studies: every column of the contract, numbers by formula."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from xstilts.analysis.batch import BATCHES
from xstilts.analysis.beside import tabulate_budgets
from xstilts.analysis.claim import CLAIMS
from xstilts.analysis.crosscheck import CROSSCHECKS, METHODS
from xstilts.analysis.fit import AXES, FITS
from xstilts.analysis.gap import GAPS
from xstilts.analysis.operators import OPERATORS
from xstilts.analysis.origin import ALIGNMENTS, RETRIEVALS
from xstilts.analysis.power import POWERS, power_rows
from xstilts.analysis.resample import Variances
from xstilts.analysis.tables import GROWTHS
from xstilts.analysis.uncollapsed import MAIN, UNCOLLAPSED, WITHOUT
from xstilts.params import load_corpus, load_task
from xstilts.params.spec import as_json
from xstilts.results.schema import CURVE, RUNS
from xstilts.tasks.audit import audit_table
from xstilts.tasks.baseline import BASELINES

BODY, TOTAL = 21_293_568, 117_505_920
UNITS = ("points", "error_reduction")
CONTRASTS = (
    "english-none", "multilingual-none", "multilingual-english", "shuffled-none",
    "multilingual-shuffled",
)  # fmt: skip
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
        runs=runs, curves=curves, scores=scores, gains=gains, slopes=_slopes(world, single),
        growths=_growths(world, scores), gaps=_gaps(world, scores),
        fits=_fits(world, scores, gains), uncollapsed=_uncollapsed(world, gains),
        hypotheses=_tested(world, single), baselines=_baselines(world), audit=_audit(world),
        cost=_cost(world, runs), study=about, probes=_probes(world, scores),
        alignments=_alignments(world), retrievals=_retrievals(world),
        operators=_operators(world, scores), budgets=_budgets(world, about, scores, gains),
        claims=_claims(), batches=_batches(world), crosschecks=_crosschecks(_tested(world, single)),
        powers=_powers(world, gains),
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


def _starts(world: SimpleNamespace) -> list[tuple[str, str]]:
    arms = [arm for arm in world.spec["arms"] if arm != "none"]
    return [("none", "none"), *((t, a) for t in world.spec["intermediates"] for a in arms)]


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
        for start in _starts(world):
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


def _groups(world: SimpleNamespace, target: str, intermediate: str) -> dict[str, list[str]]:
    languages = list(world.tasks[target]["test_languages"])
    other = [code for code in languages if code != "en"]
    groups = {"en": ["en"], "other": other, "all": languages}
    if intermediate != "none":
        trained = world.tasks[intermediate]["train_languages"]
        groups["seen"] = [code for code in other if code in trained]
        groups["unseen"] = [code for code in other if code not in trained]
    return {name: codes for name, codes in (groups | {c: [c] for c in other}).items() if codes}


def _interval(world: SimpleNamespace, value: float, half: float) -> tuple[float, float]:
    return (np.nan, np.nan) if len(world.spec["seeds"]) == 1 else (value - half, value + half)


def _scores(world: SimpleNamespace, runs: pd.DataFrame) -> pd.DataFrame:
    rows = []
    fixed = ["model", "family", "head", "layers", "body_params", "total_params", "intermediate",
             "arm", "target"]  # fmt: skip
    for key, table in runs.groupby(fixed, sort=False):
        means = table.groupby("language")["score"].mean()
        for group, codes in _groups(world, key[-1], key[6]).items():
            value = float(means[codes].mean())
            rows.append([*key, group, value, *_interval(world, value, 1.1),
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
                    for group, codes in _groups(world, target, middle).items():
                        high, low = (
                            np.mean([looked[name, middle if arm != "none" else "none", arm,
                                            target, code] for code in codes])
                            for arm in (high_arm, low_arm)
                        )  # fmt: skip
                        for unit in UNITS:
                            points = high - low
                            value = points if unit == "points" else 100 * points / (100 - low)
                            ends = _interval(world, value, 1.2 if unit == "points" else 3.5)
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
    ends = [_interval(world, value, 0.9) for value in means["estimate"]]
    low, high = ([end[place] for end in ends] for place in (0, 1))
    sure = [bool(a > 0 or b < 0) for a, b in ends]
    means = means.assign(intermediate="mean", target=means["pair"], low=low, high=high,
                         resolved=sure, p=np.nan, q=np.nan)  # fmt: skip
    return means.reindex(columns=gains.columns)


def _slopes(world: SimpleNamespace, gains: pd.DataFrame) -> pd.DataFrame:
    columns = ["intermediate", "target", "pair", "contrast", "unit", "group", "estimate", "low",
               "high", "sizes", "seeds", "resolved"]  # fmt: skip
    rows = []
    if len(world.models) > 1 and len(gains):
        many = gains.assign(intermediate="mean", target="mean")
        for key, table in pd.concat([gains, many]).groupby(columns[:6], sort=True):
            means = table.groupby("body_params")["estimate"].mean()
            value = float(np.polyfit(np.log10(means.index), means, 1)[0])
            ends = _interval(world, value, 1.5)
            sure = bool(ends[0] > 0 or ends[1] < 0)
            rows.append([*key, value, *ends, len(means), len(world.spec["seeds"]), sure])
    return pd.DataFrame(rows, columns=columns)


def _growths(world: SimpleNamespace, scores: pd.DataFrame) -> pd.DataFrame:
    names = sorted(world.models, key=lambda name: world.models[name]["layers"])
    base = scores[scores["arm"] == "none"].set_index(["target", "group", "model"])["score"]
    rows = []
    for small, large in dict.fromkeys([*pairwise(names), (names[0], names[-1])]):
        for target, group in sorted({key[:2] for key in base.index}) if small != large else ():
            value = base[target, group, large] - base[target, group, small]
            ends = _interval(world, value, 1.5)
            rows.append([world.models[small]["family"], target, small, large, group, value, *ends,
                         len(world.spec["seeds"]), bool(ends[0] > 0 or ends[1] < 0)])  # fmt: skip
    return pd.DataFrame(rows, columns=list(GROWTHS)).astype(GROWTHS)


def _gaps(world: SimpleNamespace, scores: pd.DataFrame) -> pd.DataFrame:
    fixed = ["model", "family", "layers", "body_params", "total_params", "intermediate", "target"]
    wide = scores.set_index([*fixed, "arm", "group"])["score"].unstack("group").reset_index()
    base = wide[wide["arm"] == "none"].set_index(["model", "target"])
    rows = []
    for row in wide.to_dict("records"):
        english, other = (base.loc[(row["model"], row["target"]), name] for name in ("en", "other"))
        base_gap, gap, share, kind = english - other, row["en"] - row["other"], np.nan, "none"
        (base_low, base_high), (low, high) = (_interval(world, one, 1.6) for one in (base_gap, gap))
        if row["arm"] != "none":
            skills = [world.tasks[row[name]]["skill"] for name in ("intermediate", "target")]
            kind = "same" if skills[0] == skills[1] else "cross"
            share = 100 * (row["other"] - other) / base_gap if base_low > 0 else np.nan
        rows.append({name: row[name] for name in fixed} | {
            "pair": kind, "arm": row["arm"], "base_gap": base_gap, "base_low": base_low,
            "base_high": base_high, "gap": gap, "low": low, "high": high,
            "defined": bool(base_low > 0), "share": share, "share_low": share - 6,
            "share_high": share + 6, "seeds": len(world.spec["seeds"]), "items": 150,
        })  # fmt: skip
    return pd.DataFrame(rows, columns=list(GAPS)).astype(GAPS)


def _fits(world: SimpleNamespace, scores: pd.DataFrame, gains: pd.DataFrame) -> pd.DataFrame:
    """Return lines over size; the prediction of a score fails, that of a gain holds."""
    base = scores[(scores["arm"] == "none") & (scores["group"] == "other")]
    base = base.assign(quantity="score", value=base["score"], pair="none")
    chosen = "contrast == 'multilingual-english' and unit == 'points' and group == 'other'"
    main = gains.query(chosen).assign(quantity="gain", value=lambda table: table["estimate"])
    points = pd.concat([base, main]).assign(head="aligned")
    points = points.assign(flops=1.2e12 * points["layers"], value=points["value"].astype(float))
    keys = ["quantity", "intermediate", "target", "pair", "family", "head"]
    rows = [
        dict(zip(keys, key, strict=True)) | {"axis": axis} | _fit(world, line, axis)
        for key, line in points.groupby(keys, sort=False)
        for axis in AXES
        if len(line) > 1
    ]
    return pd.DataFrame(rows, columns=list(FITS)).astype(FITS)


def _fit(world: SimpleNamespace, line: pd.DataFrame, axis: str) -> dict[str, object]:
    x, y, several = np.log10(line[axis].astype(float)), line["value"], len(line) > 2
    one_seed, last = len(world.spec["seeds"]) == 1, float(y.iloc[-1])
    slope, known = float(np.polyfit(x, y, 1)[0]), several and not one_seed
    low, high = _interval(world, slope, 1.5)
    verdict = "above" if line["quantity"].iloc[0] == "score" else "within"
    predicted = (last - (2.0 if verdict == "above" else 0.2)) if known else np.nan
    return {
        "models": len(line), "sizes": len(line), "decades": float(np.ptp(x)), "estimate": slope,
        "low": low, "high": high, "resolved": bool(low > 0 or high < 0),
        "r2": float(np.corrcoef(x, y)[0, 1] ** 2) if several and np.ptp(y) > 1e-9 else np.nan,
        "steps_up": 0 if one_seed else len(line) - 1, "steps_down": 0,
        "steps_open": len(line) - 1 if one_seed else 0, "rising": np.nan if one_seed else 97.5,
        "held_out": line["model"].iloc[-1] if several else "", "reach": 0.3 if several else np.nan,
        "predicted": predicted, "predicted_low": predicted - 1, "predicted_high": predicted + 1,
        "measured": last if several else np.nan, "verdict": verdict if known else "",
        "seeds": len(world.spec["seeds"]),
    }  # fmt: skip


def _uncollapsed(world: SimpleNamespace, gains: pd.DataFrame) -> pd.DataFrame:
    """Return contrasts of which nothing is left out: no run of a made-up study collapsed."""
    points = gains.query("unit == 'points' and group == 'other' and intermediate != 'mean'")
    many = pd.concat([points, points.assign(model="all")])
    rows = []
    for (model, kind, contrast), table in many.groupby(["model", "pair", "contrast"], sort=False):
        value = float(table["estimate"].mean())
        ends = _interval(world, value, 0.9)
        rows += [[model, kind, contrast, without, len(table), value, *ends,
                  bool(ends[0] > 0 or ends[1] < 0), len(world.spec["seeds"])]
                 for without in WITHOUT if contrast in MAIN]  # fmt: skip
    return pd.DataFrame(rows, columns=list(UNCOLLAPSED)).astype(UNCOLLAPSED)


def _tested(world: SimpleNamespace, gains: pd.DataFrame) -> pd.DataFrame:
    columns = ["name", "says", "contrast", "unit", "group", "pairs", "quantity", "target",
               "estimate", "low", "high", "p", "p_holm", "verdict"]  # fmt: skip
    rows = []
    for one in world.spec["hypotheses"]:
        quantity = one.get("quantity", "effect")
        chosen = gains.query(
            "contrast == @one['contrast'] and unit == 'points' and group == 'other' "
            "and pair == 'cross'"
        )
        testable = len(chosen) > 0 and not (quantity == "slope" and len(world.models) < 2)
        value = float(chosen["estimate"].mean()) if testable else np.nan
        ends = _interval(world, value, 0.8)
        p = 0.0005 if ends[0] > 0 else 0.31
        verdict = "supported" if ends[0] > 0 else "not resolved"
        if not testable or len(world.spec["seeds"]) == 1:
            p, verdict = np.nan, "not testable"
        rows.append([one["name"], one["says"], one["contrast"], "points", "other", "cross",
                     quantity, one.get("target", ""), value, *ends, p, min(3 * p, 1.0),
                     verdict])  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


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


def _batches(world: SimpleNamespace) -> pd.DataFrame:
    """Return made-up critical batches: the more items, the larger; that of 2,000 is not reached."""
    rows = []
    for name, spec in world.models.items() if world.kind == "real" else ():
        body = BODY * spec["layers"] // 12
        for items, critical in ((1000, 24.0), (2000, np.inf)):
            for place, batch in enumerate((8, 16, 32)):
                needed = items * (1 + (0.1 if np.isinf(critical) else 0.15) * place)
                rows.append([name, "mE5-small", spec["layers"], body, "xnli_en", "XNLI", items,
                             batch, 1.0 + 0.01 * place, needed, 100 * (needed / items - 1),
                             critical, min(critical, 28.0) / 2, critical, 2])  # fmt: skip
    return pd.DataFrame(rows, columns=list(BATCHES)).astype(BATCHES)


def _crosschecks(hypotheses: pd.DataFrame) -> pd.DataFrame:
    """Return the hypotheses by other methods; the mixed model alone sees an effect in all."""
    rows = []
    for row in hypotheses[hypotheses["low"].notna()].to_dict("records"):
        for method in METHODS:
            ends = {"low": row["low"], "high": row["high"], "p": row["p"]}
            if method.startswith("sign_flip"):
                ends = {"low": np.nan, "high": np.nan, "p": 0.25}
            if method == "mixed":
                ends = {"low": 0.1, "high": 3.0, "p": 0.03}
            rows.append({"name": row["name"], "method": method, "estimate": row["estimate"]} | ends)
    return pd.DataFrame(rows, columns=list(CROSSCHECKS)).astype(CROSSCHECKS)


def _powers(world: SimpleNamespace, gains: pd.DataFrame) -> pd.DataFrame:
    """Return the power of each model and of the mean, from equal made-up variances."""
    seeds = len(world.spec["seeds"])
    mean = gains[(gains["intermediate"] == "mean") & (gains["target"] == "cross")]
    mean = mean[mean["contrast"] == "multilingual-english"]
    models = [*dict.fromkeys(mean["model"]), "mean"] if len(mean) and seeds > 1 else []
    rows = [
        {"model": name, "items": 300, "body_params": 0} | row
        for name in models
        for row in power_rows(Variances(0.3, 0.2, 0.1), seeds, 0.95)
    ]
    return pd.DataFrame(rows, columns=list(POWERS)).astype(POWERS)


def _claims() -> pd.DataFrame:
    """Return a claim of each verdict."""
    rows = [
        ("a", "A holds.", "phang2020", "A minus B.", 1.2, 0.4, 2.0, "supported", ""),
        ("b", "B holds.", "phang2020", "B minus A.", -1.2, -2.0, -0.4, "contradicted", ""),
        ("c", "C holds.", "hu2020", "C minus A.", 0.1, -0.4, 0.6, "not resolved", ""),
        ("d", "D holds.", "hu2020", "D.", np.nan, np.nan, np.nan, "not testable", "no D here"),
    ]
    return pd.DataFrame(rows, columns=list(CLAIMS)).astype(CLAIMS)


def _budgets(
    world: SimpleNamespace, about: dict[str, object], scores: pd.DataFrame, gains: pd.DataFrame
) -> pd.DataFrame:
    """Return the study by items; beside `real` two others, of more items and another head."""
    own = tabulate_budgets(about, scores, gains)
    if world.kind != "real":
        return own
    more = own.assign(study="real_more", items=8000, value=own["value"] * 1.05)
    control = own[own["arm"] == "none"].assign(study="real_control", items=4000, value=50.0)
    base = own[(own["arm"] == "none") & (own["target"] == "xnli")]
    joint = [
        base.assign(study="real_joint", head="joint", items=items, low=np.nan, high=np.nan,
                    value=base["value"] + items / 2e3, seeds=1)
        for items in (1000, 16_000)
    ]  # fmt: skip
    return pd.concat([own, more, control, *joint], ignore_index=True)


def _retrievals(world: SimpleNamespace) -> pd.DataFrame:
    """Return retrieval in two corpora, for studies on official files alone."""
    rows = []
    for name, spec in world.models.items() if world.spec["corpora"] else ():
        for start in _starts(world):
            seeds = [-1] if start[1] == "none" else world.spec["seeds"]
            samples = ("whole", "part") if start[1] == "none" else ("part",)
            rows += [
                [name, *start, seed, corpus, sample, code, pooling,
                 level + spec["layers"] + (pooling == "mean"), 200]
                for seed in seeds
                for corpus, code, level in (
                    ("tatoeba", "de", 30.0), ("tatoeba", "fi", 30.0), ("bucc", "zh", 10.0)
                )
                for sample in samples
                for pooling in ("mean", "first")
            ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(RETRIEVALS)).astype(RETRIEVALS)


def _alignments(world: SimpleNamespace) -> pd.DataFrame:
    languages = [code for code in world.tasks[world.spec["targets"][0]]["test_languages"]
                 if code != "en"]  # fmt: skip
    rows = []
    for name, spec in world.models.items():
        for start in _starts(world):
            seeds = [-1] if start[1] == "none" else world.spec["seeds"]
            lift = {"none": 0, "english": 1, "multilingual": 4, "shuffled": 2}[start[1]]
            level = 50 + 2 * spec["layers"] + lift + len(start[0]) % 3
            rows += [
                [name, *start, seed, code, level, level + 10.0, 120]
                for seed in seeds
                for code in languages
            ]
    return pd.DataFrame(rows, columns=list(ALIGNMENTS)).astype(ALIGNMENTS)


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
