import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import synthetic
import yaml

from results.conftest import forget_keys
from xstilts.errors import DataError
from xstilts.files import read_json, write_json
from xstilts.params import Cell, cells
from xstilts.results.collect import Collected, collect
from xstilts.results.key import SEEDED, run_key
from xstilts.results.manifest import is_done, run_is_done
from xstilts.results.record_file import TABLES, read_rows, write_rows
from xstilts.results.records import Count, keep, recorded, records_folder, restore, told_count

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


# ---- a fresh clone ---------------------------------------------------------------------------


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


# ---- the files -------------------------------------------------------------------------------


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


# ---- keys ------------------------------------------------------------------------------------


def test_a_seed_more_is_all_that_is_left_to_train(root):
    keep("made")
    wipe(root)
    edit(root, seeds=[0, 1, 2])
    assert restore("made") == Count(16, 24, 0)
    assert not any(map(is_done, trained()))
    world = synthetic.World(items=30)
    for cell in trained():
        synthetic.write_run(cell, 2, world)
        finish(cell, 2)
    before = collect("made")
    assert keep("made") == Count(24, 24, 0)
    wipe(root)
    assert restore("made") == Count(24, 24, 0)
    assert_same(collect("made"), before)


def test_runs_of_another_key_are_counted_and_not_restored(root):
    keep("made")
    wipe(root)
    edit(root, target_budget=BUDGET)
    assert restore("made") == Count(0, 16, 12)
    assert done() == set()
    assert recorded("made")[1] == Count(4, 16, 12)


def test_keeping_drops_runs_of_another_key_and_leaves_the_others(root):
    keep("made")
    wipe(root)
    edit(root, target_budget=BUDGET)
    assert keep("made") == Count(4, 16, 12)
    assert {path.relative_to(records_folder("made")).parts[0] for path in bytes_of()} == {
        "intermediate"
    }


def test_cells_that_the_study_no_longer_has_are_dropped(root):
    keep("made")
    edit(root, targets=["made_nli"])
    forget_keys()
    assert keep("made").wanted == 10
    assert not [path for path in bytes_of() if path.stem == "made_paraphrase"]


def test_a_lost_seed_is_dropped(root):
    keep("made")
    edit(root, seeds=[1])
    assert keep("made") == Count(8, 8, 8)
    assert {len(read_rows(path)) for path in bytes_of()} == {1}


def test_without_its_official_files_no_record_of_a_study_is_dropped(root):
    keep("made")
    before = bytes_of()
    path = root / "params/tasks/made_nli.yaml"
    split = {"path": "{language}.tsv", "layout": "xtreme"}
    source = {"kind": "files", "train": split, "test": split}
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"source": source}))
    forget_keys()
    with pytest.raises(DataError, match="no folder is named"):
        keep("made")
    assert bytes_of() == before


# ---- encoders, which are not kept ------------------------------------------------------------


def test_an_intermediate_run_waits_until_all_that_start_from_it_are_done(root):
    keep("made")
    rows = read_rows(record_of(TARGET))
    write_rows(record_of(TARGET), rows[:1])  # seed 1 is still to be trained
    wipe(root)
    assert restore("made").runs == 14
    every = {(cell.name, seed) for cell in trained() for seed in (0, 1)}
    assert done() == every - {(TARGET, 1), (MIDDLE, 1)}
    assert not is_done(cell_of(MIDDLE))
    assert is_done(cell_of(f"{START}/made_paraphrase"))


def test_a_restored_run_whose_encoder_is_needed_after_all_is_undone(root):
    keep("made")
    wipe(root)
    restore("made")
    edit(root, target_budget=BUDGET)
    assert run_is_done(cell_of(MIDDLE), 0)
    restore("made")
    assert done() == set()
    assert not cell_of(MIDDLE).manifest.exists()


def test_one_that_was_trained_here_stays(root):
    keep("made")
    edit(root, target_budget=BUDGET)
    restore("made")
    middle = {cell.name for cell in trained() if cell.stage == "30_intermediate"}
    assert done() == {(name, seed) for name in middle for seed in (0, 1)}


def test_one_that_is_needed_for_one_seed_is_undone_for_that_seed(root):
    keep("made")
    wipe(root)
    restore("made")
    record_of(TARGET).unlink()
    (cell_of(TARGET).folder / "seed-1" / "run.json").unlink()
    restore("made")
    assert run_is_done(cell_of(MIDDLE), 0)
    assert not run_is_done(cell_of(MIDDLE), 1)


def test_an_encoder_of_another_key_does_not_stay_beside_a_restored_run(root):
    keep("made")
    folder = cell_of(MIDDLE).folder / "seed-0"
    write_json(folder / "run.json", read_json(folder / "run.json") | {"key": "0" * 16})
    restore("made")
    assert run_is_done(cell_of(MIDDLE), 0)
    assert not (folder / "encoder").exists()


# ---- precision, one a study -------------------------------------------------------------------


def precision_of(root: Path) -> Path:
    return root / "outputs/made/precision.json"


def test_what_is_left_is_trained_in_the_precision_of_the_records(root):
    keep("made")
    wipe(root)
    restore("made")
    assert read_json(precision_of(root))["precision"] == "fp32"


def test_runs_of_another_precision_than_the_study_s_are_left_out(root):
    keep("made")
    wipe(root)
    write_json(precision_of(root), {"precision": "bf16"})
    assert restore("made") == Count(0, 16, 16)
    assert read_json(precision_of(root)) == {"precision": "bf16"}


def test_a_precision_that_the_model_names_is_in_its_key(root):
    path = root / "params/models/made_l03.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"precision": "fp32"}))
    forget_keys()
    for cell in trained():
        for seed in (0, 1):
            finish(cell, seed)
    keep("made")
    wipe(root)
    write_json(precision_of(root), {"precision": "bf16"})
    assert restore("made") == Count(16, 16, 0)


# ---- broken and foreign files ----------------------------------------------------------------


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
