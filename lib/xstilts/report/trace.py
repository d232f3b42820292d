"""From a number of the paper to the runs behind it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from xstilts.analysis.claim import claimed_pairs
from xstilts.analysis.estimand import CONTRASTS
from xstilts.analysis.fit import CONTRAST as FITTED
from xstilts.analysis.sample import PAIR_KINDS
from xstilts.analysis.uncollapsed import collapsed_starts, is_left_out
from xstilts.params import StudySpec, base_task
from xstilts.params.claim import claims_file, read_claims
from xstilts.report.evidence import Evidence, Tables
from xstilts.report.formats import UNDEFINED
from xstilts.report.numbers import Number, Numbers
from xstilts.report.runs_table import cell_of_seed, target_cell
from xstilts.report.table import Table

#: cells that are listed one by one; of more the first are
_LISTED = 6


class Traces:
    """What stands behind the numbers of a paper: those of its text, then those of its tables.

    A number's place in `index` is that of `Numbers.used` where the text uses it.
    """

    def __init__(self, evidence: Evidence, numbers: Numbers, tables: Iterable[Table]) -> None:
        self._evidence, self._numbers = evidence, numbers
        entries = [entry for table in tables for row in table.rows for entry in row]
        shown = [one.number for one in entries if one.number and one.text != UNDEFINED]
        keys = dict.fromkeys([*(number.key for number in numbers.used), *shown])
        self.index = {key: place for place, key in enumerate(keys)}
        self._order = {
            cell: place for place, cell in
            enumerate(dict.fromkeys(entry.anchor for entry in entries if entry.anchor))
        }  # fmt: skip
        self._cells = {key: self._cells_of(numbers.find(key)) for key in keys}

    def value(self, key: str) -> float | int | str:
        return self._numbers.find(key).value

    def anchor(self, key: str) -> str:
        """Return the first cell behind a number that a table has a row of; "" without one."""
        known = [cell for cell in self._cells.get(key, []) if cell in self._order]
        return min(known, key=self._order.__getitem__, default="")

    def as_json(self) -> dict[str, Any]:
        """Return what the page says of each number.

        Keys: study; cells (name and key of each that is named); numbers, in the order of
        `index`: key, source, interval ("" without one), runs, seeds (counts), cells (places in
        `cells`, up to six), more (cells that are not listed).
        """
        seeds = _seeds(self._evidence.tables.runs)
        listed = dict.fromkeys(cell for cells in self._cells.values() for cell in cells[:_LISTED])
        places = {cell: place for place, cell in enumerate(listed)}
        return {
            "study": self._evidence.name,
            "cells": [[cell, self._evidence.keys[cell]] for cell in listed],
            "numbers": [self._one(key, cells, seeds, places) for key, cells in self._cells.items()],
        }

    def _one(
        self,
        key: str,
        cells: list[str],
        seeds: Mapping[str, frozenset[int]],
        places: Mapping[str, int],
    ) -> dict[str, Any]:
        ran = [seeds.get(cell, frozenset()) for cell in cells]
        of_interval = f"{key}:interval"
        return {
            "key": key,
            "source": self._numbers.find(key).source,
            "interval": (
                self._numbers.find(of_interval).text if of_interval in self._numbers else ""
            ),
            "runs": sum(map(len, ran)),
            "seeds": len(frozenset().union(*ran)),
            "cells": [places[cell] for cell in cells[:_LISTED]],
            "more": max(0, len(cells) - _LISTED),
        }

    def _cells_of(self, number: Number) -> list[str]:
        if number.table == "retrievals.parquet":
            names = [encoder_cell(number.row)]
        else:
            names = [target_cell(*start) for start in starts_of(self._evidence, number)]
        return [name for name in dict.fromkeys(names) if name in self._evidence.keys]


def encoder_cell(row: Mapping[str, str]) -> str:
    """Return the cell of an encoder, as pretrained or as an intermediate task left it."""
    if row["arm"] == "none":
        return f"encoders/{row['model']}"
    return f"intermediate/{row['model']}/{row['intermediate']}/{row['arm']}"


def _seeds(runs: pd.DataFrame) -> dict[str, frozenset[int]]:
    """Return the seeds of every cell that has runs."""
    found: dict[str, set[int]] = {}
    for cell, seed in map(cell_of_seed, runs["run"].unique()):
        found.setdefault(cell, set()).add(seed)
    return {cell: frozenset(seeds) for cell, seeds in found.items()}


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
    if "pairs" in row:
        pairs = row["pairs"]
    elif "pair" in row:
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
        case "budgets.parquet" if row.get("model") and row["study"] == evidence.name:
            return _of_budget(evidence, row)
        case "claims.parquet":
            return _of_claim(evidence, row["name"])
        case "hypotheses.parquet":
            one = next(one for one in evidence.spec.hypotheses if one.name == row["name"])
            return {"contrast": one.contrast, "pair": one.pairs, "group": one.group,
                    "target": one.target}  # fmt: skip
    return None


def _of_budget(evidence: Evidence, row: Mapping[str, str]) -> dict[str, Any]:
    """Return what picks the runs of a study's own row among those of other budgets and heads."""
    kept = ("model", "contrast", "arm", "group", "intermediate")
    found = {name: row[name] for name in kept if row[name]}
    if row["intermediate"] == "mean":
        del found["intermediate"]
        return found | {"pair": row["target"]}
    return found | {"target": budget_target(evidence.spec, row)}


def budget_target(spec: StudySpec, row: Mapping[str, str]) -> str:
    """Return what a study calls the target of its row among budgets: with items, or without."""
    named = [target for target in spec.targets if base_task(target) == row["target"]
             and str(spec.budget(target, "target").items) == row["items"]]  # fmt: skip
    return named[0] if named else row["target"]


def _of_claim(evidence: Evidence, name: str) -> dict[str, Any] | None:
    """Return what picks the runs that decide a claim; of retrieval, those on the targets."""
    claim = read_claims(claims_file()).get(name)
    if claim is None or claim.rule == "never":
        return None
    known = [pair for kind in PAIR_KINDS for pair in evidence.pairs(kind)]
    pairs = claimed_pairs(claim, known, evidence.tasks)
    return {"contrast": claim.contrast or "english-none", "group": claim.group, "pairs": pairs}


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
