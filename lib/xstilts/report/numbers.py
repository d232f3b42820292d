"""Every number of the prose, by name: its value, how it is written, and the row it comes from."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from xstilts.errors import nearest
from xstilts.report.derived import derived
from xstilts.report.evidence import Evidence
from xstilts.report.formats import Unit, interval, write
from xstilts.report.retrieval_table import retrieval_means
from xstilts.report.theme import RenderError

#: private-use characters around a number in the manuscript's text: open, index, text, close
OPEN, SPLIT, CLOSE = "\ue000", "\ue001", "\ue002"
MARK = re.compile(f"{OPEN}(\\d+){SPLIT}([^{CLOSE}]*){CLOSE}")


#: columns that pick a row of fits.parquet
FIT = ("quantity", "axis", "intermediate", "target", "pair", "family", "head")
#: columns that pick a row of budgets.parquet
BUDGET = ("study", "model", "target", "items", "intermediate", "arm", "contrast", "group")


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the paper. `table` and `row` lead to it in the analysis folder."""

    key: str
    value: float | int | str
    text: str
    unit: Unit
    table: str
    row: Mapping[str, str]
    column: str

    @property
    def source(self) -> str:
        """Return where the number stands: "gains.parquet: model=..., estimate"."""
        named = ", ".join(f"{name}={value}" for name, value in self.row.items())
        return f"{self.table}: {named}: {self.column}" if named else f"{self.table}: {self.column}"


class Numbers:
    """The numbers that the manuscript may use, and those that it has used."""

    def __init__(self, evidence: Evidence, more: Iterable[Number] = ()) -> None:
        self._all = {number.key: number for number in (*_every(evidence), *more)}
        self._used: dict[str, int] = {}

    def __call__(self, key: str) -> str:
        """Return the number's text, marked so that a reader can trace it.

        Raises:
            RenderError: there is no number of that name.
        """
        number = self.find(key)
        index = self._used.setdefault(key, len(self._used))
        return f"{OPEN}{index}{SPLIT}{number.text}{CLOSE}"

    def find(self, key: str) -> Number:
        """Return a number. Raises RenderError if there is none of that name."""
        if key not in self._all:
            raise RenderError(f"manuscript: number '{key}' is unknown.{nearest(key, self._all)}")
        return self._all[key]

    def __contains__(self, key: str) -> bool:
        return key in self._all

    @property
    def keys(self) -> list[str]:
        """Return the names of all numbers."""
        return list(self._all)

    @property
    def used(self) -> list[Number]:
        """Return the numbers used so far; a mark's index points into this list."""
        return [self._all[key] for key in self._used]

    def as_json(self) -> dict[str, dict[str, Any]]:
        """Return what numbers.json holds: key -> value, text, unit and source."""
        records = {}
        for number in sorted(self.used, key=lambda one: one.key):
            record = asdict(number)
            del record["key"]
            undefined = isinstance(number.value, float) and number.value != number.value
            records[number.key] = record | ({"value": None} if undefined else {})
        return records


def _every(evidence: Evidence) -> Iterator[Number]:
    tables = evidence.tables
    yield from _rows(
        tables.scores, "scores", ("model", "intermediate", "arm", "target", "group"),
        "score", lambda row: "percent",
    )  # fmt: skip
    yield from _rows(
        tables.gains, "gains",
        ("model", "intermediate", "target", "contrast", "unit", "group"),
        "estimate", lambda row: row["unit"],
    )  # fmt: skip
    yield from _rows(
        tables.slopes, "slopes",
        ("intermediate", "target", "pair", "contrast", "unit", "group"),
        "estimate", lambda row: row["unit"],
    )  # fmt: skip
    yield from _rows(
        tables.growths, "growths", ("target", "smaller", "larger", "group"), "estimate",
        lambda row: "points",
    )  # fmt: skip
    yield from _rows(
        tables.hypotheses, "hypotheses", ("name",), "estimate", lambda row: row["unit"],
        extra={"p": "p", "p_holm": "p"},
    )  # fmt: skip
    yield from _rows(tables.claims, "claims", ("name",), "estimate", lambda row: "points")
    yield from _rows(
        tables.baselines, "baselines", ("task", "language", "baseline"), "score",
        lambda row: "percent",
    )  # fmt: skip
    yield from _beside(evidence)
    for key, value, unit, file, where in derived(evidence):
        yield Number(key, value, write(value, unit), unit, file, where, "")
    yield from _counts(evidence)
    yield from _models(evidence)
    yield from _costs(evidence)


