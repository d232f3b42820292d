"""The document is rendered from results.json alone."""

import re
import shutil
from pathlib import Path

import pytest
from benchmarks.__main__ import main
from benchmarks.rows import ROWS
from benchmarks.words import AGAINST

RESULTS = Path(__file__).with_name("results.json")


@pytest.fixture
def out(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    shutil.copyfile(RESULTS, tmp_path / "benchmarks" / "results.json")
    assert main(["--render", "--out", str(tmp_path)]) == 0
    return tmp_path


@pytest.fixture
def document(out):
    return (out / "benchmarks.md").read_text()


def summary(document, name):
    """Return the cells of a row in the table of results."""
    (line,) = [one for one in document.splitlines() if f"](#{name})" in one]
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_a_row_tells_speeds_ratio_spread_bar_and_share_of_the_ceiling(document):
    assert summary(document, "joint_l06_defaults") == [
        "[6 layers, all 250,037 rows](#joint_l06_defaults)", "Trainer, run_xnli's defaults",
        "64.0", "9.1", "**7.00**", "6.00–8.00", "6x: reached", "92%",
        "same function, other rounding",
    ]  # fmt: skip


def test_a_bar_that_was_missed_is_told(document):
    assert summary(document, "joint_l06_tuned")[6] == "2.5x: not reached"


def test_a_disturbed_row_is_marked(document):
    assert "\\*" in summary(document, "joint_l06_tuned")[0]
    assert "\\*" not in summary(document, "joint_l06_defaults")[0]
    assert "The machine was not quiet" in document


def test_a_title_with_bars_keeps_the_table_whole(document):
    assert len(summary(document, "siamese_l06")) == 9


def test_a_row_without_another_side_has_speeds_alone(document):
    cells = summary(document, "pairs_10000")
    assert cells[2:6] == ["96.0", "", "", ""]


def test_losses_are_compared_where_the_order_is_the_same(document):
    assert "largest difference of the smoothed curves 1.0e-03 nats" in document
    assert "the orders differ" in document


def test_every_row_of_training_has_its_figure(out, document):
    named = re.findall(r"\]\((benchmarks/\w+\.svg)\)", document)
    assert len(named) == 4
    assert all((out / name).read_text().startswith("<?xml") for name in named)


def test_evaluation_is_carried_forward_to_the_whole_test_set(document):
    assert "7.1 against 30.0 minutes, 4.2x" in document


def test_memory_is_told_beside_what_was_predicted(document):
    assert "| 3 layers, activations kept | 32 | 128 | bf16 | 270 | 180 | 405 | 1.50 |" in document


def test_what_was_not_measured_is_told_with_its_reason(document):
    left = document[document.index("## Not measured") :]
    assert "not measured: no GPU" in left
    assert "failed: theirs: a \\| b" in left


def test_machine_versions_and_day_are_named(document):
    told = document[document.index("## Machines") :]
    assert "Made-up CPU 9000 (avx2), 4 cores, 16 GiB, no GPU" in told
    assert "torch 2.13.0" in told
    assert "2026-01-02" in told


def test_the_same_results_give_the_same_bytes(out):
    before = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    main(["--render", "--out", str(out)])
    assert before == {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_every_opponent_has_a_name_for_the_table():
    assert {row.against for row in ROWS} <= set(AGAINST)
