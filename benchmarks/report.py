"""docs/benchmarks.md, rendered from results.json alone."""

import json
from pathlib import Path
from typing import Any

from benchmarks import words
from benchmarks.evaluation_table import evaluation_section
from benchmarks.figures import loss_curves
from benchmarks.results import load_results
from benchmarks.rows import ROWS
from benchmarks.summary import (
    Result,
    classes,
    disturbed,
    median_speed,
    ratio,
    share_of_ceiling,
)
from benchmarks.training_table import cell, training_section
from xstilts.files import write_text


def write_document(out: Path) -> Path:
    """Write benchmarks.md and a figure for each row of training; return the document's path."""
    rows = _ordered(load_results(out / "benchmarks")["rows"])
    for name, result in rows.items():
        if "losses" in result.get("ours", {}):
            write_text(out / "benchmarks" / f"{name}.svg", loss_curves(result).svg)
    path = out / "benchmarks.md"
    write_text(path, render(rows))
    return path


def render(rows: dict[str, Result]) -> str:
    """Return the document of some results, by name."""
    measured = {name: one for name, one in rows.items() if one["status"] == "measured"}
    compared = {name: one for name, one in measured.items() if one["row"]["kind"] != "memory"}
    memory = {name: one for name, one in measured.items() if one["row"]["kind"] == "memory"}
    parts = [
        words.INTRO,
        _summary(compared),
        words.METHOD,
        words.EXACTNESS,
        *(_section(name, one) for name, one in compared.items()),
        _memory(memory) if memory else "",
        _missing(rows),
        _machines(measured),
    ]
    return "\n".join(part for part in parts if part)


def _ordered(rows: dict[str, Result]) -> dict[str, Result]:
    """Return the results in the order of the table of rows, rows of the past last."""
    order = {row.name: place for place, row in enumerate(ROWS)}
    return dict(sorted(rows.items(), key=lambda entry: order.get(entry[0], len(order))))


def _section(name: str, result: Result) -> str:
    made = training_section if result["row"]["kind"] == "training" else evaluation_section
    return made(name, result)


def _summary(rows: dict[str, Result]) -> str:
    lines = [
        "## Results",
        "",
        "| row | against | ours, pairs/s | theirs, pairs/s | ratio | spread | bar "
        "| share of ceiling, ours | exactness |",
        "|---|---|--:|--:|--:|--:|---|---|---|",
    ]
    for name, result in rows.items():
        lines.append("| " + " | ".join(_summary_cells(name, result)) + " |")
    if any(map(disturbed, rows.values())):
        lines += ["", "\\* The machine was not quiet: a worker computed for less than 95 % of its "
                  "turns, so the times of this row are upper bounds."]  # fmt: skip
    return "\n".join([*lines, ""])


def _summary_cells(name: str, result: Result) -> list[str]:
    row, speed = result["row"], ratio(result)
    share = share_of_ceiling(result["ours"], row["kind"])
    mark = " \\*" if disturbed(result) else ""
    theirs = f"{median_speed(result['theirs']):.1f}" if speed else ""
    return [
        f"[{cell(row['title'])}](#{name}){mark}",
        words.AGAINST[row["against"]],
        f"{median_speed(result['ours']):.1f}",
        theirs,
        f"**{speed.value:.2f}**" if speed else "",
        f"{speed.low:.2f}–{speed.high:.2f}" if speed else "",
        _verdict(row["ratio_bar"], speed and speed.value, "{:g}x"),
        "" if share is None else f"{share:.0%}" + _beside(row["ceiling_bar"], share),
        ", ".join(classes(result)),
    ]


def _beside(bar: float | None, value: float) -> str:
    return "" if bar is None else f" ({_verdict(bar, value, 'at least {:.0%}')})"


def _verdict(bar: float | None, value: float | None, form: str) -> str:
    """Return a bar and whether it was reached."""
    if bar is None or value is None:
        return ""
    return f"{form.format(bar)}: {'reached' if value >= bar else 'not reached'}"


def _memory(rows: dict[str, Result]) -> str:
    lines = [
        "## Memory",
        "",
        "Predicted by `lib/xstilts/cost.py` for a step on pairs of full length, without the "
        "overhead that it assumes for a GPU; measured as the peak of resident memory of a fresh "
        "process over what it held before the encoder was opened, in two steps.",
        "",
        "| row | batch | tokens | precision | predicted, MiB | of these activations "
        "| measured, MiB | measured over predicted |",
        "|---|--:|--:|---|--:|--:|--:|--:|",
    ]
    for result in rows.values():
        row, need, peak = result["row"], result["predicted"], result["measured"]["peak"]
        lines.append(
            f"| {cell(row['title'])} | {row['batch']} | {row['max_tokens']} "
            f"| {result['precision']} "
            f"| {need['total'] / 2**20:,.0f} | {need['activations'] / 2**20:,.0f} "
            f"| {peak / 2**20:,.0f} | {peak / need['total']:.2f} |"
        )
    return "\n".join([*lines, ""])


def _missing(rows: dict[str, Result]) -> str:
    left = {name: one for name, one in rows.items() if one["status"] != "measured"}
    if not left:
        return ""
    lines = [
        f"| {cell(one['row']['title'])} | {one['status']}: {cell(one['why'])} |"
        for one in left.values()
    ]
    return "\n".join(["## Not measured", "", "| row | |", "|---|---|", *lines, ""])


def _machines(rows: dict[str, Result]) -> str:
    """Return each machine, with versions and day, and the rows that were measured there."""
    by_machine: dict[str, list[str]] = {}
    for name, result in rows.items():
        by_machine.setdefault(json.dumps(result["environment"], sort_keys=True), []).append(name)
    lines = ["## Machines", ""]
    for told, names in by_machine.items():
        lines.append(f"* {_machine(json.loads(told))} Rows: {', '.join(names)}.")
    return "\n".join([*lines, ""])


def _machine(facts: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    extra = f" ({', '.join(facts['instructions'])})" if facts["instructions"] else ""
    gpu = facts["gpu"] or "no GPU"
    return (
        f"{facts['cpu']}{extra}, {facts['cores']} cores, {facts['memory_gib']} GiB, {gpu}; "
        f"Python {facts['python']}, {versions}; {facts['date']}."
    )
