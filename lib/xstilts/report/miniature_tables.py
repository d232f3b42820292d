"""Tables on generated tasks: what can be had without understanding, and scores by operator."""

import math

import pandas as pd

from xstilts.report.evidence import Evidence, Tables, evidence_of
from xstilts.report.formats import UNDEFINED, write
from xstilts.report.table import Entry, Table, entries
from xstilts.tasks.baseline import BASELINES

_TITLES = {
    "majority": "majority", "premise_only": "premise only", "hypothesis_only": "hypothesis only",
    "bag_of_words": "bag of words", "word_difference": "word difference",
    "word_overlap": "word overlap", "overlap": "word and bigram overlap",
}  # fmt: skip


def shortcuts(analysis: Tables) -> Table:
    """Return every baseline of every task, in English and on the mean of the other languages.

    Beside it stands by how many points the largest encoder, without intermediate task, is above.
    """
    evidence = evidence_of(analysis)
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    scores = baseline_means(analysis.baselines)
    for task in [*evidence.targets, *evidence.intermediates]:
        of_task = scores[scores["task"] == task].set_index("baseline")
        names = [name for name in BASELINES if name in of_task.index]
        if not names:
            continue
        sections[len(rows)] = evidence.title(task)
        best = _largest(evidence, task)
        for name in names:
            found = [float(of_task.loc[name, group]) for group in ("en", "other")]
            above = [_above(best.get(group), value) for group, value in
                     zip(("en", "other"), found, strict=True)]  # fmt: skip
            cells = [_percent(value) for value in found]
            rows.append(entries(_TITLES[name], BASELINES[name], *cells, *above))
    return Table(
        "shortcuts", "What can be had without understanding: accuracy in percent of a constant "
        "answer and of logistic regressions fitted on English training items. Above: points by "
        "which the largest encoder without intermediate task exceeds it (targets only).",
        ("Baseline", "What it sees", "English", "Others", "Above, English", "Above, others"),
        rows, scores, heads=1, words=frozenset({1}), sections=sections,
    )  # fmt: skip


def baseline_means(baselines: pd.DataFrame) -> pd.DataFrame:
    """Return task, baseline, en, other: the mean over the other languages, NaN without any."""
    english = baselines["language"] == "en"
    keys = ["task", "baseline"]
    means = pd.DataFrame({
        "en": baselines[english].groupby(keys)["score"].mean(),
        "other": baselines[~english].groupby(keys)["score"].mean(),
    })  # fmt: skip
    return means.reset_index()


def operators(analysis: Tables) -> Table | None:
    """Return accuracy by operator without intermediate task, by size; None without operators."""
    evidence = evidence_of(analysis)
    base = analysis.operators[analysis.operators["arm"] == "none"]
    if base.empty:
        return None
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    score = base.set_index(["target", "label", "operator", "model", "group"])["score"].to_dict()
    kinds = base[["target", "label", "operator", "items"]].drop_duplicates(
        ["target", "label", "operator"]
    )
    for target in evidence.targets:
        sections[len(rows)] = evidence.title(target)
        labels = evidence.tasks[target].labels
        for kind in kinds[kinds["target"] == target].itertuples():
            cells = [
                _percent(score.get((target, kind.label, kind.operator, model, group)))
                for group in ("en", "other")
                for model in evidence.models
            ]
            name = str(kind.operator).replace("_", " ")
            count = write(int(kind.items), "count")
            rows.append(entries(labels[kind.label], name, count, *cells))
    sizes = list(evidence.sizes.values())
    heads = [f"{size}, {group}" for group in ("en", "others") for size in sizes]
    return Table(
        "operators", "Accuracy in percent by what decides the label (operator), without "
        "intermediate task, by body parameters: English, then the mean of the other languages.",
        ("Label", "Operator", "Items", *heads), rows, base, heads=2, sections=sections,
    )  # fmt: skip


def _largest(evidence: Evidence, task: str) -> dict[str, float]:
    scores = evidence.tables.scores
    model = list(evidence.models)[-1]
    rows = scores[
        (scores["target"] == task) & (scores["model"] == model) & (scores["arm"] == "none")
    ]
    return rows.set_index("group")["score"].to_dict()


def _above(score: float | None, baseline: float) -> str:
    undefined = score is None or math.isnan(baseline)
    return "" if undefined else write(score - baseline, "points")  # type: ignore[operator]


def _percent(value: float | None) -> str:
    return UNDEFINED if value is None or math.isnan(value) else write(value, "percent")
