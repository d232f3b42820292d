import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from synthetic import LANGUAGES

from xstilts.analysis import Analysis, analyse, analyse_again, load_analysis
from xstilts.analysis.stored import TABLES
from xstilts.errors import DataError
from xstilts.params import ModelSpec, StudySpec, TaskSpec, find_cell
from xstilts.params.load import parse
from xstilts.report.evidence import evidence_of
from xstilts.report.numbers import Numbers
from xstilts.results.schema import PREDICTIONS, RUNS

LAST = "targets/made_l03/made_questions-multilingual/made_paraphrase/seed-1"


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def gone(cell, name: str):
    """Make a run unfinished: its run.json is written last."""
    (cell.folder.parent / name / "run.json").unlink()


def test_the_folder_holds_what_the_design_promises(made, analysis):
    assert analysis.folder == made.folder
    assert set(files(made.folder)) == {
        *(f"{name}.parquet" for name in TABLES), "predictions.parquet", "study.json",
    }  # fmt: skip


def test_reading_gives_back_what_was_analysed(made, analysis):
    again = load_analysis(made.folder)
    for name in (*TABLES, "predictions"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(analysis, name))
    assert again.study == analysis.study
    assert {field.name for field in dataclasses.fields(Analysis)} == {"folder", "study", *TABLES}


def test_estimating_again_needs_no_cell_and_gives_the_same_tables(analysis, tmp_path):
    copy = tmp_path / "analysis"
    shutil.copytree(analysis.folder, copy)
    (copy / "crosschecks.parquet").unlink()
    analysis.gains.assign(estimate=0.0).to_parquet(copy / "gains.parquet", index=False)
    again = analyse_again(copy, str(tmp_path))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(analysis, name))
    assert files(copy)["predictions.parquet"] == files(analysis.folder)["predictions.parquet"]


def test_predictions_are_exactly_those_of_the_contract(analysis, collected):
    stored = pq.read_schema(analysis.folder / "predictions.parquet")
    kinds = dict(zip(stored.names, map(str, stored.types), strict=True))
    text = {name: "string" for name, kind in PREDICTIONS.items() if kind == "str"}
    assert kinds == PREDICTIONS | text | {"p0": "halffloat", "p1": "halffloat", "p2": "halffloat"}
    assert set(analysis.predictions["run"]) == set(analysis.runs["run"])
    pd.testing.assert_frame_equal(
        analysis.predictions, collected.predictions, check_categorical=False
    )


def test_probabilities_beyond_a_tasks_labels_are_undefined(analysis):
    two = analysis.predictions["run"].str.contains("/made_paraphrase/").to_numpy()
    three = analysis.predictions["run"].str.contains("/made_nli/").to_numpy()
    assert analysis.predictions.loc[two, "p2"].isna().all()
    assert analysis.predictions.loc[three, "p2"].notna().all()


def test_runs_of_the_intermediate_stage_are_kept_and_score_no_target(analysis):
    assert set(analysis.runs["stage"]) == {"intermediate", "target"}
    assert set(analysis.scores["target"]) == {"made_nli", "made_paraphrase"}
    assert set(analysis.curves["run"]) == set(analysis.runs["run"]) == set(analysis.cost["run"])
    assert list(analysis.runs.columns) == list(RUNS)


def test_study_json_says_what_the_study_is(made, analysis):
    about = json.loads((made.folder / "study.json").read_text())
    assert about["name"] == "made"
    parse(StudySpec, about["study"], "study")
    assert all(parse(ModelSpec, one, "model") for one in about["models"].values())
    assert all(parse(TaskSpec, one, "task") for one in about["tasks"].values())
    runs = 3 * 3 * (4 + 5 * 2)
    assert about["counts"] == {
        "runs": runs, "predictions": runs * 60 * len(LANGUAGES), "missing": [], "left_out": [],
    }  # fmt: skip
    for name, key in about["cells"].items():
        assert json.loads((made.folder.parent / name / "manifest.json").read_text())["key"] == key
    assert about["cells"].keys() == {cell.name for cell in made.inputs}


def test_the_report_finds_its_numbers(analysis):
    evidence = evidence_of(analysis)
    numbers = Numbers(evidence)
    assert evidence.contrasts[0] == "multilingual-english"
    assert numbers.find("slopes/mean/mean/cross/multilingual-english/points/other").value < 0
    assert numbers.find("count/collapsed").value == 6
    assert numbers.find("hypotheses/multilingual_over_english").value > 10


