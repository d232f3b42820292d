"""Numbers of the manuscript that follow from several rows of the tables."""

from collections.abc import Iterator, Mapping

import numpy as np

from xstilts.report.batches import batch_text
from xstilts.report.beside import beside_numbers
from xstilts.report.crosscheck_table import agreeing
from xstilts.report.evidence import Evidence
from xstilts.report.formats import Unit
from xstilts.report.mediator import alignment_by_start, mediation, probe_rows, rank_correlation
from xstilts.report.miniature_tables import baseline_means
from xstilts.report.powers import power_numbers
from xstilts.report.simulation_table import simulation_numbers

#: (key, value, unit, file, selectors)
Derived = tuple[str, float | str, Unit, str, Mapping[str, str]]
ONE_SIDE = ("premise_only", "hypothesis_only")
OVERLAP = ("word_overlap", "overlap")


def derived(evidence: Evidence) -> Iterator[Derived]:
    """Yield the numbers that the study's tables allow."""
    yield from _shortcuts(evidence)
    yield from _power(evidence)
    yield from _crosschecks(evidence)
    yield from _discoveries(evidence)
    yield from _batches(evidence)
    yield from _gaps(evidence)
    yield from beside_numbers(evidence)
    yield from power_numbers(evidence)
    yield from simulation_numbers()
    if len(evidence.tables.probes):
        for row in probe_rows(evidence).itertuples():
            where = {"model": row.model, "target": row.target, "group": row.group}
            key = f"probe/{row.model}/{row.target}/{row.group}"
            yield key, row.score, "percent", "probes.parquet", where
    if len(evidence.tables.alignments):
        for row in alignment_by_start(evidence).itertuples():
            for column in ("retrieved", "ordered"):
                where = {"model": row.model, "arm": row.arm}
                key = f"alignment/{row.model}/{row.arm}/{column}"
                yield key, getattr(row, column), "percent", "alignments.parquet", where
        if (rho := rank_correlation(mediation(evidence))) is not None:
            yield "alignment/rho", rho, "correlation", "alignments.parquet", {}


def _shortcuts(evidence: Evidence) -> Iterator[Derived]:
    """Yield how far one text alone leads, and how far the largest encoder clears overlap."""
    means, file = baseline_means(evidence.tables.baselines), "baselines.parquet"
    chance = {name: 100.0 / len(task.labels) for name, task in evidence.tasks.items()}
    sided = means[means["baseline"].isin(ONE_SIDE)]
    if len(sided):
        above = sided["en"] - sided["task"].map(chance)
        yield "shortcuts/one_side", float(above.max()), "points", file, {}
    scores = evidence.tables.scores
    largest = list(evidence.models)[-1]
    base = scores[(scores["model"] == largest) & (scores["arm"] == "none")]
    best = base.set_index(["target", "group"])["score"].to_dict()
    overlap = means[means["baseline"].isin(OVERLAP)].groupby("task")[["en", "other"]].max()
    for group in ("en", "other"):
        margins = [
            best[target, group] - overlap.loc[target, group]
            for target in evidence.targets
            if target in overlap.index and (target, group) in best
        ]
        if margins:
            where = {"model": largest, "group": group}
            yield f"shortcuts/margin/{group}", float(np.min(margins)), "points", file, where


def _crosschecks(evidence: Evidence) -> Iterator[Derived]:
    """Yield how far the methods agree, and the effects that two one-sided tests exclude."""
    table, file = evidence.tables.crosschecks, "crosschecks.parquet"
    if not len(table):
        return
    same, tested = agreeing(table)
    yield "count/crosschecked", tested, "count", file, {}
    yield "count/agreeing", same, "count", file, {}
    for row in table[table["method"] == "equivalence"].itertuples():
        where = {"name": row.name, "method": row.method}
        bound = max(abs(row.low), abs(row.high))
        yield f"equivalence/{row.name}", bound, "width", file, where


def _discoveries(evidence: Evidence) -> Iterator[Derived]:
    """Yield how many single contrasts of each kind of pair stay at the false discovery rate."""
    rows = evidence.single_gains
    rows = rows[(rows["unit"] == "points") & (rows["group"] == "other") & rows["q"].notna()]
    level = 1.0 - evidence.spec.confidence
    for kind, part in rows.groupby("pair"):
        where = {"pair": str(kind), "unit": "points", "group": "other"}
        yield f"discoveries/{kind}", int((part["q"] < level).sum()), "count", "gains.parquet", where
        yield f"discoveries/{kind}/of", len(part), "count", "gains.parquet", where


def _batches(evidence: Evidence) -> Iterator[Derived]:
    """Yield the ends of the critical batches, and how many the study's batch may exceed."""
    rows, file = evidence.tables.batches, "batches.parquet"
    if not len(rows):
        return
    once = rows.drop_duplicates(["model", "target", "items"])
    yield "batch/cases", len(once), "count", file, {}
    beyond = int((once["low"] <= evidence.spec.optimizer.batch).sum())
    yield "batch/beyond", beyond, "count", file, {}
    for name, value in (("least", once["critical"].min()), ("most", once["critical"].max())):
        yield f"batch/{name}", batch_text(float(value), rows), "text", file, {}


def _gaps(evidence: Evidence) -> Iterator[Derived]:
    """Yield in how many cases a share of the gap is defined, and closed beyond noise by an arm."""
    gaps, file = evidence.tables.gaps, "gaps.parquet"
    arms = gaps[gaps["arm"] != "none"]
    for kind, part in arms.groupby("pair"):
        cases = part.drop_duplicates(["model", "intermediate", "target"])
        where, defined = {"pair": str(kind)}, int(cases["defined"].sum())
        yield f"gaps/cases/{kind}", len(cases), "count", file, where
        yield f"gaps/undefined/{kind}", len(cases) - defined, "count", file, where
        for arm, rows in part.groupby("arm"):
            of_arm = where | {"arm": str(arm)}
            closing = int((rows["share_low"] > 0).sum())
            yield f"gaps/defined/{kind}/{arm}", int(rows["defined"].sum()), "count", file, of_arm
            yield f"gaps/closing/{kind}/{arm}", closing, "count", file, of_arm


def _power(evidence: Evidence) -> Iterator[Derived]:
    """Yield half the width of the interval of multilingual minus English at each size."""
    gains = evidence.tables.gains
    rows = gains[
        (gains["intermediate"] == "mean") & (gains["contrast"] == "multilingual-english")
        & (gains["unit"] == "points") & (gains["group"] == "other")
    ]  # fmt: skip
    for row in rows.itertuples():
        where = {"model": row.model, "intermediate": "mean", "target": row.target}
        half = (row.high - row.low) / 2
        yield f"power/{row.model}/{row.target}", half, "width", "gains.parquet", where
