import pandas as pd
from benchmarks import simulation

from xstilts.analysis.simulate import METHODS, SIMULATION, MadeUp, scenarios


def run(folder, capsys) -> list[str]:
    """Return what was announced; every kind of study is announced when it is simulated."""
    arguments = ["--repetitions", "4", "--draws", "7"]
    arguments += ["--out", str(folder / "out.csv"), "--kept", str(folder / "kept.csv")]
    assert simulation.main(arguments) == 0
    return capsys.readouterr().err.splitlines()


def fake(calls: list[MadeUp], stop_at: int = -1):
    """Return a quick stand-in for `simulate` that fails at one call."""

    def simulate(made: MadeUp, repetitions: int, draws: int) -> pd.DataFrame:
        if len(calls) == stop_at:
            raise KeyboardInterrupt
        calls.append(made)
        about = {"matters": made.matters, "effect": made.effect, "seeds": made.seeds}
        about |= {"items": made.items, "languages": 4, "draws": draws, "repetitions": repetitions}
        rows = [about | {"method": method, "coverage": 0.95} for method in METHODS]
        table = pd.DataFrame(rows, columns=list(SIMULATION)).fillna(0.0)
        return table.astype(SIMULATION)

    return simulate


def test_a_stopped_simulation_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    calls: list[MadeUp] = []
    monkeypatch.setattr(simulation, "simulate", fake(calls, stop_at=5))
    try:
        run(tmp_path, capsys)
    except KeyboardInterrupt:
        capsys.readouterr()
    assert not (tmp_path / "out.csv").exists()
    assert len(simulation.read(tmp_path / "kept.csv")) == 5 * len(METHODS)
    monkeypatch.setattr(simulation, "simulate", fake(calls))
    assert len(run(tmp_path, capsys)) == len(list(scenarios())) - 5
    assert calls == list(scenarios())
    table = simulation.read(tmp_path / "out.csv")
    assert len(table) == len(calls) * len(METHODS)
    assert not (tmp_path / "kept.csv").exists()


def test_what_was_simulated_otherwise_is_not_taken_over(tmp_path, monkeypatch, capsys):
    calls: list[MadeUp] = []
    monkeypatch.setattr(simulation, "simulate", fake(calls))
    made = next(scenarios())
    table = simulation.simulate(made, 4, 8)
    assert simulation.is_kept(table, made, 4, 8)
    assert not simulation.is_kept(table, made, 4, 7)
    assert not simulation.is_kept(table, made, 6, 8)
