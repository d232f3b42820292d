import made_up
import pandas as pd
import pytest

from xstilts.report.fit_table import fits


def test_every_line_has_a_row_and_every_axis_a_slope(mini):
    table = fits(mini)
    assert len(table.rows) == len(mini.fits) / 3 == 2 + 4 + 2
    assert list(table.sections) == [0, 2]
    score = mini.fits.query("quantity == 'score' and target == 'mini_nli'").set_index("axis")
    first = table.rows[0]
    for place, axis in enumerate(("body_params", "total_params", "flops"), start=1):
        assert first[place].text == f"{score.loc[axis, 'estimate']:+.1f}"
        assert first[place].small.startswith("[")
    assert first[4].text == f"{score.loc['body_params', 'r2']:.2f}"
    assert first[5].text == "2, 0, 0"
    assert (first[7].text, first[8].text, first[8].small) == (
        f"{score.loc['body_params', 'predicted']:.1f}",
        f"{score.loc['body_params', 'measured']:.1f}", "above",
    )  # fmt: skip


def test_truncations_are_never_called_a_scale_of_pretraining(mini):
    caption = fits(mini).caption
    assert "lines over depth, not over the scale of a pretraining" in caption
    assert "The axes span, in decades: 0.60 (body parameters)" in caption


def test_one_seed_predicts_nothing_and_says_so():
    table = fits(made_up.study("mini", seeds=(0,)))
    assert {row[7].text for row in table.rows} == {"–"}
    assert {row[6].text for row in table.rows} == {"–"}
    assert "nothing is predicted" in table.caption
    assert "bracket" not in table.caption


def test_two_sizes_have_slopes_and_neither_fit_nor_prediction():
    table = fits(made_up.study("mini", layers=(3, 6)))
    for row in table.rows:
        assert row[1].text != "–"
        assert [row[place].text for place in (4, 7, 8)] == ["–"] * 3


def test_one_size_has_no_table(smoke):
    assert fits(smoke) is None


def test_several_families_are_told_apart():
    study = made_up.study("mini")
    other = study.fits.assign(family="other")
    study.fits = pd.concat([study.fits, other], ignore_index=True)
    small = {row[0].small for row in fits(study).rows}
    assert small == {"mE5-small, aligned", "other, aligned"}


@pytest.mark.parametrize("axis", ["flops", "total_params"])
def test_an_axis_without_line_is_a_dash(axis):
    study = made_up.study("mini")
    study.fits = study.fits[study.fits["axis"] != axis]
    place = 3 if axis == "flops" else 2
    assert {row[place].text for row in fits(study).rows} == {"–"}
