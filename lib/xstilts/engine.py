"""Compute a study: Snakemake runs its cells; here are the lock, the clean start and the telling."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import IO

import psutil

from xstilts.board import Board
from xstilts.cell import FAILED
from xstilts.errors import XstiltsError
from xstilts.files import exclusive, read_json
from xstilts.kernel_server import serve_kernels
from xstilts.params import Cell, cells, load_model, load_study, project_root
from xstilts.params.grid import FROZEN
from xstilts.results.manifest import is_done, manifest_key
from xstilts.results.records import restore, told_count
from xstilts.tasks.present import check_files

#: seconds between two looks at the cells
POLL_S = 1.0
#: stages whose notebooks import what the server of kernels has imported
WARM = ("20_encoder", "30_intermediate", "40_target")


def compute(
    study: str, outputs: str = "outputs", *, cores: int | None = None, profile: str | None = None
) -> Path:
    """Compute every cell of a study that is not done; return the folder of its paper.

    Whatever ended the run before, this one goes on from what is finished, here or in records.

    Args:
        study: file in params/studies.
        outputs: folder of everything computed, relative to the project.
        cores: cells at once; the cores of this machine by default.
        profile: folder with a Snakemake profile, for a GPU or a cluster.

    Raises:
        SpecError: the study, or something that it names, is wrong.
        DataError: an official file is missing, or a record of runs is broken.
        BusyError: another process computes this study.
        XstiltsError: a cell failed; each is named with its log and how to repeat it.
    """
    load_study(study)
    grid = cells(study, outputs)
    folder = project_root() / outputs / study
    busy = f"study '{study}' is being computed by another process; nothing was started"
    with exclusive(folder / ".lock", busy) as lock:
        check_files(study)
        restored = restore(study, outputs)
        if restored.runs or restored.stale:
            print(told_count(restored, study, "restored from"), file=sys.stderr)
        drop_stale(grid)
        if not all(map(is_done, grid)):
            _run(grid, folder, lock, cores or _cores(), profile)
        shutil.rmtree(folder / FROZEN, ignore_errors=True)  # large, and soon made again
    return grid[-1].folder


def drop_stale(grid: Sequence[Cell]) -> list[Cell]:
    """Remove the manifests that do not hold their cell's present key; return their cells."""
    stale = [cell for cell in grid if cell.manifest.exists() and not is_done(cell)]
    for cell in stale:
        cell.manifest.unlink()
    return stale


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def _run(grid: Sequence[Cell], folder: Path, lock: int, cores: int, profile: str | None) -> None:
    """Run Snakemake on what is not done and tell how it goes."""
    first = grid[0]
    for cell in grid:
        (cell.folder / FAILED).unlink(missing_ok=True)
    log = folder / "logs" / "snakemake.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = snakemake_command(first.study, first.outputs, cores, profile)
    environment = os.environ | {"XSTILTS_ROOT": str(project_root()), "PYTHONHASHSEED": "0"}
    board = Board(grid, cores)
    with log.open("a", encoding="utf-8") as out, _kernels(grid, profile, out) as (told, held):
        # The child inherits the lock: if this process alone is killed, Snakemake, which runs
        # on, still keeps a second run away, and the server of kernels at work.
        child = subprocess.Popen(
            command, cwd=project_root(), stdout=out, stderr=subprocess.STDOUT,
            env=environment | told, pass_fds=[lock, *held],
        )  # fmt: skip
        before = signal.signal(signal.SIGTERM, _interrupt)
        try:
            while child.poll() is None:
                board.show()
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            _stop(child)
            board.end()
            raise
        finally:
            signal.signal(signal.SIGTERM, before)
    board.end()
    if child.returncode or not all(map(is_done, grid)):
        raise _failure(grid, log)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _stop(child: "subprocess.Popen[bytes]") -> None:
    """Let Snakemake start no cell any more, and those that run save themselves and end."""
    child.terminate()
    with suppress(psutil.NoSuchProcess):
        for one in psutil.Process(child.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "xstilts.cell" in one.cmdline():
                    one.terminate()
    child.wait()


def _kernels(
    grid: Sequence[Cell], profile: str | None, log: IO[str]
) -> AbstractContextManager[tuple[dict[str, str], list[int]]]:
    """Run a server of warm kernels if two cells or more will ask for one.

    Cells of a profile may run on other hosts, or on a GPU, where no kernel can be forked.
    """
    asking = sum(cell.stage in WARM and not is_done(cell) for cell in grid)
    if profile is None and asking >= 2 and sys.platform == "linux":
        return serve_kernels(log)
    return nullcontext(({}, []))


def snakemake_command(
    study: str, outputs: str, cores: int, profile: str | None = None
) -> list[str]:
    """Return the command that computes what is not done of a study.

    Snakemake's own lock is off: it is one for the whole project and survives a kill. Ours is
    one a study, held by the kernel. What is stale is decided by keys, not by times of files,
    and a manifest is never incomplete, whatever Snakemake remembers of a job that was killed.
    The largest encoder's cells come first: a long one started last would leave cores idle.
    """
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(project_root() / "Snakefile"),
        "--config", f"study={study}", f"outputs={outputs}", "--nolock", "--ignore-incomplete",
        "--keep-going", "--rerun-triggers", "params", "--resources", "gpu=1",
        "--prioritize", *_longest(study, outputs),
    ]  # fmt: skip
    if profile is None:
        return [*command, "--cores", str(cores)]
    return [*command, "--profile", profile]


def _longest(study: str, outputs: str) -> list[str]:
    """Return the manifests of the target cells of the study's largest encoder."""
    largest = max(load_study(study).models, key=lambda name: load_model(name).body_params)
    return [
        f"{outputs}/{study}/{cell.name}/manifest.json"
        for cell in cells(study, outputs)
        if cell.stage == "40_target" and cell["model"] == largest
    ]


def _failure(grid: Sequence[Cell], log: Path) -> XstiltsError:
    """Return the error for a study that did not finish: a line a failed cell."""
    paths = [cell.folder / FAILED for cell in grid]
    failed = [read_json(path) for path in paths if path.is_file()]
    left = sum(manifest_key(cell) is None for cell in grid)
    shown = os.path.relpath(log, project_root())
    if not failed:
        return XstiltsError(f"{left} cells are not done and none says why; see {shown}")
    lines = [one["message"] for one in failed]
    rest = f"{left} cells of {len(grid)} are not done; the same command goes on from here"
    fault = XstiltsError("\nerror: ".join([*lines, rest]))
    fault.exit_code = min(one["exit_code"] for one in failed)
    return fault
