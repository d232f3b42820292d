import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.analysis.outcome import complete_grid, gather_outcomes, with_start
from xstilts.errors import DataError


def grid_of(finished: set[tuple[str, int]]) -> pd.DataFrame:
    """Return the runs of cells "a", "b", ... (as models) that are finished, two languages each."""
    rows = [
        {"run": f"{cell}/{seed}", "stage": "target", "model": cell, "arm": "none",
         "intermediate": "none", "target": "t", "language": code, "seed": seed}
        for cell, seed in sorted(finished) for code in ("en", "de")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def cells_and_seeds(runs: pd.DataFrame) -> tuple[set[str], set[int]]:
    return set(runs["model"]), set(runs["seed"])


def test_a_finished_study_is_taken_whole(collected):
    used, left_out = complete_grid(collected.runs)
    assert left_out == ()
    assert used.equals(collected.runs[collected.runs["stage"] == "target"])


@pytest.mark.parametrize(
    ("missing", "cells", "seeds"),
    [
        ({("a", 2), ("b", 2)}, {"a", "b", "c"}, {0, 1}),  # a seed that has begun
        ({("c", 1), ("c", 2)}, {"a", "b"}, {0, 1, 2}),  # a cell that has begun
        ({("a", 0)}, {"a", "b", "c"}, {1, 2}),  # 3 x 2 and 2 x 3 are equal: see below
    ],
)
def test_the_larger_part_is_taken(missing, cells, seeds):
    full = set(itertools.product("abc", range(3)))
    used, left_out = complete_grid(grid_of(full - missing))
    if missing == {("a", 0)}:
        cells, seeds = {"b", "c"}, {0, 1, 2}  # of equals, the more seeds
    assert cells_and_seeds(used) == (cells, seeds)
    assert set(left_out) == {
        f"{cell}/{seed}" for cell, seed in full - missing if cell not in cells or seed not in seeds
    }


@settings(max_examples=30, deadline=None)
@given(st.sets(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), min_size=1))
def test_what_is_taken_is_complete_and_all_else_is_named(finished: set[tuple[str, int]]):
    used, left_out = complete_grid(grid_of(finished))
    cells, seeds = cells_and_seeds(used)
    taken = set(zip(used["model"], used["seed"], strict=True))
    assert taken == set(itertools.product(cells, seeds))
    assert len(taken) >= max(sum(seed == one for _, seed in finished) for one in range(4))
    assert {f"{cell}/{seed}" for cell, seed in finished - taken} == set(left_out)


def test_no_target_run_gives_nothing():
    runs = grid_of({("a", 0)}).assign(stage="intermediate")
    used, left_out = complete_grid(runs)
    assert used.empty
    assert left_out == ()


def test_outcomes_are_the_right_answers_in_their_places(collected):
    outcomes = gather_outcomes(complete_grid(collected.runs)[0], collected.predictions)
    assert list(outcomes) == ["made_nli", "made_paraphrase"]
    rng = np.random.default_rng(0)
    runs = with_start(collected.runs[collected.runs["stage"] == "target"])
    for row in runs.iloc[rng.choice(len(runs), 20, replace=False)].itertuples():
        one = outcomes[row.target]
        asked = collected.predictions.query("run == @row.run and language == @row.language")
        right = asked.sort_values("item").eval("label == prediction").to_numpy()
        at = one.entries.index((row.model, row.start)), one.seeds.index(row.seed)
        np.testing.assert_array_equal(one.correct[at][one.languages.index(row.language)], right)
        assert one.items == tuple(sorted(asked["item"]))
        assert one.scored.all()


@pytest.fixture
def two(collected) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two seeds of one cell, with plain text columns."""
    runs = collected.runs
    runs = runs[runs["run"].str.contains("made_l12/none/made_nli/seed-[01]$")]
    predictions = collected.predictions
    predictions = predictions[predictions["run"].isin(runs["run"])].reset_index(drop=True)
    return runs, predictions.astype({"run": "str", "item": "str", "language": "str"})


def test_an_item_that_one_language_lacks_is_not_scored_there(two):
    runs, predictions = two
    lacking = (predictions["language"] == "sw") & predictions["item"].str.endswith("00000")
    predictions = predictions[~lacking]
    right = predictions.eval("label == prediction")
    scores = 100 * right.groupby([predictions["run"], predictions["language"]]).mean()
    keys = pd.MultiIndex.from_frame(runs[["run", "language"]])
    runs = runs.assign(score=scores[keys].to_numpy())
    one = gather_outcomes(runs, predictions)["made_nli"]
    assert one.scored[one.languages.index("sw")].sum() == len(one.items) - 1
    assert one.scored.sum() == one.scored.size - 1


def spoilt_label(predictions: pd.DataFrame) -> pd.DataFrame:
    last = predictions.index[-1]
    predictions.loc[last, ["label", "prediction"]] = 1 - predictions.loc[last, "label"] % 2
    return predictions


@pytest.mark.parametrize(
    "spoil",
    [
        lambda table: table.iloc[:-1],
        lambda table: pd.concat([table, table.tail(1)]),
        spoilt_label,
        lambda table: table.assign(language=table["language"].replace("sw", "xx")),
    ],
    ids=["an item less", "an item twice", "another label", "another language"],
)
def test_runs_that_answer_different_items_cannot_be_compared(two, spoil):
    runs, predictions = two
    with pytest.raises(DataError, match="predictions differ in items, languages or labels"):
        gather_outcomes(runs, spoil(predictions))


def test_a_score_that_is_not_that_of_the_predictions_is_told_with_both(two):
    runs, predictions = two
    runs = runs.assign(score=runs["score"].where(runs["language"] != "sw", runs["score"] + 0.5))
    with pytest.raises(DataError, match=r"seed-0: score in 'sw' is \d+\.\d+ in runs.parquet and"):
        gather_outcomes(runs, predictions)
