import io
import json
import xml.etree.ElementTree as ET

import made_up
import pandas as pd
import pytest

from xstilts.report import Paper, figures

NAMES = ["design", "score_by_size", "gain_by_size", "language_heatmap", "learning_curves", "probe",
         "alignment"]  # fmt: skip


@pytest.fixture(scope="module", params=["smoke_paper", "mini_paper"])
def drawn(request) -> Paper:
    return request.getfixturevalue(request.param)


def test_every_figure_is_drawn_with_one_model_and_one_seed_too(drawn):
    assert set(NAMES) <= set(drawn.figures)


def test_a_figure_has_words_for_those_who_do_not_see_it(drawn):
    for figure in drawn.figures.values():
        assert len(figure.alt) > 60
        assert figure.caption.endswith(".")


def test_a_figure_names_the_head_and_the_cells_it_shows(drawn):
    for name, figure in drawn.figures.items():
        assert figure.keys
        assert name == "design" or "“aligned”" in figure.caption


def test_truncations_are_called_so_where_sizes_are_compared(mini_paper):
    assert "truncations of one encoder" in mini_paper.figures["score_by_size"].caption


def test_one_seed_is_said_in_place_of_an_interval(smoke_paper):
    caption = smoke_paper.figures["gain_by_size"].caption
    assert "One seed" in caption
    assert "interval over" not in caption


def test_svg_is_well_formed_and_png_a_picture(drawn):
    for figure in drawn.figures.values():
        assert ET.fromstring(figure.svg).tag.endswith("svg")
        assert figure.png.startswith(b"\x89PNG")


def test_scores_drawn_are_the_scores_of_the_table(mini, mini_paper):
    data = pd.read_csv(io.StringIO(mini_paper.figures["score_by_size"].csv))
    merged = data.merge(
        mini.scores, on=["model", "intermediate", "arm", "target", "group"], suffixes=("", "_table")
    )
    assert len(merged) == len(data) > 0
    assert (merged["score"] - merged["score_table"]).abs().max() < 1e-3
    assert set(data["group"]) == {"en", "other"}


def test_gains_drawn_hold_both_units(mini_paper):
    data = mini_paper.figures["gain_by_size"].data
    assert set(data["unit"]) == {"points", "error_reduction"}
    assert set(data["group"]) == {"other"}


def test_the_matrix_holds_every_pair_at_every_size(mini, mini_paper):
    data = mini_paper.figures["task_matrix"].data
    assert len(data) == 3 * 3 * 2 * 2  # contrasts, sizes, intermediate tasks, targets
    assert set(data["unit"]) == {"points"}
    assert figures.task_matrix(made_up.study("smoke")) is None


def test_heat_map_holds_every_language_of_every_target(mini, mini_paper):
    data = mini_paper.figures["language_heatmap"].data
    for target in mini.study["study"]["targets"]:
        found = set(data.loc[data["target"] == target, "language"])
        assert found == set(mini.study["tasks"][target]["test_languages"])


def test_the_probe_is_the_mean_over_languages(mini, mini_paper):
    data = mini_paper.figures["probe"].data.set_index(["model", "target", "group"])["score"]
    probes = mini.probes[(mini.probes["model"] == "e5_l06") & (mini.probes["target"] == "mini_nli")]
    other = probes[probes["language"] != "en"]["score"].mean()
    assert data["e5_l06", "mini_nli", "other"] == pytest.approx(other)


def test_alignment_stands_beside_the_arms_difference(mini, mini_paper):
    data = mini_paper.figures["alignment"].data
    assert len(data) == 3 * 2 * 2  # sizes, intermediate tasks, targets
    assert set(data["alignment"]) == {3.0}
    points = mini.gains.query(
        "contrast == 'multilingual-english' and unit == 'points' and group == 'other'"
    ).set_index(["model", "intermediate", "target"])["estimate"]
    for row in data.itertuples():
        assert row.score == points[row.model, row.intermediate, row.target]


def test_without_both_arms_alignment_is_drawn_by_size_alone():
    drawn = figures.all_figures(made_up.study("mini", arms=("none", "english")))
    assert {"retrieved", "ordered"} <= set(drawn["alignment"].data)


def test_the_arm_of_control_is_drawn_with_the_others():
    arms = ("none", "english", "multilingual", "shuffled")
    drawn = figures.all_figures(made_up.study("mini", arms=arms))
    assert "shuffled" in set(drawn["design"].data["arm"])
    assert "shuffled-none" in set(drawn["gain_by_size"].data["contrast"])


def test_results_of_an_earlier_form_go_without_probe_and_alignment():
    older = made_up.study("mini")
    older.probes, older.alignments = older.probes.iloc[:0], older.alignments.iloc[:0]
    assert not {"probe", "alignment"} & set(figures.all_figures(older))


def test_curves_are_means_over_seeds(mini, mini_paper):
    data = mini_paper.figures["learning_curves"].data
    run = mini.curves["run"].iloc[0]
    first = mini.curves[mini.curves["run"] == run]
    _, _, model, _, task, _ = run.split("/")
    chosen = data[(data["model"] == model) & (data["task"] == task) & (data["arm"] == "none")]
    assert chosen["loss"].tolist() == pytest.approx(first["loss"].tolist())


def test_saved_files_hold_picture_data_and_provenance(smoke_paper, tmp_path):
    smoke_paper.figures["score_by_size"].save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg", ".png", ".csv", ".json"}
    provenance = json.loads((tmp_path / "score_by_size.json").read_text())
    assert provenance["cells"]
    assert provenance["columns"][0] == "model"


def test_a_study_with_many_tasks_stays_on_the_page():
    tables = made_up.study("hub", layers=(2, 4, 8, 12), seeds=(0, 1))
    svg = ET.fromstring(figures.gain_by_size(tables).svg)
    assert float(svg.get("height").removesuffix("pt")) < 9.3 * 72


def test_a_study_without_intermediate_task_still_shows_scores():
    tables = made_up.study("smoke", layers=(2, 4), seeds=(0, 1), arms=("none",), hypotheses=False)
    drawn = figures.all_figures(tables)
    assert "score_by_size" in drawn
    assert "gain_by_size" not in drawn


def test_curves_of_runs_that_are_scored_on_nothing_are_drawn():
    study = made_up.study("mini")
    run = "mini/intermediate/e5_l03/mini_nli_b/english/seed-0"
    about = {"run": run, "stage": "intermediate", "task": "mini_nli_b", "arm": "english"}
    study.cost = study.cost.iloc[[0]].assign(**about)
    first = study.curves[study.curves["run"] == study.curves["run"].iloc[0]]
    study.curves = first.assign(run=run, stage="intermediate")
    found = figures.learning_curves(study, "intermediate").data
    assert len(found) == len(first) > 0
    assert set(found["intermediate"]) == {"mini_nli_b"}
