"""How numbers are written: the one place where the report rounds."""

import math
from typing import Literal

Unit = Literal[
    "percent", "points", "error_reduction", "p", "count", "params", "seconds", "flops", "bytes",
    "rate", "width", "correlation", "loss", "fraction", "gap_share", "text",
]  # fmt: skip
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
UNDEFINED = "–"


def write(value: float | int | str, unit: Unit) -> str:
    """Return a value as the report prints it; an undefined one is a dash.

    Scores, points and shares have one decimal (gains with their sign), fractions of one two,
    probabilities three, counts none. Minus is U+2212.
    """
    if isinstance(value, str):
        return value
    if value is None or math.isnan(value):
        return UNDEFINED
    match unit:
        case "percent" | "width":
            return _minus(f"{value:.1f}")
        case "correlation":
            return _minus(f"{value:+.2f}")
        case "loss":
            return f"{value:.3f}"
        case "fraction":
            return _minus(f"{value:.2f}")
        case "points" | "error_reduction" | "gap_share":
            return signed(value)
        case "p":
            return "<0.001" if value < 0.001 else f"{value:.3f}"
        case "params":
            return _params(value)
        case "seconds":
            return _duration(value)
        case "flops":
            return _power(value)
        case "bytes":
            return f"{value / 2**30:.1f} GiB"
        case "rate":
            return f"{value:.2g}"
        case "count" | "text":
            return f"{round(value):,}"


def signed(value: float) -> str:
    """Return "+1.2", "−0.4", or "0.0" where rounding leaves nothing."""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else _minus(text)


def interval(low: float, high: float, *, sign: bool = True) -> str:
    """Return "0.3 to 2.1"; "" where the ends are undefined."""
    if math.isnan(low) or math.isnan(high):
        return ""
    unit: Unit = "points" if sign else "percent"
    return f"{write(low, unit)} to {write(high, unit)}"


def listed(parts: list[str], last: str = "and") -> str:
    """Return "a", "a and b", "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _params(value: float) -> str:
    number, unit = (value / 1e9, "billion") if value >= 1e9 else (value / 1e6, "million")
    return f"{number:.0f} {unit}" if number >= 100 else f"{number:.1f} {unit}"


def _duration(seconds: float) -> str:
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} seconds"


def _power(value: float) -> str:
    if value <= 0:
        return "0"
    exponent = math.floor(math.log10(value))
    return f"{value / 10**exponent:.1f} × 10{str(exponent).translate(_SUPERSCRIPT)}"
