"""Scores of generated items by the operator that decides their label."""

import pandas as pd

#: one row a (model, start, target, operator, group of languages)
OPERATORS: dict[str, str] = {
    "model": "str",
    "intermediate": "str",
    "arm": "str",
    "target": "str",
    "label": "int64",  # index into the task's labels
    "operator": "str",
    "group": "str",  # en, other
    "score": "float64",  # percent, over seeds, items and the group's languages
    "items": "int64",  # test items of the operator
}
_RUN = ["model", "intermediate", "arm", "target"]
_KEYS = [*_RUN, "label", "operator", "group"]


def tabulate_operators(runs: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Return accuracy by operator, columns `OPERATORS`; empty where items have no operator.

    Args:
        runs: `schema.RUNS` of runs on targets.
        predictions: `schema.PREDICTIONS`; `group` is the operator of a generated item.
    """
    of_run = runs.drop_duplicates("run").set_index("run")[_RUN]
    rows = predictions[
        predictions["run"].isin(of_run.index) & (predictions["group"].astype("str") != "")
    ]
    if rows.empty:
        return pd.DataFrame(columns=list(OPERATORS)).astype(OPERATORS)
    table = pd.DataFrame({
        "run": rows["run"].astype("str"),
        "item": rows["item"].astype("str"),
        "label": rows["label"].astype("int64"),
        "operator": rows["group"].astype("str"),
        "group": rows["language"].astype("str").eq("en").map({True: "en", False: "other"}),
        "score": 100.0 * (rows["label"] == rows["prediction"]),
    }).join(of_run, on="run")  # fmt: skip
    grouped = table.groupby(_KEYS, sort=True)
    found = grouped.agg(score=("score", "mean"), items=("item", "nunique")).reset_index()
    return found[list(OPERATORS)].astype(OPERATORS)
