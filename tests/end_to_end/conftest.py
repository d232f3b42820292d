"""The study that most tests share lies in the project's own outputs/ and is removed afterwards.

Tests that edit something work in a project of their own, which begins with a copy of it.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.place import ROOT, STUDY, Place, succeeded


@pytest.fixture(scope="session")
def undisturbed() -> Iterator[Place]:
    place = Place(ROOT, f"outputs/test-{os.getpid()}")
    try:
        assert succeeded(place.run())
        yield place
    finally:
        shutil.rmtree(ROOT / place.outputs, ignore_errors=True)


@pytest.fixture
def elsewhere(undisturbed: Place, tmp_path: Path) -> Place:
    """A project of the test's own, in which the study is computed."""
    for name in ("Snakefile", "paper", "lib"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("notebooks", "params"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copytree(undisturbed.study, tmp_path / "outputs" / STUDY)
    return Place(tmp_path)