def _rows(
    table: pd.DataFrame,
    name: str,
    selectors: tuple[str, ...],
    column: str,
    unit_of: Any,
    extra: Mapping[str, Unit] | None = None,
    ends: tuple[str, str] = ("low", "high"),
    last: str = "",
) -> Iterator[Number]:
    """Yield `name/<selectors>[/last]`, with `:low`, `:high`, `:interval` where there are ends."""
    file = f"{name}.parquet"
    for row in table.to_dict("records"):
        where = {selector: str(row[selector]) for selector in selectors}
        key = "/".join([name, *where.values(), *([last] if last else [])])
        unit = unit_of(row)
        yield Number(key, row[column], write(row[column], unit), unit, file, where, column)
        for other, its_unit in (extra or {}).items():
            text = write(row[other], its_unit)
            yield Number(f"{key}:{other}", row[other], text, its_unit, file, where, other)
        if ends[0] in row:
            for end, name_of_end in zip(("low", "high"), ends, strict=True):
                text = write(row[name_of_end], unit)
                yield Number(f"{key}:{end}", row[name_of_end], text, unit, file, where, name_of_end)
            both = interval(*(row[end] for end in ends), sign=unit != "percent")
            yield Number(f"{key}:interval", both, both, "text", file, where, ", ".join(ends))


def _beside(evidence: Evidence) -> Iterator[Number]:
    """Yield the numbers of the tables that stand beside the main results."""
    tables = evidence.tables
    selectors = ("model", "intermediate", "arm", "target")
    for column, prefix, unit in (("gap", "", "points"), ("share", "share_", "gap_share")):
        yield from _rows(
            tables.gaps, "gaps", selectors, column, lambda row, unit=unit: unit,
            ends=(f"{prefix}low", f"{prefix}high"), last=column,
        )  # fmt: skip
    counts: dict[str, Unit] = {f"steps_{way}": "count" for way in ("up", "down", "open")}
    yield from _rows(
        tables.fits, "fits", FIT, "estimate", lambda row: "points",
        extra={"r2": "fraction", "rising": "percent"} | counts,
    )  # fmt: skip
    for column in ("predicted", "measured"):
        yield from _rows(
            tables.fits, "fits", FIT, column,
            lambda row: "percent" if row["quantity"] == "score" else "points",
            ends=(f"{column}_low", f"{column}_high"), last=column,
        )  # fmt: skip
    yield from _rows(
        tables.budgets, "budgets", BUDGET, "value",
        lambda row: "points" if row["contrast"] else "percent",
    )  # fmt: skip
    if len(tables.retrievals):
        for group in ("all", "scored"):
            yield from _rows(
                retrieval_means(evidence), "retrievals",
                ("model", "intermediate", "arm", "corpus", "sample", "pooling"), group,
                lambda row: "percent", last=group,
            )  # fmt: skip
    yield from _rows(
        tables.uncollapsed, "uncollapsed", ("model", "pair", "contrast", "without"), "estimate",
        lambda row: "points", extra={"cells": "count"},
    )  # fmt: skip


