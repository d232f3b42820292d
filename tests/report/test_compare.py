"""The committed study against itself and against changed copies of it."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from xstilts.analysis import load_analysis
from xstilts.errors import DataError, SpecError
from xstilts.report.compare import compare, number_differences, parameter_differences

PUBLISHED = Path(__file__).parents[2] / "outputs" / "published" / "real" / "analysis"


@pytest.fixture
def other(tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(PUBLISHED, folder)
    return folder


def test_a_study_does_not_differ_from_itself():
    told = compare("real", str(PUBLISHED))
    assert told.startswith("parameters that differ: 0\n")
    assert "0 differ beyond noise" in told
    analysis = load_analysis(PUBLISHED)
    assert (number_differences("scores", analysis, analysis)["difference"] == 0).all()


def test_parameters_that_differ_are_named_with_both_values(other):
    about = json.loads((other / "study.json").read_text())
    about["study"]["optimizer"]["batch"] = 99
    del about["study"]["resamples"]
    (other / "study.json").write_text(json.dumps(about))
    mine = load_analysis(PUBLISHED)
    found = {key: values for key, *values in parameter_differences(mine.study, about)}
    assert found["study.optimizer.batch"] == [mine.study["study"]["optimizer"]["batch"], 99]
    assert found["study.resamples"][1] is None
    assert len(found) == 2
    assert "study.optimizer.batch: " in compare(str(PUBLISHED), str(other))


@pytest.mark.parametrize(("shift", "beyond"), [(3.0, True), (-3.0, True), (2.8, False)])
def test_only_what_exceeds_both_intervals_differs(shift, beyond):
    analysis = load_analysis(PUBLISHED)
    values = analysis.scores["score"]
    base = analysis.scores.assign(low=values - 2, high=values + 2)
    moved = base.assign(score=values + shift, low=base["low"] + shift, high=base["high"] + shift)
    one, other = (dataclasses.replace(analysis, scores=table) for table in (base, moved))
    found = number_differences("scores", one, other)
    assert len(found) == len(base)
    assert found["noise"].to_numpy() == pytest.approx(8**0.5)
    assert (found["beyond"] == beyond).all()


def test_one_seed_has_no_noise_to_exceed():
    analysis = load_analysis(PUBLISHED)
    bare = analysis.scores.assign(low=float("nan"), high=float("nan"))
    far = bare.assign(score=bare["score"] + 50)
    one, other = (dataclasses.replace(analysis, scores=table) for table in (bare, far))
    found = number_differences("scores", one, other)
    assert not found["beyond"].any()
    assert found["noise"].isna().all()


def test_a_study_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SpecError, match="Did you mean 'real'"):
        compare("rael", "real")
    with pytest.raises(DataError, match="study 'xtreme': no tables"):
        compare("xtreme", "real", str(tmp_path))
