import json
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.analysis import analyse
from xstilts.analysis.batch import (
    BATCHES,
    critical_batch,
    items_needed,
    tabulate_batches,
)
from xstilts.errors import DataError

VOLUMES = (500, 1000, 2000)


def needed(losses: list[float], target: float) -> float:
    return float(items_needed(VOLUMES, [np.array([one]) for one in losses], np.array([target]))[0])


def test_items_are_read_off_the_course_over_their_logarithm():
    assert needed([1.0, 0.8, 0.6], 0.8) == pytest.approx(1000)
    assert needed([1.0, 0.8, 0.6], 0.7) == pytest.approx(1000 * 2**0.5)
    assert needed([1.0, 0.8, 0.6], 1.0) == pytest.approx(500)


def test_a_loss_that_the_fewest_items_pass_needs_no_more_and_one_out_of_reach_is_undefined():
    assert needed([1.0, 0.8, 0.6], 1.2) == pytest.approx(500)
    assert np.isnan(needed([1.0, 0.8, 0.6], 0.5))


def test_a_loss_that_rises_with_more_items_counts_as_not_falling():
    assert needed([1.0, 1.1, 0.6], 0.8) == pytest.approx(1000 * 2**0.5)
    assert needed([0.8, 0.8, 0.8], 0.8) == pytest.approx(500)


@given(st.lists(st.floats(0.1, 2.0), min_size=3, max_size=3), st.floats(0.1, 2.0))
def test_a_lower_loss_never_needs_fewer_items(losses: list[float], target: float):
    harder, easier = needed(losses, target - 0.05), needed(losses, target)
    assert np.isnan(harder) or harder >= easier - 1e-9


def critical(*factors: float) -> float:
    return float(critical_batch((8, 16, 32), [np.array([one]) for one in factors])[0])


def test_the_critical_batch_lies_where_a_fifth_more_items_are_needed():
    assert critical(1.0, 1.1, 1.3) == pytest.approx(16 * 2**0.5)
    assert critical(1.0, 1.2, 1.5) == pytest.approx(16)
    assert critical(1.0, 1.4, 1.0) == pytest.approx(8 * 2**0.5)  # the first time counts
    assert critical(1.0, 1.1, 1.15) == np.inf
    assert critical(1.0, 1.1, np.nan) == pytest.approx(16)  # the largest does not reach the loss


@pytest.mark.filterwarnings("error")
def test_two_batches_of_nearly_one_factor_do_not_overflow():
    assert critical(1.0, 1.0 + 1e-9, 1.0) == np.inf


@given(st.floats(1.21, 5), st.floats(1.21, 5))
def test_a_costlier_batch_is_critical_earlier(one: float, other: float):
    low, high = sorted((one, other))
    assert critical(1.0, 1.0, high) <= critical(1.0, 1.0, low) + 1e-9


@pytest.fixture
def studies(small):
    """Studies of batches 8 and 32 at three volumes; the larger batch is surer of wrong answers."""
    analysis = analyse(small)
    for batch, worse in ((8, 0.0), (32, 0.02)):
        folder = small.folder.parents[1] / f"batch_{batch}" / "analysis"
        shutil.copytree(analysis.folder, folder)
        about = json.loads((folder / "study.json").read_text())
        about["study"]["optimizer"]["batch"] = batch
        targets = [f"made_nli@{items}" for items in VOLUMES]
        about["study"]["targets"] = targets
        about["tasks"] = {name: about["tasks"]["made_nli"] for name in targets}
        runs = analysis.runs.query("target == 'made_nli' and stage == 'target' and arm == 'none'")
        answers = analysis.predictions[analysis.predictions["run"].isin(runs["run"])]
        parts = [[table.assign(run=table["run"].astype(str) + name) for table in (runs, answers)]
                 for name in targets]  # fmt: skip
        for place, (name, (some, told)) in enumerate(zip(targets, parts, strict=True)):
            some["target"] = name
            right = np.float16(0.4 + 0.15 * place - worse)
            for label in range(3):
                told[f"p{label}"] = np.where(told["label"] == label, right, (1 - right) / 2)
        pd.concat([part[0] for part in parts]).to_parquet(folder / "runs.parquet")
        pd.concat([part[1] for part in parts]).to_parquet(folder / "predictions.parquet")
        (folder / "study.json").write_text(json.dumps(about))
    return small


def test_the_critical_batch_of_made_up_losses(studies):
    found = tabulate_batches(studies.outputs, ["batch_8", "batch_32"], 0.95)
    assert found.dtypes.astype("str").to_dict() == BATCHES
    assert found[["items", "batch"]].to_numpy().tolist() == [[500, 8], [500, 32], [1000, 8],
                                                             [1000, 32]]  # fmt: skip
    losses = [-np.log(0.4 + 0.15 * place) for place in range(3)]
    worse = [-np.log(0.38 + 0.15 * place) for place in range(3)]
    share = (worse[0] - losses[0]) / (worse[0] - worse[1])
    row = found.query("items == 500 and batch == 32").iloc[0]
    assert row["needed"] == pytest.approx(500 * 2**share, rel=0.01)
    assert row["overhead"] == pytest.approx(100 * (2**share - 1), abs=1)
    assert row["loss"] == pytest.approx(worse[0], abs=1e-3)
    assert row["low"] <= row["critical"] <= row["high"]
    assert set(found["seeds"]) == {2}


def test_studies_that_are_not_there_leave_an_empty_table(small, studies):
    assert tabulate_batches(small.outputs, ["nowhere"], 0.95).empty
    assert tabulate_batches(small.outputs, ["batch_8"], 0.95).empty  # one batch is no comparison
    assert tabulate_batches(small.outputs, [], 0.95).dtypes.astype("str").to_dict() == BATCHES


def test_a_broken_table_is_named(studies):
    broken = studies.folder.parents[1] / "batch_8" / "analysis" / "predictions.parquet"
    broken.write_text("no table")
    with pytest.raises(DataError, match=r"batch_8/analysis/predictions\.parquet: not a Parquet"):
        tabulate_batches(studies.outputs, ["batch_8", "batch_32"], 0.95)


