import pandas as pd
import pytest

from xstilts.training import CellRuns, learning_curves


@pytest.fixture
def runs():
    points = {"step": [1, 2], "items": [8, 16], "loss": [1.25, 0.5], "accuracy": [40.0, 70.0]}
    curves = [pd.DataFrame(points | {"run": f"r{seed}"}) for seed in (3, 7)]
    curves[1]["loss"] = [1.0, 0.75]
    return CellRuns(({"seed": 3}, {"seed": 7}), None, pd.concat(curves, ignore_index=True))


def test_the_alternative_text_says_where_each_seed_ends(runs):
    found = learning_curves(runs)
    assert found.alt == "Training loss at the end: seed 3 0.50, seed 7 0.75."


def test_every_seed_is_a_labelled_line_and_axes_name_their_units(runs, monkeypatch):
    drawn = []
    monkeypatch.setattr("xstilts.training.show.picture", lambda figure, alt: drawn.append(figure))
    learning_curves(runs)
    left, right = drawn[0].axes
    assert [line.get_label() for line in left.lines] == ["seed 3", "seed 7"]
    assert [line.get_ydata().tolist() for line in left.lines] == [[1.25, 0.5], [1.0, 0.75]]
    assert [line.get_ydata().tolist() for line in right.lines] == [[40, 70], [40, 70]]
    assert (left.get_ylabel(), right.get_ylabel()) == ("loss, nats", "accuracy, %")
    assert {axes.get_xlabel() for axes in (left, right)} == {"items seen"}
    assert left.lines[0].get_color() == right.lines[0].get_color()
