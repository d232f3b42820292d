import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts import errors
from xstilts.errors import XstiltsError, nearest, unknown

#: those of the project; the benchmarks beside it have one of their own
CLASSES = [
    XstiltsError,
    *(kind for kind in XstiltsError.__subclasses__() if kind.__module__.startswith("xstilts.")),
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_stands_in_the_table_with_its_exit_code(kind):
    rows = [row.strip("├└─ ").split() for row in errors.__doc__.splitlines()]
    assert [kind.__name__, str(kind.exit_code)] in [row[:2] for row in rows]


def test_no_exit_code_is_that_of_success():
    assert all(kind.exit_code > 0 for kind in CLASSES)


def test_the_closest_name_is_offered_and_none_where_all_are_far():
    assert nearest("englsh", ["none", "english"]) == " Did you mean 'english'?"
    assert nearest("zzz", ["none", "english"]) == nearest("a", []) == ""
    assert nearest(11, [1, 12345]) == " Did you mean '1'?"


def test_an_unknown_name_is_told_in_one_line():
    told = unknown("task", "xnlii", ["xnli", "pawsx"], "study.yaml: targets")
    assert told == (
        "study.yaml: targets: task 'xnlii' is unknown; allowed: pawsx, xnli. Did you mean 'xnli'?"
    )
    assert unknown("task", "a", [], "here") == "here: task 'a' is unknown; allowed: nothing."


@given(st.lists(st.text("abcdef", min_size=3), min_size=1, unique=True), st.data())
def test_an_exact_name_is_its_own_nearest(allowed, data):
    found = data.draw(st.sampled_from(allowed))
    assert nearest(found, allowed) == f" Did you mean '{found}'?"
