"""Sentences that claim something, made from intervals by rule; each rule is tested."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from xstilts.report.formats import listed
from xstilts.report.instrument import Instrument
from xstilts.report.numbers import gain_key, growth_key, score_key, slope_key
from xstilts.report.phrases import direction
from xstilts.report.sizes import floor_score
from xstilts.report.tables import contrast_words

MAIN = "multilingual-english"
_UNITS = ("points", "error_reduction")
#: single differences that the answer lists one by one; of more it gives the range
_LISTED = 4


class Wording(Instrument):
    """What the manuscript says of the results of one study."""

    # ---- the answer ----------------------------------------------------------------------

    def answer(self) -> str:
        """Return the answer to the study's question in a few sentences."""
        main = self._hypothesis("effect")
        parts = [self.effect(), self.by_target(), self.trend(), self.short(main)]
        if self.evidence.one_seed:
            parts.append("With one seed there is no interval, so nothing here is resolved.")
        return " ".join(part for part in parts if part)

    def effect(self) -> str:
        """Return how multilingual compares with English, on the mean of the other languages."""
        name = self._hypothesis("effect")
        if name is None:
            return self._effect_by_size()
        key = f"hypotheses/{name}"
        over = "averaged over the encoders and the cross-task pairs"
        claim = {
            "up": "raise the accuracy on the other languages more than English ones",
            "down": "raise the accuracy on the other languages less than English ones",
        }.get(self.decided(name))
        if claim:
            return f"Multilingual intermediate data {claim}: {self.estimate(key)}, {over}."
        verdict = "was measured once" if self.evidence.one_seed else self.unresolved_by(name)
        return (
            "The difference between multilingual and English intermediate data on the other "
            f"languages {verdict}: {self.estimate(key)}, {over}."
        )

    def by_target(self) -> str:
        """Return the same of each target for which it was declared as a hypothesis."""
        said = []
        for target in self.evidence.targets:
            name = self._hypothesis("effect", target)
            if name is None:
                continue
            key = f"hypotheses/{name}"
            still = self.decided(name) == "open" and not self.evidence.one_seed
            title = self.evidence.title(target)
            said.append(f"{self.estimate(key)} on {title}{' (not resolved)' * still}")
        return f"By target: {listed(said)}." if said else ""

    def trend(self, subject: str = "this difference") -> str:
        """Return how that difference changes with size, if there are sizes to compare."""
        key = slope_key(("mean", "mean"), "cross", MAIN)
        if len(self.evidence.models) < 2 or key not in self.num:
            return ""
        per = f"{self.estimate(key)} per tenfold body parameters"
        start = subject[:1].upper() + subject[1:]
        said = {
            "up": f"{start} rises with the size of the encoder: {per}.",
            "down": f"{start} falls with the size of the encoder: {per}.",
            "open": f"Whether {subject} changes with the size of the encoder is not resolved: "
            f"{per}.",
        }
        if self.evidence.one_seed:
            return f"Over the sizes {subject} changes by {per}."
        name = self._hypothesis("slope")
        return said[self.direction(key) if name is None else self.decided(name)]

    def units(self) -> str:
        """Return whether points and errors removed agree on the trend with size."""
        keys = [slope_key(("mean", "mean"), "cross", MAIN, unit) for unit in _UNITS]
        if len(self.evidence.models) < 2 or any(key not in self.num for key in keys):
            return ""
        both = (
            f"in points the trend is {self.brief(keys[0])} per tenfold body parameters, as share "
            f"of the errors removed {self.brief(keys[1])} percentage points"
        )
        first, second = (self.direction(key) for key in keys)
        if "open" in (first, second):
            open_units = [name for name, one in (("points", first), ("errors removed", second))
                          if one == "open"]  # fmt: skip
            return (
                f"The choice of unit can decide such a claim: {both}. The trend is not resolved "
                f"in {listed(open_units)}."
            )
        agree = "agree on its sign" if first == second else "disagree on its sign"
        return f"The two units {agree}: {both}."

    # ---- results -------------------------------------------------------------------------

    def sizes(self, target: str) -> str:
        """Return what size does to a target without intermediate task."""
        names = list(self.evidence.models)
        said = []
        for group, where in (("en", "in English"), ("other", "on the mean of the other languages")):
            small, large = (score_key(name, "none", "none", target, group)
                            for name in (names[0], names[-1]))  # fmt: skip
            if large in self.num:  # a target may be scored in English alone
                start = f"from {self.num(small)} to " if len(names) > 1 else ""
                said.append(f"{start}{self.num(large)} % {where}")
        title = self.evidence.title(target)
        if len(names) == 1:
            reached = f"the encoder reaches {listed(said)} without intermediate task"
            return f"On {title} {reached}. {self.floor(target)}".strip()
        grown = f"from the smallest to the largest encoder, accuracy goes {listed(said)}"
        return f"On {title}, {grown}. {self.growth(target)} {self.floor(target)}".strip()

    def growth(self, target: str) -> str:
        """Return what the step from the smallest to the largest encoder adds.

        Differences are paired by seeds and items. Nothing is said of one seed, or where the
        sizes are of several families.
        """
        names = list(self.evidence.models)
        whole = growth_key(target, names[0], names[-1])
        if self.evidence.one_seed or whole not in self.num:
            return ""
        said = f"The latter difference is {self.estimate(whole)}, paired by seeds and items"
        steps = [growth_key(target, *pair) for pair in pairwise(names)]
        if len(steps) < 2 or any(key not in self.num for key in steps):
            return f"{said}."
        rising = sum(self.direction(key) == "up" for key in steps)
        count = "each" if rising == len(steps) else f"{rising or 'none'} of the {len(steps)}"
        verb = "is" if rising in (0, 1, len(steps)) else "are"
        noun = "step" if rising == len(steps) else "steps"
        return f"{said}; {count} {noun} between neighbouring sizes {verb} resolved upwards."

    def floor(self, target: str) -> str:
        """Return whether each size clears what word overlap alone reaches."""
        evidence = self.evidence
        floor = floor_score(evidence, target, "other", "overlap")
        if floor is None:
            return ""
        below = []
        for name in evidence.models:
            key = score_key(name, "none", "none", target, "other")
            low = float(self.num.find(f"{key}:low").value)
            clears = low > floor if low == low else float(self.num.find(key).value) > floor
            if not clears:
                below.append(evidence.sizes[name])
        if not below:
            each = "Every size" if len(evidence.models) > 1 else "It"
            return f"{each} clears the floor of word overlap on the other languages."
        at = "" if len(evidence.models) == 1 else f"At {listed(below)} body parameters "
        words = "it does not clear the floor of word overlap on the other languages."
        return at + words if at else words[:1].upper() + words[1:]

    def pair(self, middle: str, target: str) -> str:
        """Return one pair's first contrast (multilingual minus English), size by size."""
        evidence = self.evidence
        contrast = evidence.contrasts[0]
        values = [
            f"{self.brief(key)} at {size}"
            for name, size in evidence.sizes.items()
            if (key := gain_key(name, (middle, target), contrast)) in self.num
        ]
        titles = f"{evidence.title(middle)} → {evidence.title(target)}"
        return f"*{titles}:* {listed(values)}"

    def first_contrast(self) -> str:
        """Return "Multilingual minus English", or what the study's arms allow."""
        words = contrast_words(self.evidence.contrasts[0])
        return words[:1].upper() + words[1:]

    def tally(self, kind: str = "cross") -> str:
        """Return how many single contrasts of each kind are resolved, and which way."""
        said = [self._tally(kind, contrast) for contrast in self.evidence.contrasts]
        if self.evidence.one_seed:
            return f"{' '.join(said)} With one seed none of them is resolved."
        return (
            f"A case is an encoder, intermediate task and target. {' '.join(said)} These are "
            "single intervals without correction for their number: exploration, not tests. "
            f"{self.discoveries(kind)}"
        ).strip()

    def _tally(self, kind: str, contrast: str) -> str:
        rows = self.gains(kind, contrast, "points", "other")
        words = contrast_words(contrast)
        words = words[:1].upper() + words[1:]
        if self.evidence.one_seed:
            above = int((rows["estimate"] > 0).sum())
            return f"{words} is above zero in {above} of {len(rows)} cases."
        ways = [direction(row.low, row.high) for row in rows.itertuples()]
        up, down, still = (ways.count(way) for way in ("up", "down", "open"))
        return (
            f"{words} is resolved above zero in {up} of {len(rows)} cases, below zero in {down}, "
            f"and not resolved in {still}."
        )

    def seen_list(self) -> str:
        """Return, for each cross-task pair, the contrast on seen and unseen languages."""
        said = (self.seen_unseen(*pair) for pair in self.evidence.pairs("cross"))
        return "; ".join(one for one in said if one)

    def unresolved(self) -> str:
        """Return the share of cross-task contrasts of each kind whose interval holds zero."""
        said = []
        for contrast in self.evidence.contrasts:
            rows = self.gains("cross", contrast, "points", "other")
            still = sum(direction(row.low, row.high) == "open" for row in rows.itertuples())
            if still:
                said.append(f"{still} of {len(rows)} of {contrast_words(contrast)}")
        if not said:
            return "All cross-task contrasts in points are resolved, one by one."
        return f"Open, one by one, remain these cross-task contrasts in points: {listed(said)}."

    def seen_unseen(self, middle: str, target: str) -> str:
        """Return the contrast on languages in and outside the intermediate data."""
        largest = list(self.evidence.models)[-1]
        keys = [
            gain_key(largest, (middle, target), MAIN, group=group) for group in ("seen", "unseen")
        ]
        if any(key not in self.num for key in keys):
            return ""
        return (
            f"{self.evidence.title(middle)} → {self.evidence.title(target)}: "
            f"{self.brief(keys[0])} on seen, {self.brief(keys[1])} on unseen languages"
        )

    def hypothesis(self, row: Mapping[str, Any]) -> str:
        """Return the verdict on a declared hypothesis, in words."""
        key = f"hypotheses/{row['name']}"
        if row["verdict"] == "not testable":
            value = "" if self.undefined(key) else f" (estimate {self.estimate(key)})"
            return f"Not testable in this study{value}"
        said = f"{row['verdict'].capitalize()}: {self.estimate(key)}"
        holm = f"{key}:p_holm"
        if self.undefined(holm):
            return said
        bound = self.excluded(row["name"]) if row["verdict"] == "not resolved" else ""
        return f"{said}, p = {self.num(holm)} after Holm{bound}"

    def collapsed(self) -> str:
        """Return what is to be said of collapsed runs."""
        count = int(self.num.find("count/collapsed").value)
        if not count:
            return f"None of the {self.num('count/runs')} runs collapsed."
        of = f"{self.num('count/collapsed')} of {self.num('count/runs')} runs"
        control = ""
        if self.num.find("count/unlearnable").value:
            number = self.num("count/unlearnable")
            control = f", {number} of them intermediate runs on shuffled labels, as these must"
        return (
            f"{of} collapsed to a constant answer or to the level of a floor{control}; they are "
            "kept in every average and counted in @tab:main."
        )

    # ---- helpers -------------------------------------------------------------------------

    def _effect_by_size(self) -> str:
        """Return the single differences, where no declared hypothesis gives their mean."""
        rows = self.gains("cross", MAIN, "points", "other")
        rows = rows if len(rows) else self.gains("same", MAIN, "points", "other")
        rows = rows.sort_values("estimate")
        if not len(rows):
            return "The study has no pair of arms whose difference answers the question."
        start = (
            "Multilingual minus English intermediate data, in points on the mean of the other "
            "languages"
        )
        if len(rows) > _LISTED:
            ends = [self._case(row) for row in rows.iloc[[0, -1]].to_dict("records")]
            return f"{start}, ranges from {ends[0]} to {ends[1]} over {len(rows)} cases."
        return f"{start}: {'; '.join(self._case(row) for row in rows.to_dict('records'))}."

    def _case(self, row: Mapping[str, Any]) -> str:
        pair = (row["intermediate"], row["target"])
        titles = " → ".join(self.evidence.title(task) for task in pair)
        size = self.evidence.sizes[row["model"]]
        return f"{self.brief(gain_key(row['model'], pair, MAIN))} ({titles}, {size})"

    def _hypothesis(self, quantity: str, target: str = "") -> str | None:
        """Return the declared hypothesis that asks the main question, if there is one."""
        names = ("contrast", "unit", "group", "pairs", "quantity", "target")
        wanted = (MAIN, "points", "other", "cross", quantity, target)
        for row in self.evidence.tables.hypotheses.to_dict("records"):
            found = tuple(row[name] for name in names)
            if found == wanted and row["estimate"] == row["estimate"]:
                return str(row["name"])
        return None
