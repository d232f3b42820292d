"""Lines over the size axis, as a table."""

from collections.abc import Mapping
from typing import Any

from xstilts.report.evidence import Evidence, Tables, evidence_of
from xstilts.report.formats import UNDEFINED, Unit, interval, write
from xstilts.report.numbers import fit_key
from xstilts.report.table import Entry, Table, entries

_Row = Mapping[str, Any]
_AXES = {"body_params": "body parameters", "total_params": "all parameters",
         "flops": "training operations"}  # fmt: skip
_QUANTITIES: Mapping[str, tuple[str, Unit]] = {
    "score": ("Score of arm none, in percent", "percent"),
    "gain": ("Multilingual minus English, in points", "points"),
}
_LINE = ["quantity", "intermediate", "target", "pair", "family", "head"]


def fits(analysis: Tables) -> Table | None:
    """Return a row a quantity, family and head: slopes, steps, prediction; None without sizes."""
    evidence = evidence_of(analysis)
    table = analysis.fits
    if not len(table):
        return None
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    for quantity, (heading, unit) in _QUANTITIES.items():
        chosen = table[table["quantity"] == quantity]
        if len(chosen):
            sections[len(rows)] = heading
        for _, line in chosen.groupby(_LINE, sort=False):
            axes = {row["axis"]: row for row in line.to_dict("records")}
            rows.append(_line(evidence, axes, unit))
    return Table(
        "fits", _caption(evidence), ("Score or pair", "Slope, body", "Slope, total", "Slope, FLOPs",
        "R²", "Up, open, down", "Rising, %", "Predicted", "Measured"), rows, table,
        sections=sections,
    )  # fmt: skip


def _line(evidence: Evidence, axes: Mapping[str, _Row], unit: Unit) -> list[Entry]:
    body = axes["body_params"]
    steps = ", ".join(str(body[f"steps_{way}"]) for way in ("up", "open", "down"))
    return entries(
        Entry(_title(evidence, body), _family(evidence, body)),
        *(_value(axes.get(axis), "estimate", "", "points") for axis in _AXES),
        Entry(write(body["r2"], "fraction"), number=f"{fit_key(body)}:r2"), steps,
        Entry(write(body["rising"], "percent"), number=f"{fit_key(body)}:rising"),
        _value(body, "predicted", "predicted_", unit),
        Entry(write(body["measured"], unit), body["verdict"], number=fit_key(body, "measured")),
    )  # fmt: skip


def _value(row: _Row | None, column: str, prefix: str, unit: Unit) -> Entry:
    if row is None or row[column] != row[column]:
        return Entry(UNDEFINED)
    ends = interval(row[f"{prefix}low"], row[f"{prefix}high"], sign=unit != "percent")
    key = fit_key(row, "predicted" if prefix else "")
    return Entry(write(row[column], unit), f"[{ends}]" if ends else "", number=key)


def _title(evidence: Evidence, row: _Row) -> str:
    if row["intermediate"] == "mean":
        return f"mean over {row['pair']}-task pairs"
    target = evidence.labels[row["target"]]
    if row["quantity"] == "score":
        return target
    star = "*" if row["pair"] == "same" else ""
    return f"{evidence.labels[row['intermediate']]}{star} → {target}"


def _family(evidence: Evidence, row: _Row) -> str:
    """Return the family and head where there are several lines to tell apart."""
    lines = evidence.tables.fits[["family", "head"]].drop_duplicates()
    return f"{row['family']}, {row['head']}" if len(lines) > 1 else ""


def _caption(evidence: Evidence) -> str:
    table = evidence.tables.fits
    spans = table.groupby("axis")["decades"].max()
    spanned = ", ".join(f"{write(spans[axis], 'fraction')} ({name})"
                        for axis, name in _AXES.items() if axis in spans)  # fmt: skip
    said = (
        "Least-squares lines over the decimal logarithm of size, on the mean of the other "
        "languages. Slope: points per tenfold of body parameters, of all parameters, and of the "
        "operations of training (a mean run on the target, with the intermediate run that it "
        f"starts from). The axes span, in decades: {spanned}; a slope per tenfold says nothing of "
        "what lies beyond. Over body parameters: R²; steps between neighbouring sizes that are "
        "resolved upwards, not resolved, and resolved downwards; percent of draws in which every "
        "step rises; the largest size as predicted by a line through the others, and as measured, "
        "within the interval of the prediction, above or below."
    )
    if evidence.truncated:
        said += (
            " Sizes are truncations of one encoder: these are lines over depth, not over the scale "
            "of a pretraining."
        )
    if evidence.one_seed:
        return f"{said} One seed: no interval can be given, so nothing is predicted."
    same = " Star: same skill." * bool(evidence.pairs("same"))
    return (
        f"{said} In brackets: {100 * evidence.spec.confidence:g} % intervals over seeds and items; "
        f"that of a prediction covers those of the measured value too.{same}"
    )
