"""The main contrasts with and without the cells in which a run collapsed, as a table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from xstilts.report.evidence import Evidence, Tables, evidence_of
from xstilts.report.formats import UNDEFINED, interval, write
from xstilts.report.numbers import uncollapsed_key
from xstilts.report.table import Entry, Table, entries
from xstilts.report.theme import ARMS

_WITHOUT = {"nothing": "All cells", "target": "No target run collapsed", "any": "No run collapsed"}


def uncollapsed(analysis: Tables) -> Table | None:
    """Return a row a kind of pair, contrast and size; None where no cell is left out."""
    evidence = evidence_of(analysis)
    table = analysis.uncollapsed
    if not leaves_out(table):
        return None
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    for kind in ("cross", "same"):
        of_kind = table[table["pair"] == kind]
        if len(of_kind):
            sections[len(rows)] = f"{kind}-task pairs".capitalize()
        for contrast in evidence.contrasts:
            of_contrast = of_kind[of_kind["contrast"] == contrast]
            for model, size in [*evidence.sizes.items(), ("all", "all sizes")]:
                found = {row["without"]: row for row in of_contrast.to_dict("records")
                         if row["model"] == model}  # fmt: skip
                if found:
                    cells = [_entry(found[name]) for name in _WITHOUT]
                    rows.append(entries(_words(contrast), size, *cells))
    return Table(
        "uncollapsed", _caption(evidence), ("Contrast", "Body", *_WITHOUT.values()), rows, table,
        heads=2, sections=sections,
    )  # fmt: skip


def leaves_out(table: pd.DataFrame) -> bool:
    """Say whether a cell of the contrasts holds a collapsed run; `uncollapsed.UNCOLLAPSED`."""
    cells = table.groupby("without")["cells"].sum()
    return len(cells) > 0 and cells["any"] < cells["nothing"]


def _entry(row: Mapping[str, Any]) -> Entry:
    cells = "1 cell" if row["cells"] == 1 else f"{row['cells']} cells"
    if not row["cells"]:
        return Entry(UNDEFINED, "no cell left")
    ends = interval(row["low"], row["high"])
    key = uncollapsed_key(row["model"], row["pair"], row["contrast"], row["without"])
    small = f"[{ends}], {cells}" if ends else cells
    return Entry(write(row["estimate"], "points"), small, number=key)


def _words(contrast: str) -> str:
    names = ["none" if arm == "none" else ARMS[arm].label for arm in contrast.split("-")]
    words = " minus ".join(names)
    return words[:1].upper() + words[1:]


def _caption(evidence: Evidence) -> str:
    said = (
        "The main contrasts on the mean of the other languages, in points, with collapsed runs and "
        "without them. A cell is an encoder, intermediate task and target; it is left out if a run "
        "of either arm or of arm none collapsed at any seed: on the target, or also on the "
        "intermediate task. What is left is chosen by outcome and is other pairs at other sizes: "
        "it shows how much collapsed runs weigh, and is no better estimate."
    )
    if evidence.one_seed:
        return f"{said} One seed: no interval can be given."
    return f"{said} In brackets: {100 * evidence.spec.confidence:g} % intervals."
