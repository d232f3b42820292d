"""The drawing of the design: what each arm does, from the pretrained encoder to the score."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import FancyBboxPatch

from xstilts.report.evidence import Evidence, Tables, evidence_of
from xstilts.report.figure import Figure, finished
from xstilts.report.theme import ARMS, FULL_WIDTH, INK, SOFT, themed

#: what the intermediate items of an arm are
_SAID = {
    "none": "no intermediate task",
    "english": "English items",
    "multilingual": "the same items, each in a language drawn at random",
    "shuffled": "the items of arm multilingual, their labels exchanged at random",
}
#: left edge and width of each column of boxes, in units of the drawing (100 wide)
_COLUMNS = {"pretrained": (0, 16), "middle": (23, 26), "target": (56, 20), "score": (83, 17)}
_HEIGHT, _STEP, _BOTTOM = 7.6, 10.0, 0.5


def design(analysis: Tables) -> Figure:
    """Return the schematic of the arms of the study."""
    evidence = evidence_of(analysis)
    with themed():
        lanes = _lanes(evidence)
        top = max(lanes.values()) + 13
        canvas = Canvas(figsize=(FULL_WIDTH, 2.2 * top / 33.5))
        axes = canvas.add_axes((0.01, 0.02, 0.98, 0.96))
        axes.set_xlim(-0.5, 100.5)
        axes.set_ylim(0, top)
        axes.axis("off")
        _columns(axes, evidence, lanes, top - 0.9)
        for arm, bottom in lanes.items():
            _lane(axes, arm, bottom, evidence)
        steps = _steps(evidence)
        return finished(
            canvas,
            id="design",
            caption="The arms. One encoder is fine-tuned on an intermediate task whose items are "
            "English or the same items in several languages, or on none; then, with a fresh head, "
            "on the English items of the target task; then it is scored in every language of the "
            "target. Items, steps and batch are equal over the arms.",
            alt="A lane an arm from the pretrained encoder to zero-shot scores: "
            + "; ".join(f"{row.arm}: {row.intermediate}" for row in steps.itertuples())
            + "; all lanes then train on the English target task with a fresh head.",
            data=steps,
            keys=evidence.keys_of("encoders/"),
        )


def _steps(evidence: Evidence) -> pd.DataFrame:
    rows = [
        (arm, _SAID[arm], "English items, fresh head", "every language of the target")
        for arm in evidence.spec.arms
    ]
    return pd.DataFrame(rows, columns=["arm", "intermediate", "target", "scored in"])


def _lanes(evidence: Evidence) -> dict[str, float]:
    """Return the lower edge of each arm's lane, `none` on top."""
    arms = [arm for arm in _SAID if arm in evidence.spec.arms]
    return {arm: _BOTTOM + _STEP * (len(arms) - 1 - place) for place, arm in enumerate(arms)}


def _columns(axes: Axes, evidence: Evidence, lanes: Mapping[str, float], top: float) -> None:
    names = {
        "pretrained": "pretrained", "middle": "intermediate task", "target": "target task",
        "score": "zero-shot scores",
    }  # fmt: skip
    for column, name in names.items():
        left, width = _COLUMNS[column]
        axes.text(left + width / 2, top, name, ha="center", va="top", color=SOFT, fontsize=8)
    bottom, height = _BOTTOM, max(lanes.values()) - _BOTTOM + _HEIGHT
    sizes = list(evidence.sizes.values())
    span = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else sizes[0]
    text = f"multilingual\nencoder\n\n{span}\nbody parameters"
    _box(axes, "pretrained", bottom, height, text, INK)
    languages = sorted({len(evidence.languages(target)) for target in evidence.targets})
    _box(axes, "score", bottom, height, f"accuracy\n\n{_either(languages)} languages,\none pass",
         INK)  # fmt: skip


def _lane(axes: Axes, arm: str, bottom: float, evidence: Evidence) -> None:
    style = ARMS[arm]
    middle = bottom + _HEIGHT / 2
    said = {
        "none": "",
        "english": "English items",
        "multilingual": f"the same items, each\nin {_languages(evidence)}",
        "shuffled": "those items,\ntheir labels shuffled",
    }[arm]
    if said:
        _box(axes, "middle", bottom, _HEIGHT, said, style.colour)
        _arrow(axes, "pretrained", "middle", middle, style.colour)
        _arrow(axes, "middle", "target", middle, style.colour)
    else:
        _arrow(axes, "pretrained", "target", middle, style.colour)
        left, width = _COLUMNS["middle"]
        axes.text(left + width / 2, middle + 0.8, "none", ha="center", va="bottom",
                  color=style.colour)  # fmt: skip
    _box(axes, "target", bottom, _HEIGHT, "fresh head,\nEnglish items", style.colour)
    _arrow(axes, "target", "score", middle, style.colour)


def _languages(evidence: Evidence) -> str:
    counts = {len(evidence.tasks[task].train_languages) for task in evidence.intermediates}
    listed = sorted(count for count in counts if count > 1)
    return f"one of {_either(listed)} languages" if listed else "one of several languages"


def _either(counts: Sequence[int]) -> str:
    return " or ".join(str(count) for count in counts)


def _box(axes: Axes, column: str, bottom: float, height: float, text: str, colour: str) -> None:
    left, width = _COLUMNS[column]
    shape = FancyBboxPatch(
        (left, bottom), width, height, boxstyle="round,pad=0,rounding_size=1.2",
        facecolor="white", edgecolor=colour, linewidth=1.2, mutation_aspect=0.7,
    )  # fmt: skip
    axes.add_patch(shape)
    axes.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", fontsize=8)


def _arrow(axes: Axes, start: str, end: str, height: float, colour: str) -> None:
    from_x = sum(_COLUMNS[start])
    axes.annotate(
        "", xy=(_COLUMNS[end][0] - 0.3, height), xytext=(from_x + 0.3, height),
        arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.2, "shrinkA": 0,
                    "shrinkB": 0},
    )  # fmt: skip
