"""How far a cell is: a small file that the launcher reads, and a log of events."""

import json
import time
from pathlib import Path
from typing import Any

from xstilts.errors import DataError
from xstilts.files import read_json, write_json
from xstilts.params import Cell

#: seconds between two writings of the file
INTERVAL_S = 1.0


class Progress:
    """Writes `progress.json` (at most once a second) and `events.jsonl` of a cell."""

    def __init__(self, cell: Cell, runs: int) -> None:
        self._file = cell.folder / "progress.json"
        self._events = cell.folder / "events.jsonl"
        self._runs = runs
        self._written = 0.0
        cell.folder.mkdir(parents=True, exist_ok=True)

    def at(self, run: int, share: float, doing: str) -> None:
        """Say that run number `run` (from 0) is `share` (0 to 1) done and what it is doing."""
        now = time.monotonic()
        if now - self._written < INTERVAL_S and share < 1.0:
            return
        self._written = now
        write_json(self._file, {"share": (run + share) / self._runs, "doing": doing})

    def event(self, **facts: Any) -> None:
        """Append one line to the log of events."""
        line = json.dumps({"time": round(time.time(), 3), **facts}, sort_keys=True)
        with self._events.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def read_progress(folder: Path) -> tuple[float, str]:
    """Return (share done, what it is doing) of a cell's folder; (0, "") before it says so."""
    try:
        found = read_json(folder / "progress.json")
        return float(found["share"]), str(found["doing"])
    except (DataError, OSError, KeyError, TypeError, ValueError):
        return 0.0, ""
