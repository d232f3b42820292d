"""The section of a row of evaluation in the document."""

import statistics

from benchmarks import words
from benchmarks.summary import (
    Result,
    Side,
    carried_forward,
    median_speed,
    padding,
    share_of_ceiling,
)

#: pairs a language of XNLI's whole test set
WHOLE = 5010


def evaluation_section(name: str, result: Result) -> str:
    """Return the section: both sides, how far the answers agree, and the whole test set."""
    row = result["row"]
    each = result["pairs"] // result["languages"]
    how = "a new process for every language" if row["processes"] else "one process, loaded once"
    lines = [
        f'## <a id="{name}"></a>{row["title"]}',
        "",
        f"Against one Trainer run a language ({words.AGAINST[row['against']]}; {how}), padded to "
        f"{row['max_tokens']}, fp32; {row['layers']} layers, {result['languages']} languages, "
        f"{each} pairs each, {result['mean_tokens']} tokens in the mean ({result['texts']}).",
        "",
        "| | ours | theirs |",
        "|---|--:|--:|",
        *_facts(result["ours"], result["theirs"]),
        "",
        f"Largest difference of a probability {result['largest_difference']:.1e}; "
        f"{result['same_labels']:.1%} of the labels are the same.",
        "",
    ]
    return "\n".join([*lines, *_whole(result)])


def _facts(ours: Side, theirs: Side) -> list[str]:
    def line(what: str, *told: str) -> str:
        return f"| {what} | {told[0]} | {told[1]} |"

    sides = (ours, theirs)
    lines = [
        line("seconds", *(_spread(side["seconds"]) for side in sides)),
        line("pairs a second", *(f"{median_speed(side):.1f}" for side in sides)),
        line("real tokens a second", *(f"{median_speed(side, 'tokens'):,.0f}" for side in sides)),
        line("padding", *(f"{padding(side):.1%}" for side in sides)),
        line("precision", *(side["precision"] for side in sides)),
    ]
    if "ceiling" in ours:
        shares = (share_of_ceiling(side, "evaluation") or 0.0 for side in sides)
        lines.append(line("share of the ceiling", *(f"{share:.0%}" for share in shares)))
    if "processes" in ours:
        lines.append(line("processes", *(str(side["processes"]) for side in sides)))
        fixed = (f"{side['fixed_seconds']:.1f}" for side in sides)
        lines.append(line("seconds to start and load one", *fixed))
        pairs = (f"{1e3 * side['seconds_an_item']:.1f}" for side in sides)
        lines.append(line("milliseconds a pair", *pairs))
    return lines


def _spread(seconds: list[float]) -> str:
    if len(seconds) == 1:
        return f"{seconds[0]:.2f}"
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f})"


def _whole(result: Result) -> list[str]:
    """Return what the times come to on the whole test set, where starting weighs less."""
    if "processes" not in result["ours"]:
        return []
    ours, theirs = carried_forward(result, WHOLE)
    each = result["pairs"] // result["languages"]
    return [
        f"Starting weighs much at {each} pairs a language. Carried forward to the {WHOLE:,} of the "
        f"whole test set: {ours / 60:.1f} against {theirs / 60:.1f} minutes, "
        f"{theirs / ours:.1f}x.",
        "",
    ]
