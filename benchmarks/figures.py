"""The loss of every step of both sides, laid over each other."""

from typing import Any

from matplotlib.figure import Figure

from benchmarks.summary import smoothed
from xstilts.tasks.show import COLOURS, Picture, picture


def loss_curves(result: dict[str, Any]) -> Picture:
    """Draw the loss of each step (thin) and its trailing mean (thick) of both sides.

    Solid against dashed and circles against squares tell the sides apart without colour.
    """
    figure = Figure(figsize=(6.4, 2.6), layout="constrained")
    axes = figure.subplots()
    styles = {"ours": (COLOURS[0], "-", "o"), "theirs": (COLOURS[5], "--", "s")}
    for side, (colour, dash, mark) in styles.items():
        if side not in result:
            continue
        losses = result[side]["losses"]
        steps = range(1, len(losses) + 1)
        axes.plot(steps, losses, color=colour, linewidth=0.6, linestyle=dash, alpha=0.6)
        axes.plot(
            steps, smoothed(losses), color=colour, linewidth=1.8, linestyle=dash, marker=mark,
            markevery=max(1, len(losses) // 8), markersize=4, markerfacecolor="white", label=side,
        )  # fmt: skip
    axes.set(xlabel="step", ylabel="loss, nats")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return picture(figure, in_words(result))


def in_words(result: dict[str, Any]) -> str:
    """Return what the figure shows, for those who do not see it."""
    told = [
        f"{side} from {losses[0]:.3f} to {losses[-1]:.3f}"
        for side in ("ours", "theirs")
        if (losses := result.get(side, {}).get("losses"))
    ]
    return f"Loss of each of {len(result['ours']['losses'])} steps: {', '.join(told)}"
