"""A cell that trains: its seeds one after the other, finished ones kept."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from xstilts.params import Cell, load_study
from xstilts.results.manifest import run_is_done
from xstilts.results.progress import Progress
from xstilts.results.run import read_facts
from xstilts.training.run import Stage, run_seed


@dataclass(frozen=True)
class CellRuns:
    """The runs of a cell, for the eye of a notebook."""

    facts: tuple[dict[str, Any], ...]
    scores: pd.DataFrame | None
    curves: pd.DataFrame

    @property
    def cost(self) -> pd.DataFrame:
        """Return what each seed cost: items, tokens, seconds, speed, memory."""
        columns = ["seed", "train_items", "steps", "tokens", "seconds", "items_per_second",
                   "tokens_per_second", "padding_share", "mfu", "peak_bytes", "start_seconds",
                   "device", "precision"]  # fmt: skip
        return pd.DataFrame(list(self.facts))[columns].set_index("seed")

    @property
    def by_language(self) -> pd.DataFrame | str:
        """Return accuracy in percent, a row a seed and a column a language."""
        if self.scores is None:
            return "This task has no test set; it is trained on only."
        table = self.scores.pivot(index="seed", columns="language", values="score")
        return table[list(dict.fromkeys(self.scores["language"]))].round(1)


def train_cell(cell: Cell) -> CellRuns:
    """Train and score every seed of a cell of 30_intermediate or 40_target.

    A seed that is finished under the present key is kept as it is.
    """
    seeds = load_study(cell.study).seeds
    progress = Progress(cell, len(seeds))
    stage: Stage | None = None
    for place, seed in enumerate(seeds):
        if run_is_done(cell, seed):
            progress.event(seed=seed, what="kept")
            continue
        stage = stage or Stage.of(cell)
        progress.event(seed=seed, what="started")
        facts = run_seed(stage, seed, lambda share, doing, n=place: progress.at(n, share, doing))
        progress.event(what="finished", **facts)
        progress.at(place, 1.0, f"seed {seed} finished")
    return read_runs(cell)


def read_runs(cell: Cell) -> CellRuns:
    """Return the finished runs of a cell."""
    folders = [cell.folder / f"seed-{seed}" for seed in load_study(cell.study).seeds]
    curves = [pd.read_parquet(folder / "curve.parquet") for folder in folders]
    scored = [folder / "runs.parquet" for folder in folders]
    tables = [pd.read_parquet(path) for path in scored if path.is_file()]
    return CellRuns(
        tuple(read_facts(folder) for folder in folders),
        pd.concat(tables, ignore_index=True) if tables else None,
        pd.concat(curves, ignore_index=True),
    )
