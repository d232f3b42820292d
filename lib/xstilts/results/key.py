"""What identifies a computation: its parameters, its inputs and the code that it imports.

A cell is done if its manifest holds the key computed here; a run of one seed likewise. Keys
are known before anything runs, so that a plan can say what an edit makes stale.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from xstilts.files import digest, file_digest
from xstilts.params import (
    Cell,
    base_task,
    load_corpus,
    load_model,
    load_study,
    load_task,
    project_root,
)
from xstilts.params.claim import claims_file
from xstilts.params.grid import MIXED_ARMS, split_start, starts, tables_folder
from xstilts.params.spec import FolderSource, as_json
from xstilts.results.code import stage_code
from xstilts.tasks.corpus import corpus_files
from xstilts.tasks.prepare import data_root
from xstilts.tasks.source import source_files

#: stages that loop over seeds
SEEDED = ("30_intermediate", "40_target")
#: files larger than this are known by size and time of change, not by content
_LARGE = 64_000_000


def cell_key(cell: Cell) -> str:
    """Return 16 hexadecimal digits that change whenever the cell's results could."""
    return _cell_key(cell, str(data_root() or ""))


@lru_cache
def _cell_key(cell: Cell, data: str) -> str:
    if cell.stage in SEEDED:
        return digest([_run_key(cell, seed, data) for seed in load_study(cell.study).seeds])
    inputs = {one.name: _cell_key(one, data) for one in cell.inputs}
    return digest([stage_code(cell.stage), _parameters(cell, data), inputs])


def run_key(cell: Cell, seed: int) -> str:
    """Return the key of one seed of a cell that trains; other seeds do not enter."""
    return _run_key(cell, seed, str(data_root() or ""))


@lru_cache
def _run_key(cell: Cell, seed: int, data: str) -> str:
    inputs = {
        one.name: _run_key(one, seed, data) if one.stage in SEEDED else _cell_key(one, data)
        for one in cell.inputs
    }
    return digest([stage_code(cell.stage), _parameters(cell, data), seed, inputs])


def _parameters(cell: Cell, data: str) -> dict[str, Any]:
    """Return the part of the parameter files that the cell reads."""
    study = load_study(cell.study)
    if cell.stage == "10_data":
        named = map(base_task, [cell["task"], *study.targets])
        tasks = {name: _yields(load_task(name)) for name in named}
        files = _task_files(tuple(tasks), data)
        return {"task": cell["task"], "tasks": tasks, "files": files}
    if cell.stage == "20_encoder":
        spec = load_model(cell["model"])
        files = _encoder_files(cell["model"])
        return {"model": _yields(spec), "files": files} | _corpora(study.corpora, data)
    if cell.stage in SEEDED:
        stage = "intermediate" if cell.stage == "30_intermediate" else "target"
        return {
            "selectors": dict(cell.selectors),
            "model": _yields(load_model(cell["model"])),
            "task": _yields(load_task(cell["task"])),
            "budget": as_json(study.budget(cell["task"], stage)),
            "optimizer": as_json(study.optimizer_of(cell["model"])),
            "start": _start(cell),
        } | (_corpora(study.corpora, data) if stage == "intermediate" else {})
    if cell.stage == "50_analysis":
        folders = {name: tables_folder(name, cell.outputs) for name in study.beside}
        beside = {name: stamp(folder / "study.json") for name, folder in folders.items() if folder}
        begun = [split_start(one) for one in starts(cell.study)]
        claims = stamp(claims_file())
        return {"study": as_json(study), "starts": begun, "beside": beside, "claims": claims}
    return {"paper": _tree(project_root() / "paper")}


def _yields(spec: BaseModel) -> dict[str, Any]:
    """Return the values of a model or task and what follows from them; its code is no key."""
    follow = [name for name, one in vars(type(spec)).items() if isinstance(one, property)]
    return as_json(spec) | {name: getattr(spec, name) for name in follow}


def _start(cell: Cell) -> dict[str, Any]:
    """Return what the intermediate stage of a run is, and the languages that it trains on."""
    of_target = cell.stage == "40_target"
    task, arm = split_start(cell["start"]) if of_target else (cell["task"], cell["arm"])
    languages = [] if task == "none" else list(load_task(task).train_languages)
    return {"task": task, "arm": arm, "mixed": arm in MIXED_ARMS, "languages": languages}


@lru_cache
def _task_files(tasks: tuple[str, ...], data: str) -> dict[str, str]:
    root = Path(data).expanduser() if data else None
    paths = {path for name in tasks for path in source_files(load_task(name), root)}
    return {str(path.relative_to(root)): stamp(path) for path in sorted(paths)} if root else {}


@lru_cache
def _corpora(names: tuple[str, ...], data: str) -> dict[str, Any]:
    """Return the corpora that retrieval is measured on and what their files are known by."""
    specs = {name: load_corpus(name) for name in names}
    root = Path(data).expanduser() if data else None
    paths = {path for spec in specs.values() for path in corpus_files(spec, root)} if root else ()
    files = {str(path.relative_to(root)): stamp(path) for path in sorted(paths)}
    return {"corpora": [{name: as_json(spec) for name, spec in specs.items()}, files]}


def _encoder_files(model: str) -> dict[str, str]:
    source = load_model(model).source
    return _tree(project_root() / source.path) if isinstance(source, FolderSource) else {}


def _tree(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): stamp(path) for path in files}


@lru_cache
def stamp(path: Path) -> str:
    """Return what a file is known by: its content's digest, or size and time if it is large."""
    try:
        facts = path.stat()
    except OSError:
        return "absent"
    if facts.st_size > _LARGE:
        return f"{facts.st_size} bytes, {facts.st_mtime_ns}"
    return file_digest(path)
