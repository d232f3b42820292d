"""How far a study is: one line that is refreshed in a terminal, or a line now and then in a log."""

import shutil
import sys
import time
from collections.abc import Sequence

from xstilts.cell import is_running
from xstilts.params import Cell
from xstilts.plan import cell_seconds
from xstilts.results.manifest import manifest_key
from xstilts.results.progress import read_progress

#: seconds between two lines where nothing can be refreshed
QUIET_S = 30.0
#: share of the work from which the time left is told
TELLING = 0.02


class Board:
    """Watches the manifests and progress files of a study's cells."""

    def __init__(self, grid: Sequence[Cell], cores: int) -> None:
        self._grid = list(grid)
        self._cores = cores
        self._weights = {cell: cell_seconds(cell) for cell in grid}
        self._started = time.monotonic()
        self._at_start = self._finished()[1] + self._partial(self._running())
        self._told, self._line = 0.0, ""

    def show(self) -> None:
        """Tell how far the study is, if it is time to."""
        now = time.monotonic()
        if sys.stderr.isatty():
            width = shutil.get_terminal_size().columns - 1
            line = self.line()[:width]
            print(f"\r{line:<{width}}", end="", file=sys.stderr, flush=True)
        elif now - self._told >= QUIET_S or not self._told:
            self._told = now
            if (line := self.line()) != self._line:
                self._line = line
                print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        if sys.stderr.isatty():
            print(file=sys.stderr)

    def line(self) -> str:
        """Return "mini: 12 of 51 cells, 31 %, about 6 min left; targets/... (seed 1, ...)"."""
        done, work = self._finished()
        running = self._running()
        partial = self._partial(running)
        whole = sum(self._weights.values())
        share = (work + partial) / whole
        parts = [f"{self._grid[0].study}: {done} of {len(self._grid)} cells, {100 * share:.0f} %"]
        fresh = work + partial - self._at_start
        if fresh > TELLING * whole and share < 1:
            seconds = (time.monotonic() - self._started) * (whole - work - partial) / fresh
            parts.append(f"about {told_time(seconds)} left")
        now = [f"{cell.name} ({doing})" if doing else cell.name
               for cell, (_, doing) in running.items()]  # fmt: skip
        return ", ".join(parts) + (f"; {'; '.join(now)}" if now else "")

    def _finished(self) -> tuple[int, float]:
        done = [cell for cell in self._grid if manifest_key(cell) is not None]
        return len(done), sum(self._weights[cell] for cell in done)

    def _running(self) -> dict[Cell, tuple[float, str]]:
        """Return the cells that are being computed: and how far each is."""
        running = [cell for cell in self._grid if is_running(cell)]
        return {cell: read_progress(cell.folder) for cell in running}

    def _partial(self, running: dict[Cell, tuple[float, str]]) -> float:
        return sum(share * self._weights[cell] for cell, (share, _) in running.items())


def told_time(seconds: float) -> str:
    """Return "40 s", "6 min" or "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
