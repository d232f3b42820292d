"""Learning curves: the training loss against items seen, by size and arm."""

import pandas as pd
from matplotlib.axes import Axes

from xstilts.report.evidence import Evidence, Tables, evidence_of
from xstilts.report.figure import Figure, finished
from xstilts.report.panels import legend, panels, set_title
from xstilts.report.theme import ARMS, themed

_KEYS = ["task", "model", "intermediate", "arm", "items"]


def learning_curves(analysis: Tables, stage: str = "target") -> Figure:
    """Return loss against items seen, a panel a task and model, meaned over seeds.

    Args:
        analysis: tables of the study.
        stage: "target", or "intermediate" for the training in between.
    """
    evidence = evidence_of(analysis)
    data = curve_means(evidence, stage)
    tasks = [task for task in evidence.tasks if task in set(data["task"])]
    with themed():
        canvas, grid = panels(max(len(tasks), 1), len(evidence.models), height=1.35, share="row")
        for task, axes_row in zip(tasks, grid, strict=False):
            for model, axes in zip(evidence.models, axes_row, strict=True):
                _panel(axes, data[(data["task"] == task) & (data["model"] == model)])
                set_title(axes, f"{evidence.labels[task]}, {evidence.sizes[model]}")
            axes_row[0].set_ylabel("loss, nats")
        canvas.supxlabel("items seen", fontsize=8)
        legend(canvas, [ARMS[arm] for arm in evidence.spec.arms if arm in set(data["arm"])])
        of = "the target tasks" if stage == "target" else "the intermediate tasks"
        lines = " (a line an intermediate task)" if len(evidence.intermediates) > 1 else ""
        return finished(
            canvas,
            id="learning_curves" if stage == "target" else "intermediate_curves",
            caption=f"Training loss on {of} against items seen, by size and arm, meaned over the "
            f"seeds{lines if stage == 'target' else ''}. "
            f"{evidence.figure_note.split(' Bars:')[0]}",
            alt=_alt(evidence, data, of),
            data=data,
            keys=evidence.keys_of("targets/" if stage == "target" else "intermediate/"),
        )


def curve_means(evidence: Evidence, stage: str) -> pd.DataFrame:
    """Return loss and accuracy meaned over seeds: task, model, intermediate, arm, items, ..."""
    columns = ["run", "model", "intermediate", "arm", "task", "seed"]
    if stage == "target":
        runs = evidence.tables.runs.rename(columns={"target": "task"})
    else:  # a run that is scored on nothing has a row in the table of cost alone
        runs = evidence.tables.cost
        runs = runs.assign(intermediate=runs["task"])
    of_run = runs[columns].drop_duplicates("run")
    curves = evidence.tables.curves
    joined = curves[curves["stage"] == stage].merge(of_run, on="run", validate="many_to_one")
    means = joined.groupby(_KEYS, sort=True, as_index=False)[["loss", "accuracy"]].mean()
    return means


def _panel(axes: Axes, rows: pd.DataFrame) -> None:
    for (_, arm), line in rows.groupby(["intermediate", "arm"], sort=True):
        style = ARMS[arm]
        axes.plot(line["items"], line["loss"], color=style.colour, linestyle=style.line,
                  linewidth=1.1)  # fmt: skip
        axes.plot(line["items"].iloc[-1:], line["loss"].iloc[-1:], color=style.colour,
                  marker=style.marker, markersize=4)  # fmt: skip


def _alt(evidence: Evidence, data: pd.DataFrame, of: str) -> str:
    last = data.sort_values("items").groupby(["task", "model", "intermediate", "arm"]).tail(1)
    ends = last.groupby(["model", "arm"])["loss"].mean()
    listed = "; ".join(
        f"{evidence.sizes[model]} {arm} {loss:.2f}" for (model, arm), loss in ends.items()
    )
    return f"Training loss on {of} falls with items seen. Mean loss at the end: {listed}."
