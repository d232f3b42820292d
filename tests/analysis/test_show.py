from xstilts.analysis import analyse, show


def test_counts_name_every_stage_and_task(analysis):
    table = show.counts(analysis)
    assert table.loc[("target", "made_nli"), "runs"] == 3 * 5 * 3
    assert table.loc[("target", "made_nli"), "collapsed"] == 3
    assert table.loc[("intermediate", "made_questions"), "runs"] == 3 * 2 * 3
    english = analysis.runs.query("target == 'made_nli' and language == 'en'")["score"].mean()
    assert abs(table.loc[("target", "made_nli"), "English"] - english) <= 0.05


def test_collapsed_and_missing_runs_are_named_with_a_reason(analysis, small):
    assert list(show.unused(analysis)["why"]) == ["collapsed, kept in every mean"] * 6
    (small.folder.parent / "targets/made_l03/none/made_nli/seed-0/run.json").unlink()
    found = show.unused(analyse(small, partial=True))
    assert found["run"].iloc[0] == "targets/made_l03/none/made_nli/seed-0"
    assert found["why"].iloc[0] == "not finished"
    assert len(found) > 1


def test_scores_have_a_column_a_model_from_small_to_large(analysis):
    table = show.scores(analysis)
    assert list(table.columns) == ["made_l03", "made_l06", "made_l12"]
    row = analysis.scores.query(
        "model == 'made_l06' and arm == 'none' and target == 'made_nli' and group == 'other'"
    ).iloc[0]
    expected = f"{row['score']:.1f} [{row['low']:.1f}, {row['high']:.1f}]"
    assert table.loc[("made_nli", "none", "none"), "made_l06"] == expected


def test_gains_and_slopes_show_their_sign(analysis):
    gains = show.gains(analysis, unit="error_reduction")
    assert (
        gains.loc[("cross", "multilingual-none", "made_nli_b", "made_paraphrase")]
        .str.startswith("+")
        .all()
    )
    assert list(show.slopes(analysis).columns) == ["points", "error_reduction"]
    assert len(show.slopes(analysis)) == 6 * 3


def test_a_study_of_one_arm_and_seed_shows_values_alone_and_empty_tables(study):
    found = analyse(study(layers=(3,), arms=("none",), seeds=(0,), items=20))
    assert not show.scores(found)["made_l03"].str.contains(r"\[").any()
    assert show.gains(found).empty
    assert show.slopes(found).empty
    assert show.unused(found).empty or set(show.unused(found)["why"]) == {
        "collapsed, kept in every mean"
    }
