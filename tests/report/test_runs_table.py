import re

import pytest

from xstilts.report.runs_table import cell_of, cell_of_seed, runs, target_cell


@pytest.fixture(scope="module")
def table(mini):
    return runs(mini)


def test_every_encoder_and_cell_that_trains_has_one_row_with_its_key(table, mini):
    cells = mini.study["cells"]
    wanted = ("targets/", "intermediate/", "encoders/")
    trained = {name for name in cells if name.startswith(wanted)}
    anchors = [row[0].anchor for row in table.rows]
    assert sorted(anchors) == sorted(trained)
    assert all(row[3].text == cells[row[0].anchor] for row in table.rows)


def test_a_row_holds_the_score_of_every_seed(table, mini):
    row = next(row for row in table.rows if row[0].anchor.startswith("targets/"))
    of_cell = mini.runs[mini.runs["run"].map(cell_of) == row[0].anchor]
    english = of_cell[of_cell["language"] == "en"].sort_values("seed")["score"]
    others = of_cell[of_cell["language"] != "en"].groupby("seed")["score"].mean()
    for entry, wanted in ((row[4], english), (row[5], others)):
        found = [float(one) for one in re.findall(r"[\d.]+", entry.text)]
        assert found == pytest.approx(list(wanted), abs=0.051)


def test_collapsed_runs_are_marked(mini):
    with_one = mini.runs.copy()
    first = with_one.loc[with_one["stage"] == "target", "run"].iloc[0]
    with_one.loc[with_one["run"] == first, "status"] = "collapsed"
    changed = type(mini)(**{**vars(mini), "runs": with_one})
    marked = [row for row in runs(changed).rows if "\u2020" in row[4].text]
    before = [row for row in runs(mini).rows if "\u2020" in row[4].text]
    assert len(marked) >= max(1, len(before))
    row = next(row for row in marked if row[0].anchor == cell_of(first))
    seeds = list(mini.study["study"]["seeds"])
    place = seeds.index(cell_of_seed(first)[1])
    assert row[4].text.split()[place].endswith("\u2020")


def test_cells_are_named_as_the_grid_names_them():
    assert target_cell("m", "task", "english", "goal") == "targets/m/task-english/goal"
    assert target_cell("m", "task", "none", "goal") == "targets/m/none/goal"
    assert cell_of_seed("study/targets/m/none/goal/seed-3") == ("targets/m/none/goal", 3)
