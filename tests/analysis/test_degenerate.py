"""A study in which nothing differs: estimates stay truthful."""

import re
import shutil

import numpy as np
import pytest

from xstilts.analysis import Analysis, analyse_again


@pytest.fixture
def tied(analysis: Analysis, tmp_path) -> Analysis:
    """Every arm and seed answers as arm none's first seed does: all ties, no variance."""
    folder = tmp_path / "tied"
    shutil.copytree(analysis.folder, folder)
    runs, predictions = analysis.runs.copy(), analysis.predictions.copy()
    chosen = runs[(runs["stage"] == "target") & (runs["arm"] == "none")]
    first = chosen[chosen["seed"] == chosen["seed"].min()].drop_duplicates("run")
    source = {(row.model, row.target): row.run for row in first.itertuples()}
    by_run = {
        run: part.sort_values(["language", "item"]) for run, part in predictions.groupby(
            "run", observed=True
        )
    }  # fmt: skip
    answers = [name for name in predictions if name == "prediction" or re.fullmatch(r"p\d", name)]
    for row in runs[runs["stage"] == "target"].drop_duplicates("run").itertuples():
        like = by_run[source[row.model, row.target]]
        own = by_run[row.run]
        predictions.loc[own.index, answers] = like[answers].to_numpy()
        same = runs["run"] == row.run
        scores = runs[runs["run"] == source[row.model, row.target]].set_index("language")["score"]
        runs.loc[same, "score"] = runs.loc[same, "language"].map(scores)
    runs.to_parquet(folder / "runs.parquet", index=False)
    text = dict.fromkeys(("run", "item", "language", "group"), "str")
    predictions.astype(text).to_parquet(folder / "predictions.parquet", index=False)
    return analyse_again(folder, str(tmp_path))


def test_where_all_answers_are_tied_every_difference_is_zero_and_open(tied):
    points = tied.gains[tied.gains["unit"] == "points"]
    assert len(points)
    assert np.allclose(points[["estimate", "low", "high"]], 0)
    assert not points["resolved"].any()
    assert set(tied.hypotheses["verdict"]) <= {"not resolved", "not testable"}
