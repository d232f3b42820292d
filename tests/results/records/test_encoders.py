from results.records.conftest import (
    BUDGET,
    MIDDLE,
    START,
    TARGET,
    cell_of,
    done,
    edit,
    record_of,
    trained,
    wipe,
)
from xstilts.files import read_json, write_json
from xstilts.results.manifest import is_done, run_is_done
from xstilts.results.record_file import read_rows, write_rows
from xstilts.results.records import keep, restore


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
