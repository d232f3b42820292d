"""docs/benchmarks/results.json: what was measured, row by row; reruns replace their rows."""

from pathlib import Path
from typing import Any

from xstilts.files import read_json, write_json

Results = dict[str, Any]
NAME = "results.json"


def load_results(folder: Path) -> Results:
    """Return the results of a folder, empty if there are none yet."""
    path = folder / NAME
    return read_json(path) if path.is_file() else {"rows": {}}


def merge(results: Results, name: str, result: dict[str, Any]) -> Results:
    """Return the results with one row replaced.

    A row that was measured before stays if it was not measured or failed now: a machine
    without GPU does not wipe out what one with a GPU measured.
    """
    rows = dict(results["rows"])
    kept = rows.get(name, {}).get("status") == "measured" and result["status"] != "measured"
    if not kept:
        rows[name] = result
    return results | {"rows": rows}


def save_results(folder: Path, results: Results) -> None:
    write_json(folder / NAME, results)
