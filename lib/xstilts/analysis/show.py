"""An analysis for the eye: the small tables that the analysis notebook shows."""

import pandas as pd

from xstilts.analysis.estimand import UNITS, Unit
from xstilts.analysis.stored import Analysis


def counts(analysis: Analysis) -> pd.DataFrame:
    """Return what was found, by stage and task that is scored: runs, collapsed, items, score.

    items: of a language, at most. English and other: mean scores over all runs, in percent.
    """
    runs = analysis.runs
    english = runs["language"] == "en"
    keys = [runs["stage"], runs["target"]]
    once = runs.drop_duplicates("run")
    by_task = once.groupby(["stage", "target"], sort=False)
    return pd.DataFrame(
        {
            "runs": by_task.size(),
            "collapsed": by_task["status"].agg(lambda status: int((status == "collapsed").sum())),
            "seeds": by_task["seed"].nunique(),
            "items": runs.groupby(keys, sort=False)["items"].max(),
            "English": runs["score"].where(english).groupby(keys, sort=False).mean().round(1),
            "other": runs["score"].where(~english).groupby(keys, sort=False).mean().round(1),
        }
    )


def unused(analysis: Analysis) -> pd.DataFrame:
    """Return the runs that are in no estimate, and those that collapsed and are, with why."""
    about = analysis.study["counts"]
    collapsed = analysis.runs.loc[analysis.runs["status"] == "collapsed", "run"].unique()
    reasons = {
        "not finished": about["missing"],
        "left out: its cell or its seed is not complete": about["left_out"],
        "collapsed, kept in every mean": list(collapsed),
    }
    rows = [(run, reason) for reason, runs in reasons.items() for run in runs]
    return pd.DataFrame(rows, columns=["run", "why"])


def scores(analysis: Analysis, group: str = "other") -> pd.DataFrame:
    """Return scores in percent with intervals: rows target and start, a column a model."""
    rows = analysis.scores[analysis.scores["group"] == group]
    return _by_model(rows, ["target", "intermediate", "arm"], "score", "{:.1f}")


def gains(analysis: Analysis, unit: Unit = "points", group: str = "other") -> pd.DataFrame:
    """Return contrasts of arms with intervals: rows contrast and tasks, a column a model."""
    table = analysis.gains
    rows = table[(table["unit"] == unit) & (table["group"] == group)]
    return _by_model(rows, ["pair", "contrast", "intermediate", "target"], "estimate", "{:+.1f}")


def slopes(analysis: Analysis, group: str = "other") -> pd.DataFrame:
    """Return slopes per tenfold body parameters with intervals: a column a unit."""
    rows = analysis.slopes[analysis.slopes["group"] == group]
    index = ["pair", "contrast", "intermediate", "target"]
    wide = _spread(rows, index, "unit", "estimate", "{:+.1f}")
    return wide[[unit for unit in UNITS if unit in wide]]


def _by_model(rows: pd.DataFrame, index: list[str], value: str, form: str) -> pd.DataFrame:
    order = rows.sort_values("body_params", kind="stable")["model"].unique()
    return _spread(rows, index, "model", value, form)[list(order)]


def _spread(
    rows: pd.DataFrame, index: list[str], column: str, value: str, form: str
) -> pd.DataFrame:
    """Return `rows` as text "value [low, high]", a column for each value of `column`."""
    texts = [
        _text(form, *ends) for ends in zip(rows[value], rows["low"], rows["high"], strict=True)
    ]
    table = rows[[*index, column]].assign(text=texts)
    wide = table.pivot(index=index, columns=column, values="text").rename_axis(columns=None)
    keys = pd.MultiIndex.from_frame(table[index].drop_duplicates())
    return wide.reindex(keys).fillna("")


def _text(form: str, value: float, low: float, high: float) -> str:
    """Return the value with its interval; without one, as after one seed, the value alone."""
    if pd.isna(value):
        return "undefined"
    ends = "" if pd.isna(low) else f" [{form.format(low)}, {form.format(high)}]"
    return form.format(value) + ends
