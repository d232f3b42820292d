"""The runs of a cell for the eye: the picture that its notebook shows."""

from matplotlib.figure import Figure

from xstilts.tasks.show import COLOURS, Picture, picture
from xstilts.training.cell import CellRuns


def learning_curves(runs: CellRuns) -> Picture:
    """Draw loss and accuracy on the training items against items seen, a line a seed."""
    figure = Figure(figsize=(6.4, 2.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    ends = []
    for place, (_, curve) in enumerate(runs.curves.groupby("run", sort=False)):
        colour = COLOURS[place % len(COLOURS)]
        seed = runs.facts[place]["seed"]
        left.plot(curve["items"], curve["loss"], color=colour, label=f"seed {seed}")
        right.plot(curve["items"], curve["accuracy"], color=colour)
        ends.append(f"seed {seed} {curve['loss'].iloc[-1]:.2f}")
    for axes, name in ((left, "loss, nats"), (right, "accuracy, %")):
        axes.set(xlabel="items seen", ylabel=name)
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False)
    return picture(figure, f"Training loss at the end: {', '.join(ends)}.")