def test_the_truth_comes_out(analysis):
    """English data add next to nothing, multilingual ones much, in every size."""
    points = analysis.gains.query("unit == 'points' and group == 'other' and pair == 'cross'")
    points = points[points["intermediate"] != "made_questions"]  # one of its cells collapsed
    by_contrast = points.set_index("contrast")
    assert by_contrast.loc["multilingual-none", "resolved"].all()
    assert not by_contrast.loc["english-none", "resolved"].any()


def test_equal_runs_give_equal_bytes(small):
    first = files(analyse(small).folder)
    assert files(analyse(small).folder) == first


def test_an_unfinished_study_is_refused_and_nothing_is_written(small):
    gone(small, LAST)
    with pytest.raises(DataError, match=f"1 of 28 runs are not finished, the first is {LAST}"):
        analyse(small)
    assert not small.folder.exists()


def test_part_of_a_study_is_analysed_on_demand_and_says_what_is_missing(small):
    gone(small, LAST)
    found = analyse(small, partial=True)
    assert found.study["counts"]["missing"] == [LAST]
    assert found.study["counts"]["runs"] == 27
    other = LAST.replace("seed-1", "seed-0")
    assert found.study["counts"]["left_out"] == [f"made/{other}"]
    assert f"made/{other}" in set(found.runs["run"])
    assert set(found.scores["seeds"]) == {2}
    gains = found.gains.query("intermediate == 'made_questions' and target == 'made_paraphrase'")
    assert set(gains["contrast"]) == {"english-none"}


def test_a_part_without_target_runs_is_no_analysis(small):
    for path in (small.folder.parent / "targets").rglob("run.json"):
        path.unlink()
    with pytest.raises(DataError, match="no run on a target task is finished"):
        analyse(small, partial=True)


def test_a_score_that_contradicts_the_predictions_stops_the_analysis(small, change):
    path = small.folder.parent / LAST / "runs.parquet"
    change(path, lambda table: table.assign(score=table["score"] + 1))
    with pytest.raises(DataError, match=f"{LAST}: score in 'de'"):
        analyse(small)


def test_an_analysis_that_fails_on_the_way_leaves_no_study_json(small, monkeypatch):
    analyse(small)
    monkeypatch.setattr("xstilts.analysis.stored._write_frame", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        analyse(small)
    with pytest.raises(DataError, match="not there or not finished"):
        load_analysis(small.folder)
    assert not [name for name in files(small.folder) if name.startswith(".")]


def test_files_that_are_missing_or_broken_are_named(small):
    folder = analyse(small).folder
    before = files(folder)

    def fails(name: str, content: bytes | None, says: str) -> None:
        path = folder / name
        path.unlink() if content is None else path.write_bytes(content)
        with pytest.raises(DataError, match=f"{path}.*{says}"):
            load_analysis(folder).predictions  # noqa: B018
        path.write_bytes(before[name])

    fails("gains.parquet", None, "file not found")
    fails("gains.parquet", b"nothing", "not a Parquet file")
    fails("gains.parquet", before["gains.parquet"][:500], "not a Parquet file")
    fails("gains.parquet", before["slopes.parquet"], "columns missing: model")
    fails("predictions.parquet", None, "file not found")
    fails("predictions.parquet", before["runs.parquet"], "columns missing: item")
    fails("study.json", None, "not finished")
    fails("study.json", b"[]", "keys missing: name")
    fails("study.json", b"{", "not JSON")
    assert len(load_analysis(folder).predictions)


def test_a_published_analysis_goes_without_predictions(small):
    folder = analyse(small).folder
    (folder / "predictions.parquet").unlink()
    assert len(load_analysis(folder).scores)


def test_values_in_other_outputs_are_read_from_there(small):
    outputs = small.folder.parents[1]
    outputs.rename(outputs.with_name("elsewhere"))
    cell = find_cell("50_analysis", "made", outputs="elsewhere")
    assert np.isfinite(analyse(cell).scores["score"]).all()
    assert "elsewhere" in str(cell.folder)
    assert not outputs.exists()


def test_neither_import_nor_analysis_needs_torch():
    code = "import sys, xstilts.analysis; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
