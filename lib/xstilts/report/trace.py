"""From a number of the paper to the runs behind it."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from xstilts.analysis.estimand import CONTRASTS
from xstilts.analysis.fit import CONTRAST as FITTED
from xstilts.analysis.uncollapsed import collapsed_starts, is_left_out
from xstilts.report.evidence import Evidence, Tables
from xstilts.report.numbers import Number, Numbers

#: cells that are listed one by one; of more the first are
_LISTED = 6


def traces(evidence: Evidence, numbers: Numbers) -> list[dict[str, Any]]:
    """Return what the page says of each used number, in the order of `Numbers.used`.

    Keys: key, source, command, interval ("" without one), runs, seeds (counts), cells
    (name and key, up to six), more (cells that are not listed).
    """
    return [_trace(evidence, numbers, number) for number in numbers.used]


def _trace(evidence: Evidence, numbers: Numbers, number: Number) -> dict[str, Any]:
    runs = chosen_runs(evidence.tables, evidence, number).drop_duplicates("run")
    names = [_cell(run) for run in runs["run"]]
    cells = [[name, evidence.keys[name]] for name in dict.fromkeys(names) if name in evidence.keys]
    return {
        "key": number.key,
        "source": number.source,
        "command": f"xstilts explain {evidence.name} {number.key}",
        "interval": _interval(numbers, number.key),
        "runs": len(runs),
        "seeds": int(runs["seed"].nunique()),
        "cells": cells[:_LISTED],
        "more": max(0, len(cells) - _LISTED),
    }


def _cell(run: str) -> str:
    """Return the cell of a run's name "<study>/<cell>/seed-<n>"."""
    return run.split("/", 1)[1].rsplit("/", 1)[0]


def _interval(numbers: Numbers, key: str) -> str:
    of = f"{key}:interval"
    return numbers.find(of).text if of in numbers else ""


def chosen_runs(analysis: Tables, evidence: Evidence, number: Number) -> pd.DataFrame:
    """Return the runs behind a number: a row a run, its score meaned over the number's languages.

    A number that holds English against the others has a row a run and group. Columns as
    `schema.RUNS` has them, and group; none for a number that no run is behind.
    """
    runs = analysis.runs[analysis.runs["stage"] == "target"]
    row = _selectors(evidence, number) or {}
    groups = row.get("groups", (row.get("group", "other"),))
    frames = [_of(evidence, runs, *one, group).assign(group=group)
              for group in groups for one in starts_of(evidence, number)]  # fmt: skip
    found = [frame for frame in frames if len(frame)]
    return pd.concat(found).drop_duplicates(["run", "group"]) if found else runs.iloc[:0]


def starts_of(evidence: Evidence, number: Number) -> Iterator[tuple[str, str, str, str]]:
    """Yield (model, intermediate, arm, target) of the runs that a number is made of.

    Of arm none, the intermediate task is the one that it is held against, if there is one.
    """
    row = _selectors(evidence, number)
    if row is None:
        return
    arms = CONTRASTS.get(row.get("contrast", ""), (row.get("arm", "none"),))
    if "groups" in row:  # a gap, and the share of the baseline's that is closed
        arms = tuple(dict.fromkeys((*arms, "none")))
    pairs = [(row.get("intermediate", "none"), row.get("target", ""))]
    if "pair" in row:
        wanted = row.get("target")
        pairs = [pair for pair in evidence.pairs(row["pair"]) if wanted in (None, pair[1])]
    models = [row["model"]] if "model" in row else row.get("models", list(evidence.models))
    left_out = collapsed_starts(evidence.tables.runs) if "without" in row else frozenset()
    for model in models:
        for middle, target in pairs:
            cell = (model, (middle, target), row.get("contrast", ""))
            if left_out and is_left_out(left_out, row["without"], *cell):
                continue
            for arm in arms:
                yield model, middle, arm, target


def _selectors(evidence: Evidence, number: Number) -> dict[str, Any] | None:
    """Return what picks runs: model or models, pair or kind of pairs, contrast or arm."""
    row: dict[str, Any] = dict(number.row)
    match number.table:
        case "scores.parquet" if row.get("model"):
            return row
        case "gains.parquet" | "slopes.parquet" if "intermediate" in row:
            if row["intermediate"] == "mean":
                kind = row.get("pair") or row["target"]
                kept = ("model", "contrast", "group")
                return {name: row[name] for name in kept if name in row} | {"pair": kind}
            return {name: value for name, value in row.items() if name != "pair"}
        case "gaps.parquet" if row.get("model"):
            return row | {"groups": ("en", "other")}
        case "fits.parquet":
            return _of_line(evidence, row)
        case "uncollapsed.parquet":
            return {name: value for name, value in row.items() if value != "all"}
        case "growths.parquet":
            return row | {"models": [row["smaller"], row["larger"]]}
        case "hypotheses.parquet":
            one = next(one for one in evidence.spec.hypotheses if one.name == row["name"])
            return {"contrast": one.contrast, "pair": one.pairs, "group": one.group,
                    "target": one.target}  # fmt: skip
    return None


def _of_line(evidence: Evidence, row: Mapping[str, str]) -> dict[str, Any]:
    models = [name for name, spec in evidence.models.items()
              if (spec.family, spec.head) == (row["family"], row["head"])]  # fmt: skip
    if row["quantity"] == "score":
        return {"models": models, "target": row["target"], "arm": "none"}
    found: dict[str, Any] = {"models": models, "contrast": FITTED}
    if row["intermediate"] == "mean":
        return found | {"pair": row["pair"]}
    return found | {"intermediate": row["intermediate"], "target": row["target"]}


def _of(
    evidence: Evidence,
    runs: pd.DataFrame,
    model: str,
    middle: str,
    arm: str,
    target: str,
    group: str,
) -> pd.DataFrame:
    rows = runs[
        (runs["model"] == model) & (runs["arm"] == arm)
        & (runs["intermediate"] == ("none" if arm == "none" else middle))
        & (runs["target"] == target)
    ]  # fmt: skip
    rows = rows[_in_group(evidence, rows["language"], group, middle)]
    score = rows.groupby("run")["score"].mean()
    once = rows.drop_duplicates("run")
    return once.assign(score=once["run"].map(score))


def _in_group(
    evidence: Evidence, languages: pd.Series, group: str, middle: str
) -> "pd.Series[bool]":
    trained = evidence.tasks[middle].train_languages if middle in evidence.tasks else ()
    seen = languages.isin(list(trained)) & (languages != "en")
    return {
        "en": languages == "en", "other": languages != "en", "all": languages != "",
        "seen": seen, "unseen": ~seen & (languages != "en"),
    }.get(group, languages == group)  # fmt: skip
