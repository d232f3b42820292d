"""The command of `make simulate`: how often a study's intervals hold the truth, as a table.

Each kind of made-up study is kept as soon as it is done, so that the command goes on where it
was stopped; the table of the paper is written when all are there.
"""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from xstilts.analysis.simulate import SIMULATION, MadeUp, scenarios, simulate
from xstilts.files import write_text

TABLE, KEPT = Path("paper/simulation.csv"), Path("outputs_dev/simulation.csv")
REPETITIONS, DRAWS = 2000, 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate what is not kept, write the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, help="studies of a kind")
    parser.add_argument("--draws", type=int, default=DRAWS, help="bootstrap draws a study")
    parser.add_argument("--out", type=Path, default=TABLE)
    parser.add_argument("--kept", type=Path, default=KEPT, help="what a stopped run goes on from")
    options = parser.parse_args(arguments)
    table = read(options.kept)
    for made in scenarios():
        if is_kept(table, made, options.repetitions, options.draws):
            continue
        print(f"{made.matters} matter, {made.effect:g} points, {made.seeds} seeds", file=sys.stderr)
        found = simulate(made, options.repetitions, options.draws)
        table = pd.concat([table, found], ignore_index=True) if len(table) else found
        write_text(options.kept, as_csv(table))
    write_text(options.out, as_csv(table))
    options.kept.unlink(missing_ok=True)
    return 0


def read(path: Path) -> pd.DataFrame:
    """Return the kinds that a stopped run has kept, columns `SIMULATION`."""
    text = path.read_text() if path.is_file() else ",".join(SIMULATION)
    return pd.read_csv(io.StringIO(text)).astype(SIMULATION)


def is_kept(table: pd.DataFrame, made: MadeUp, repetitions: int, draws: int) -> bool:
    """Say whether a kind of study was simulated as often, with as many draws."""
    wanted = {
        "matters": made.matters, "effect": made.effect, "seeds": made.seeds, "items": made.items,
        "languages": len(made.accuracies) - 1, "repetitions": repetitions, "draws": draws,
    }  # fmt: skip
    same = pd.Series(True, index=table.index)
    for column, value in wanted.items():
        same &= table[column] == value
    return bool(same.any())


def as_csv(table: pd.DataFrame) -> str:
    """Return the table as text; four decimals are more than the simulation's error leaves."""
    return table.to_csv(index=False, lineterminator="\n", float_format="%.4f")


if __name__ == "__main__":
    raise SystemExit(main())
