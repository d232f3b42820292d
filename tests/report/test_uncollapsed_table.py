import made_up
import pytest

from xstilts.report.uncollapsed_table import leaves_out, uncollapsed


def spoilt(cells: int = 1, **options: object):
    """Return a study in which all but `cells` cells of each mean hold a collapsed run."""
    study = made_up.study("mini", **options)
    rows = study.uncollapsed["without"] == "any"
    study.uncollapsed.loc[rows, "cells"] = cells
    if not cells:
        study.uncollapsed.loc[rows, ["estimate", "low", "high"]] = float("nan")
    return study


def test_without_collapse_there_is_no_table(mini):
    assert not leaves_out(mini.uncollapsed)
    assert uncollapsed(mini) is None


def test_a_row_a_contrast_and_size_with_the_cells_left():
    study = spoilt()
    table = uncollapsed(study)
    assert len(table.rows) == 2 * 3 * (3 + 1)
    assert list(table.sections.values()) == ["Cross-task pairs", "Same-task pairs"]
    last = table.rows[3]
    assert last[1].text == "all sizes"
    row = study.uncollapsed.query("model == 'all' and pair == 'cross' and without == 'nothing' "
                                  "and contrast == 'multilingual-english'").iloc[0]  # fmt: skip
    assert last[2].text == f"{row['estimate']:+.1f}"
    assert last[2].small.endswith("], 9 cells")
    assert last[4].small.endswith("], 1 cell")
    assert "chosen by outcome" in table.caption


def test_without_a_cell_there_is_a_dash():
    assert {(row[4].text, row[4].small) for row in uncollapsed(spoilt(0)).rows} == {
        ("–", "no cell left"),
    }  # fmt: skip


def test_one_seed_says_so():
    table = uncollapsed(spoilt(seeds=(0,)))
    assert not any("[" in entry.small for row in table.rows for entry in row)
    assert "no interval can be given" in table.caption


@pytest.mark.parametrize("arms", [("none", "english"), ("none",)])
def test_fewer_arms_have_fewer_contrasts(arms):
    study = made_up.study("mini", arms=arms)
    assert set(study.uncollapsed["contrast"]) == ({"english-none"} if len(arms) > 1 else set())
    assert uncollapsed(study) is None
