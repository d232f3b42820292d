import numpy as np
import pandas as pd
import pytest

from xstilts.analysis.collapse import find_collapsed

FLOORS = pd.DataFrame(
    [("t", code, name, score, 100) for code in ("en", "de")
     for name, score in (("majority", 34.0), ("overlap", 45.0))],
    columns=["task", "language", "baseline", "score", "items"],
)  # fmt: skip


def study(accuracy: dict[str, float], *, answers: str = "spread", languages=("en", "de")):
    """Return runs and predictions of one run a name, with an English accuracy in percent."""
    runs, predictions = [], []
    for name, score in accuracy.items():
        for code in languages:
            label = np.arange(100) % 3
            right = np.arange(100) < (score if code == languages[0] else 33)
            guess = np.where(right, label, (label + 1) % 3)
            if answers == "one":
                guess = np.zeros(100, dtype=int)
            if answers == "one in 98":
                guess = np.where(np.arange(100) < 98, 0, 1)
            predictions.append(
                pd.DataFrame({"run": name, "language": code, "label": label, "prediction": guess})
            )
            runs.append((name, "t", code, 100 * float((label == guess).mean())))
    table = pd.DataFrame(runs, columns=["run", "target", "language", "score"])
    return table, pd.concat(predictions, ignore_index=True)


def test_a_run_must_clear_the_highest_floor_in_english_by_five_points():
    found = study({"low": 50.0, "high": 51.0, "best": 90.0})
    assert find_collapsed(*found, FLOORS, {"t": 3}) == {"low"}


def test_chance_is_a_floor_where_no_baseline_was_computed():
    found = study({"low": 38.0, "high": 39.0})
    assert find_collapsed(*found, FLOORS.head(0), {"t": 3}) == {"low"}


def test_floors_of_other_tasks_do_not_count():
    found = study({"low": 38.0, "high": 39.0})
    assert find_collapsed(*found, FLOORS.assign(task="u"), {"t": 3}) == {"low"}


@pytest.mark.parametrize(("answers", "collapsed"), [("one", True), ("one in 98", False)])
def test_answers_that_are_one_label_are_a_collapse_whatever_the_score(answers, collapsed):
    runs, predictions = study({"run": 0.0}, answers=answers)
    runs = runs.assign(score=99.0)
    assert (find_collapsed(runs, predictions, FLOORS, {"t": 3}) == {"run"}) == collapsed


def test_only_english_is_judged_where_there_is_english():
    runs, predictions = study({"run": 60.0})
    assert find_collapsed(runs, predictions, FLOORS, {"t": 3}) == frozenset()
    runs.loc[runs["language"] == "de", "score"] = 0.0
    predictions.loc[predictions["language"] == "de", "prediction"] = 0
    assert find_collapsed(runs, predictions, FLOORS, {"t": 3}) == frozenset()


def test_without_english_the_mean_over_the_languages_is_judged():
    found = study({"low": 62.0, "high": 80.0}, languages=("de", "sw"))  # means 47.5 and 56.5
    floors = FLOORS.replace({"language": {"en": "sw"}})
    assert find_collapsed(*found, floors, {"t": 3}) == {"low"}


def test_the_synthetic_collapse_is_found_and_nothing_else(analysis):
    collapsed = analysis.runs.loc[analysis.runs["status"] == "collapsed", "run"].unique()
    assert len(collapsed) == 2 * 3  # one cell of each target, three seeds
    assert all("made_l03/made_questions-english" in run for run in collapsed)
