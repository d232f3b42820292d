"""How the intervals of a study fare on made-up studies whose truth is known."""

from collections.abc import Iterator, Mapping

import pandas as pd

from xstilts.report.folder import paper_folder
from xstilts.report.formats import Unit, write
from xstilts.report.table import Table, entries

#: written by `make simulate`, columns `analysis.simulate.SIMULATION`
FILE = "simulation.csv"
#: coverage that is called sound, of intervals at 95 %
SOUND = (0.93, 0.97)
METHODS: Mapping[str, str] = {
    "percentile": "Percentile",
    "bca": "BCa",
    "seeds": "Seeds",
    "items": "Items alone",
    "unstretched": "Unstretched",
}
MATTERS: Mapping[str, str] = {
    "answers": "where single answers alone vary",
    "items": "where the items matter",
    "seeds": "where the seeds matter",
}
#: measure -> (column of the file, whether of studies with a true difference)
_MEASURES = {
    "type I error, %": ("rejected", False),
    "coverage, %": ("coverage", True),
    "power, %": ("rejected", True),
}


def simulation_rows() -> pd.DataFrame | None:
    """Return what was simulated, a row a (kind of study, method); None without the file."""
    path = paper_folder() / FILE
    return pd.read_csv(path) if path.is_file() else None


def simulation() -> Table | None:
    """Return errors, coverage and power, a column a method; None if nothing was simulated."""
    found = simulation_rows()
    if found is None:
        return None
    rows, sections = [], {}
    for matters, title in MATTERS.items():
        sections[len(rows)] = title[:1].upper() + title[1:]
        part = found[found["matters"] == matters]
        for seeds in sorted(part["seeds"].unique()):
            for measure, (column, differs) in _MEASURES.items():
                of_kind = part[(part["seeds"] == seeds) & ((part["effect"] != 0) == differs)]
                shares = of_kind.set_index("method")[column]
                cells = [write(100.0 * shares[method], "percent") for method in METHODS]
                rows.append(entries(write(int(seeds), "count"), measure, *cells))
    return Table(
        "simulation", _caption(found), ("Seeds", "Measure", *METHODS.values()), rows, found,
        heads=2, sections=sections,
    )  # fmt: skip


def _caption(found: pd.DataFrame) -> str:
    first = found.iloc[0]
    often = write(int(first["repetitions"]), "count")
    error = 100.0 * found[["coverage_error", "rejected_error"]].to_numpy().max()
    return (
        "Intervals at 95 % on made-up studies of two arms whose true difference is known: "
        f"{often} studies of each kind, {first['items']} items, {first['languages']} languages, "
        f"{first['draws']} bootstrap draws; an answer is right where a latent normal score exceeds "
        "zero. Type I error: share of intervals that exclude zero without a difference; coverage "
        f"and power: with one of {found['effect'].max():g} points. Percentile, BCa, Seeds: as "
        "elsewhere in this paper. Naive ones: items redrawn alone, seeds taken as they are; seeds "
        "and items redrawn without the stretch to Student’s t. Standard error of a share: at most "
        f"{write(error, 'percent')} points."
    )


def simulation_numbers() -> Iterator[tuple[str, float, Unit, str, Mapping[str, str]]]:
    """Yield the coverage of each kind and method, and what it comes to, for the prose."""
    found = simulation_rows()
    if found is None:
        return
    own = found.loc[found["method"] == "percentile", "coverage"]
    sound = int(own.between(*SOUND).sum())
    yield "simulation/repetitions", int(found["repetitions"].iloc[0]), "count", FILE, {}
    yield "simulation/kinds", len(own), "count", FILE, {"method": "percentile"}
    yield "simulation/sound", sound, "count", FILE, {"method": "percentile"}
    for method, part in found.groupby("method"):
        for end in ("min", "max"):
            value = 100.0 * float(part["coverage"].agg(end))
            yield f"simulation/{method}/{end}", value, "percent", FILE, {"method": str(method)}
    for row in found.itertuples():
        where = {"matters": row.matters, "effect": f"{row.effect:g}", "seeds": str(row.seeds),
                 "method": row.method}  # fmt: skip
        value = 100.0 * row.coverage
        yield "/".join(["simulation", *where.values()]), value, "percent", FILE, where
