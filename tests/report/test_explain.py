"""Numbers of the committed studies, held against the runs that are said to be behind them."""

import dataclasses
from pathlib import Path

import pytest

from xstilts.analysis import (
    Sample,
    complete_grid,
    gather_outcomes,
    load_analysis,
    tabulate_fits,
    tabulate_gaps,
    tabulate_uncollapsed,
)
from xstilts.analysis.origin import design_in
from xstilts.errors import DataError, SpecError
from xstilts.report.evidence import evidence_of
from xstilts.report.explain import explain
from xstilts.report.numbers import Numbers
from xstilts.report.trace import chosen_runs

PUBLISHED = Path(__file__).parents[2] / "outputs" / "published"


@pytest.fixture(scope="module")
def real():
    analysis = load_analysis(PUBLISHED / "real" / "analysis")
    evidence = evidence_of(analysis, "real")
    return analysis, evidence, Numbers(evidence)


@pytest.fixture(scope="module")
def beside(real):
    """The tables beside the main results, estimated from the committed predictions."""
    analysis = real[0]
    used, _ = complete_grid(analysis.runs)
    sample = Sample.draw(design_in(analysis.study), gather_outcomes(used, analysis.predictions))
    found = dataclasses.replace(
        analysis, gaps=tabulate_gaps(sample), fits=tabulate_fits(sample, used, analysis.cost),
        uncollapsed=tabulate_uncollapsed(sample, analysis.runs),
    )  # fmt: skip
    evidence = evidence_of(found, "real")
    return found, evidence, Numbers(evidence)


def test_a_score_is_the_mean_of_its_runs(real):
    analysis, evidence, numbers = real
    keys = [key for key in numbers.keys if key.startswith("scores/") and ":" not in key]
    assert len(keys) > 50
    for key in keys:
        number = numbers.find(key)
        scores = chosen_runs(analysis, evidence, number)["score"]
        assert scores.mean() == pytest.approx(number.value), key


def test_a_gain_in_points_is_the_difference_of_its_runs(real):
    analysis, evidence, numbers = real
    keys = [key for key in numbers.keys if key.startswith("gains/") and "/points/" in key
            and ":" not in key]  # fmt: skip
    assert len(keys) > 20
    for key in keys:
        number = numbers.find(key)
        by_arm = chosen_runs(analysis, evidence, number).groupby("arm")["score"].mean()
        first, second = number.row["contrast"].split("-")
        assert by_arm[first] - by_arm[second] == pytest.approx(number.value), key


def test_a_hypothesis_names_the_runs_of_all_sizes_and_pairs(real):
    analysis, evidence, numbers = real
    number = numbers.find("hypotheses/multilingual_over_english")
    runs = chosen_runs(analysis, evidence, number)
    assert set(runs["model"]) == set(evidence.models)
    by_arm = runs.groupby("arm")["score"].mean()
    assert by_arm["multilingual"] - by_arm["english"] == pytest.approx(number.value)


def test_a_claim_names_the_runs_that_decide_it(real):
    analysis, evidence, numbers = real
    number = numbers.find("claims/xnli_gains_nothing")
    runs = chosen_runs(analysis, evidence, number)
    assert set(runs["target"]) == {"xnli"}
    assert set(runs["arm"]) == {"none", "english"}
    by_arm = runs.groupby("arm")["score"].mean()
    assert by_arm["english"] - by_arm["none"] == pytest.approx(number.value)


def test_a_claim_that_no_study_can_decide_has_no_runs(real):
    analysis, evidence, numbers = real
    assert chosen_runs(analysis, evidence, numbers.find("claims/state_of_the_art")).empty


def test_translations_found_lead_to_the_encoder_that_found_them(real):
    _, evidence, _ = real
    model = next(iter(evidence.models))
    end = "tatoeba/part/mean/all"
    before = explain("real", f"retrievals/{model}/none/none/{end}")
    after = explain("real", f"retrievals/{model}/mnli_mt/english/{end}")
    assert f"  encoders/{model}\n" in before
    assert f"  intermediate/{model}/mnli_mt/english\n" in after


