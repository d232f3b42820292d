import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import synthetic
import yaml
from synthetic import LANGUAGES

from xstilts.errors import DataError
from xstilts.params import cells
from xstilts.results.collect import COST, REPEATING, collect
from xstilts.results.schema import CURVE, PREDICTIONS, RUNS

RUN = "targets/made_l03/made_nli_b-english/made_nli/seed-1"


def types(table: pd.DataFrame) -> dict[str, str]:
    return table.dtypes.astype("str").to_dict()


def change(path: Path, **columns: object) -> None:
    table = pd.read_parquet(path)
    table.assign(**columns).drop(columns=[n for n, v in columns.items() if v is None]).to_parquet(
        path, index=False
    )


def test_every_run_is_gathered_in_the_order_of_the_grid(outputs):
    found = collect("made")
    assert found.missing == ()
    trained = [cell for cell in cells("made") if cell.stage in ("30_intermediate", "40_target")]
    expected = [f"made/{cell.name}/seed-{seed}" for cell in trained for seed in (0, 1)]
    assert list(found.cost["run"]) == expected
    for table in (found.runs, found.curves, found.predictions):
        assert list(table["run"].unique()) == expected
    assert list(found.runs["language"][:6]) == list(LANGUAGES)
    assert len(found.predictions) == len(expected) * 30 * len(LANGUAGES)


def test_the_tables_are_those_of_the_contract(outputs):
    found = collect("made")
    assert types(found.runs) == RUNS
    assert types(found.curves) == CURVE
    assert types(found.cost) == COST
    repeating = dict.fromkeys(REPEATING, "category")
    shares = dict.fromkeys(["p0", "p1", "p2"], "float16")
    assert types(found.predictions) == PREDICTIONS | repeating | shares


def test_predictions_come_back_as_they_were_written(outputs):
    found = collect("made").predictions
    written = pd.read_parquet(outputs / RUN / "predictions.parquet")
    mine = found[found["run"] == f"made/{RUN}"].astype({"language": "str", "item": "str"})
    both = mine.merge(written, on=["language", "item"], suffixes=("", "_written"))
    assert len(both) == len(written)
    for column in ("label", "prediction", "p0", "p1", "p2"):
        np.testing.assert_array_equal(both[column], both[f"{column}_written"])


def test_rows_of_a_run_need_not_be_in_order(outputs):
    expected = collect("made")
    for name in ("runs", "predictions"):
        path = outputs / RUN / f"{name}.parquet"
        pd.read_parquet(path).sample(frac=1, random_state=0).to_parquet(path, index=False)
    again = collect("made")
    pd.testing.assert_frame_equal(again.runs, expected.runs)
    pd.testing.assert_frame_equal(again.predictions, expected.predictions)


def test_columns_that_the_contract_does_not_know_are_left_behind(outputs):
    change(outputs / RUN / "runs.parquet", mood="good")
    assert list(collect("made").runs.columns) == list(RUNS)


def test_an_undefined_number_is_kept_as_such(outputs):
    change(outputs / RUN / "curve.parquet", accuracy=np.nan)
    curves = collect("made").curves
    assert curves.loc[curves["run"] == f"made/{RUN}", "accuracy"].isna().all()


def test_a_task_without_test_set_has_a_cost_and_a_curve_and_no_score(outputs):
    path = outputs.parents[1] / "params" / "tasks" / "made_questions.yaml"
    spec = yaml.safe_load(path.read_text()) | {"test_languages": [], "test_items": 0}
    path.write_text(yaml.safe_dump(spec))
    synthetic.forget()
    for run in outputs.glob("intermediate/made_l03/made_questions/*/seed-*"):
        (run / "runs.parquet").unlink()
        (run / "predictions.parquet").unlink()
    found = collect("made")
    mine = "intermediate/made_l03/made_questions"
    assert found.cost["run"].str.contains(mine).sum() == 2
    assert found.curves["run"].str.contains(mine).any()
    assert not found.runs["run"].str.contains(mine).any()


def test_unfinished_runs_are_refused_or_named(outputs):
    (outputs / RUN / "run.json").unlink()
    with pytest.raises(DataError, match=f"1 of 16 runs are not finished, the first is {RUN} "):
        collect("made")
    found = collect("made", partial=True)
    assert found.missing == (RUN,)
    assert f"made/{RUN}" not in set(found.runs["run"])
    assert found.runs["run"].nunique() == 15


def test_a_study_without_any_finished_run_is_nothing_to_collect(outputs):
    for path in outputs.rglob("run.json"):
        path.unlink()
    with pytest.raises(DataError, match="16 of 16 runs are not finished"):
        collect("made", partial=True)


@pytest.mark.parametrize("name", ["runs.parquet", "curve.parquet", "predictions.parquet"])
def test_a_table_of_another_run_is_refused(outputs, name):
    change(outputs / RUN / name, run="other/targets/x/seed-0")
    with pytest.raises(DataError, match=rf"{RUN}/{name}: column run: found other/.*expected made/"):
        collect("made")


@pytest.mark.parametrize("name", ["runs.parquet", "curve.parquet", "predictions.parquet"])
def test_a_missing_or_broken_table_is_told_with_path_and_cell(outputs, name):
    path = outputs / RUN / name
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=f"{path}: not a Parquet file"):
        collect("made")
    path.unlink()
    with pytest.raises(DataError, match=f"{path}: file not found; the cell targets/made_l03"):
        collect("made")


@pytest.mark.parametrize(
    ("name", "column"),
    [("runs.parquet", "tokens"), ("curve.parquet", "loss"), ("predictions.parquet", "label")],
)
def test_a_missing_column_is_named(outputs, name, column):
    change(outputs / RUN / name, **{column: None})
    with pytest.raises(DataError, match=f"{name}: columns missing: {column}"):
        collect("made")


@pytest.mark.parametrize("value", ["many", 1.5, None])
def test_a_number_that_is_none_is_refused(outputs, value):
    path = outputs / RUN / "runs.parquet"
    table = pd.read_parquet(path)
    table["steps"] = pd.Series([value] * len(table), dtype="float64" if value == 1.5 else "object")
    table.to_parquet(path, index=False)
    with pytest.raises(DataError, match=f"{path}: "):
        collect("made")


def test_languages_must_be_those_of_the_task(outputs):
    path = outputs / RUN / "runs.parquet"
    table = pd.read_parquet(path)
    table.iloc[:-1].to_parquet(path, index=False)
    with pytest.raises(DataError, match=r"languages: found de, en, es, ru, sw; expected .* zh"):
        collect("made")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda facts: facts | {"run": "made/other"}, "column run: found made/other"),
        (lambda facts: {k: v for k, v in facts.items() if k != "flops"}, "columns missing: flops"),
        (lambda facts: facts | {"steps": "many"}, "run.json: "),
        (lambda facts: facts | {"steps": None}, "column steps: a value is missing"),
        (lambda facts: [facts["run"]], "not the facts of a run"),
    ],
)
def test_run_json_is_checked(outputs, spoil, says):
    path = outputs / RUN / "run.json"
    path.write_text(json.dumps(spoil(json.loads(path.read_text()))))
    with pytest.raises(DataError, match=says):
        collect("made")
