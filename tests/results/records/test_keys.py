from pathlib import Path

import pytest
import synthetic
import yaml

from results.conftest import forget_keys
from results.records.conftest import (
    BUDGET,
    assert_same,
    bytes_of,
    done,
    edit,
    finish,
    trained,
    wipe,
)
from xstilts.errors import DataError
from xstilts.files import read_json, write_json
from xstilts.results.collect import collect
from xstilts.results.manifest import is_done
from xstilts.results.record_file import read_rows
from xstilts.results.records import Count, keep, recorded, records_folder, restore

# ---- keys ----------------------------------------------------------------------------------------


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


# ---- precision, one a study ----------------------------------------------------------------------


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
