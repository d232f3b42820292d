"""Parts of sentences: numbers with unit and interval, and what an interval lets one say."""

from typing import Literal

import pandas as pd

from xstilts.report.evidence import Evidence
from xstilts.report.numbers import Numbers

Direction = Literal["up", "down", "open"]
_UNITS = {"points": "points", "error_reduction": "% of the errors", "gap_share": "% of the gap"}


def direction(low: float, high: float) -> Direction:
    """Return whether an interval lies above zero, below it, or holds it (or is undefined)."""
    if low > 0:
        return "up"
    return "down" if high < 0 else "open"


class Phrases:
    """How the numbers of one study enter a sentence, marked so that they can be traced."""

    def __init__(self, evidence: Evidence, numbers: Numbers) -> None:
        self.evidence = evidence
        self.num = numbers

    def estimate(self, key: str) -> str:
        """Return "+2.1 points (95 % interval +0.3 to +3.9)"; no interval with one seed."""
        number = self.num.find(key)
        unit = _UNITS.get(number.unit, "")
        said = f"{self.num(key)} {unit}".strip()
        if not self.num.find(f"{key}:interval").text:
            return said
        return f"{said} ({self.num('confidence')} % interval {self.num(f'{key}:interval')})"

    def brief(self, key: str) -> str:
        """Return "+2.1 (+0.3 to +3.9)"."""
        ends = self.num.find(f"{key}:interval").text
        return f"{self.num(key)} ({self.num(f'{key}:interval')})" if ends else self.num(key)

    def direction(self, key: str) -> Direction:
        low, high = (self.num.find(f"{key}:{end}").value for end in ("low", "high"))
        return direction(float(low), float(high))

    def decided(self, name: str) -> Direction:
        """Return what a declared hypothesis was decided to be, after Holm."""
        rows = self.evidence.tables.hypotheses.set_index("name")
        ways: dict[str, Direction] = {"supported": "up", "contradicted": "down"}
        return ways.get(str(rows.loc[name, "verdict"]), "open")

    def unresolved_by(self, name: str) -> str:
        """Return that a hypothesis is open, and whether its own interval alone would close it."""
        key = f"hypotheses/{name}"
        if self.direction(key) == "open":
            return "is not resolved"
        return (
            "is not resolved after Holm’s correction for the number of declared hypotheses "
            f"(p = {self.num(f'{key}:p_holm')}), though its own interval excludes zero"
        )

    def count(self, name: str, noun: str, plural: str = "") -> str:
        """Return "3 seeds" or "1 seed"."""
        one = self.num.find(f"count/{name}").value == 1
        return f"{self.num(f'count/{name}')} {noun if one else plural or f'{noun}s'}"

    def gains(self, kind: str, contrast: str, unit: str, group: str) -> pd.DataFrame:
        """Return the gains of single pairs of one kind, in one contrast, unit and group."""
        gains = self.evidence.single_gains
        return gains[
            (gains["pair"] == kind) & (gains["contrast"] == contrast)
            & (gains["unit"] == unit) & (gains["group"] == group)
        ]  # fmt: skip

    def undefined(self, key: str) -> bool:
        """Say whether a number has no value here."""
        value = self.num.find(key).value
        return isinstance(value, float) and value != value
