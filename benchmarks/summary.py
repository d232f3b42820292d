"""What the document says of a row, computed from its result."""

import statistics
from dataclasses import dataclass
from typing import Any

#: steps of the trailing mean that smooths a loss curve
SMOOTH = 8
#: below this share of computing in a turn's time, something else disturbed the measurement
DISTURBED = 0.95
Result = dict[str, Any]
Side = dict[str, Any]


@dataclass(frozen=True)
class Ratio:
    """Ours over theirs in pairs a second: of the medians, and the extremes of the rounds."""

    value: float
    low: float
    high: float


def speeds(side: Side, unit: str = "items") -> list[float]:
    """Return pairs (or tokens) a second of every round."""
    return [count / taken for count, taken in zip(side[unit], side["seconds"], strict=True)]


def median_speed(side: Side, unit: str = "items") -> float:
    return statistics.median(speeds(side, unit))


def ratio(result: Result) -> Ratio | None:
    """Return ours over theirs; None where there is no other side."""
    if "theirs" not in result:
        return None
    ours, theirs = speeds(result["ours"]), speeds(result["theirs"])
    if len(ours) == len(theirs):
        rounds = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    else:
        rounds = [mine / other for mine in ours for other in theirs]
    value = statistics.median(ours) / statistics.median(theirs)
    return Ratio(value, min(rounds), max(rounds))


def padding(side: Side) -> float:
    """Return the share of token places that hold no real token.

    A text that several pairs of a step share counts in each of them, so that encoding it
    once cannot show as less than no padding.
    """
    return max(0.0, 1.0 - sum(side["tokens"]) / sum(side["places"]))


def share_of_ceiling(side: Side, kind: str) -> float | None:
    """Return the operations a second on real tokens over those of bare matrix products.

    6 operations a body parameter and token in training, 2 in evaluation.
    """
    if "ceiling" not in side:
        return None
    operations = 6 if kind == "training" else 2
    return operations * side["body_params"] * median_speed(side, "tokens") / side["ceiling"]


def smoothed(losses: list[float]) -> list[float]:
    """Return the mean of the last 8 losses at every step, of fewer at the start."""
    starts = [max(0, end - SMOOTH) for end in range(1, len(losses) + 1)]
    return [statistics.fmean(losses[start : end + 1]) for end, start in enumerate(starts)]


def loss_difference(result: Result) -> float | None:
    """Return the largest difference of the smoothed curves; None if the orders differ."""
    if "theirs" not in result or result["row"]["order"] != "ours":
        return None
    ours, theirs = (smoothed(result[side]["losses"]) for side in ("ours", "theirs"))
    return max(abs(mine - other) for mine, other in zip(ours, theirs, strict=True))


def classes(result: Result) -> list[str]:
    """Return the classes of exactness between both sides."""
    if "theirs" not in result:
        return []
    both = {result["ours"]["precision"], result["theirs"]["precision"]}
    found = ["same numbers" if both == {"fp32"} else "same function, other rounding"]
    if result["row"]["order"] != "ours":
        found.append("other order of items")
    return found


def disturbed(result: Result) -> bool:
    """Say whether a worker computed for less of its turns than it should have."""
    shares = [
        computed / taken
        for side in ("ours", "theirs")
        for computed, taken in zip(
            result.get(side, {}).get("cpu_seconds", ()), result.get(side, {}).get("seconds", ()),
            strict=False,
        )
    ]  # fmt: skip
    return bool(shares) and statistics.median(shares) < DISTURBED


def bound_by(side: Side) -> tuple[str, float]:
    """Return the kind of operation that takes most of a step, and its share."""
    shares = side["profile"]["shares"]
    kind = max(shares, key=shares.__getitem__)
    return kind, shares[kind]


def carried_forward(result: Result, items: int) -> tuple[float, float]:
    """Return the seconds of both sides at `items` pairs a language, from fixed and pair costs."""
    languages = result["languages"]
    return tuple(  # type: ignore[return-value]
        side["processes"] * side["fixed_seconds"] + languages * items * side["seconds_an_item"]
        for side in (result["ours"], result["theirs"])
    )
