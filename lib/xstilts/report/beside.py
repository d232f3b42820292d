"""The main contrast of this study held against that of studies with other budgets or heads."""

from collections.abc import Iterator

import pandas as pd

from xstilts.analysis.beside import apart
from xstilts.report.evidence import Evidence
from xstilts.report.formats import Unit, interval

CONTRAST = "multilingual-english"


def main_contrasts(evidence: Evidence) -> pd.DataFrame:
    """Return multilingual minus English over the cross-task pairs: a row a study and model."""
    return mean_contrasts(evidence, CONTRAST, "cross")


def mean_contrasts(evidence: Evidence, contrast: str, kind: str) -> pd.DataFrame:
    """Return a contrast over all pairs of a kind, on the other languages, by size."""
    rows = evidence.tables.budgets
    chosen = (rows["contrast"] == contrast) & (rows["target"] == kind) & (rows["group"] == "other")
    return rows[chosen].sort_values("body_params", kind="stable")


def own_against_others(evidence: Evidence) -> Iterator[tuple[str, int, tuple[float, float, float]]]:
    """Yield (study, body parameters, difference of its main contrast from this study's).

    Of studies with another head or budget, at the sizes where both have an interval.
    """
    rows = main_contrasts(evidence).dropna(subset=["low", "high"])
    estimates = {
        (row.study, int(row.body_params)): (row.value, row.low, row.high)
        for row in rows.itertuples()
    }
    for (study, size), estimate in estimates.items():
        own = estimates.get((evidence.name, size))
        if own is not None and study != evidence.name:
            yield study, size, apart(own, estimate)


def beside_numbers(
    evidence: Evidence,
) -> Iterator[tuple[str, float | str, Unit, str, dict[str, str]]]:
    """Yield how far the main contrast of a study beside this one is from its own."""
    for study, size, (estimate, low, high) in own_against_others(evidence):
        where = {"study": study, "contrast": CONTRAST, "target": "cross"}
        key, file = beside_key(study, size), "budgets.parquet"
        yield key, estimate, "points", file, where
        yield f"{key}:low", low, "points", file, where
        yield f"{key}:high", high, "points", file, where
        yield f"{key}:interval", interval(low, high, sign=True), "text", file, where


def beside_key(study: str, size: int) -> str:
    return f"beside/{study}/{size}"
