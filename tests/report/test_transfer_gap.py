import io
from types import SimpleNamespace

import made_up
import pandas as pd
import pytest

from xstilts.report import tables
from xstilts.report.transfer_gap import transfer_gap, transfer_gaps


@pytest.fixture
def noisy():
    """A study in which the gap of the largest encoder on one target is within noise."""
    study = made_up.study("mini")
    rows = (study.gaps["model"] == "e5_l12") & (study.gaps["target"] == "mini_nli")
    study.gaps.loc[rows, "base_low"] = -0.5
    study.gaps.loc[rows, "defined"] = False
    study.gaps.loc[rows, ["share", "share_low", "share_high"]] = float("nan")
    return study


def test_what_is_drawn_are_the_gaps_of_the_table(mini, mini_paper):
    data = pd.read_csv(io.StringIO(mini_paper.figures["transfer_gap"].csv))
    assert len(data) == len(mini.gaps) == 3 * 2 * 5
    score = mini.scores.set_index(["model", "intermediate", "arm", "target", "group"])["score"]
    for row in data.fillna({"intermediate": "none"}).itertuples():
        english, other = (score[row.model, row.intermediate, row.arm, row.target, group]
                          for group in ("en", "other"))  # fmt: skip
        assert row.gap == pytest.approx(english - other, abs=1e-3)


def test_the_figure_says_what_it_shows(mini_paper):
    figure = mini_paper.figures["transfer_gap"]
    assert "English minus the mean of the other languages" in figure.caption
    assert "truncations of one encoder" in figure.caption
    assert "smallest to the largest" in figure.alt


def test_the_table_has_a_row_a_target_size_and_intermediate_task(mini):
    table = tables.all_tables(mini)["gaps"]
    assert len(table.rows) == 2 * 3 * 2
    assert len(table.columns) == 1 + 1 + 2 + 2
    assert "Star" in table.caption
    row = mini.gaps.query("model == 'e5_l03' and intermediate == 'mini_nli_b' and "
                          "target == 'mini_nli' and arm == 'english'").iloc[0]  # fmt: skip
    first = table.rows[0]
    assert table.sections[0].endswith("*")
    assert (first[1].text, first[2].text) == (f"{row['base_gap']:+.1f}", f"{row['gap']:+.1f}")
    assert first[4].text == f"{row['share']:+.1f}"


def test_a_share_that_is_undefined_is_a_dash(noisy):
    rows = [row for row in transfer_gaps(noisy).rows if row[0].text == "21.3M"]
    assert [row[4].text for row in rows[:2]] == ["–", "–"]
    assert "–" not in [row[4].text for row in rows[2:]]
    assert all(row[1].small for row in rows)


def test_one_seed_has_no_share_and_no_bracket(smoke):
    table = transfer_gaps(smoke)
    assert {entry.small for row in table.rows for entry in row} == {""}
    assert {row[-1].text for row in table.rows} == {"–"}
    assert "no share is given" in table.caption
    assert "bracket" not in table.caption


def test_a_missing_cell_is_a_dash_and_the_figure_is_drawn(mini):
    holed = SimpleNamespace(**vars(mini))
    holed.gaps = mini.gaps.query("not (model == 'e5_l06' and arm == 'english')")
    assert "–" in {row[2].text for row in transfer_gaps(holed).rows}
    assert transfer_gap(holed).png


def test_arm_none_alone_has_its_gap():
    bare = made_up.study("smoke", layers=(2, 4), seeds=(0, 1), arms=("none",), hypotheses=False)
    table = transfer_gaps(bare)
    assert list(table.columns) == ["Body", "Gap, none"]
    assert len(table.rows) == 2
    assert transfer_gap(bare).png


def test_results_of_an_earlier_form_have_none(mini):
    older = SimpleNamespace(**vars(mini))
    older.gaps, older.fits, older.uncollapsed = (
        table.iloc[:0].astype(object) for table in (mini.gaps, mini.fits, mini.uncollapsed)
    )
    assert not {"gaps", "fits", "uncollapsed"} & set(tables.all_tables(older))
