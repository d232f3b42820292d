"""Every training behind the paper: its cell, the cell's key, and what each seed scored."""

from collections.abc import Mapping

import pandas as pd

from xstilts.params.grid import start_name
from xstilts.report.evidence import Evidence, Tables, evidence_of
from xstilts.report.formats import UNDEFINED, listed, write
from xstilts.report.table import Entry, Table, entries
from xstilts.report.theme import ARMS

_COLLAPSED = "†"
_Scores = Mapping[tuple[str, int, str], str]


def runs(analysis: Tables) -> Table:
    """Return a row a cell that trains, and an encoder; scores by seed, in the seeds' order."""
    evidence = evidence_of(analysis)
    scores = _scores(analysis.runs)
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    for target in evidence.targets:
        sections[len(rows)] = evidence.title(target)
        for model in evidence.models:
            for middle, arm in evidence.starts:
                cell = target_cell(model, middle, arm, target)
                rows += _row(evidence, scores, cell, (model, middle, arm))
    for task in evidence.intermediates:
        sections[len(rows)] = f"{evidence.title(task)}, as intermediate task"
        for model in evidence.models:
            for arm in evidence.spec.arms:
                cell = f"intermediate/{model}/{task}/{arm}"
                rows += _row(evidence, scores, cell, (model, task, arm))
    sections[len(rows)] = "Encoders as pretrained"
    for model in evidence.models:
        rows += _row(evidence, scores, f"encoders/{model}", (model, "none", "none"))
    columns = ("Body", "Intermediate task", "Arm", "Key", "English", "Other languages")
    data = pd.DataFrame([[entry.text for entry in row] for row in rows], columns=columns)
    data.insert(0, "cell", [row[0].anchor for row in rows])
    return Table(
        "runs", "The runs, a row a cell with its key, a number a seed: accuracy in percent on "
        f"English and on the mean of the other languages. {_order(evidence)} A dagger marks a "
        "collapsed run; what has no test items has no accuracy.",
        columns, rows, data, heads=4, words=frozenset({4, 5}),
        sections={at: title for at, title in sections.items() if at < len(rows)},
    )  # fmt: skip


def _order(evidence: Evidence) -> str:
    seeds = listed([str(seed) for seed in evidence.spec.seeds])
    return f"Seed {seeds}." if evidence.one_seed else f"Seeds in order: {seeds}."


def target_cell(model: str, middle: str, arm: str, target: str) -> str:
    """Return the name of the cell that trains a target."""
    start = "none" if arm == "none" else start_name(middle, arm)
    return f"targets/{model}/{start}/{target}"


def _row(
    evidence: Evidence, scores: _Scores, cell: str, start: tuple[str, str, str]
) -> list[list[Entry]]:
    """Return the row of a cell, in a list; none of one that the study has not."""
    if cell not in evidence.keys:
        return []
    model, middle, arm = start
    by_seed = [
        " ".join(scores.get((cell, seed, group), UNDEFINED) for seed in evidence.spec.seeds)
        if any((cell, seed, group) in scores for seed in evidence.spec.seeds) else UNDEFINED
        for group in ("en", "other")
    ]  # fmt: skip
    size = Entry(evidence.sizes[model], anchor=cell)
    label = "" if arm == "none" else ARMS[arm].label
    task = "none" if arm == "none" else evidence.labels[middle]
    return [entries(size, task, label, evidence.keys[cell], *by_seed)]


def _scores(runs: pd.DataFrame) -> _Scores:
    """Return accuracy as it is written by (cell, seed, group)."""
    named = runs.assign(
        cell=runs["run"].map(cell_of), group=runs["language"].map(lambda one: one == "en")
    )
    means = named.groupby(["cell", "seed", "group"])["score"].mean()
    collapsed = set(named.loc[named["status"] == "collapsed", "run"].map(cell_of_seed))
    return {
        (cell, seed, "en" if english else "other"): write(score, "percent")
        + _COLLAPSED * ((cell, seed) in collapsed)
        for (cell, seed, english), score in means.items()
    }


def cell_of(run: str) -> str:
    """Return the cell of a run's name "<study>/<cell>/seed-<n>"."""
    return run.split("/", 1)[1].rsplit("/", 1)[0]


def cell_of_seed(run: str) -> tuple[str, int]:
    """Return cell and seed of a run's name."""
    return cell_of(run), int(run.rsplit("-", 1)[1])
