"""Sentences on studies that stand beside this one: other budgets, heads and encoders."""

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
from xstilts.report.numbers import budget_key
from xstilts.report.phrases import Phrases
from xstilts.report.retrieval_table import retrieval_key


class Elsewhere(Phrases):
    """What the manuscript says of the studies that this one names beside it."""

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

    def gains_by_head(self) -> str:
        """Return what both arms bring in cross-task pairs with another head, and with this one."""
        arms = {arm: mean_contrasts(self.evidence, f"{arm}-none", "cross")
                for arm in ("english", "multilingual")}  # fmt: skip
        first = arms["english"]
        own = first[first["study"] == self.evidence.name]
        other = first[~first["head"].isin(own["head"]) & first["body_params"].isin(
            own["body_params"])]  # fmt: skip
        said = []
        for study, size in zip(other["study"], other["body_params"], strict=True):
            each = []
            for name in (study, self.evidence.name):
                found = [rows[(rows["study"] == name) & (rows["body_params"] == size)]
                         .to_dict("records")[0] for rows in arms.values()]  # fmt: skip
                values = " and ".join(self.brief(budget_key(row)) for row in found)
                each.append(f"{values} with head “{found[0]['head']}”, {self._items(name)}")
            said.append(f"{'; '.join(each)} ({short_count(size)})")
        start = "Over no intermediate task, English and multilingual data bring in these pairs"
        return f"{start} {', '.join(said)}." if said else ""

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
