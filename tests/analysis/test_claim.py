import dataclasses

import numpy as np
import pandas as pd
import pytest

from xstilts.analysis.claim import CLAIMS, judge_claims, retrieval_over_targets
from xstilts.errors import SpecError
from xstilts.params.claim import ClaimSpec, claims_file, read_claims

NOTHING = pd.DataFrame(columns=["sample", "pooling", "arm", "intermediate", "model", "corpus",
                                "language", "score", "seed"])  # fmt: skip


def claim(**values) -> ClaimSpec:
    sound = {"says": "so", "reference": "phang2020", "decided_by": "this", "rule": "above",
             "contrast": "multilingual-none"}  # fmt: skip
    return ClaimSpec(**(sound | values))


def judged(sample, analysis, **claims: ClaimSpec) -> pd.DataFrame:
    return judge_claims(sample, claims, analysis.runs, NOTHING).set_index("name")


def test_the_projects_claims_are_ten_and_each_gets_a_verdict(sample, analysis):
    claims = read_claims(claims_file())
    assert len(claims) == 10
    found = judge_claims(sample, claims, analysis.runs, NOTHING)
    assert found.dtypes.astype("str").to_dict() == CLAIMS
    assert set(found["verdict"]) <= {"supported", "contradicted", "not resolved", "not testable"}
    never = [name for name, one in claims.items() if one.rule == "never"]
    rows = found.set_index("name")
    assert (rows.loc[never, "verdict"] == "not testable").all()
    assert rows.loc[never, "reason"].str.len().min() > 10


def test_the_estimate_is_the_mean_over_what_the_claim_is_about(sample, analysis):
    found = judged(sample, analysis, all=claim(), one=claim(intermediates=("made_questions",)))
    gains = analysis.gains.query(
        "contrast == 'multilingual-none' and unit == 'points' and group == 'other' "
        "and intermediate != 'mean'"
    )
    assert found.loc["all", "estimate"] == pytest.approx(gains["estimate"].mean())
    part = gains[gains["intermediate"] == "made_questions"]
    assert found.loc["one", "estimate"] == pytest.approx(part["estimate"].mean())
    assert found.loc["all", "verdict"] == "supported"


def test_verdicts_follow_from_the_interval(sample, analysis):
    found = judged(
        sample, analysis,
        up=claim(), no_more=claim(rule="not_above"), nothing=claim(rule="zero", margin=0.5),
        wide=claim(rule="zero", margin=90.0),
    )  # fmt: skip
    assert found.loc["up", "low"] > 0
    assert found["verdict"].to_dict() == {
        "up": "supported", "no_more": "contradicted", "nothing": "contradicted",
        "wide": "supported",
    }  # fmt: skip


def test_what_a_study_lacks_makes_a_claim_not_testable_and_is_named(sample, analysis):
    found = judged(
        sample, analysis,
        kind=claim(kinds=("question_answering",)), task=claim(intermediates=("mnli_mt",)),
        target=claim(targets=("XNLI",)), arm=claim(contrast="multilingual-shuffled"),
    )  # fmt: skip
    assert (found["verdict"] == "not testable").all()
    assert found["estimate"].isna().all()
    assert found["reason"].to_dict() == {
        "kind": "no intermediate task of kind question answering",
        "task": "no intermediate task mnli_mt", "target": "no target XNLI",
        "arm": "the study has not the arms that it compares",
    }  # fmt: skip


def test_one_seed_decides_nothing(sample, analysis):
    resampling = dataclasses.replace(sample.resampling, seeds=1)
    alone = dataclasses.replace(sample, resampling=resampling)
    row = judged(alone, analysis, up=claim()).loc["up"]
    assert (row["verdict"], row["reason"]) == ("not testable", "one seed: no interval")
    assert np.isfinite(row["estimate"])


def test_retrieval_is_held_against_the_targets_seed_by_seed():
    about = {"sample": "part", "pooling": "mean", "model": "m", "corpus": "c", "language": "de"}
    before = about | {"intermediate": "none", "arm": "none", "score": 50.0, "seed": -1}
    after = [about | {"intermediate": "t", "arm": "english", "score": 50.0 + gain, "seed": seed}
             for seed, gain in enumerate((10.0, 12.0, 14.0))]  # fmt: skip
    runs = pd.DataFrame([
        {"seed": seed, "arm": arm, "score": 60.0 + (arm == "english")}
        for seed in range(3) for arm in ("none", "english")
    ])  # fmt: skip
    (value, low, high), reason = retrieval_over_targets(runs, pd.DataFrame([before, *after]), 0.95)
    assert (value, reason) == (pytest.approx(11.0), "")
    half = 4.302653 * 2 / np.sqrt(3)  # Student's t, two degrees of freedom
    assert (low, high) == (pytest.approx(11 - half, abs=1e-4), pytest.approx(11 + half, abs=1e-4))
    assert retrieval_over_targets(runs, NOTHING, 0.95)[1].startswith("the study measures no")


@pytest.mark.parametrize(
    ("change", "told"),
    [({"contrast": None}, "key 'contrast' is missing"), ({"rule": "zero"}, "margin: 0 points"),
     ({"rule": "never"}, "reason: goes with"), ({"reason": "none"}, "reason: goes with")],
)  # fmt: skip
def test_a_claim_that_cannot_be_decided_as_written_is_refused(change, told):
    with pytest.raises(ValueError, match=told):
        claim(**change)


def test_a_broken_file_names_the_claim(tmp_path):
    (tmp_path / "claims.yaml").write_text("one: {says: so, rule: above}")
    with pytest.raises(SpecError, match=r"claims.yaml: one: .*reference"):
        read_claims(tmp_path / "claims.yaml")
