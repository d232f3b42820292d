"""The manifest of a cell: written last, atomically; its key alone makes the cell done."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from xstilts.errors import DataError
from xstilts.files import read_json, write_json
from xstilts.params import Cell, load_study, project_root
from xstilts.results.key import SEEDED, cell_key, run_key

#: distributions whose versions a result may depend on
_LIBRARIES = ("torch", "transformers", "tokenizers", "peft", "numpy", "pandas", "scipy")
#: what a manifest repeats of its runs
SPEED = ("items_per_second", "tokens_per_second", "padding_share", "gemm_flops", "mfu",
         "peak_bytes", "start_seconds", "seconds", "scoring_seconds")  # fmt: skip


def is_done(cell: Cell) -> bool:
    """Say whether the cell's manifest holds its present key."""
    return manifest_key(cell) == cell_key(cell)


def manifest_key(cell: Cell) -> str | None:
    """Return the key in the cell's manifest, or None if there is none or it is broken."""
    try:
        found = read_json(cell.manifest)
    except (DataError, OSError):
        return None
    return found.get("key") if isinstance(found, dict) else None


def write_manifest(cell: Cell) -> None:
    """Write the manifest of a cell whose results are written.

    Raises:
        DataError: a run of the cell is not finished.
    """
    seeds = load_study(cell.study).seeds if cell.stage in SEEDED else ()
    for seed in seeds:
        if not run_is_done(cell, seed):
            raise DataError(f"{cell.folder / f'seed-{seed}'}: run.json is missing or of other code")
    write_json(cell.manifest, _facts(cell, seeds))


def run_is_done(cell: Cell, seed: int) -> bool:
    """Say whether one seed of a cell is finished under its present key."""
    try:
        found = read_json(cell.folder / f"seed-{seed}" / "run.json")
    except (DataError, OSError):
        return False
    return isinstance(found, dict) and found.get("key") == run_key(cell, seed)


def _facts(cell: Cell, seeds: tuple[int, ...]) -> dict[str, Any]:
    runs = {seed: read_json(cell.folder / f"seed-{seed}" / "run.json") for seed in seeds}
    return {
        "cell": cell.name,
        "stage": cell.stage,
        "key": cell_key(cell),
        "parameters": cell.parameters,
        # Those of restored runs may not be computed here; the runs' keys say which they were.
        "inputs": {one.name: manifest_key(one) or cell_key(one) for one in cell.inputs},
        "runs": {str(seed): run_key(cell, seed) for seed in seeds},
        "restored": [seed for seed, facts in runs.items() if facts.get("restored")],
        "speed": {str(seed): _speed(facts) for seed, facts in runs.items()},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in _LIBRARIES},
    }


def _speed(facts: dict[str, Any]) -> dict[str, Any]:
    """Return what a run reached, from its facts."""
    return {name: facts.get(name) for name in SPEED}


def _commit() -> str | None:
    """Return the project's commit, with a plus if files differ from it; None outside git."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+"],
            cwd=project_root(), capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
