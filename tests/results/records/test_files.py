import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import synthetic

from results.records.conftest import (
    START,
    TARGET,
    bytes_of,
    cell_of,
    finish,
    record_of,
    trained,
    wipe,
)
from xstilts.errors import DataError
from xstilts.files import read_json, write_json
from xstilts.results.records import Count, keep, recorded, records_folder, restore, told_count

# ---- the files -----------------------------------------------------------------------------------


def test_a_cell_is_one_file_and_the_same_runs_are_the_same_bytes(root):
    keep("made")
    before = bytes_of()
    assert len(before) == len(trained())
    shutil.rmtree(records_folder("made"))
    keep("made")
    assert bytes_of() == before


def test_keeping_again_writes_no_file(root):
    keep("made")
    before = {path: path.stat().st_mtime_ns for path in bytes_of()}
    assert keep("made") == Count(16, 16, 0)
    assert {path: path.stat().st_mtime_ns for path in bytes_of()} == before


def test_keeping_what_was_restored_writes_no_file(root):
    keep("made")
    before = {path: path.stat().st_mtime_ns for path in bytes_of()}
    wipe(root)
    restore("made")
    keep("made")
    assert {path: path.stat().st_mtime_ns for path in bytes_of()} == before


def test_runs_of_two_machines_become_the_record_of_one(root):
    keep("made")
    whole = bytes_of()
    shutil.rmtree(records_folder("made"))
    shutil.copytree(root / "outputs/made", root / "elsewhere")
    for path in root.glob("outputs/made/**/seed-0/run.json"):
        path.unlink()
    assert keep("made") == Count(8, 16, 0)
    wipe(root)
    shutil.copytree(root / "elsewhere", root / "outputs/made")
    for path in root.glob("outputs/made/**/seed-1/run.json"):
        path.unlink()
    assert keep("made") == Count(16, 16, 0)
    assert bytes_of() == whole


def test_a_run_that_was_trained_anew_replaces_its_record(root):
    keep("made")
    path = cell_of(TARGET).folder / "seed-1" / "run.json"
    write_json(path, read_json(path) | {"seconds": 7.5})
    before = bytes_of()
    keep("made")
    changed = {path for path, found in bytes_of().items() if before[path] != found}
    assert changed == {record_of(TARGET)}
    assert recorded("made")[0][cell_of(TARGET), 1]["seconds"] == 7.5


def test_a_prediction_with_three_probabilities_takes_six_bytes_at_most(root):
    world = synthetic.World(items=2000, layers=(3,), arms=("none", "english"))
    cell = cell_of(TARGET)
    for seed in (0, 1):
        path = synthetic.write_run(cell, seed, world) / "predictions.parquet"
        table = pd.read_parquet(path)
        noise = pd.Series(range(len(table))).sample(frac=1, random_state=seed).to_numpy()
        noise = (0.5 * noise / len(table)).astype("float16")
        table.assign(p0=noise, p1=noise[::-1], p2=1 - noise - noise[::-1]).to_parquet(path)
        finish(cell, seed)
    keep("made")
    rows = 2 * 2000 * len(synthetic.LANGUAGES)
    assert record_of(TARGET).stat().st_size < 6 * rows


# ---- broken and foreign files --------------------------------------------------------------------


def garbage(path: Path) -> None:
    path.write_bytes(b"PAR1 and then nothing")


def another_table(path: Path) -> None:
    pd.DataFrame({"run": ["x"]}).to_parquet(path)


def numbers_for_rows(path: Path) -> None:
    pq.write_table(pa.table({"facts": ["{}"], "runs": [1]}), path)


def no_facts(path: Path) -> None:
    table = pq.read_table(path).drop_columns(["facts"])
    pq.write_table(table, path)


def facts(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        pq.write_table(pa.table({"facts": [text]}), path)

    return write


def another_cell(path: Path) -> None:
    shutil.copyfile(record_of(f"{START}/made_paraphrase"), path)


SPOILT = {
    "garbage": (garbage, "not a Parquet file"),
    "another table": (another_table, "not a record of runs .no column facts"),
    "numbers for rows": (numbers_for_rows, "not a record of runs .column runs"),
    "no facts": (no_facts, "not a record of runs .no column facts"),
    "no JSON": (facts("{"), "row 0: not the facts of a run"),
    "a list": (facts("[]"), "row 0: not the facts of a run"),
    "no number": (facts('{"run": "made/x", "seed": "0", "key": "0"}'), "row 0: not the facts"),
    "another cell": (another_cell, f"found a record of made/{START}/made_paraphrase/seed-0; "
                                   f"expected {TARGET}"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "says"), SPOILT.values(), ids=SPOILT)
def test_a_file_that_is_no_record_of_the_cell_is_told_in_one_line(root, spoil, says):
    keep("made")
    wipe(root)
    spoil(record_of(TARGET))
    with pytest.raises(DataError, match=says) as caught:
        restore("made")
    assert str(record_of(TARGET)) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("command", [keep, recorded])
def test_a_broken_record_is_told_by_whatever_reads_it(command):
    keep("made")
    garbage(record_of(TARGET))
    with pytest.raises(DataError, match=r"made_nli\.parquet: not a Parquet file"):
        command("made")


def test_a_foreign_file_among_the_records_is_told(root):
    keep("made")
    record_of("notes").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"notes\.parquet: not a Parquet file"):
        keep("made")


def test_the_count_is_told_in_a_line():
    where = "outputs/published/made/runs"
    assert told_count(Count(12, 40, 0), "made", "kept in") == f"kept in {where}: 12 of 40 runs"
    told = told_count(Count(12, 40, 3), "made", "restored from")
    assert told == f"restored from {where}: 12 of 40 runs (3 left out: another key or precision)"
