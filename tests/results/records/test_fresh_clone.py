import pandas as pd

from results.records.conftest import TARGET, assert_same, cell_of, trained, wipe
from xstilts.files import read_json
from xstilts.results.collect import collect
from xstilts.results.manifest import is_done
from xstilts.results.record_file import TABLES
from xstilts.results.records import Count, keep, restore


def test_what_was_kept_is_collected_as_it_was(root):
    before = collect("made")
    assert keep("made") == Count(16, 16, 0)
    wipe(root)
    assert restore("made") == Count(16, 16, 0)
    assert_same(collect("made"), before)


def test_every_table_of_a_run_comes_back_row_by_row(root):
    folders = [cell.folder / f"seed-{seed}" for cell in trained() for seed in (0, 1)]
    before = {
        path: pd.read_parquet(path)
        for folder in folders
        for path in (folder / f"{name}.parquet" for name in TABLES)
        if path.is_file()
    }
    assert len(before) == 16 * 3 + 4 * 2
    keep("made")
    wipe(root)
    restore("made")
    assert set(root.glob("outputs/made/**/*.parquet")) == set(before)
    for path, table in before.items():
        pd.testing.assert_frame_equal(pd.read_parquet(path), table, check_exact=True)


def test_restored_cells_are_done_and_say_that_they_were_restored(root):
    keep("made")
    wipe(root)
    restore("made")
    assert all(map(is_done, trained()))
    assert read_json(cell_of(TARGET).manifest)["restored"] == [0, 1]
    assert read_json(cell_of(TARGET).folder / "seed-0" / "run.json")["restored"] is True


def test_restoring_again_does_nothing(root):
    keep("made")
    wipe(root)
    restore("made")
    before = {path: path.stat().st_mtime_ns for path in root.glob("outputs/made/**/*")}
    assert restore("made") == Count(0, 16, 0)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_nothing_is_restored_over_a_run_that_is_done(root):
    keep("made")
    before = {path: path.stat().st_mtime_ns for path in root.glob("outputs/made/**/*.parquet")}
    assert restore("made") == Count(0, 16, 0)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_cell_that_was_trained_here_gets_its_manifest_from_its_notebook(root):
    for cell in trained():
        cell.manifest.unlink()
    keep("made")
    restore("made")
    assert not any(map(is_done, trained()))


def test_without_records_nothing_is_restored(root):
    wipe(root)
    assert restore("made") == Count(0, 16, 0)
    assert not (root / "outputs/made").exists()
