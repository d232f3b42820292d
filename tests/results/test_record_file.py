from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from xstilts.files import read_json, write_json
from xstilts.results.record_file import read_rows, read_run, write_rows, write_run

TABLES = {
    "text": pd.DataFrame({"item": ["a", "", "ü"], "language": ["de", "en", "zh"]}),
    "numbers": pd.DataFrame({"label": np.array([0, 1], "int8"), "score": [0.1, np.nan],
                             "right": [True, False], "p0": np.array([0.1, 1e-7], "float16")}),
    "undefined shares": pd.DataFrame({"p0": np.array([np.nan, np.inf, 0.5], "float16")}),
    "nothing": pd.DataFrame({"language": pd.Series([], dtype="str"),
                             "score": pd.Series([], dtype="float64")}),
    "nothing at all": pd.DataFrame({"item": [None, None]}),
}  # fmt: skip


def write(folder: Path, seed: int, **tables: pd.DataFrame) -> Path:
    folder = folder / f"seed-{seed}"
    facts = {"run": f"made/cell/seed-{seed}", "seed": seed, "key": "k", "loss": 0.1 + seed}
    write_json(folder / "run.json", facts)
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_table_comes_back_with_its_values_and_types(tmp_path, table):
    folder = write(tmp_path, 0, predictions=table)
    before, facts = pq.read_table(folder / "predictions.parquet"), read_json(folder / "run.json")
    write_rows(tmp_path / "record.parquet", [read_run(folder)])
    (row,) = read_rows(tmp_path / "record.parquet")
    write_run(tmp_path / "again", row)
    shown = pd.read_parquet(tmp_path / "again" / "predictions.parquet")
    pd.testing.assert_frame_equal(shown, before.to_pandas(), check_exact=True)
    assert read_json(tmp_path / "again" / "run.json") == facts | {"restored": True}


def test_the_row_of_a_run_is_that_of_its_record(tmp_path):
    runs = [write(tmp_path, seed, curve=TABLES["numbers"], runs=TABLES["text"]) for seed in (0, 1)]
    rows = [read_run(folder) for folder in runs]
    write_rows(tmp_path / "record.parquet", rows)
    before = (tmp_path / "record.parquet").stat().st_mtime_ns
    again = read_rows(tmp_path / "record.parquet")
    assert all(one.equals(other) for one, other in zip(rows, again, strict=True))
    write_rows(tmp_path / "record.parquet", rows)
    assert (tmp_path / "record.parquet").stat().st_mtime_ns == before


def test_a_table_that_one_seed_lacks_is_lacking_again(tmp_path):
    runs = [write(tmp_path, 0), write(tmp_path, 1, alignment=TABLES["numbers"])]
    write_rows(tmp_path / "record.parquet", [read_run(folder) for folder in runs])
    for number, row in enumerate(read_rows(tmp_path / "record.parquet")):
        write_run(tmp_path / f"again-{number}", row)
    assert not (tmp_path / "again-0" / "alignment.parquet").exists()
    assert (tmp_path / "again-1" / "alignment.parquet").is_file()


def test_no_rows_are_no_file(tmp_path):
    path = tmp_path / "record.parquet"
    write_rows(path, [read_run(write(tmp_path, 0))])
    write_rows(path, [])
    assert not path.exists()
    assert read_rows(path) == []


def test_a_folder_is_written_anew_without_what_was_in_it(tmp_path):
    row = read_run(write(tmp_path / "one", 0, curve=TABLES["numbers"]))
    folder = write(tmp_path / "other", 0, runs=TABLES["text"])
    (folder / "encoder").mkdir()
    (folder / "checkpoint.safetensors").touch()
    write_run(folder, row)
    assert {path.name for path in folder.iterdir()} == {"curve.parquet", "run.json"}
