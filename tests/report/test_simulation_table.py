import re

import made_up
import pandas as pd
import pytest

from xstilts.report import simulation_table
from xstilts.report.evidence import evidence_of
from xstilts.report.folder import paper_folder
from xstilts.report.numbers import CLOSE, OPEN, SPLIT, Numbers
from xstilts.report.simulation_table import METHODS, simulation, simulation_numbers
from xstilts.report.tables import all_tables
from xstilts.report.wording import Wording


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of the manuscript's own, without what was simulated."""
    monkeypatch.setattr(simulation_table, "paper_folder", lambda: tmp_path)
    return tmp_path


def write(folder, short: float = 0.951) -> pd.DataFrame:
    """Write two kinds with and without difference, one kind covered by `short`; return them."""
    rows = [
        {"matters": matters, "effect": effect, "seeds": 3, "method": method, "repetitions": 400,
         "coverage": {"items": 0.5, "unstretched": 0.8, "seeds": 0.7}.get(
             method, short if matters == "seeds" else 0.96),
         "coverage_error": 0.01, "rejected": 0.04 if effect == 0 else 0.42,
         "rejected_error": 0.02, "width": 4.0, "items": 300, "languages": 4, "draws": 1000}
        for matters in ("answers", "items", "seeds")
        for effect in (0.0, 2.0)
        for method in METHODS
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    table.to_csv(folder / simulation_table.FILE, index=False)
    return table


def said() -> str:
    evidence = evidence_of(made_up.study())
    text = Wording(evidence, Numbers(evidence)).simulation()
    return re.sub(f"{OPEN}\\d+{SPLIT}([^{CLOSE}]*){CLOSE}", r"\1", text)


def test_without_the_file_there_is_no_table(folder, mini):
    assert simulation() is None
    assert "simulation" not in all_tables(mini)
    assert list(simulation_numbers()) == []


def test_a_row_a_measure_a_column_a_method(folder):
    write(folder)
    table = simulation()
    assert [row[1].text for row in table.rows[:3]] == [
        "type I error, %", "coverage, %", "power, %",
    ]  # fmt: skip
    assert [row[2].text for row in table.rows[:3]] == ["4.0", "96.0", "42.0"]
    assert len(table.rows) == 3 * 3
    assert list(table.sections) == [0, 3, 6]
    assert "400 studies of each kind, 300 items" in table.caption
    assert "at most 2.0 points" in table.caption


def test_sound_intervals_are_said_to_be_and_naive_ones_set_beside(folder):
    write(folder)
    told = said()
    assert "hold it in 95.1 to 96.0 % of the studies" in told
    assert "; 6 of the kinds lie within 93 to 97 %." in told
    assert "fall short" not in told
    assert "over items alone hold it in as few as 50.0 %" in told


def test_where_intervals_fall_short_is_named(folder):
    write(folder, short=0.921)
    told = said()
    assert "; 4 of the kinds lie within" in told
    assert "They fall short where the seeds matter and are 3 (92.1 % and 92.1 %)" in told


def test_what_was_simulated_is_committed_and_whole():
    table = pd.read_csv(paper_folder() / simulation_table.FILE)
    kinds = table.groupby(["matters", "effect", "seeds"])
    assert len(kinds) == 18
    assert (kinds["method"].apply(list).map(tuple) == tuple(METHODS)).all()
    assert (table["repetitions"] >= 2000).all()
    assert table[["coverage", "rejected"]].stack().between(0, 1).all()