def test_the_text_says_value_runs_parameters_cells_and_code(real):
    _, evidence, _ = real
    model = next(iter(evidence.models))
    key = f"scores/{model}/none/none/xnli/en"
    told = explain("real", key)
    assert told.startswith(f"{key}\n")
    assert f"real/targets/{model}/none/xnli/seed-0" in told
    for part in ("parameters", f"encoders/{model}", "data/xnli", "commit ", "torch "):
        assert part in told
    assert "intermediate" not in told.split("parameters")[1].split("cells")[0]


def test_a_number_without_runs_is_still_told():
    assert "runs (" not in explain("real", "count/models")


def test_a_row_among_other_budgets_names_the_runs_of_this_study(real):
    analysis, evidence, numbers = real
    keys = [key for key in numbers.keys if key.startswith("budgets/real/") and ":" not in key]
    assert len(keys) > 50
    for key in keys:
        number = numbers.find(key)
        by_arm = chosen_runs(analysis, evidence, number).groupby("arm")["score"].mean()
        if number.row["contrast"]:
            first, second = number.row["contrast"].split("-")
            assert by_arm[first] - by_arm[second] == pytest.approx(number.value), key
        else:
            assert by_arm.item() == pytest.approx(number.value), key


def test_a_row_of_a_study_beside_gives_the_command_that_explains_it(real):
    _, _, numbers = real
    key = next(key for key in numbers.keys if key.startswith("budgets/real_curve/")
               and key.endswith("/other") and "/xnli_60k/60000/" in key)  # fmt: skip
    told = explain("real", key)
    assert "runs (" not in told
    (line,) = [line for line in told.splitlines() if line.startswith("its runs: ")]
    command, study, its_key = line.removeprefix("its runs: xstilts ").split()
    assert (command, study) == ("explain", "real_curve")
    assert "@60000/" in its_key
    there = explain(study, its_key)
    assert there.splitlines()[1].startswith(told.splitlines()[1].split(" (")[0] + " (")
    assert "runs (" in there


def test_an_unknown_number_names_the_nearest():
    with pytest.raises(SpecError, match=r"'count/model' is unknown. Did you mean 'count/models'"):
        explain("real", "count/model")


def test_a_study_without_tables_says_how_to_compute_them(tmp_path):
    with pytest.raises(DataError, match="make paper STUDY=xtreme"):
        explain("xtreme", "count/models", str(tmp_path))


def test_a_gap_shows_english_beside_the_others_and_the_baseline(beside):
    analysis, evidence, numbers = beside
    keys = [key for key in numbers.keys if key.startswith("gaps/") and key.endswith("/gap")]
    assert len(keys) > 10
    for key in keys:
        number = numbers.find(key)
        runs = chosen_runs(analysis, evidence, number)
        assert set(runs["arm"]) == {"none", number.row["arm"]}
        means = runs[runs["arm"] == number.row["arm"]].groupby("group")["score"].mean()
        assert means["en"] - means["other"] == pytest.approx(number.value), key


def test_a_line_shows_the_runs_of_every_size(beside):
    analysis, evidence, numbers = beside
    keys = [key for key in numbers.keys if key.startswith("fits/") and ":" not in key]
    assert len(keys) > 10
    for key in keys:
        runs = chosen_runs(analysis, evidence, numbers.find(key))
        assert set(runs["model"]) == set(evidence.models), key
        wanted = {"none"} if "/score/" in key else {"multilingual", "english"}
        assert set(runs["arm"]) == wanted, key


def test_a_contrast_without_collapsed_runs_shows_those_that_are_left(beside):
    analysis, evidence, numbers = beside
    key = "uncollapsed/all/cross/multilingual-english"
    number = numbers.find(f"{key}/nothing")
    by_arm = chosen_runs(analysis, evidence, number).groupby("arm")["score"].mean()
    assert by_arm["multilingual"] - by_arm["english"] == pytest.approx(number.value)
    spoilt = analysis.runs.copy()
    model = next(iter(evidence.models))
    base = (spoilt["model"] == model) & (spoilt["arm"] == "none")
    spoilt.loc[base, "status"] = "collapsed"
    changed = dataclasses.replace(analysis, runs=spoilt)
    left = chosen_runs(changed, evidence_of(changed, "real"), numbers.find(f"{key}/any"))
    assert model not in set(left["model"])
    assert len(left)
