"""Run one notebook with checked parameters: `python -m xstilts.cell STAGE name=value ...`.

The notebook runs by papermill in a fresh kernel. It succeeded if nothing was raised, every
code cell ran, and the manifest, which its last cell writes, holds the cell's key; what
papermill itself records is not trusted (a killed kernel leaves every cell "completed").
"""

import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from xstilts.errors import DataError, SpecError, StoppedError, XstiltsError, unknown
from xstilts.files import exclusive, read_json, write_json
from xstilts.kernel_server import SETTINGS
from xstilts.notebook import cell_arguments, default_parameters, notebook_path
from xstilts.params import STAGES, Cell, find_cell, project_root
from xstilts.params.grid import SELECTORS
from xstilts.results.manifest import is_done

#: seconds between two looks at the parent process
WATCH_S = 0.5
#: in a cell's folder: why it failed; who computes it
FAILED, RUNNING = "failed.json", "running.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a cell and return the exit code: 0 done, 1 failed, 2 bad input, 5 busy."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        run_cell(*parse(words))
    except XstiltsError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def parse(words: Sequence[str]) -> tuple[Cell, dict[str, str]]:
    """Return the cell that the words pick, and the notebook's parameters.

    Raises:
        SpecError: an unknown stage, a parameter that the notebook does not have, or a value
            that the study does not have.
    """
    if not words or words[0] not in STAGES:
        stage = words[0] if words else ""
        raise SpecError(unknown("stage", stage, STAGES, "python -m xstilts.cell"))
    stage, *rest = words
    pairs = [word.partition("=") for word in rest]
    for name, equals, _ in pairs:
        if not equals:
            raise SpecError(f"{stage}: found '{name}'; allowed: name=value")
    given = {name: value for name, _, value in pairs}
    known = default_parameters(stage)
    for name in given:
        if name not in known:
            raise SpecError(unknown("parameter", name, known, f"notebooks/{stage}.ipynb"))
    values = known | given
    picked = {name: values[name] for name in SELECTORS[stage]}
    cell = find_cell(stage, values["study"], values["outputs"], **picked)
    return cell, values


def run_cell(cell: Cell, parameters: dict[str, str]) -> None:
    """Execute a cell's notebook unless the cell is done.

    Raises:
        BusyError: another process runs this cell.
        XstiltsError: the notebook failed; names the cell, its log and how to repeat it.
    """
    watch_parent()
    busy = f"{cell.name} of study '{cell.study}' is being computed by another process"
    with exclusive(cell.folder / ".lock", busy):
        if is_done(cell):
            return
        for left in (cell.manifest, cell.folder / "progress.json"):  # of an earlier attempt
            left.unlink(missing_ok=True)
        write_json(cell.folder / RUNNING, {"host": platform.node(), "process": os.getpid()})
        try:
            fault = _attempt(cell, parameters)
        finally:
            (cell.folder / RUNNING).unlink(missing_ok=True)
        if fault is not None:
            cell.manifest.unlink(missing_ok=True)  # written before something else went wrong
            if isinstance(fault, StoppedError):
                raise fault
            told = {"message": str(fault), "exit_code": fault.exit_code}
            write_json(cell.folder / FAILED, told)
            raise fault
        (cell.folder / FAILED).unlink(missing_ok=True)


def _attempt(cell: Cell, parameters: dict[str, str]) -> XstiltsError | None:
    """Execute the notebook once; return the error with log and command, None if it is done."""
    cell.log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="xstilts-") as work:
        executed = Path(work) / "notebook.ipynb"
        fault = execute(cell, parameters, executed, Path(work))
        fault = fault or check_executed(cell, executed)
        if executed.is_file():
            place = cell.log.with_suffix(".ipynb") if fault else cell.folder / "notebook.ipynb"
            shutil.copyfile(executed, place)
    if fault is None:
        return None
    repeat = " ".join(["python -m xstilts.cell", *cell_arguments(cell)])
    log = os.path.relpath(cell.log, project_root())
    word = "stopped" if isinstance(fault, StoppedError) else "failed"
    return type(fault)(f"{cell.name} {word}: {fault}. Log: {log}. Repeat: {repeat}")


