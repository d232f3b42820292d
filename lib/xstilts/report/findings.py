"""Sentences on the transfer gap, on lines over the sizes, and on contrasts without collapse."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from xstilts.report.beside import (
    beside_key,
    main_contrasts,
    mean_contrasts,
    own_against_others,
)
from xstilts.report.budget_tables import items_by_target
from xstilts.report.evidence import short_count
from xstilts.report.formats import listed
from xstilts.report.numbers import budget_key, fit_key, gap_key, uncollapsed_key
from xstilts.report.phrases import Phrases
from xstilts.report.retrieval_table import retrieval_key
from xstilts.report.theme import ARMS


class Findings(Phrases):
    """What the manuscript says of tables that stand beside the main results."""

    # ---- other studies -------------------------------------------------------------------

    def beside(self) -> str:
        """Return the names of the other studies whose scores stand beside this one's."""
        studies = dict.fromkeys(self.evidence.tables.budgets["study"])
        return listed(
            [f"“{name}”" for name in studies if name != self.evidence.tables.study["name"]]
        )

    def most_items(self) -> str:
        """Return what arm none reaches where a target has the most items, in all studies here."""
        table = self.evidence.tables.budgets
        rows = table[(table["contrast"] == "") & (table["arm"] == "none")]
        said = []
        for title, of_title in rows.groupby("title", sort=False):
            most = of_title[of_title["items"] == of_title["items"].max()]
            others = most[most["group"] == "other"]
            if others.empty:  # scored in English alone
                continue
            best = others.loc[others["value"].idxmax()]
            english = most[(most["group"] == "en") & (most["study"] == best["study"])
                           & (most["model"] == best["model"])].iloc[0]  # fmt: skip
            said.append(
                f"{self.num(budget_key(english))} % in English and {self.num(budget_key(best))} % "
                f"on the other languages on {title} ({best['items']:,} items, "
                f"{short_count(best['body_params'])}, head “{best['head']}”)"
            )
        start = "Where a target has the most items, the best encoder reaches"
        return f"{start} {listed(said)}." if said else ""

    def other_budgets(self) -> str:
        """Return multilingual minus English over the cross-task pairs, study by study."""
        rows = main_contrasts(self.evidence)
        said = [self._of_study(str(study), str(head), found)
                for (study, head), found in rows.groupby(["study", "head"], sort=False)
                ]  # fmt: skip
        if len(said) < 2:
            return ""
        told = (
            "Over the cross-task pairs, multilingual minus English data give, in points on the "
            f"other languages: {'; '.join(said)}."
        )
        return " ".join([told, *self._apart()])

    def compares_budgets(self) -> bool:
        """Return whether `other_budgets` holds another study's contrast against this one's."""
        return any(own_against_others(self.evidence))

    def same_skill_by_items(self) -> str:
        """Return what the target's own skill brings at the largest size, by the target's items."""
        rows = mean_contrasts(self.evidence, "multilingual-none", "same")
        of_head = rows[rows["head"].isin(rows.loc[rows["study"] == self.evidence.name, "head"])]
        studies = of_head.groupby("body_params")["items"].nunique()
        shared = studies[studies > 1].index
        if not len(shared):
            return ""
        found = of_head[of_head["body_params"] == max(shared)].sort_values("items")
        each = [f"{self.brief(budget_key(row))} with {self._items(row['study'])}"
                for row in found.to_dict("records")]  # fmt: skip
        return (
            "Multilingual data of the target’s own skill bring over no intermediate task, in "
            f"points on the other languages at {short_count(max(shared))}, {listed(each)}."
        )

    def _of_study(self, study: str, head: str, rows: pd.DataFrame) -> str:
        each = [f"{self.brief(budget_key(row))} at {short_count(row['body_params'])}"
                for row in rows.to_dict("records")]  # fmt: skip
        where = "here" if study == self.evidence.name else f"in study “{study}”"
        alone = "" if int(rows["seeds"].min()) > 1 else ", one seed, which gives no interval"
        return f"{where} ({self._items(study)}, head “{head}”{alone}) {listed(each)}"

    def _items(self, study: str) -> str:
        """Return "2,000 items", or "16,000 items of XNLI and 8,500 items of PAWS-X"."""
        counts = items_by_target(self.evidence, study)
        if len(set(counts.values())) == 1:
            return f"{next(iter(counts.values())):,} items"
        return listed([f"{count:,} items of {title}" for title, count in counts.items()])

    def _apart(self) -> list[str]:
        """Return, for each study beside and size, whether its contrast differs from this one's."""
        verdicts = {"up": "higher", "down": "lower", "open": "a difference that is not resolved"}
        return [
            f"At {short_count(size)}, study “{study}” is {self.estimate(beside_key(study, size))} "
            f"from this one: {verdicts[self.direction(beside_key(study, size))]}."
            for study, size, _ in own_against_others(self.evidence)
        ]

    def deepest_retrieval(self, corpus: str) -> str:
        """Return what the deepest encoder of a study beside this one retrieves, untrained."""
        deeper = self.evidence.tables.deeper
        rows = deeper[(deeper["corpus"] == corpus) & (deeper["sample"] == "whole")]
        if rows.empty:
            return ""
        row = rows.sort_values("layers").iloc[-1]
        key = retrieval_key((row["model"], "none", "none"), corpus, "whole", "mean", "all")
        return (
            f"With {row['layers']} layers, study “{row['study']}” finds {self.num(key)} %, before "
            "any training and by the mean of the token vectors."
        )

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
