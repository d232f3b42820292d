"""The language heat map: every language of every target, for each arm and size."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from xstilts.params import MIXED_ARMS
from xstilts.report.evidence import GROUPS, Evidence, Tables, evidence_of
from xstilts.report.figure import Figure, finished
from xstilts.report.languages import tongue
from xstilts.report.panels import numbers
from xstilts.report.theme import ARMS, FULL_WIDTH, INK, themed

Column = tuple[str, str, str]  # intermediate, arm, model
#: columns in which there is room for numbers
_ROOMY = 18


def language_heatmap(analysis: Tables) -> Figure:
    """Return accuracy by language (script, family) against arm and size, a panel a target.

    A dot marks languages that the intermediate data of that column hold.
    """
    evidence = evidence_of(analysis)
    columns = [(task, arm, model) for task, arm in evidence.starts for model in evidence.models]
    heights = [len(evidence.languages(target)) for target in evidence.targets]
    with themed():
        width = min(FULL_WIDTH, 2.3 + 0.36 * len(columns))
        size = (width, 0.9 + 0.19 * sum(heights) + 0.35 * len(heights))
        canvas = Canvas(figsize=size, layout="constrained")
        grid = canvas.subplots(
            len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights}
        )
        shown = _shown(evidence)
        low, high = _range(shown["score"])
        for target, axes in zip(evidence.targets, grid[:, 0], strict=True):
            _panel(axes, evidence, shown, target, columns, (low, high))
        _heads(grid[0, 0], evidence, columns)
        image = grid[0, 0].images[0]
        canvas.colorbar(
            image, ax=list(grid[:, 0]), label="accuracy, %", shrink=0.6,
            aspect=4 * sum(heights) ** 0.5, pad=0.01,
        )  # fmt: skip
        return finished(
            canvas,
            id="language_heatmap",
            caption="Accuracy by language, ordered by script and family, for each arm and size of "
            "the encoder. A dot marks the languages that the intermediate data of that column "
            f"hold. {evidence.figure_note.split(' Bars:')[0]}",
            alt=_alt(evidence, shown),
            data=shown,
            keys=evidence.keys_of("targets/"),
        )


def _shown(evidence: Evidence) -> pd.DataFrame:
    scores = evidence.tables.scores
    single = scores[~scores["group"].isin(set(GROUPS) - {"en"})].rename(
        columns={"group": "language"}
    )
    columns = ["target", "language", "intermediate", "arm", "model", "body_params", "score",
               "low", "high"]  # fmt: skip
    shown = single[columns].reset_index(drop=True)
    return shown.assign(script=[tongue(code).script for code in shown["language"]])


def _range(scores: pd.Series) -> tuple[float, float]:
    low, high = float(np.floor(scores.min())), float(np.ceil(scores.max()))
    return (low, high) if high > low else (low - 1, high + 1)


def _panel(
    axes: Axes,
    evidence: Evidence,
    shown: pd.DataFrame,
    target: str,
    columns: Sequence[Column],
    limits: tuple[float, float],
) -> None:
    languages = evidence.languages(target)
    rows = shown[shown["target"] == target].set_index(["language", "intermediate", "arm", "model"])
    score = rows["score"].to_dict()
    values = np.array(
        [[score.get((language, *column), np.nan) for column in columns] for language in languages]
    )
    axes.imshow(values, cmap="cividis", vmin=limits[0], vmax=limits[1], aspect="auto")
    axes.grid(visible=False)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0)
    labels = [tongue(code).name for code in languages]
    axes.set_yticks(range(len(languages)), labels)
    models = list(evidence.models)
    turned = 0 if len(columns) <= _ROOMY else 90
    labels = [evidence.sizes[model] for _, _, model in columns]
    axes.set_xticks(range(len(columns)), labels, rotation=turned)
    for edge in range(len(models), len(columns), len(models)):
        axes.axvline(edge - 0.5, color="white", linewidth=3)
    axes.set_title(evidence.labels[target], pad=26 if target == evidence.targets[0] else 4)
    _write(axes, evidence, values, languages, columns, limits)


def _write(
    axes: Axes,
    evidence: Evidence,
    values: np.ndarray,
    languages: Sequence[str],
    columns: Sequence[Column],
    limits: tuple[float, float],
) -> None:
    """Write each cell's score, where there is room, and mark languages seen in between."""
    roomy = len(columns) <= _ROOMY
    middle = sum(limits) / 2
    for (row, place), value in np.ndenumerate(values):
        task, arm, _ = columns[place]
        ink = INK if value > middle else "white"
        seen = arm != "none" and languages[row] in _trained(evidence, task, arm)
        if roomy and np.isfinite(value):
            axes.text(place, row, f"{value:.0f}", ha="center", va="center", color=ink, fontsize=7)
        if seen:
            axes.plot(place + 0.38, row - 0.28, ".", color=ink, markersize=2.2)


def _trained(evidence: Evidence, task: str, arm: str) -> tuple[str, ...]:
    return evidence.tasks[task].train_languages if arm in MIXED_ARMS else ("en",)


def _heads(axes: Axes, evidence: Evidence, columns: Sequence[Column]) -> None:
    """Write intermediate task and arm above the columns of the first panel."""
    width = len(evidence.models)
    starts = list(dict.fromkeys((task, arm) for task, arm, _ in columns))
    per_task: dict[str, list[int]] = {}
    for place, (task, arm) in enumerate(starts):
        centre = place * width + (width - 1) / 2
        per_task.setdefault(task, []).append(place)
        if arm != "none":
            axes.annotate(ARMS[arm].label, (centre, 1), (0, 3), xycoords=("data", "axes fraction"),
                          textcoords="offset points", ha="center", fontsize=7)  # fmt: skip
    for task, places in per_task.items():
        centre = (places[0] + places[-1] + 1) * width / 2 - 0.5
        text = evidence.labels[task]
        axes.annotate(text, (centre, 1), (0, 13), xycoords=("data", "axes fraction"),
                      textcoords="offset points", ha="center", fontsize=8)  # fmt: skip


def _alt(evidence: Evidence, shown: pd.DataFrame) -> str:
    parts = []
    largest = shown[(shown["arm"] == "none") & (shown["model"] == list(evidence.models)[-1])]
    for target in evidence.targets:
        rows = largest[largest["target"] == target]
        by_language = rows.set_index("language")["score"].reindex(evidence.languages(target))
        listed = ", ".join(
            f"{tongue(code).name} {numbers(pd.Series([value]))}"
            for code, value in by_language.items()
        )
        parts.append(f"{evidence.title(target)}: {listed}")
    return (
        "Heat map of accuracy, languages in rows, arms and sizes in columns. Largest encoder "
        f"without intermediate task: {'; '.join(parts)}."
    )
