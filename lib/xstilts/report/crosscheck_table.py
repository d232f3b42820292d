"""The declared hypotheses by several methods, side by side."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from xstilts.report.evidence import Evidence, Tables, evidence_of
from xstilts.report.formats import UNDEFINED, interval, write
from xstilts.report.table import Entry, Table, entries

#: methods whose intervals exclude zero or do not
INTERVALS = ("percentile", "bca", "seeds", "mixed")
_Rows = Mapping[str, Mapping[str, Any]]


def crosschecks(analysis: Tables) -> Table | None:
    """Return a row a hypothesis that can be tested, a column a method; None without one."""
    evidence = evidence_of(analysis)
    if not len(analysis.crosschecks):
        return None
    says = {row["name"]: row["says"] for row in evidence.hypothesis_rows}
    rows = []
    for name, part in analysis.crosschecks.groupby("name", sort=False):
        found: _Rows = {row["method"]: row for row in part.to_dict("records")}
        estimate = write(found["percentile"]["estimate"], "points")
        flips = [found[f"sign_flip_{kind}"]["p"] for kind in ("seeds", "items")]
        rows.append(
            entries(
                says[str(name)],
                Entry(estimate, number=f"hypotheses/{name}"),
                *(_ends(found.get(method)) for method in INTERVALS),
                " / ".join(write(p, "p") for p in flips), _ends(found["equivalence"]),
            )
        )  # fmt: skip
    level = 100 * evidence.spec.confidence
    return Table(
        "crosschecks", f"The declared hypotheses by other methods: {level:g} % intervals. "
        "Percentile: as in all other tables. BCa: the same draws, corrected for bias and skew. "
        "Seeds: Student’s t over what each seed says alone. Mixed: a mixed-effects model with "
        "seeds and groups of items as crossed random effects; points only. Sign flips: p of "
        "permutation tests over seeds and over groups of items; "
        f"{len(evidence.spec.seeds)} seeds cannot give less than {_least_p(evidence)}. "
        f"Equivalence: two one-sided tests at {100 - level:g} % exclude effects outside of it.",
        ("Hypothesis", "Estimate", "Percentile", "BCa", "Seeds", "Mixed", "Sign flips, p",
         "Equivalence"),
        rows, analysis.crosschecks, prose=frozenset({0}),
    )  # fmt: skip


def agreeing(table: pd.DataFrame) -> tuple[int, int]:
    """Return of how many hypotheses all intervals say the same of zero, and of how many."""
    rows = table[table["method"].isin(INTERVALS) & table["low"].notna()]
    ways = (rows["low"] > 0).astype(int) - (rows["high"] < 0).astype(int)
    same = ways.groupby(rows["name"]).nunique() == 1
    return int(same.sum()), len(same)


def _ends(row: Mapping[str, Any] | None) -> Entry:
    ends = interval(row["low"], row["high"]) if row else ""
    return Entry(ends or UNDEFINED)


def _least_p(evidence: Evidence) -> str:
    return write(2.0 / 2 ** len(evidence.spec.seeds), "p")
