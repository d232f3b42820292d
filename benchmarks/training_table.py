"""The section of a row of training in the document."""

import statistics

from benchmarks import words
from benchmarks.figures import in_words
from benchmarks.profile import KINDS
from benchmarks.summary import (
    Result,
    Side,
    bound_by,
    classes,
    loss_difference,
    padding,
    share_of_ceiling,
    speeds,
)


def training_section(name: str, result: Result) -> str:
    """Return the section: both sides, the loss, and where the time goes."""
    row = result["row"]
    sides = {side: result[side] for side in ("ours", "theirs") if side in result}
    heads = {"ours": "ours", "theirs": words.AGAINST[row["against"]]}
    lines = [
        f'## <a id="{name}"></a>{row["title"]}',
        "",
        f"Against {words.AGAINST[row['against']]}. {_work(result)}",
        "",
        _table(["", *(heads[side] for side in sides)], _facts(sides)),
        "",
        *_losses(name, result),
        *_profile(sides, heads),
    ]
    return "\n".join(lines)


def _work(result: Result) -> str:
    row, pairs = result["row"], result["pairs"]
    rounds = len(result["ours"]["seconds"])
    steps = f"{_count(rounds, 'round')} of {_count(row['steps'], 'step')} of {row['batch']} pairs"
    read = "each read once" if row["pairs"] else "the same in every round"
    return (
        f"{steps}; {pairs:,} pairs, {read}, {result['mean_tokens']} tokens in the mean "
        f"({result['texts']})."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def cell(text: str) -> str:
    """Return a text that a cell of a table can hold."""
    return text.replace("|", "\\|")


def _facts(sides: dict[str, Side]) -> list[list[str]]:
    """Return the rows of the table of both sides."""
    measures = {
        "pairs a second": lambda side: _spread(speeds(side), ".1f"),
        "real tokens a second": lambda side: _spread(speeds(side, "tokens"), ",.0f"),
        "seconds a round": lambda side: _spread(side["seconds"], ".2f"),
        "padding": lambda side: f"{padding(side):.1%}",
        "ceiling, GFLOP/s": lambda side: f"{side['ceiling'] / 1e9:,.0f}",
        "share of the ceiling": lambda side: f"{share_of_ceiling(side, 'training'):.0%}",
        "precision": lambda side: side["precision"],
        "rows of the vocabulary": lambda side: f"{side['rows']:,}",
        "attention": lambda side: side["attention"],
        "optimizer": lambda side: side["optimizer"],
    }
    return [[what, *(tell(side) for side in sides.values())] for what, tell in measures.items()]


def _spread(values: list[float], form: str) -> str:
    """Return median and extremes."""
    middle = statistics.median(values)
    return f"{middle:{form}} ({min(values):{form}}–{max(values):{form}})"


def _losses(name: str, result: Result) -> list[str]:
    told = f"![{in_words(result)}](benchmarks/{name}.svg)"
    if "theirs" not in result:
        return [told, ""]
    difference = loss_difference(result)
    said = ", ".join(classes(result))
    if difference is None:
        compared = "the orders differ, so the curves are not compared step by step"
    else:
        compared = f"largest difference of the smoothed curves {difference:.1e} nats"
    return [told, "", f"Exactness: {said}; {compared}.", ""]


def _profile(sides: dict[str, Side], heads: dict[str, str]) -> list[str]:
    """Return where a step's time goes."""
    if not all(side["profile"] for side in sides.values()):
        return []
    rows = [
        [kind, *(f"{side['profile']['shares'][kind]:.0%}" for side in sides.values())]
        for kind in KINDS
    ]
    seconds = [f"{side['profile']['seconds_per_step']:.3f}" for side in sides.values()]
    rows.append(["seconds a step, profiled", *seconds])
    kind, share = bound_by(sides["ours"])
    return [
        _table(["share of a step", *(heads[side] for side in sides)], rows),
        "",
        f"Ours is bound by {kind} ({share:.0%} of a step).",
        "",
    ]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
