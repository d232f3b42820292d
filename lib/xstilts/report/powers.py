"""What a study would detect: power by true difference and number of seeds."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from xstilts.report.evidence import Evidence, Tables, evidence_of
from xstilts.report.figure import Figure, finished
from xstilts.report.formats import Unit, interval, write
from xstilts.report.panels import legend, numbers, panels
from xstilts.report.table import Entry, Table, entries
from xstilts.report.theme import INK, SIZES, Style, themed

#: true differences that the table gives, in points
SHOWN = (0.5, 1.0, 2.0, 3.0, 5.0)
#: power that `detectable` is about, percent
WANTED = 80.0
_MEAN = "mean"
_MARKS, _LINES = "os^Dv", ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (2, 1)))
#: of the two arms, on what
_OF = (
    "a true difference between multilingual and English intermediate data on the mean of the other "
    "languages, averaged over the cross-task pairs"
)


def powers(analysis: Tables) -> Table | None:
    """Return power by encoder and number of seeds, and the difference detected at 80 %."""
    evidence = evidence_of(analysis)
    if not len(analysis.powers):
        return None
    rows: list[list[Entry]] = []
    for model, label in _labels(evidence).items():
        of_model = analysis.powers[analysis.powers["model"] == model]
        for seeds, part in of_model.groupby("seeds"):
            power = part.set_index("difference")["power"]
            first = part.iloc[0]
            least = Entry(write(first["detectable"], "width"), f"[{_ends(first)}]")
            rows.append(
                entries(
                    label, f"{seeds}*" if first["own"] else str(seeds),
                    *(write(100.0 * power[value], "percent") for value in SHOWN), least,
                )
            )  # fmt: skip
    return Table(
        "powers", f"Power in percent to see {_OF}, in points, by number of seeds (star: as in this "
        "study), from the variance between seeds and items that the study measured, at its number "
        f"of items. Last: the difference that is seen with {WANTED:g} % power; in brackets with "
        f"the ends of the {_level(evidence)} interval of the seeds’ variance, which few seeds tell "
        "badly.",
        ("Body", "Seeds", *(f"{value:g}" for value in SHOWN), f"{WANTED:g} % power"),
        rows, analysis.powers, heads=2,
    )  # fmt: skip


def power_curves(analysis: Tables) -> Figure:
    """Return power against the true difference, of the mean over encoders: a line a seed count."""
    evidence = evidence_of(analysis)
    rows = analysis.powers[analysis.powers["model"] == _MEAN]
    reached = rows.groupby("difference")["power"].min()
    enough = reached.index[reached >= 0.995]
    rows = rows[rows["difference"] <= max(1.0, *enough[:1])] if len(enough) else rows
    with themed():
        canvas, grid = panels(1, 1, height=1.7)
        axes, styles = grid[0, 0], []
        for place, (seeds, line) in enumerate(rows.groupby("seeds")):
            name = f"{seeds} seeds" + " (this study)" * bool(line["own"].iloc[0])
            style = Style(name, SIZES[place], _MARKS[place], _LINES[place])
            axes.plot(line["difference"], 100.0 * line["power"], color=style.colour,
                      marker=style.marker, linestyle=style.line, markevery=5)  # fmt: skip
            styles.append(style)
        axes.axhline(WANTED, color=INK, linewidth=0.6)
        axes.set_ylim(0, 103)
        axes.set_xlabel("true difference, points")
        axes.set_ylabel("power, %")
        legend(canvas, styles)
        return finished(
            canvas,
            id="power",
            caption=f"Power to see {_OF} and the encoders, by number of seeds; line: {WANTED:g} %. "
            f"{evidence.figure_note.split(' Bars:')[0]}",
            alt=_alt(rows),
            data=rows,
            keys=evidence.keys_of("targets/"),
        )


def power_numbers(
    evidence: Evidence,
) -> Iterator[tuple[str, float, Unit, str, Mapping[str, str]]]:
    """Yield what the study detects at its own number of seeds, each encoder and over all."""
    table, file = evidence.tables.powers, "powers.parquet"
    own = table[table["own"].astype(bool)].drop_duplicates("model")
    for row in own.itertuples():
        where = {"model": row.model, "seeds": str(row.seeds)}
        for name in ("detectable", "low", "high"):
            yield f"power/{row.model}:{name}", getattr(row, name), "width", file, where
    for name in ("seeds", "items") if len(own) else ():
        yield f"power/{name}", int(own[name].iloc[0]), "count", file, {}


def _labels(evidence: Evidence) -> dict[str, str]:
    """Return the label of each model that has a power, and of the mean over them."""
    known = set(evidence.tables.powers["model"])
    return {
        name: label for name, label in (evidence.sizes | {_MEAN: "all"}).items() if name in known
    }


def _ends(row: pd.Series) -> str:
    return interval(row["low"], row["high"], sign=False)


def _level(evidence: Evidence) -> str:
    return f"{100 * evidence.spec.confidence:g} %"


def _alt(rows: pd.DataFrame) -> str:
    found = rows.drop_duplicates("seeds")
    counts = ", ".join(map(str, found["seeds"]))
    least = numbers(pd.Series(np.asarray(found["detectable"], dtype=float)))
    return (
        f"Power rises with the true difference and with the number of seeds. With {counts} seeds "
        f"the difference that is seen with {WANTED:g} % power is {least} points."
    )
