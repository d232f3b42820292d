"""Finished made-up studies, written once: a whole one to read, a small one to spoil."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import synthetic

from xstilts.analysis import Analysis, Design, Sample, analyse, complete_grid, gather_outcomes
from xstilts.analysis.origin import design_of
from xstilts.params import Cell, find_cell
from xstilts.results.collect import Collected, collect


def written(root: Path, **values: object) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XSTILTS_ROOT", str(root))
        synthetic.write_study(root, **values)
    synthetic.forget()
    return root


@pytest.fixture(scope="session")
def made_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sizes, two intermediate tasks, two targets, three seeds; one cell collapsed."""
    return written(tmp_path_factory.mktemp("made"), collapsed=("made_l03/made_questions-english",))


@pytest.fixture(scope="session")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One size, two seeds."""
    return written(tmp_path_factory.mktemp("small"), layers=(3,), seeds=(0, 1), items=30)


@pytest.fixture
def made(made_root: Path, monkeypatch: pytest.MonkeyPatch) -> Cell:
    """The analysis cell of the whole study; read only."""
    return opened(made_root, monkeypatch)


@pytest.fixture
def small(small_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cell:
    """The analysis cell of a small study of the test's own."""
    shutil.copytree(small_root, tmp_path, dirs_exist_ok=True)
    return opened(tmp_path, monkeypatch)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cell]:
    """Return a maker of studies: the analysis cell of one with the values of a `World`."""

    def make(**values: object) -> Cell:
        return opened(written(tmp_path, **values), monkeypatch)

    return make


def opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> Cell:
    monkeypatch.setenv("XSTILTS_ROOT", str(root))
    synthetic.forget()
    return find_cell("50_analysis", "made")


@pytest.fixture(scope="session")
def whole(made_root: Path) -> tuple[Analysis, Collected, Design]:
    """The whole study, analysed and collected, once."""
    with pytest.MonkeyPatch.context() as patch:
        cell = opened(made_root, patch)
        found = analyse(cell), collect("made"), design_of("made")
    synthetic.forget()
    return found


@pytest.fixture(scope="session")
def analysis(whole: tuple[Analysis, Collected, Design]) -> Analysis:
    return whole[0]


@pytest.fixture(scope="session")
def collected(whole: tuple[Analysis, Collected, Design]) -> Collected:
    return whole[1]


@pytest.fixture(scope="session")
def sample(whole: tuple[Analysis, Collected, Design]) -> Sample:
    _, found, design = whole
    return Sample.draw(design, gather_outcomes(complete_grid(found.runs)[0], found.predictions))


@pytest.fixture
def change() -> Callable[[Path, Callable[[pd.DataFrame], pd.DataFrame]], None]:
    """Return what rewrites a Parquet file by a function of its table."""

    def rewrite(path: Path, by: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        by(pd.read_parquet(path)).to_parquet(path, index=False)

    return rewrite


@pytest.fixture(scope="session")
def without() -> Callable[[Sample, tuple[str, str], str], Sample]:
    """Return what makes a sample as if an entry of a target had not been trained."""

    def cut(sample: Sample, gone: tuple[str, str], target: str) -> Sample:
        outcomes = dict(sample.outcomes)
        one = outcomes[target]
        kept = [place for place, entry in enumerate(one.entries) if entry != gone]
        entries = tuple(one.entries[place] for place in kept)
        outcomes[target] = dataclasses.replace(one, entries=entries, correct=one.correct[kept])
        return Sample.draw(sample.design, outcomes)

    return cut