def _counts(evidence: Evidence) -> Iterator[Number]:
    spec, tables = evidence.spec, evidence.tables
    runs = tables.runs.drop_duplicates("run")
    table = {
        "models": (len(evidence.models), "study.json"),
        "seeds": (len(spec.seeds), "study.json"),
        "targets": (len(spec.targets), "study.json"),
        "intermediates": (len(spec.intermediates), "study.json"),
        "resamples": (spec.resamples, "study.json"),
        "hypotheses": (len(spec.hypotheses), "study.json"),
        "runs": (len(runs), "runs.parquet"),
        "target_runs": (int((runs["stage"] == "target").sum()), "runs.parquet"),
        "trained": (len(tables.cost), "cost.parquet"),
        "cells": (len(evidence.keys), "study.json"),
        "collapsed": (int((runs["status"] == "collapsed").sum()), "runs.parquet"),
        "unlearnable": (
            int((runs["status"] == "collapsed")[_unlearnable(runs)].sum()),
            "runs.parquet",
        ),
    }
    for name, (value, file) in table.items():
        yield Number(f"count/{name}", value, write(value, "count"), "count", file, {}, name)
    for target in evidence.targets:
        count = len(evidence.languages(target))
        where = {"target": target}
        yield Number(f"count/languages/{target}", count, write(count, "count"), "count",
                     "scores.parquet", where, "group")  # fmt: skip
    rule = spec.optimizer
    settings = {
        "learning_rate": rule.learning_rate, "head_factor": rule.head_factor, "batch": rule.batch,
        "warmup": 100 * rule.warmup_fraction, "clip": rule.clip,
    }  # fmt: skip
    for name, value in settings.items():
        yield Number(f"optimizer/{name}", value, f"{value:g}", "rate", "study.json", {}, name)
    level = 100 * spec.confidence
    yield Number("confidence", level, f"{level:g}", "percent", "study.json", {}, "confidence")


def _unlearnable(runs: pd.DataFrame) -> "pd.Series[bool]":
    """Say which runs were trained on labels in which there is nothing to learn."""
    return (runs["stage"] == "intermediate") & (runs["arm"] == "shuffled")


def _models(evidence: Evidence) -> Iterator[Number]:
    for name, spec in evidence.models.items():
        where = {"model": name}
        for column in ("body_params", "total_params"):
            value = getattr(spec, column)
            yield Number(f"model/{name}/{column}", value, write(value, "params"), "params",
                         "study.json", where, column)  # fmt: skip


def _costs(evidence: Evidence) -> Iterator[Number]:
    cost = evidence.tables.cost
    units: dict[str, Unit] = {"seconds": "seconds", "flops": "flops", "tokens": "count"}
    for column, unit in units.items():
        value = float(cost[column].sum())
        yield Number(f"cost/{column}", value, write(value, unit), unit, "cost.parquet", {}, column)
    peak = float(cost["peak_bytes"].max()) if len(cost) else float("nan")
    yield Number("cost/peak_bytes", peak, write(peak, "bytes"), "bytes", "cost.parquet", {},
                 "peak_bytes")  # fmt: skip


def score_key(model: str, intermediate: str, arm: str, target: str, group: str) -> str:
    return "/".join(["scores", model, intermediate, arm, target, group])


def growth_key(target: str, smaller: str, larger: str, group: str = "other") -> str:
    return "/".join(["growths", target, smaller, larger, group])


def gain_key(
    model: str, pair: tuple[str, str], contrast: str, unit: str = "points", group: str = "other"
) -> str:
    return "/".join(["gains", model, *pair, contrast, unit, group])


def slope_key(
    pair: tuple[str, str], kind: str, contrast: str, unit: str = "points", group: str = "other"
) -> str:
    return "/".join(["slopes", *pair, kind, contrast, unit, group])


def gap_key(model: str, intermediate: str, arm: str, target: str, column: str = "gap") -> str:
    return "/".join(["gaps", model, intermediate, arm, target, column])


def fit_key(row: Mapping[str, Any], last: str = "") -> str:
    return "/".join(["fits", *(str(row[name]) for name in FIT), *([last] if last else [])])


def budget_key(row: Mapping[str, Any]) -> str:
    return "/".join(["budgets", *(str(row[name]) for name in BUDGET)])


def uncollapsed_key(model: str, kind: str, contrast: str, without: str) -> str:
    return "/".join(["uncollapsed", model, kind, contrast, without])
