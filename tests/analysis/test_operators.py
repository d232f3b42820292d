import pandas as pd
import pytest

from xstilts.analysis.operators import OPERATORS, tabulate_operators


def test_scores_by_operator_are_accuracies_of_the_predictions(made, collected):
    runs = collected.runs[collected.runs["stage"] == "target"]
    table = tabulate_operators(runs, collected.predictions)
    assert list(table.columns) == list(OPERATORS)
    row = table[(table["arm"] == "none") & (table["group"] == "other")].iloc[0]
    base = runs[runs["arm"] == "none"]
    chosen = base[(base["model"] == row["model"]) & (base["target"] == row["target"])]
    asked = collected.predictions[
        collected.predictions["run"].isin(chosen["run"])
        & (collected.predictions["language"] != "en")
        & (collected.predictions["label"] == row["label"])
    ]
    right = 100 * (asked["label"] == asked["prediction"]).mean()
    assert row["score"] == pytest.approx(right)
    assert row["items"] == asked["item"].nunique()


def test_items_without_operator_have_no_row(collected):
    runs = collected.runs[collected.runs["stage"] == "target"]
    plain = collected.predictions.assign(group=pd.Categorical([""] * len(collected.predictions)))
    assert tabulate_operators(runs, plain).empty
