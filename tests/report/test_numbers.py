import pytest

from xstilts.report import RenderError
from xstilts.report.evidence import evidence_of
from xstilts.report.numbers import MARK, Numbers, gain_key, score_key
from xstilts.report.published import published_numbers


@pytest.fixture
def numbers(mini) -> Numbers:
    return Numbers(evidence_of(mini))


def test_a_number_is_the_rounded_value_of_its_row(numbers, mini):
    key = score_key("e5_l06", "none", "none", "mini_nli", "other")
    rows = mini.scores.query(
        "model == 'e5_l06' and arm == 'none' and target == 'mini_nli' and group == 'other'"
    )
    assert numbers.find(key).text == f"{rows['score'].iloc[0]:.1f}"
    assert numbers.find(f"{key}:low").value == rows["low"].iloc[0]


def test_an_unknown_number_fails_with_the_nearest_name(numbers):
    with pytest.raises(RenderError, match="count/seeds"):
        numbers("count/seed")


def test_a_used_number_is_marked_and_can_be_traced(numbers):
    key = gain_key("e5_l12", ("mini_questions", "mini_nli"), "multilingual-english")
    match = MARK.fullmatch(numbers(key))
    number = numbers.used[int(match[1])]
    assert match[2] == number.text
    assert "gains.parquet" in number.source
    assert "model=e5_l12" in number.source


def test_only_numbers_used_are_written(numbers):
    numbers("count/seeds")
    numbers("count/seeds")
    assert list(numbers.as_json()) == ["count/seeds"]
    assert numbers.as_json()["count/seeds"]["value"] == 3


def test_an_undefined_number_is_null_not_nan(smoke):
    numbers = Numbers(evidence_of(smoke))
    key = score_key("e5_l02", "none", "none", "smoke_nli", "en")
    numbers(f"{key}:low")
    assert numbers.as_json()[f"{key}:low"]["value"] is None


def test_keys_are_unique(mini):
    evidence = evidence_of(mini)
    keys = [row for row in Numbers(evidence)._all]
    assert len(keys) == len(set(keys))


def test_published_gains_are_our_arithmetic_on_printed_scores(tmp_path):
    path = tmp_path / "published.yaml"
    path.write_text(
        "a_zero_shot: {value: 76.2, reference: r, where: w}\n"
        "a_translate_train: {value: 79.1, reference: r, where: w}\n"
    )
    found = {number.key: number.text for number in published_numbers(path)}
    assert found["published/a/points"] == "+2.9"
    assert found["published/a/error_reduction"] == "12.2"
