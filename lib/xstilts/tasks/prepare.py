"""The data cell of a task: its tables written to the cell's folder, and read back."""

import os
from functools import partial
from pathlib import Path

import pandas as pd

from xstilts.errors import DataError
from xstilts.files import read_json, write_atomically, write_json
from xstilts.params import Cell, base_task, load_study, load_task
from xstilts.tasks.item import check_table
from xstilts.tasks.load import TaskData, load_items, read_split, scored

#: environment variable that names the folder of official files
DATA_VARIABLE = "XSTILTS_DATA"
TABLES = ("train", "test", "baselines")


def data_root(data: str | None = None) -> Path | None:
    """Return the folder of official files: `data` if given, else $XSTILTS_DATA, else None."""
    named = data or os.environ.get(DATA_VARIABLE)
    return Path(named).expanduser() if named else None


def prepare_task(cell: Cell, data: str | None = None) -> TaskData:
    """Return a task's data and write them to the cell's folder.

    The folder gets train.parquet, test.parquet, baselines.parquet and audit.json. Training
    items that hold text of a scored item of any target of the study are dropped, so what is
    written depends on the task, on the study's target tasks and on the files read; it has
    the same bytes whenever and wherever it is written.

    Raises:
        DataError: official files are needed and not named, missing or broken.
    """
    task, root = cell["task"], data_root(data)
    held_out = [
        scored(target, load_task(target), read_split(target, load_task(target), "test", root).table)
        for target in dict.fromkeys(map(base_task, load_study(cell.study).targets))
        if target != task
    ]
    found = load_items(task, load_task(task), root, held_out=held_out)
    for name in TABLES:
        write_atomically(
            cell.folder / f"{name}.parquet", partial(_write_parquet, getattr(found, name))
        )
    write_json(cell.folder / "audit.json", found.report)
    return found


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    table.to_parquet(path, index=False, compression="zstd")


def load_task_data(cell: Cell) -> TaskData:
    """Return what `prepare_task` wrote for a cell.

    Raises:
        DataError: a file is missing or is not what was written.
    """
    labels = load_task(cell["task"]).labels
    tables: dict[str, pd.DataFrame] = {}
    for name in TABLES:
        path = cell.folder / f"{name}.parquet"
        try:
            tables[name] = pd.read_parquet(path)
        except FileNotFoundError:
            raise DataError(f"{path}: file not found; the cell {cell.name} writes it") from None
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: not a Parquet file ({error})") from None
    for name in ("train", "test"):
        tables[name] = check_table(tables[name], labels, str(cell.folder / f"{name}.parquet"))
    report = read_json(cell.folder / "audit.json")
    return TaskData(cell["task"], labels, **tables, report=report)
