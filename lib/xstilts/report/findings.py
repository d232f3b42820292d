"""Sentences on the transfer gap, on lines over the sizes, and on contrasts without collapse."""

from collections.abc import Mapping
from typing import Any

from xstilts.report.elsewhere import Elsewhere
from xstilts.report.formats import listed
from xstilts.report.numbers import fit_key, gap_key, uncollapsed_key
from xstilts.report.theme import ARMS


class Findings(Elsewhere):
    """What the manuscript says of tables that stand beside the main results."""

    # ---- the transfer gap ----------------------------------------------------------------

    def transfer_gap(self) -> str:
        """Return the gap without intermediate task at the smallest and the largest encoder."""
        names = self._ends()
        parts = []
        for target in self.evidence.targets:
            keys = [gap_key(name, "none", "none", target) for name in names]
            if all(key in self.num for key in keys):
                at = ["at the smallest", "at the largest encoder"] if len(names) > 1 else [""]
                values = [f"{self.brief(key)} points {place}".strip()
                          for key, place in zip(keys, at, strict=True)]  # fmt: skip
                parts.append(f"{' and '.join(values)} on {self.evidence.title(target)}")
        if not parts:
            return ""
        return (
            "Without intermediate task, English minus the mean of the other languages is "
            f"{'; '.join(parts)}."
        )

    def gap_closed(self) -> str:
        """Return how much of that gap the arms close, and where a share of it is undefined."""
        kind = "cross" if self.evidence.pairs("cross") else "same"
        if f"gaps/cases/{kind}" not in self.num:
            return ""
        if self.evidence.one_seed:
            return (
                "With one seed it is unknown whether a gap is beyond noise, so no share of it is "
                "said to be closed."
            )
        said = [one for arm in self.evidence.spec.arms if (one := self._closed(kind, arm))]
        shares = f"{'; '.join(said)}. " if said else ""
        return (shares[:1].upper() + shares[1:] + self._undefined_shares(kind)).strip()

    def _closed(self, kind: str, arm: str) -> str:
        gaps = self.evidence.tables.gaps
        rows = gaps[(gaps["pair"] == kind) & (gaps["arm"] == arm) & gaps["defined"]]
        if not len(rows):
            return ""
        rows = rows.sort_values("share", kind="stable")
        ends = [
            self.num(gap_key(row["model"], row["intermediate"], arm, row["target"], "share"))
            for row in rows.iloc[[0, -1]].to_dict("records")
        ]
        span = f"from {ends[0]} to {ends[1]}" if len(rows) > 1 else ends[0]
        key = f"gaps/closing/{kind}/{arm}"
        name = f"{ARMS[arm].label} data" if arm != "shuffled" else "data with shuffled labels"
        return (
            f"{name} close {span} % of the gap of arm none, resolved above zero in "
            f"{self.num(key)} of {self.num(f'gaps/defined/{kind}/{arm}')} {kind}-task cases"
        )

    def _undefined_shares(self, kind: str) -> str:
        """Return at which sizes and targets a share of the gap says nothing."""
        gaps = self.evidence.tables.gaps
        rows = gaps[(gaps["pair"] == kind) & ~gaps["defined"]]
        if not len(rows):
            return "The gap of arm none is above zero beyond noise in all of these cases."
        parts = []
        for target in self.evidence.targets:
            models = set(rows.loc[rows["target"] == target, "model"])
            sizes = [size for name, size in self.evidence.sizes.items() if name in models]
            if sizes:
                parts.append(f"at {listed(sizes)} on {self.evidence.title(target)}")
        return (
            f"In {self.num(f'gaps/undefined/{kind}')} of {self.num(f'gaps/cases/{kind}')} "
            f"{kind}-task cases the share is undefined, for the gap of arm none is not above zero "
            f"beyond noise: {listed(parts)}."
        )

    # ---- the size axis -------------------------------------------------------------------

    def size_lines(self) -> list[str]:
        """Return the lines over body parameters: of the scores, and of the arms' difference."""
        fits = self.evidence.tables.fits
        main = (fits["intermediate"] == "mean") & (fits["pair"] == "cross")
        shown = fits[(fits["axis"] == "body_params") & ((fits["quantity"] == "score") | main)]
        return [self._line(row) for row in shown.to_dict("records")]

    def size_axis(self) -> str:
        """Return what such lines are not."""
        said = []
        if self.evidence.one_seed:
            said.append(
                "With one seed no size is predicted, for a prediction would have no interval."
            )
        if self.evidence.truncated:
            said.append(
                "These are lines over the depth of one encoder, not over the scale of a "
                "pretraining."
            )
        return " ".join(said)

    def _line(self, row: Mapping[str, Any]) -> str:
        key = fit_key(row)
        lines = self.evidence.tables.fits[["family", "head"]].drop_duplicates()
        subject = "Multilingual minus English, mean over the cross-task pairs"
        if row["quantity"] == "score":
            subject = f"Score of arm none on {self.evidence.title(row['target'])}"
        family = f", {row['family']} encoders, head “{row['head']}”" * (len(lines) > 1)
        straight = "" if self.undefined(f"{key}:r2") else f", R² = {self.num(f'{key}:r2')}"
        slope = f"*{subject}{family}:* {self.estimate(key)} per tenfold{straight}."
        return " ".join(part for part in (slope, self._steps(key), self._held_out(row)) if part)

    def _steps(self, key: str) -> str:
        """Return whether the sequence of sizes rises; nothing of one seed."""
        if self.undefined(f"{key}:rising"):
            return ""
        up, down, still = (self.num(f"{key}:steps_{way}") for way in ("up", "down", "open"))
        return (
            f"Steps between neighbouring sizes: {up} resolved upwards, {down} downwards, {still} "
            f"open; every step rises in {self.num(f'{key}:rising')} % of the draws."
        )

    def _held_out(self, row: Mapping[str, Any]) -> str:
        """Return whether the line through the other sizes foretells the largest one."""
        if not row["verdict"]:
            return ""
        predicted, measured = (fit_key(row, last) for last in ("predicted", "measured"))
        return (
            f"A line through the other sizes predicts {self.brief(predicted)} for the largest "
            f"one; {self.num(measured)} was measured, {row['verdict']} that interval."
        )

    # ---- collapsed runs ------------------------------------------------------------------

    def uncollapsed(self) -> str:
        """Return the first contrast on all cells, and on those without collapsed runs."""
        kind = "cross" if self.evidence.pairs("cross") else "same"
        contrast = self.evidence.contrasts[0]
        keys = {name: uncollapsed_key("all", kind, contrast, name)
                for name in ("nothing", "target", "any")}  # fmt: skip
        if keys["nothing"] not in self.num:
            return ""
        first, second = (
            "none" if arm == "none" else ARMS[arm].label for arm in contrast.split("-")
        )
        words = f"{first} minus {second}"
        return (
            f"Averaged over the {kind}-task pairs, {words} is {self._mean(keys['nothing'])}, "
            f"{self._mean(keys['target'])} in which no run on the target collapsed, and "
            f"{self._mean(keys['any'])} in which no intermediate run did either "
            "(@tab:uncollapsed). The latter two are chosen by outcome: they show how much "
            "collapsed runs weigh and are no better estimates."
        )

    def _mean(self, key: str) -> str:
        cells = self.num.find(f"{key}:cells").value
        if not cells:
            return "undefined, for there is no cell,"
        noun = "cell" if cells == 1 else "cells"
        return f"{self.brief(key)} points on {self.num(f'{key}:cells')} {noun}"

    def _ends(self) -> list[str]:
        """Return the smallest and the largest encoder, once if it is one."""
        names = list(self.evidence.models)
        return list(dict.fromkeys((names[0], names[-1])))
