"""Sentences on the instrument itself: baselines, probe, alignment, power, other methods."""

from xstilts.report.findings import Findings
from xstilts.report.formats import listed
from xstilts.report.soundness import Soundness


class Instrument(Findings, Soundness):
    """What the manuscript says of how a study measures."""

    def shortcuts(self) -> str:
        """Return how far one text alone leads, and by how much overlap is cleared."""
        said = []
        if "shortcuts/one_side" in self.num:
            value = float(self.num.find("shortcuts/one_side").value)
            reach = "exceed chance by at most" if value > 0 else "stay below chance by at least"
            said.append(
                f"In English the words of one text alone {reach} "
                f"{self.num('shortcuts/one_side')} points in any task."
            )
        keys = [f"shortcuts/margin/{group}" for group in ("en", "other")]
        if all(key in self.num for key in keys):
            said.append(
                "The largest encoder without intermediate task stands "
                f"{self.num(keys[0])} points in English and {self.num(keys[1])} points on the "
                "other languages from the better overlap baseline, on the target where this is "
                "least."
            )
        return " ".join(said)

    def probe(self) -> str:
        """Return what the smallest and largest frozen encoder reach on each target."""
        names = self._ends()
        parts = []
        for target in self.evidence.targets:
            said = []
            for group, where in (("en", "in English"), ("other", "on the other languages")):
                keys = [f"probe/{name}/{target}/{group}" for name in names]
                if all(key in self.num for key in keys):  # it may be scored in English alone
                    said.append(f"{' to '.join(map(self.num, keys))} % {where}")
            parts.append(f"{listed(said)} on {self.evidence.title(target)}")
        sizes = ", from the smallest to the largest encoder," if len(names) > 1 else ""
        return f"A linear probe of the frozen encoder reaches{sizes} {'; '.join(parts)}"

    def alignment(self) -> str:
        """Return how alignment changes with size, and how it goes with the arms' difference."""
        names = self._ends()
        found = {
            column: " to ".join(self.num(f"alignment/{name}/none/{column}") for name in names)
            for column in ("retrieved", "ordered")
        }
        said = (
            f"Before any training, {found['retrieved']} % of the sentences find their "
            f"translation among all English ones, and {found['ordered']} % lie closer to it than "
            "to its near miss with exchanged roles"
        )
        if "alignment/rho" not in self.num:
            return said
        return (
            f"{said}. Over sizes, intermediate tasks and targets, multilingual minus English of "
            f"alignment and of the score have a rank correlation of {self.num('alignment/rho')}; "
            "it is a description of these cells, not a test"
        )

    def power(self) -> str:
        """Return what difference between the arms each size can resolve."""
        keys = [f"power/{name}/cross" for name in self.evidence.models]
        known = [key for key in keys if key in self.num and not self.undefined(key)]
        if not known:
            return ""
        values = [self.num(key) for key in known]
        return (
            "Averaged over the cross-task pairs, half the width of the interval of multilingual "
            f"minus English is {listed(values)} points, from the smallest to the largest encoder: "
            "smaller differences at one size are beyond this study."
        )

    def crosschecks(self) -> str:
        """Return whether other methods say the same of the declared hypotheses."""
        tested, same = (
            self.num.find(f"count/{name}").value for name in ("crosschecked", "agreeing")
        )
        whole = f"the {self.num('count/crosschecked')} hypotheses that can be tested"
        start = "@tab:crosschecks sets other intervals and tests beside those of this paper. On "
        if tested == same:
            return f"{start}all of {whole} the intervals agree whether zero is excluded."
        return (
            f"{start}{self.num('count/agreeing')} of {whole} the intervals agree whether zero is "
            "excluded; the verdicts are by the percentile intervals, as was declared."
        )

    def excluded(self, name: str) -> str:
        """Return which effects two one-sided tests exclude, of a hypothesis that stays open."""
        key = f"equivalence/{name}"
        if key not in self.num:
            return ""
        return f"; effects beyond ±{self.num(key)} are excluded (two one-sided tests)"

    def short(self, name: str | None) -> str:
        """Return the sentence to quote where the main hypothesis stays open; "" elsewhere."""
        key = f"equivalence/{name}"
        if name is None or key not in self.num or self.decided(name) != "open":
            return ""
        return (
            "In short: averaged over these encoders and tasks, to take multilingual intermediate "
            "data in place of English ones changes the accuracy on the other languages by no more "
            f"than {self.num(key)} points (two one-sided tests)."
        )

    def discoveries(self, kind: str) -> str:
        """Return how many single contrasts stay when their number is allowed for."""
        key = f"discoveries/{kind}"
        if key not in self.num or not self.num.find(f"{key}/of").value:
            return ""
        rate = f"{100 - 100 * self.evidence.spec.confidence:g}"
        return (
            f"At a false discovery rate of {rate} % over all pairs, {self.num(key)} of these "
            f"{self.num(f'{key}/of')} contrasts remain."
        )

    def batch(self) -> str:
        """Return whether the study's one batch is below the critical batch everywhere."""
        beyond, tried = (self.num.find(f"batch/{name}").value for name in ("beyond", "cases"))
        found = (
            f"Over {self.num('batch/cases')} sizes and volumes of data the critical batch lies "
            f"between {self.num('batch/least')} and {self.num('batch/most')} "
            "(@fig:critical_batches, @tab:batches). "
            f"The batch of this study, {self.num('optimizer/batch')}, lies below "
        )
        if not beyond:
            return f"{found}the whole interval of each of them: one batch is justified."
        if beyond == tried:
            return f"{found}the whole interval of none of them: a smaller one might serve better."
        return (
            f"{found}the whole interval of all but {self.num('batch/beyond')} of them: there a "
            "smaller one might serve better."
        )
