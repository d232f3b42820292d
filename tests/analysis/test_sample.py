import dataclasses

import numpy as np
import pytest

from xstilts.analysis.sample import Sample

NLI, QUESTIONS = ("made_nli_b", "made_nli"), ("made_questions", "made_nli")


def mean_score(collected, model, arm, intermediate, target, languages):
    runs = collected.runs
    rows = runs[
        (runs["stage"] == "target") & (runs["model"] == model) & (runs["arm"] == arm)
        & (runs["intermediate"] == intermediate) & (runs["target"] == target)
        & runs["language"].isin(languages)
    ]  # fmt: skip
    assert len(rows) == 3 * len(languages)
    return rows["score"].mean()


def test_pairs_of_one_skill_are_same_and_all_others_cross(sample):
    assert sample.design.pairs("same") == [NLI]
    assert set(sample.design.pairs("cross")) == {
        QUESTIONS, ("made_nli_b", "made_paraphrase"), ("made_questions", "made_paraphrase"),
    }  # fmt: skip


def test_the_groups_follow_the_languages_of_the_intermediate_task(sample):
    groups = sample.design.groups(("de", "en", "ru", "sw"), "made_nli_b")
    assert groups["seen"] == ("de",)
    assert groups["unseen"] == ("ru", "sw")
    assert "seen" not in sample.design.groups(("de", "en", "ru", "sw"), "none")


def test_a_contrast_is_the_difference_of_mean_scores(sample, collected):
    values = sample.contrast("made_l06", QUESTIONS, "multilingual-english", "points", "unseen")
    high, low = (
        mean_score(collected, "made_l06", arm, *QUESTIONS, ("ru", "sw"))
        for arm in ("multilingual", "english")
    )
    assert values[0] == pytest.approx(high - low)


def test_errors_removed_are_of_the_groups_mean_not_a_mean_of_ratios(sample, collected):
    values = sample.contrast("made_l06", QUESTIONS, "multilingual-none", "error_reduction", "other")
    codes = ("de", "es", "ru", "sw", "zh")
    high = mean_score(collected, "made_l06", "multilingual", *QUESTIONS, codes)
    low = mean_score(collected, "made_l06", "none", "none", "made_nli", codes)
    assert values[0] == pytest.approx(100 * (high - low) / (100 - low))


def test_what_does_not_exist_is_none(sample):
    ask = sample.contrast
    assert ask("made_l06", QUESTIONS, "english-none", "points", "fr") is None
    assert ask("made_l06", ("made_xnli", "made_nli"), "english-none", "points", "other") is None
    assert ask("made_l06", ("made_nli_b", "gone"), "english-none", "points", "other") is None


def test_models_are_averaged_over_the_pairs_that_all_of_them_have(sample, without):
    pairs = sample.design.pairs("cross")
    gone = ("made_l12", "made_questions-english")
    partly = without(sample, gone, "made_nli")
    found = partly.by_model(pairs, "english-none", "points", "other")
    shared = [pair for pair in pairs if pair != QUESTIONS]
    assert set(found) == set(sample.design.models)
    for model, values in found.items():
        each = [sample.contrast(model, pair, "english-none", "points", "other") for pair in shared]
        assert values[0] == pytest.approx(np.mean([one[0] for one in each]))


def test_without_a_common_pair_there_is_no_mean(sample, without):
    partly = without(sample, ("made_l12", "made_questions-english"), "made_nli")
    assert partly.by_model([QUESTIONS], "english-none", "points", "other").keys() == {
        "made_l03", "made_l06",
    }  # fmt: skip
    assert sample.by_model([], "english-none", "points", "other") == {}


def test_the_slope_is_a_line_through_the_gains_in_every_draw(sample):
    by_model = sample.by_model([QUESTIONS], "multilingual-none", "points", "other")
    sizes = [sample.design.models[model].body_params for model in by_model]
    fitted = np.polyfit(np.log10(sizes), np.stack(list(by_model.values())), 1)[0]
    np.testing.assert_allclose(sample.slope(by_model), fitted, atol=1e-8)
    assert sample.sizes(by_model) == 3


def test_a_slope_needs_two_sizes_of_one_family(sample):
    by_model = sample.by_model([QUESTIONS], "multilingual-none", "points", "other")
    first = {"made_l03": by_model["made_l03"]}
    assert sample.slope(first) is None
    assert sample.slope({}) is None
    assert sample.sizes(first) == 0
    design = sample.design
    other = design.models["made_l12"].model_copy(update={"family": "other"})
    models = design.models | {"made_l12": other}
    mixed = dataclasses.replace(sample, design=dataclasses.replace(design, models=models))
    two = {model: by_model[model] for model in ("made_l03", "made_l06")}
    assert mixed.sizes(by_model) == 2
    np.testing.assert_allclose(mixed.slope(by_model), sample.slope(two))


@pytest.mark.parametrize("shared", [True, False])
def test_targets_that_score_the_same_items_have_them_redrawn_alike(sample, shared):
    tasks = dict(sample.design.tasks)
    if shared:
        update = {"test_draw": "made_nli"}
        tasks["made_paraphrase"] = tasks["made_paraphrase"].model_copy(update=update)
    design = dataclasses.replace(sample.design, tasks=tasks)
    one = sample.outcomes["made_nli"]
    other = dataclasses.replace(one, target="made_paraphrase")
    drawn = Sample.draw(design, {"made_nli": one, "made_paraphrase": other})
    model, start = one.entries[0]
    found = [drawn.score(model, start, name, ("de",)) for name in drawn.outcomes]
    assert found[0][0] == found[1][0]
    assert np.array_equal(*found, equal_nan=True) == shared


def test_a_task_at_two_numbers_of_items_has_its_scored_items_redrawn_alike(sample):
    task = sample.design.tasks["made_nli"]
    design = dataclasses.replace(sample.design, tasks={"made_nli": task, "made_nli@9": task})
    one = sample.outcomes["made_nli"]
    other = dataclasses.replace(one, target="made_nli@9")
    drawn = Sample.draw(design, {"made_nli": one, "made_nli@9": other})
    model, start = one.entries[0]
    found = [drawn.score(model, start, name, ("de",)) for name in drawn.outcomes]
    assert np.array_equal(*found, equal_nan=True)
