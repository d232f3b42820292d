"""Rows of evaluation: the same items of every language scored by both sides."""

import json
import statistics
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.torch import save_file

from benchmarks import score
from benchmarks.engine import Job
from benchmarks.rows import Row
from benchmarks.turns import run_alone, take_turns

if TYPE_CHECKING:
    from benchmarks.run import Session


def measure(session: "Session", row: Row) -> dict[str, Any]:
    """Return the result of a row of evaluation."""
    job = session.job(row)
    table = session.source.scored(row.items)
    table.to_parquet(job.items.with_suffix(".parquet"))
    save_file(score.random_head(job, 0.2), score.head_file(job))
    languages = tuple(dict.fromkeys(table["language"]))
    ours, theirs = (_processes if row.processes else _one_process)(job, languages)
    mine, other = (np.array(side.pop("probabilities")) for side in (ours, theirs))
    return {
        "texts": session.source.title,
        "pairs": len(table),
        "languages": len(languages),
        "mean_tokens": round(ours["tokens"][0] / len(table), 1),
        "ours": ours,
        "theirs": theirs,
        "largest_difference": float(np.abs(mine - other).max()),
        "same_labels": float((mine.argmax(1) == other.argmax(1)).mean()),
    }


def _one_process(job: Job, _: tuple[str, ...]) -> list[dict[str, Any]]:
    return take_turns([score.ours, score.theirs], job, job.row.rounds + 1)


def _processes(job: Job, languages: tuple[str, ...]) -> list[dict[str, Any]]:
    """Let ours score all languages a few times, between the processes of the other side."""
    ours, theirs = [], []
    for part in np.array_split(np.array(languages), job.row.rounds):
        ours.append(_process("ours", job, languages))
        theirs += [_process("theirs", job, (str(language),)) for language in part]
    return [_merged(ours, 1), _merged(theirs, len(languages))]


def _process(side: str, job: Job, languages: tuple[str, ...]) -> dict[str, Any]:
    out = job.items.with_suffix(".scored.json")
    seconds = run_alone(score.alone, side, job, languages, out)
    return {"seconds": seconds, **json.loads(out.read_text(encoding="utf-8"))}


def _merged(runs: list[dict[str, Any]], needed: int) -> dict[str, Any]:
    """Return one record of a side whose whole work is `needed` of the processes in `runs`."""
    rounds = len(runs) // needed
    items = sum(len(run["probabilities"]) for run in runs) // rounds
    working = [run["tokenising"] + run["computing"] for run in runs]
    starting = [run["seconds"] - work for run, work in zip(runs, working, strict=True)]
    an_item = sum(working) / (items * rounds)
    first = runs[:needed]
    return {
        "seconds": [round(run["seconds"], 3) for run in runs] if rounds > 1
        else [round(sum(run["seconds"] for run in runs), 3)],
        "process_seconds": [round(run["seconds"], 3) for run in runs],
        "items": [items] * rounds,
        "tokens": [sum(run["tokens"] for run in first)] * rounds,
        "places": [sum(run["places"] for run in first)] * rounds,
        "processes": needed,
        "fixed_seconds": round(statistics.median(starting), 3),
        "seconds_an_item": an_item,
        "probabilities": [row for run in first for row in run["probabilities"]],
        **{key: runs[0][key] for key in ("precision", "hidden", "feed_forward", "body_params",
                                         "rows")},
    }  # fmt: skip
