"""The tables of the method: encoders, tasks, audit of the data, cost."""

import math
import re

import pandas as pd

from xstilts.report.evidence import Evidence, Tables, evidence_of
from xstilts.report.formats import write
from xstilts.report.table import Entry, Table, entries

#: what the audit table may show: column -> heading, left out where it says nothing
_AUDIT = {
    "rows": "Rows", "items": "Used", "labels": "By label", "marked": "Marked",
    "duplicates": "Repeated", "identical": "Identical texts", "unquoted": "Unquoted",
    "line_breaks": "Line breaks", "differing": "Labels unlike English",
    "dropped_unlabelled": "Dropped: no label", "dropped_marked": "Dropped: marked",
    "dropped_repeated": "Dropped: repeated", "dropped_contradicting": "Dropped: contradicting",
    "dropped_test_text": "Dropped: test text",
    "aligned": "Aligned", "overlap": "Test text used",
}  # fmt: skip
#: of these, what is said in any case
_ALWAYS = ("aligned", "overlap")


def encoders(analysis: Tables) -> Table:
    """Return the encoders: layers kept, parameters without and with embeddings, head, source."""
    evidence = evidence_of(analysis)
    rows, data = [], []
    for name, spec in evidence.models.items():
        source = spec.source
        origin = getattr(source, "id", None) or getattr(source, "package", None) or source.kind
        rows.append(
            entries(
                name, spec.family, f"{spec.layers} of {spec.shape.layers}",
                write(spec.body_params, "params"), write(spec.total_params, "params"),
                spec.head, origin, spec.licence,
            )
        )  # fmt: skip
        data.append(
            {"model": name, "family": spec.family, "layers": spec.layers,
             "body_params": spec.body_params, "total_params": spec.total_params,
             "frozen_layers": spec.frozen_layers, "head": spec.head, "source": origin,
             "licence": spec.licence}
        )  # fmt: skip
    return Table(
        "encoders", "The encoders. Body: parameters without embeddings; total: with them.",
        ("Encoder", "Family", "Layers", "Body", "Total", "Head", "Source", "Licence"),
        rows, pd.DataFrame(data), words=frozenset({1, 5, 6, 7}),
    )  # fmt: skip


def tasks(analysis: Tables) -> Table:
    """Return the tasks: part in the study, labels, items trained on and scored, languages."""
    evidence = evidence_of(analysis)
    rows, data = [], []
    for stage, names in (("intermediate", evidence.intermediates), ("target", evidence.targets)):
        for name in names:
            spec = evidence.tasks[name]
            budget = evidence.spec.budget(name, stage)  # type: ignore[arg-type]
            trained = spec.train_languages if stage == "intermediate" else ("en",)
            scored = spec.test_languages
            rows.append(
                entries(
                    spec.title, stage, ", ".join(spec.labels),
                    f"{write(budget.items, 'count')} × {budget.epochs}", " ".join(trained),
                    write(spec.test_items, "count") if scored else "", " ".join(scored),
                )
            )  # fmt: skip
            data.append(
                {"task": name, "stage": stage, "labels": " ".join(spec.labels),
                 "train_items": budget.items, "epochs": budget.epochs,
                 "train_languages": " ".join(trained), "test_items": spec.test_items,
                 "test_languages": " ".join(scored)}
            )  # fmt: skip
    return Table(
        "tasks", "The tasks. Trained on: items × epochs; scored: items in each language. An "
        "intermediate task’s languages are those of the multilingual arm; the English arm reads "
        "the same items in English.",
        ("Task", "Part", "Labels", "Trained on", "Languages", "Scored", "Languages"),
        rows, pd.DataFrame(data), words=frozenset({1, 2, 4, 6}), prose=frozenset({2, 4, 6}),
    )  # fmt: skip


def audit(analysis: Tables) -> Table:
    """Return what was found in the data; languages with equal counts share a row."""
    evidence = evidence_of(analysis)
    table = analysis.audit
    columns = [name for name in _AUDIT
               if name in table and (name in _ALWAYS or _says_something(table[name]))]  # fmt: skip
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    shown = table[["task", "split", "language", *columns]].astype(str)
    for task, of_task in shown.groupby("task", sort=False):
        sections[len(rows)] = _audited(evidence, str(task))
        for key, group in of_task.groupby(["split", *columns], sort=False):
            split, *values = key
            rows.append(entries(split, " ".join(group["language"]), *map(_plain, values)))
    return Table(
        "audit", "Audit of the data, by task, split and language; languages with equal counts "
        "share a row, and counts that are zero everywhere are left out. By label: items used, in "
        "the order of the labels above the rows. Aligned: every item has "
        "the label of its English form. Test text used: training items kept of which a scored "
        "item of some target holds a text, letters and digits alone.",
        ("Split", "Language", *(_AUDIT[name] for name in columns)), rows, table,
        heads=2, words=frozenset(
            2 + place for place, name in enumerate(columns) if name == "labels"
        ), sections=sections,
    )  # fmt: skip


def _audited(evidence: Evidence, task: str) -> str:
    """Return "XNLI: entailment / neutral / contradiction"."""
    if task not in evidence.tasks:
        return task
    spec = evidence.tasks[task]
    return f"{spec.title}: {' / '.join(spec.labels)}"


def costs(analysis: Tables) -> Table:
    """Return what was spent, a row a stage and model, summed over arms, tasks and seeds."""
    evidence = evidence_of(analysis)
    rows = []
    cost = analysis.cost
    for (stage, model), part in cost.groupby(["stage", "model"], sort=True):
        where = ", ".join(sorted({f"{one.device} {one.precision}" for one in part.itertuples()}))
        rows.append(
            entries(
                stage, evidence.sizes.get(model, model), write(len(part), "count"),
                write(part["train_items"].sum(), "count"), write(part["tokens"].sum(), "count"),
                write(part["flops"].sum(), "flops"), write(part["seconds"].sum(), "seconds"),
                write(part["tokens"].sum() / part["seconds"].sum(), "count"),
                write(100 * _mean(part, "mfu"), "percent"),
                write(100 * _mean(part, "padding_share"), "percent"),
                write(part["peak_bytes"].max(), "bytes"), where,
            )
        )  # fmt: skip
    return Table(
        "cost", "What training cost, summed over arms, tasks and seeds. Operations by formula; "
        "time and memory as measured. Ceiling: operations a second as a share of what the "
        "model’s matrix products alone reach in the same process.",
        ("Stage", "Body", "Runs", "Items", "Tokens", "Operations", "Time", "Tokens/s",
         "Ceiling, %", "Padding, %", "Peak memory", "On"),
        rows, cost, heads=2, words=frozenset({11}),
    )  # fmt: skip


def _mean(cost: pd.DataFrame, column: str) -> float:
    """Return the mean over runs; undefined where results of an earlier form lack it."""
    return float(cost[column].mean()) if column in cost.columns else math.nan


def _says_something(column: pd.Series) -> bool:
    """Say whether a column of the audit has anything but zeros or the same "yes"."""
    values = set(column.tolist())
    return not (values <= {0} or values <= {True, ""})


def _plain(value: str) -> str:
    if value in ("True", "False"):
        return "yes" if value == "True" else "no"
    counts = re.findall(r"\S+ (\d+)(?:, |$)", value)  # "entailment 209, neutral 203"
    if counts:
        return "/".join(counts)
    return f"{int(value):,}" if value.isdigit() else value
