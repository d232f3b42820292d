import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from throwaway import finish, grid, project

from xstilts import engine

STUDY = "params/studies/smoke.yaml"
TARGET = "targets/e5_l02/none/smoke_nli"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(engine, "POLL_S", 0.02)
    with project(tmp_path, monkeypatch):
        yield tmp_path


@pytest.fixture
def snakemake(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that puts a script in Snakemake's place."""

    def put(script: str) -> None:
        command = [sys.executable, "-c", textwrap.dedent(script)]
        monkeypatch.setattr(engine, "snakemake_command", lambda *_: command)

    return put


def finish_all() -> None:
    for cell in grid().values():
        finish(cell)


def manifests(root: Path) -> set[Path]:
    return set(root.rglob("manifest.json"))
