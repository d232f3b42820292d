import numpy as np
import pandas as pd
import params.conftest as made
import pytest
from sklearn.metrics import accuracy_score

from results.conftest import forget_keys
from xstilts.params import find_cell
from xstilts.results import run as module
from xstilts.results.key import run_key
from xstilts.results.manifest import run_is_done
from xstilts.results.run import (
    Scored,
    prediction_table,
    read_facts,
    score_table,
    training_facts,
    write_run,
)
from xstilts.results.schema import CURVE, PREDICTIONS, RUNS

project, write = made.project, made.write
COSTS = {"train_items": 9, "steps": 2, "tokens": 99, "flops": 1e9, "seconds": 1.5,
         "peak_bytes": 10, "device": "cpu", "precision": "fp32"}  # fmt: skip
CURVES = pd.DataFrame({"step": [1, 2], "items": [5, 9], "loss": [0.7, 0.6], "accuracy": [50.0, 60]})


@pytest.fixture(autouse=True)
def _clean(write):
    write("tasks", "both", train_languages=["en", "fr"])
    forget_keys()
    yield
    forget_keys()


def target(start="both-multilingual"):
    return find_cell("40_target", "made", model="small", start=start, task="goal")


def facts(cell, intermediate="both", arm="multilingual"):
    return training_facts(cell, 1, "target", intermediate, arm) | COSTS


@pytest.fixture
def scored() -> Scored:
    """Ten items in two languages, German before English."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": [f"i{n}" for n in range(10)] * 2, "group": "swap",
                          "language": ["de"] * 10 + ["en"] * 10,
                          "label": rng.integers(0, 2, 20)})  # fmt: skip
    return Scored(table, rng.dirichlet([1, 1], 20).astype(np.float32))


def test_a_run_is_named_by_its_place_in_the_grid():
    found = facts(target())
    assert found["run"] == "made/targets/small/both-multilingual/goal/seed-1"
    assert (found["model"], found["task"], found["seed"]) == ("small", "goal", 1)
    assert (found["intermediate"], found["arm"]) == ("both", "multilingual")


def test_a_prediction_is_the_most_probable_label(scored):
    table = prediction_table("r", scored)
    assert list(table.columns) == [*PREDICTIONS, "p0", "p1"]
    assert table["p0"].dtype == np.float16
    assert (table["prediction"] == (scored.probabilities[:, 1] > 0.5)).all()
    assert table["item"].tolist() == scored.table["id"].tolist()


def test_scores_are_accuracies_in_percent_by_language_in_the_order_of_the_rows(scored):
    table = score_table(target(), 1, facts(target()), scored)
    assert list(table.columns) == list(RUNS)
    assert table["language"].tolist() == ["de", "en"]
    for place, score in enumerate(table["score"]):
        rows = slice(10 * place, 10 * place + 10)
        labels = scored.table["label"][rows]
        assert score == pytest.approx(100 * accuracy_score(labels, scored.predictions[rows]))
    assert table["items"].tolist() == [10, 10]
    assert set(table["cell_key"]) == {run_key(target(), 1)}


def test_a_language_is_seen_if_the_multilingual_intermediate_data_have_it(scored):
    def seen(start, intermediate, arm):
        cell = target(start)
        return score_table(cell, 1, facts(cell, intermediate, arm), scored)[
            "seen_in_intermediate"
        ].tolist()

    assert seen("both-multilingual", "both", "multilingual") == [False, True]  # en, fr
    assert seen("both-english", "both", "english") == [False, False]
    assert seen("none", "none", "none") == [False, False]


def test_a_written_run_is_done_and_read_back(scored):
    cell = target()
    write_run(cell, 1, facts(cell), CURVES, scored)
    folder = cell.folder / "seed-1"
    assert run_is_done(cell, 1)
    assert not run_is_done(cell, 0)
    assert read_facts(folder) == facts(cell) | {"key": run_key(cell, 1)}
    curve = pd.read_parquet(folder / "curve.parquet")
    assert list(curve.columns) == list(CURVE)
    assert curve["loss"].tolist() == [0.7, 0.6]
    pd.testing.assert_frame_equal(
        pd.read_parquet(folder / "predictions.parquet"),
        prediction_table(facts(cell)["run"], scored),
    )


def test_a_run_without_a_test_set_has_no_scores():
    cell = target()
    write_run(cell, 1, facts(cell), CURVES, None)
    names = sorted(path.name for path in (cell.folder / "seed-1").iterdir())
    assert names == ["curve.parquet", "run.json"]


@pytest.mark.parametrize("table", ["curve", "predictions", "runs"])
def test_a_run_whose_writing_is_cut_off_is_not_done(scored, monkeypatch, table):
    cell = target()
    write_run(cell, 1, facts(cell), CURVES, scored)
    write = module._write

    def fails(path, content):
        if path.stem == table:
            raise OSError("disk full")
        write(path, content)

    monkeypatch.setattr(module, "_write", fails)
    with pytest.raises(OSError, match="disk full"):
        write_run(cell, 1, facts(cell), CURVES, scored)
    assert not run_is_done(cell, 1)
    monkeypatch.setattr(module, "_write", write)
    write_run(cell, 1, facts(cell), CURVES, scored)
    assert run_is_done(cell, 1)


def test_equal_runs_are_equal_bytes(scored):
    cell = target()
    found = []
    for _ in range(2):
        write_run(cell, 1, facts(cell), CURVES, scored)
        found.append({path.name: path.read_bytes() for path in (cell.folder / "seed-1").iterdir()})
    assert found[0] == found[1]
