import shutil
from pathlib import Path

import pytest
from throwaway import edit, grid

from engine.conftest import STUDY, TARGET
from xstilts.engine import compute
from xstilts.errors import DataError, XstiltsError
from xstilts.files import write_json
from xstilts.params import Cell
from xstilts.results.key import SEEDED, run_key
from xstilts.results.manifest import is_done
from xstilts.results.records import keep


def train(root: Path) -> list[Cell]:
    """Leave a run without tables in every cell that trains, and return the cells."""
    trained = [cell for cell in grid().values() if cell.stage in SEEDED]
    for cell in trained:
        facts = {"run": f"smoke/{cell.name}/seed-0", "seed": 0, "key": run_key(cell, 0)}
        write_json(cell.folder / "seed-0" / "run.json", facts)
    return trained


def test_recorded_runs_are_done_before_anything_starts(root, snakemake, capsys):
    trained = train(root)
    keep("smoke")
    shutil.rmtree(root / "outputs/smoke")
    snakemake("raise SystemExit(1)")
    with pytest.raises(XstiltsError, match="5 cells are not done"):
        compute("smoke")
    assert all(map(is_done, trained))
    told = capsys.readouterr().err.splitlines()[0]
    assert told == "restored from outputs/published/smoke/runs: 5 of 5 runs"


def test_records_of_another_key_are_told_and_left(root, snakemake, capsys):
    train(root)
    keep("smoke")
    shutil.rmtree(root / "outputs/smoke")
    edit(root / STUDY, target_budget={"items": 64, "epochs": 1})
    snakemake("raise SystemExit(1)")
    with pytest.raises(XstiltsError, match="10 cells are not done"):
        compute("smoke")
    assert "runs: 0 of 5 runs (3 left out: another key or precision)" in capsys.readouterr().err


def test_a_broken_record_is_told_and_nothing_starts(root, snakemake):
    train(root)
    keep("smoke")
    snakemake("open('started', 'w')")
    (root / "outputs/published/smoke/runs" / f"{TARGET}.parquet").write_bytes(b"broken")
    shutil.rmtree(root / "outputs/smoke")
    with pytest.raises(DataError, match=r"smoke_nli\.parquet: not a Parquet file"):
        compute("smoke")
    assert not (root / "started").exists()
