import json
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.analysis import analyse
from xstilts.analysis.beside import (
    BUDGETS,
    DEEPER,
    apart,
    read_beside,
    read_deeper,
    tabulate_budgets,
)
from xstilts.analysis.origin import RETRIEVALS
from xstilts.errors import DataError
from xstilts.params.grid import PUBLISHED, tables_folder


def test_every_score_and_contrast_in_points_stands_under_its_items(analysis):
    table = tabulate_budgets(analysis.study, analysis.scores, analysis.gains)
    assert table.dtypes.astype("str").to_dict() == BUDGETS
    assert set(table["group"]) == {"en", "other"}
    scores, contrasts = table[table["contrast"] == ""], table[table["contrast"] != ""]
    wanted = analysis.scores[analysis.scores["group"].isin(["en", "other"])]
    assert scores["value"].tolist() == wanted["score"].tolist()
    gains = analysis.gains[
        analysis.gains["group"].isin(["en", "other"])
        & (analysis.gains["unit"] == "points")
    ]  # fmt: skip
    assert contrasts["value"].tolist() == gains["estimate"].tolist()
    assert set(table["items"]) == {analysis.study["study"]["target_budget"]["items"]}


def test_means_over_pairs_are_named_and_have_the_items_of_the_target_with_most(analysis):
    study = json.loads(json.dumps(analysis.study))
    study["study"]["targets"] = ["made_nli@7", "made_paraphrase@9"]
    table = tabulate_budgets(study, analysis.scores.iloc[:0], analysis.gains)
    means = table[table["intermediate"] == "mean"]
    assert dict(zip(means["target"], means["title"], strict=True)) == {
        "cross": "cross-task pairs", "same": "same-task pairs",
    }  # fmt: skip
    assert set(means["items"]) == {9}


def test_items_in_a_targets_name_are_its_own(analysis):
    study = json.loads(json.dumps(analysis.study))
    study["study"]["targets"] = ["made_nli@7", "made_paraphrase"]
    study["tasks"]["made_nli@7"] = study["tasks"]["made_nli"] | {"title": "Made, 7 items"}
    scores = analysis.scores.replace({"target": {"made_nli": "made_nli@7"}})
    table = tabulate_budgets(study, scores, analysis.gains.iloc[:0])
    few = table[table["items"] == 7]
    assert set(few["target"]) == {"made_nli"}
    assert set(few["title"]) == {"Made"}
    assert "made_nli" not in set(table[table["items"] != 7]["target"])


def test_another_study_is_read_where_it_was_computed_else_where_it_is_published(small):
    mine = analyse(small)
    other = small.folder.parents[1] / "other" / "analysis"
    published = small.folder.parents[2] / PUBLISHED / "other" / "analysis"
    assert tables_folder("other", small.outputs) is None
    assert read_beside(small.outputs, ["other"]) == []
    shutil.copytree(mine.folder, published)
    assert tables_folder("other", small.outputs) == published
    shutil.copytree(mine.folder, other)
    assert tables_folder("other", small.outputs) == other
    (found,) = read_beside(small.outputs, ["other"])
    expected = tabulate_budgets(mine.study, mine.scores, mine.gains)
    assert found.fillna(0).to_numpy().tolist() == expected.fillna(0).to_numpy().tolist()


def test_a_broken_table_of_another_study_is_named(small):
    mine = analyse(small)
    other = small.folder.parents[1] / "other" / "analysis"
    shutil.copytree(mine.folder, other)
    (other / "gains.parquet").write_text("no table")
    with pytest.raises(DataError, match=r"other/analysis/gains\.parquet: not a Parquet file"):
        read_beside(small.outputs, ["other"])


def test_one_seed_has_no_interval(analysis):
    scores = analysis.scores.assign(low=np.nan, high=np.nan)
    table = tabulate_budgets(analysis.study, scores, analysis.gains.iloc[:0])
    assert table["low"].isna().all()


def test_other_encoders_retrieval_before_training_is_read_and_the_own_ones_are_not(small):
    mine = analyse(small)
    other = small.folder.parents[1] / "other" / "analysis"
    assert read_deeper(small.outputs, ["other"], []).empty
    shutil.copytree(mine.folder, other)
    (model,) = mine.study["models"]
    rows = [[model, start, arm, -1, "tatoeba", "whole", "de", "mean", 50.0, 10]
            for start, arm in (("none", "none"), ("made_nli_b", "english"))]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(RETRIEVALS)).astype(RETRIEVALS)
    table.to_parquet(other / "retrievals.parquet")
    found = read_deeper(small.outputs, ["other", "nowhere"], [])
    assert found.dtypes.astype("str").to_dict() == DEEPER
    assert found[["study", "model", "layers"]].to_numpy().tolist() == [["other", model, 3]]
    assert read_deeper(small.outputs, ["other"], [model]).empty


ends = st.floats(0.01, 10)


@given(st.floats(-50, 50), st.floats(-50, 50), ends, ends)
def test_two_normal_estimates_differ_by_the_root_of_both_variances(one, other, wide, narrow):
    first, second = (one, one - wide, one + wide), (other, other - narrow, other + narrow)
    middle, low, high = apart(first, second)
    assert middle == other - one
    assert high - middle == pytest.approx(np.hypot(wide, narrow))
    assert middle - low == pytest.approx(np.hypot(wide, narrow))


@given(st.floats(-50, 50), st.floats(-50, 50), ends, ends, ends, ends)
def test_the_difference_turned_around_has_the_other_sign(one, other, a, b, c, d):
    first, second = (one, one - a, one + b), (other, other - c, other + d)
    middle, low, high = apart(first, second)
    assert apart(second, first) == pytest.approx((-middle, -high, -low))


def test_two_proportions_have_newcombes_interval():
    """48/80 and 56/70 by Wilson's limits: Newcombe 1998, table II, method 10, row (a)."""
    first, second = (0.6, 0.4904, 0.7005), (0.8, 0.6917, 0.8770)
    middle, low, high = apart(first, second)
    assert (middle, low, high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-3)
