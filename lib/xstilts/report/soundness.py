"""Sentences on how far the intervals can be trusted: simulation and power."""

from xstilts.report.formats import listed
from xstilts.report.phrases import Phrases
from xstilts.report.powers import WANTED
from xstilts.report.simulation_table import MATTERS, SOUND, simulation_rows


class Soundness(Phrases):
    """What the manuscript says of the intervals of any study, and of the power of this one."""

    def simulation(self) -> str:
        """Return how often the intervals hold a known truth, where less, and naive ones beside."""
        num = self.num
        low, high = (f"{100 * end:g}" for end in SOUND)
        said = (
            f"@tab:simulation holds the intervals against {num('simulation/repetitions')} made-up "
            f"studies of each of {num('simulation/kinds')} kinds, of which the true difference is "
            "known. The percentile intervals of this paper hold it in "
            f"{num('simulation/percentile/min')} to {num('simulation/percentile/max')} % of the "
            f"studies of a kind; {num('simulation/sound')} of the kinds lie within {low} to "
            f"{high} %."
        )
        naive = (
            "Intervals over items alone hold it in as few as "
            f"{num('simulation/items/min')} %, those without the stretch to Student’s t in "
            f"{num('simulation/unstretched/min')} %; Student’s t over seeds, which takes the test "
            f"items as given, in {num('simulation/seeds/min')} %."
        )
        return " ".join(part for part in (said, self._short(), naive) if part)

    def _short(self) -> str:
        """Return the kinds of studies whose intervals hold the truth less often than is sound."""
        rows = simulation_rows()
        if rows is None:
            return ""
        own = rows[(rows["method"] == "percentile") & (rows["coverage"] < SOUND[0])]
        if own.empty:
            return ""
        parts = []
        for (matters, seeds), part in own.groupby(["matters", "seeds"]):
            keys = [f"{matters}/{effect:g}/{seeds}/percentile" for effect in part["effect"]]
            values = listed([f"{self.num(f'simulation/{key}')} %" for key in keys])
            parts.append(f"{MATTERS[str(matters)]} and are {seeds} ({values})")
        return (
            f"They fall short {'; '.join(parts)}: an interval that only just excludes zero is "
            "weaker evidence there than its level says."
        )

    def detectable(self) -> str:
        """Return which difference of the arms the study would detect; that none can be told."""
        if self.evidence.one_seed:
            return (
                "Nor can power be given: with one seed the spread between runs, which decides it, "
                "is unknown."
            )
        if "power/mean:detectable" not in self.num:
            return ""
        num, models = self.num, list(self.evidence.models)
        said = (
            f"With its {num('power/seeds')} seeds and {num('power/items')} items the study detects "
            f"a difference of {num('power/mean:detectable')} points with {WANTED:g} % power, "
            "averaged over the encoders and the cross-task pairs "
            f"({num('power/mean:low')} to {num('power/mean:high')}, as far as its seeds tell how "
            "much they differ)"
        )
        values = [num(f"power/{name}:detectable") for name in models
                  if f"power/{name}:detectable" in num]  # fmt: skip
        if len(values) > 1:
            said += (
                f"; at one encoder, from the smallest to the largest, of {listed(values)} points"
            )
        return f"{said} (@tab:powers)."
