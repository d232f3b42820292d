"""Made-up estimates: what an analysis estimates from runs, by formula."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd

from xstilts.analysis.batch import BATCHES
from xstilts.analysis.beside import tabulate_budgets
from xstilts.analysis.claim import CLAIMS
from xstilts.analysis.crosscheck import CROSSCHECKS, METHODS
from xstilts.analysis.fit import AXES, FITS
from xstilts.analysis.gap import GAPS
from xstilts.analysis.power import POWERS, power_rows
from xstilts.analysis.resample import Variances
from xstilts.analysis.tables import GROWTHS
from xstilts.analysis.uncollapsed import MAIN, UNCOLLAPSED, WITHOUT

BODY, TOTAL = 21_293_568, 117_505_920

UNITS = ("points", "error_reduction")
CONTRASTS = (
    "english-none", "multilingual-none", "multilingual-english", "shuffled-none",
    "multilingual-shuffled",
)  # fmt: skip
def groups(world: SimpleNamespace, target: str, intermediate: str) -> dict[str, list[str]]:
    languages = list(world.tasks[target]["test_languages"])
    other = [code for code in languages if code != "en"]
    groups = {"en": ["en"], "other": other, "all": languages}
    if intermediate != "none":
        trained = world.tasks[intermediate]["train_languages"]
        groups["seen"] = [code for code in other if code in trained]
        groups["unseen"] = [code for code in other if code not in trained]
    return {name: codes for name, codes in (groups | {c: [c] for c in other}).items() if codes}


def interval(world: SimpleNamespace, value: float, half: float) -> tuple[float, float]:
    return (np.nan, np.nan) if len(world.spec["seeds"]) == 1 else (value - half, value + half)


def slopes(world: SimpleNamespace, gains: pd.DataFrame) -> pd.DataFrame:
    columns = ["intermediate", "target", "pair", "contrast", "unit", "group", "estimate", "low",
               "high", "sizes", "seeds", "resolved"]  # fmt: skip
    rows = []
    if len(world.models) > 1 and len(gains):
        many = gains.assign(intermediate="mean", target="mean")
        for key, table in pd.concat([gains, many]).groupby(columns[:6], sort=True):
            means = table.groupby("body_params")["estimate"].mean()
            value = float(np.polyfit(np.log10(means.index), means, 1)[0])
            ends = interval(world, value, 1.5)
            sure = bool(ends[0] > 0 or ends[1] < 0)
            rows.append([*key, value, *ends, len(means), len(world.spec["seeds"]), sure])
    return pd.DataFrame(rows, columns=columns)


def growths(world: SimpleNamespace, scores: pd.DataFrame) -> pd.DataFrame:
    names = sorted(world.models, key=lambda name: world.models[name]["layers"])
    base = scores[scores["arm"] == "none"].set_index(["target", "group", "model"])["score"]
    rows = []
    for small, large in dict.fromkeys([*pairwise(names), (names[0], names[-1])]):
        for target, group in sorted({key[:2] for key in base.index}) if small != large else ():
            value = base[target, group, large] - base[target, group, small]
            ends = interval(world, value, 1.5)
            rows.append([world.models[small]["family"], target, small, large, group, value, *ends,
                         len(world.spec["seeds"]), bool(ends[0] > 0 or ends[1] < 0)])  # fmt: skip
    return pd.DataFrame(rows, columns=list(GROWTHS)).astype(GROWTHS)


def gaps(world: SimpleNamespace, scores: pd.DataFrame) -> pd.DataFrame:
    fixed = ["model", "family", "layers", "body_params", "total_params", "intermediate", "target"]
    wide = scores.set_index([*fixed, "arm", "group"])["score"].unstack("group").reset_index()
    base = wide[wide["arm"] == "none"].set_index(["model", "target"])
    rows = []
    for row in wide.to_dict("records"):
        english, other = (base.loc[(row["model"], row["target"]), name] for name in ("en", "other"))
        base_gap, gap, share, kind = english - other, row["en"] - row["other"], np.nan, "none"
        (base_low, base_high), (low, high) = (interval(world, one, 1.6) for one in (base_gap, gap))
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


def fits(world: SimpleNamespace, scores: pd.DataFrame, gains: pd.DataFrame) -> pd.DataFrame:
    """Return lines over size; the prediction of a score fails, that of a gain holds."""
    base = scores[(scores["arm"] == "none") & (scores["group"] == "other")]
    base = base.assign(quantity="score", value=base["score"], pair="none")
    chosen = "contrast == 'multilingual-english' and unit == 'points' and group == 'other'"
    main = gains.query(chosen).assign(quantity="gain", value=lambda table: table["estimate"])
    points = pd.concat([base, main]).assign(head="aligned")
    points = points.assign(flops=1.2e12 * points["layers"], value=points["value"].astype(float))
    keys = ["quantity", "intermediate", "target", "pair", "family", "head"]
    rows = [
        dict(zip(keys, key, strict=True)) | {"axis": axis} | fit(world, line, axis)
        for key, line in points.groupby(keys, sort=False)
        for axis in AXES
        if len(line) > 1
    ]
    return pd.DataFrame(rows, columns=list(FITS)).astype(FITS)


def fit(world: SimpleNamespace, line: pd.DataFrame, axis: str) -> dict[str, object]:
    x, y, several = np.log10(line[axis].astype(float)), line["value"], len(line) > 2
    one_seed, last = len(world.spec["seeds"]) == 1, float(y.iloc[-1])
    slope, known = float(np.polyfit(x, y, 1)[0]), several and not one_seed
    low, high = interval(world, slope, 1.5)
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


def uncollapsed(world: SimpleNamespace, gains: pd.DataFrame) -> pd.DataFrame:
    """Return contrasts of which nothing is left out: no run of a made-up study collapsed."""
    points = gains.query("unit == 'points' and group == 'other' and intermediate != 'mean'")
    many = pd.concat([points, points.assign(model="all")])
    rows = []
    for (model, kind, contrast), table in many.groupby(["model", "pair", "contrast"], sort=False):
        value = float(table["estimate"].mean())
        ends = interval(world, value, 0.9)
        rows += [[model, kind, contrast, without, len(table), value, *ends,
                  bool(ends[0] > 0 or ends[1] < 0), len(world.spec["seeds"])]
                 for without in WITHOUT if contrast in MAIN]  # fmt: skip
    return pd.DataFrame(rows, columns=list(UNCOLLAPSED)).astype(UNCOLLAPSED)


def tested(world: SimpleNamespace, gains: pd.DataFrame) -> pd.DataFrame:
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
        ends = interval(world, value, 0.8)
        p = 0.31 if ends[0] <= 0 <= ends[1] else 0.0005
        verdict = "supported" if ends[0] > 0 else "contradicted" if ends[1] < 0 else "not resolved"
        if not testable or len(world.spec["seeds"]) == 1:
            p, verdict = np.nan, "not testable"
        rows.append([one["name"], one["says"], one["contrast"], "points", "other", "cross",
                     quantity, one.get("target", ""), value, *ends, p, min(3 * p, 1.0),
                     verdict])  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def batches(world: SimpleNamespace) -> pd.DataFrame:
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


def crosschecks(hypotheses: pd.DataFrame) -> pd.DataFrame:
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


def powers(world: SimpleNamespace, gains: pd.DataFrame) -> pd.DataFrame:
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


def claims() -> pd.DataFrame:
    """Return a claim of each verdict."""
    rows = [
        ("a", "A holds.", "phang2020", "A minus B.", 1.2, 0.4, 2.0, "supported", ""),
        ("b", "B holds.", "phang2020", "B minus A.", -1.2, -2.0, -0.4, "contradicted", ""),
        ("c", "C holds.", "hu2020", "C minus A.", 0.1, -0.4, 0.6, "not resolved", ""),
        ("d", "D holds.", "hu2020", "D.", np.nan, np.nan, np.nan, "not testable", "no D here"),
    ]
    return pd.DataFrame(rows, columns=list(CLAIMS)).astype(CLAIMS)


def budgets(
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
