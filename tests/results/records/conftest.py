import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from results.conftest import forget_keys
from xstilts.files import read_json, write_json
from xstilts.params import Cell, cells
from xstilts.results.collect import Collected
from xstilts.results.key import SEEDED, run_key
from xstilts.results.manifest import run_is_done
from xstilts.results.records import records_folder

BUDGET = {"items": 1000, "epochs": 1}
MIDDLE = "intermediate/made_l03/made_nli_b/english"
START = "targets/made_l03/made_nli_b-english"
TARGET = f"{START}/made_nli"


@pytest.fixture(autouse=True)
def root(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose study `made` is trained: eight cells of two seeds under their keys."""
    monkeypatch.delenv("XSTILTS_DATA", raising=False)
    forget_keys()
    for cell in trained():
        for seed in (0, 1):
            finish(cell, seed)
    yield outputs.parents[1]
    forget_keys()


def trained() -> list[Cell]:
    return [cell for cell in cells("made") if cell.stage in SEEDED]


def cell_of(name: str) -> Cell:
    return next(cell for cell in trained() if cell.name == name)


def finish(cell: Cell, seed: int) -> None:
    """Make a run that was written the one of its present key, its encoder beside it."""
    folder = cell.folder / f"seed-{seed}"
    facts = read_json(folder / "run.json")
    write_json(folder / "run.json", facts | {"key": run_key(cell, seed)})
    if cell.stage == "30_intermediate":
        (folder / "encoder").mkdir(exist_ok=True)


def wipe(root: Path) -> None:
    shutil.rmtree(root / "outputs" / "made")


def edit(root: Path, **values: object) -> None:
    path = root / "params/studies/made.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))
    forget_keys()


def record_of(name: str) -> Path:
    return records_folder("made") / f"{name}.parquet"


def bytes_of() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in records_folder("made").rglob("*.parquet")}


def assert_same(one: Collected, other: Collected) -> None:
    for name in ("runs", "predictions", "curves", "cost"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert one.missing == other.missing


def done() -> set[tuple[str, int]]:
    return {(cell.name, seed) for cell in trained() for seed in (0, 1) if run_is_done(cell, seed)}