def is_running(cell: Cell) -> bool:
    """Say whether a process computes the cell: one that lives, or one on another host."""
    try:
        found = read_json(cell.folder / RUNNING)
        if found["host"] != platform.node():
            return True
        os.kill(int(found["process"]), 0)
    except (DataError, OSError, KeyError, TypeError, ValueError):
        return False
    return True


def execute(
    cell: Cell, parameters: dict[str, str], executed: Path, work: Path
) -> XstiltsError | None:
    """Execute the notebook into `executed`; return what went wrong, None if nothing did."""
    _quiet_kernel(work)
    import papermill  # after the environment is set, which its kernels inherit

    from xstilts.kernel import KernelManager, ask_to_stop

    started = time.strftime("%Y-%m-%d %H:%M:%S")
    with cell.log.open("a", encoding="utf-8") as log:
        log.write(f"{started} {' '.join(cell_arguments(cell))}\n")
        log.flush()
        stopped = _pass_on_stops(ask_to_stop)
        try:
            papermill.execute_notebook(
                str(notebook_path(cell.stage)), str(executed), parameters=parameters,
                cwd=str(project_root()), progress_bar=False, log_output=False,
                stdout_file=log, stderr_file=log, kernel_name="python3",
                kernel_manager_class=KernelManager,
            )  # fmt: skip
        except Exception as error:  # a dead kernel, a time-out, whatever a cell raised
            log.write(f"{error}\n")
            fault = _fault(error)
            if stopped and not isinstance(fault, StoppedError):
                return StoppedError("stopped before it could save itself")
            return fault
    return None


def _pass_on_stops(ask: Callable[[], None]) -> list[int]:
    """Let SIGTERM and SIGINT ask the kernel to stop; return the list of those that came."""
    came: list[int] = []

    def handle(number: int, _: object) -> None:
        came.append(number)
        ask()

    if threading.current_thread() is threading.main_thread():
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, handle)
    return came


def _fault(error: Exception) -> XstiltsError:
    """Return the error of the notebook as one of ours: its class decides the exit code."""
    name = getattr(error, "ename", type(error).__name__)
    value = getattr(error, "evalue", str(error))
    known = {kind.__name__: kind for kind in _every(XstiltsError)}
    line = (value.strip().splitlines() or ["no message"])[0]
    if name in known:
        return known[name](line)
    return XstiltsError(f"{name}: {line}")


def _every(kind: type[XstiltsError]) -> list[type[XstiltsError]]:
    return [kind, *(one for sub in kind.__subclasses__() for one in _every(sub))]


def check_executed(cell: Cell, executed: Path) -> XstiltsError | None:
    """Return what shows that a notebook did not run to its end, None if nothing does."""
    cells: list[dict[str, Any]] = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    for number, one in enumerate(cells, start=1):
        code = one["cell_type"] == "code" and "".join(one["source"]).strip()
        if code and one["execution_count"] is None:
            return XstiltsError(f"cell {number} of the notebook did not run")
    if not is_done(cell):
        return XstiltsError("the notebook ended without the cell's manifest")
    return None


def _quiet_kernel(work: Path) -> None:
    """Set the environment of the kernel: this interpreter, one thread, no history, no network."""
    # A kernelspec found through JUPYTER_PATH would win over this interpreter's own.
    os.environ.pop("JUPYTER_PATH", None)
    os.environ |= SETTINGS | {
        "IPYTHONDIR": str(work / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(work / "runtime"),
        "XSTILTS_ROOT": str(project_root()),
    }
    # Jupyter's event schemas compile a grammar that nothing here uses, for 1.4 s.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def watch_parent() -> None:
    """End this process when its parent does, so that no orphan computes beside a new run.

    The parent is the one that $XSTILTS_PARENT names, or the present one.
    """
    parent = int(os.environ.pop("XSTILTS_PARENT", os.getppid()))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_S)
        os._exit(143)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
