"""Records of finished runs: small enough to be committed, enough for a fresh clone to go on.

They lie in outputs/published/<study>/runs/<cell>.parquet (record_file.py). Encoders are not
kept: an intermediate run comes back only once nothing is left to start from it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from xstilts.errors import DataError
from xstilts.files import read_json, write_json
from xstilts.params import Cell, cells, load_model, load_study, project_root
from xstilts.params.grid import PUBLISHED
from xstilts.results.key import SEEDED, run_key
from xstilts.results.manifest import is_done, run_is_done, write_manifest
from xstilts.results.record_file import (
    facts_of,
    read_rows,
    read_run,
    run_facts,
    write_rows,
    write_run,
)
from xstilts.tasks.present import check_files


@dataclass(frozen=True, slots=True)
class Count:
    """Runs of a study that were kept or restored, all of its runs, records that do not fit."""

    runs: int
    wanted: int
    stale: int


def records_folder(study: str) -> Path:
    return project_root() / PUBLISHED / study / "runs"


def told_count(count: Count, study: str, done: str) -> str:
    """Return "kept in outputs/published/real/runs: 12 of 40 runs", where `done` is "kept in"."""
    where = records_folder(study).relative_to(project_root())
    stale = f" ({count.stale} left out: another key or precision)" if count.stale else ""
    return f"{done} {where}: {count.runs} of {count.wanted} runs{stale}"


def keep(study: str, outputs: str = "outputs") -> Count:
    """Record every finished run of a study, beside those that are recorded under their key.

    A record of another key, or of a cell that the study no longer has, is dropped. A file
    whose runs did not change stays as it is.

    Raises:
        SpecError: the study, or something that it names, is wrong.
        DataError: an official file is missing, so that no key is known, or a record is broken.
    """
    check_files(study)
    members = _members(study, outputs)
    kept = stale = 0
    for path in set(records_folder(study).rglob("*.parquet")) - set(map(_path, members)):
        stale += len(read_rows(path))
        path.unlink()
    for cell in members:
        before = _read(cell)
        rows = {seed: row for seed, row in before.items() if _is_valid(cell, seed, row)}
        stale += len(before) - len(rows)
        for seed in _seeds(cell):
            folder = _folder(cell, seed)
            known = seed in rows and facts_of(rows[seed])
            if run_is_done(cell, seed) and run_facts(folder) != known:
                rows[seed] = read_run(folder)
        write_rows(_path(cell), [rows[seed] for seed in _seeds(cell) if seed in rows])
        kept += len(rows)
    return Count(kept, len(members) * len(load_study(study).seeds), stale)


def restore(study: str, outputs: str = "outputs") -> Count:
    """Write the folders of recorded runs that are not done, and the manifests of their cells.

    An intermediate run has no encoder in its record, so it is restored once every target run
    that starts from it is done. One without an encoder from which a target run has yet to
    start, as after an edit, is undone, to be trained again. No study mixes two precisions:
    the first record's becomes that of a study that has none, runs of another are left out.

    Raises:
        DataError: a record is broken or belongs to another run.
    """
    members = _members(study, outputs)
    precision = _precision(study, outputs)
    restored = stale = 0
    for cell in reversed(members):  # targets before what they start from
        left = [seed for seed in _seeds(cell) if not run_is_done(cell, seed)]
        rows = _read(cell) if left else {}
        for seed in left:
            if seed not in rows:
                continue
            if not (_is_valid(cell, seed, rows[seed]) and _is_of(precision, cell, rows[seed])):
                stale += 1
            elif _is_spent(cell, seed, members):
                write_run(_folder(cell, seed), rows[seed])
                restored += 1
        _undo_hollow(cell, members)
    for cell in members:
        _finish_restored(cell)
    return Count(restored, len(members) * len(load_study(study).seeds), stale)


def recorded(study: str, outputs: str = "outputs") -> tuple[dict[tuple[Cell, int], Any], Count]:
    """Return the facts of the runs that are recorded under their present key, and the count.

    Raises:
        DataError: a record is broken or belongs to another run.
    """
    members = _members(study, outputs)
    rows = {(cell, seed): row for cell in members for seed, row in _read(cell, ["facts"]).items()}
    found = {run: facts_of(row) for run, row in rows.items() if _is_valid(*run, row)}
    wanted = len(members) * len(load_study(study).seeds)
    return found, Count(len(found), wanted, len(rows) - len(found))


def _members(study: str, outputs: str) -> list[Cell]:
    return [cell for cell in cells(study, outputs) if cell.stage in SEEDED]


def _seeds(cell: Cell) -> tuple[int, ...]:
    return load_study(cell.study).seeds


def _folder(cell: Cell, seed: int) -> Path:
    return cell.folder / f"seed-{seed}"


def _path(cell: Cell) -> Path:
    return records_folder(cell.study) / f"{cell.name}.parquet"


def _read(cell: Cell, columns: list[str] | None = None) -> dict[int, pa.Table]:
    """Return the rows of a cell's record by seed.

    Raises:
        DataError: the file is no record, or one of other runs.
    """
    rows = {}
    for row in read_rows(_path(cell), columns):
        seed, run = facts_of(row)["seed"], facts_of(row)["run"]
        if run != f"{cell.study}/{cell.name}/seed-{seed}":
            raise DataError(f"{_path(cell)}: found a record of {run}; expected {cell.name}")
        rows[seed] = row
    return rows


def _is_valid(cell: Cell, seed: int, row: pa.Table) -> bool:
    return seed in _seeds(cell) and facts_of(row)["key"] == run_key(cell, seed)


def _precision(study: str, outputs: str) -> str | None:
    """Return the precision of a study's runs, as outputs/<study>/precision.json holds it.

    Where that is missing, it is written from the records, so that what is left is trained alike.
    """
    path = project_root() / outputs / study / "precision.json"
    if not path.is_file():
        runs, _ = recorded(study, outputs)
        found = [facts.get("precision") for (cell, _), facts in runs.items() if _chooses(cell)]
        if not found:
            return None
        write_json(path, {"precision": found[0], "restored": True})
    return read_json(path)["precision"]


def _chooses(cell: Cell) -> bool:
    """Say whether a cell's precision is the study's, not named in the model's file."""
    return load_model(cell["model"]).precision == "auto"


def _is_of(precision: str | None, cell: Cell, row: pa.Table) -> bool:
    return not _chooses(cell) or facts_of(row).get("precision") == precision


def _is_spent(cell: Cell, seed: int, members: list[Cell]) -> bool:
    """Say whether every run that starts from this one is done; none starts from a target."""
    return all(run_is_done(one, seed) for one in members if cell in one.inputs)


def _undo_hollow(cell: Cell, members: list[Cell]) -> None:
    """Undo the finished runs of an intermediate cell whose encoder is needed and not there."""
    for seed in _seeds(cell) if cell.stage == "30_intermediate" else ():
        hollow = run_is_done(cell, seed) and not (_folder(cell, seed) / "encoder").is_dir()
        if hollow and not _is_spent(cell, seed, members):
            cell.manifest.unlink(missing_ok=True)
            (_folder(cell, seed) / "run.json").unlink()


def _finish_restored(cell: Cell) -> None:
    """Write the manifest of a cell of which a run was restored and none is left to compute."""
    seeds = _seeds(cell)
    if not is_done(cell) and all(run_is_done(cell, seed) for seed in seeds):
        facts = [read_json(_folder(cell, seed) / "run.json") for seed in seeds]
        if any(one.get("restored") for one in facts):
            write_manifest(cell)
