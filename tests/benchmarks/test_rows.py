"""Rows are picked by name; a wrong name is told in one line."""

import pytest
from benchmarks.__main__ import main
from benchmarks.rows import ROWS, choose, quick


def test_all_rows_are_taken_if_none_is_named():
    assert choose([]) == list(ROWS)


def test_names_are_taken_in_the_order_of_the_table():
    names = ["xlmr_tuned", "joint_l06_tuned"]
    assert [row.name for row in choose(names)] == names[::-1]


def test_every_row_has_a_name_of_its_own():
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_quick_rows_are_tiny_and_measure_one_round(row):
    small = quick(row)
    assert (small.encoder, small.rounds, small.name) == ("tiny", 1, row.name)


def test_an_unknown_row_ends_with_code_2_and_the_nearest_name(capsys):
    assert main(["--rows", "joint_l6_tuned"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("error: ROWS: row 'joint_l6_tuned' is unknown; allowed: ")
    assert said.endswith("Did you mean 'joint_l06_tuned'?\n")
