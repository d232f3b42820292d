"""The arms' difference by the items that a target is trained on and by head, over studies."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from xstilts.analysis.sample import PAIR_KINDS
from xstilts.params import base_task
from xstilts.report.evidence import Evidence, Tables, evidence_of, short_count
from xstilts.report.formats import UNDEFINED, interval, write
from xstilts.report.numbers import budget_key
from xstilts.report.table import Entry, Table, entries

_CONTRASTS = ("english-none", "multilingual-none", "multilingual-english")
_HEADS = ("English over none", "Multilingual over none", "Multilingual over English")
_SAYS = (
    "What the arms differ by on the mean of the other languages, in points, by the number of "
    "English items that the target is trained on and the head, in this study and those beside it"
)
_BRACKETS = "In brackets: intervals, where there are two seeds or more."


def budgets(analysis: Tables) -> Table | None:
    """Return what the arms differ by over all pairs of a kind; None with one budget and head.

    A row a kind of pairs, size, head and study.
    """
    evidence = evidence_of(analysis)
    shown = _contrasts(evidence)
    shown = shown[shown["intermediate"] == "mean"]
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    for kind in PAIR_KINDS:
        of_kind = shown[shown["target"] == kind]
        if len(of_kind):
            sections[len(rows)] = f"Mean of the {kind}-task pairs"
        for key, found in of_kind.groupby(["body_params", "head", "items", "study"], sort=True):
            size, head, _, study = key
            lead = (short_count(size), head, items_words(evidence, study))
            rows.append(_row(lead, found))
    if not _varies(shown):
        return None
    return Table(
        "budgets", f"{_SAYS}. Items: of {_targets(evidence)}. {_BRACKETS}",
        ("Body", "Head", "Items", "Seeds", *_HEADS), rows, shown, heads=3, sections=sections,
    )  # fmt: skip


def budget_pairs(analysis: Tables) -> Table | None:
    """Return what the arms differ by in every pair of tasks; None with one budget and head.

    A row a target, size, head, number of items and intermediate task.
    """
    evidence = evidence_of(analysis)
    shown = _contrasts(evidence)
    shown = shown[shown["intermediate"] != "mean"]
    if not _varies(shown):
        return None
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    for title, of_title in shown.groupby("title", sort=False):
        sections[len(rows)] = str(title)
        keys = ["body_params", "intermediate", "head", "items", "study"]
        for key, found in of_title.groupby(keys, sort=True):
            size, middle, head, items, _ = key
            task = evidence.labels.get(middle, middle)
            rows.append(_row((short_count(size), task, head, write(items, "count")), found))
    return Table(
        "budget_pairs", f"{_SAYS}: each pair of tasks. {_BRACKETS}",
        ("Body", "Intermediate task", "Head", "Items", "Seeds", *_HEADS), rows, shown, heads=3,
        sections=sections,
    )  # fmt: skip


def items_by_target(evidence: Evidence, study: str) -> dict[str, int]:
    """Return the items that a study trains each target on; of several pools, the most."""
    table = evidence.tables.budgets
    own = table[(table["study"] == study) & (table["intermediate"] != "mean")]
    most = own.groupby("title")["items"].max()
    return {title: int(most[title]) for title in _titles(evidence) if title in most}


def items_words(evidence: Evidence, study: str) -> str:
    """Return the items of a study's targets: "2,000", or "16,000 / 8,500" where they differ."""
    each = [write(count, "count") for count in items_by_target(evidence, study).values()]
    return each[0] if len(set(each)) == 1 else " / ".join(each)


def _titles(evidence: Evidence) -> list[str]:
    table = evidence.tables.budgets
    own = table[(table["study"] == evidence.name) & (table["intermediate"] != "mean")]
    return list(dict.fromkeys(own["title"]))


def _targets(evidence: Evidence) -> str:
    return " / ".join(_titles(evidence))


def _contrasts(evidence: Evidence) -> pd.DataFrame:
    table = evidence.tables.budgets
    return table[table["contrast"].isin(_CONTRASTS) & (table["group"] == "other")]


def _varies(rows: pd.DataFrame) -> bool:
    return len(rows[["head", "items"]].drop_duplicates()) > 1


def control(analysis: Tables) -> Table | None:
    """Return same-task arms beside as many more of the target's own items; None without these.

    On the mean of the other languages: a row a target and size. The control is a training of
    arm none on the items of target and intermediate budget together, in a study beside.
    """
    evidence = evidence_of(analysis)
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    used: list[pd.DataFrame] = []
    for middle, target in evidence.pairs("same"):
        shown = _compared(evidence, middle, target)
        if shown[1].empty:
            continue
        sections[len(rows)] = f"{evidence.title(target)}, after {evidence.title(middle)}"
        used += shown
        for model, size in evidence.sizes.items():
            rows.append(entries(size, *(_score(part[part["model"] == model]) for part in shown)))
    if not rows:
        return None
    return Table(
        "control", "Accuracy in percent on the mean of the other languages: without intermediate "
        "task; the same with as many more English items of the target as the intermediate task "
        "has, and so as many steps in all; and after the intermediate task of the target’s own "
        "skill. In brackets: intervals, where there are two seeds or more.",
        ("Body", "None", "None, more items", "English", "Multilingual"), rows, pd.concat(used),
        sections=sections,
    )  # fmt: skip


def _compared(evidence: Evidence, middle: str, target: str) -> list[pd.DataFrame]:
    """Return the scores of none, of none with more items, and of the two arms."""
    table = evidence.tables.budgets
    scores = table[
        (table["contrast"] == "") & (table["group"] == "other")
        & (table["target"] == base_task(target))
    ]  # fmt: skip
    own, bare = scores[scores["study"] == evidence.name], scores[scores["arm"] == "none"]
    items = evidence.spec.budget(target, "target").items
    more = items + evidence.spec.budget(middle, "intermediate").items
    arms = [own[(own["intermediate"] == middle) & (own["arm"] == arm)]
            for arm in ("english", "multilingual")]  # fmt: skip
    return [own[own["arm"] == "none"], bare[bare["items"] == more], *arms]


def _score(rows: pd.DataFrame) -> Entry:
    return _entry(rows.to_dict("records")[-1], sign=False) if len(rows) else Entry(UNDEFINED)


def _entry(row: Mapping[str, Any], *, sign: bool) -> Entry:
    ends = interval(row["low"], row["high"], sign=sign)
    text = write(row["value"], "points" if sign else "percent")
    return Entry(text, f"[{ends}]" if ends else "", number=budget_key(row))


def _row(lead: Sequence[str], found: pd.DataFrame) -> list[Entry]:
    rows = {row["contrast"]: row for row in found.to_dict("records")}
    cells = [
        _entry(rows[contrast], sign=True) if contrast in rows else Entry(UNDEFINED)
        for contrast in _CONTRASTS
    ]
    return entries(*lead, write(int(found["seeds"].iloc[0]), "count"), *cells)
