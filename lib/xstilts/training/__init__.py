"""Training and evaluation: batches, heads, the loop, and the runs of a cell."""

from xstilts.training.cell import CellRuns, read_runs, train_cell
from xstilts.training.probe import Examined, examine
from xstilts.training.show import learning_curves

__all__ = ["CellRuns", "Examined", "examine", "learning_curves", "read_runs", "train_cell"]
