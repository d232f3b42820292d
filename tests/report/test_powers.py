import re
from types import SimpleNamespace

import made_up
import pytest

from xstilts.report import figures, powers
from xstilts.report.evidence import evidence_of
from xstilts.report.numbers import CLOSE, OPEN, SPLIT, Numbers
from xstilts.report.tables import all_tables
from xstilts.report.wording import Wording


def said(tables) -> str:
    evidence = evidence_of(tables)
    text = Wording(evidence, Numbers(evidence)).detectable()
    return re.sub(f"{OPEN}\\d+{SPLIT}([^{CLOSE}]*){CLOSE}", r"\1", text)


def test_the_table_has_each_encoder_and_all_at_each_number_of_seeds(mini):
    table = powers.powers(mini)
    assert len(table.rows) == (3 + 1) * 3
    assert [row[1].text for row in table.rows[:3]] == ["3*", "5", "10"]
    assert table.rows[-1][0].text == "all"
    first = mini.powers[(mini.powers["model"] == "e5_l03") & mini.powers["own"]]
    at = first.set_index("difference")
    assert table.rows[0][4].text == f"{100 * at.loc[2.0, 'power']:.1f}"
    assert table.rows[0][-1].text == f"{first['detectable'].iloc[0]:.1f}"


def test_the_figure_draws_the_mean_over_encoders_up_to_where_all_is_seen(mini):
    figure = powers.power_curves(mini)
    assert set(figure.data["model"]) == {"mean"}
    assert set(figure.data["seeds"]) == {3, 5, 10}
    assert "3, 5, 10 seeds" in figure.alt
    assert not figure.wide


def test_the_study_says_what_it_detects(mini):
    told = said(mini)
    least = mini.powers[mini.powers["own"]]["detectable"].iloc[0]
    assert told.startswith(
        f"With its 3 seeds and 300 items the study detects a difference of {least:.1f} points "
        "with 80 % power"
    )
    assert told.endswith(" points (@tab:powers).")


def test_one_seed_says_that_no_power_can_be_given(smoke):
    assert said(smoke).startswith("Nor can power be given: with one seed")
    assert "powers" not in all_tables(smoke)
    assert "power" not in figures.all_figures(smoke)


def test_tables_of_an_earlier_form_say_nothing_of_power(mini):
    older = SimpleNamespace(**vars(mini))
    older.powers = mini.powers.iloc[:0]
    assert said(older) == ""
    assert "powers" not in all_tables(older)


@pytest.mark.parametrize("seeds", [(0, 1), (0, 1, 2, 3)])
def test_other_numbers_of_seeds_stand_beside_the_usual_ones(seeds):
    study = made_up.study(layers=(3,), seeds=seeds)
    marked = [row[1].text for row in powers.powers(study).rows if row[1].text.endswith("*")]
    assert set(marked) == {f"{len(seeds)}*"}
    assert "; at one encoder" not in said(study)
    assert len(set(powers.power_curves(study).data["seeds"])) == 4
