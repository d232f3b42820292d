import dataclasses

import numpy as np
import pytest

from xstilts.analysis import Sample, analyse, holm, judge_hypotheses
from xstilts.analysis.hypothesis import COLUMNS
from xstilts.params import Hypothesis


def asking(sample: Sample, *declared: dict[str, str]) -> Sample:
    wanted = tuple(
        Hypothesis(**({"name": f"h{place}", "says": "so", "contrast": "multilingual-none"} | one))
        for place, one in enumerate(declared)
    )
    study = sample.design.study.model_copy(update={"hypotheses": wanted})
    return dataclasses.replace(sample, design=dataclasses.replace(sample.design, study=study))


def test_the_estimate_is_the_mean_over_models_and_pairs(sample, analysis):
    row = judge_hypotheses(asking(sample, {"pairs": "cross"})).iloc[0]
    gains = analysis.gains.query(
        "pair == 'cross' and contrast == 'multilingual-none' and unit == 'points' "
        "and group == 'other'"
    )
    assert row["estimate"] == pytest.approx(gains["estimate"].mean())
    assert row["verdict"] == "supported"
    assert row["low"] > 0
    assert row["p"] == row["p_holm"]


def test_a_hypothesis_on_one_target_is_of_its_pairs_alone(sample, analysis):
    asked = [{"target": "made_nli"}, {"target": "made_paraphrase"}, {}]
    found = judge_hypotheses(asking(sample, *asked))
    assert found["target"].tolist() == ["made_nli", "made_paraphrase", ""]
    gains = analysis.gains.query(
        "pair == 'cross' and contrast == 'multilingual-none' and unit == 'points' "
        "and group == 'other' and target == 'made_nli'"
    )
    assert found["estimate"].iloc[0] == pytest.approx(gains["estimate"].mean())
    assert found["estimate"].nunique() == 3


def test_verdicts(sample):
    found = judge_hypotheses(
        asking(
            sample,
            {"contrast": "multilingual-english"},
            {"contrast": "multilingual-none", "quantity": "slope", "pairs": "same"},
            {"contrast": "english-none", "pairs": "same"},
        )
    )
    assert list(found.columns) == list(COLUMNS)
    assert found["verdict"].iloc[0] == "supported"
    assert found["verdict"].iloc[2] == "not resolved"
    np.testing.assert_allclose(found["p_holm"], holm(found["p"].tolist()))


def test_a_clear_effect_the_other_way_is_contradicted(study):
    cell = study(layers=(3,), multilingual=-1.5, items=40)
    verdicts = analyse(cell).hypotheses.set_index("name")["verdict"]
    assert verdicts["multilingual_over_english"] == "contradicted"
    assert verdicts["advantage_grows"] == "not testable"  # there is one size


def test_one_seed_or_no_such_arm_is_not_testable(study):
    cell = study(layers=(3, 12), seeds=(0,), items=20)
    found = analyse(cell).hypotheses
    assert (found["verdict"] == "not testable").all()
    assert found["estimate"].notna().all()
    assert found[["low", "high", "p", "p_holm"]].isna().all(axis=None)


def test_an_arm_that_the_study_lacks_leaves_nothing_to_estimate(study):
    cell = study(layers=(3,), arms=("none", "english"), items=20, seeds=(0, 1))
    found = analyse(cell).hypotheses
    assert (found["verdict"] == "not testable").all()
    assert found["estimate"].isna().all()


def test_a_study_that_declares_nothing_has_an_empty_table(sample):
    found = judge_hypotheses(asking(sample))
    assert len(found) == 0
    assert list(found.columns) == list(COLUMNS)
