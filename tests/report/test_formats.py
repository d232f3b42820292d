import math

import pytest

from xstilts.report.formats import interval, listed, signed, write


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (71.25, "percent", "71.2"),
        (1.25, "points", "+1.2"),
        (-0.44, "points", "−0.4"),
        (-0.04, "points", "0.0"),
        (0.0004, "p", "<0.001"),
        (0.0312, "p", "0.031"),
        (5_300_000, "params", "5.3 million"),
        (558_840_832, "params", "559 million"),
        (3_475_929_600, "params", "3.5 billion"),
        (12345, "count", "12,345"),
        (45.2, "seconds", "45 seconds"),
        (600, "seconds", "10.0 minutes"),
        (9000, "seconds", "2.5 hours"),
        (1.2e15, "flops", "1.2 × 10¹⁵"),
        (math.nan, "points", "–"),
    ],
)
def test_numbers_are_rounded_in_one_place(value, unit, text):
    assert write(value, unit) == text


def test_rounding_never_leaves_a_signed_zero():
    assert {signed(value) for value in (0.0, -0.0, 0.049, -0.049)} == {"0.0"}


def test_an_interval_without_ends_is_nothing():
    assert interval(math.nan, math.nan) == ""
    assert interval(-0.31, 2.0) == "−0.3 to +2.0"


def test_lists_read_as_english():
    assert [listed(list("abc"[:n])) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
