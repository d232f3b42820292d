"""A small finished study of the test's own."""

import shutil
from pathlib import Path

import pytest
import synthetic


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XSTILTS_ROOT", str(root))
        arms = ("none", "english")
        synthetic.write_study(root, layers=(3,), seeds=(0, 1), arms=arms, items=30)
    synthetic.forget()
    return root


@pytest.fixture
def outputs(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the study's cells, to be read or spoilt."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("XSTILTS_ROOT", str(tmp_path))
    synthetic.forget()
    return tmp_path / "outputs" / "made"
