"""A study whose runs were kept is completed in a fresh clone without training them."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from end_to_end.place import MEASURED, STUDY, Place, assert_same_runs, succeeded
from xstilts.results.record_file import TABLES

pytestmark = pytest.mark.slow
TRAINED = ("intermediate", "targets")


def fresh_clone(place: Place) -> Path:
    """Keep what is done, then lose everything but the records; return where it was put."""
    done = place.run("keep")
    assert succeeded(done)
    assert done.stdout == f"kept in outputs/published/{STUDY}/runs: 5 of 5 runs\n"
    return shutil.move(place.study, place.root / "before")


def trained_here(place: Place) -> set[str]:
    """Return the cells of which a notebook was executed to train."""
    found = [path for name in TRAINED for path in (place.study / name).rglob("notebook.ipynb")]
    return {str(path.parent.relative_to(place.study)) for path in found}


def test_the_same_command_in_a_fresh_clone_trains_nothing_and_has_the_same_numbers(elsewhere):
    before = fresh_clone(elsewhere)
    done = elsewhere.run()
    assert succeeded(done)
    assert f"restored from outputs/published/{STUDY}/runs: 5 of 5 runs" in done.stderr
    assert trained_here(elsewhere) == set()
    assert not [path for name in TRAINED for path in (elsewhere.study / name).rglob("events.jsonl")]
    assert (elsewhere.study / "paper/paper.pdf").is_file()
    assert_same_runs(elsewhere.study, before, count=5)
    for name in ("runs", "predictions", "scores", "gains", "curves", "cost", "alignments"):
        tables = [pd.read_parquet(place / f"analysis/{name}.parquet")
                  for place in (elsewhere.study, before)]  # fmt: skip
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    for path in before.rglob("seed-*/*.parquet"):
        again = pd.read_parquet(elsewhere.study / path.relative_to(before))
        pd.testing.assert_frame_equal(again, pd.read_parquet(path), check_exact=True)
        assert path.stem in TABLES


def test_an_edit_in_a_fresh_clone_trains_again_what_the_new_runs_start_from(elsewhere):
    before = fresh_clone(elsewhere)
    path = elsewhere.root / "params/studies/smoke.yaml"
    longer = {"target_budget": {"items": 64, "epochs": 1}}
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | longer))
    assert succeeded(elsewhere.run())
    assert len(trained_here(elsewhere)) == 5
    name = "intermediate/e5_l02/smoke_questions/english/seed-0/runs.parquet"
    tables = [pd.read_parquet(place / name).drop(columns=MEASURED)
              for place in (elsewhere.study, before)]  # fmt: skip
    pd.testing.assert_frame_equal(*tables, check_exact=True)
