"""A small finished study of the test's own."""

import shutil
from pathlib import Path

import pytest
import synthetic

from xstilts.results import code, key


def forget_keys() -> None:
    """Empty every cache of parameters and keys."""
    synthetic.forget()
    for cached in (key._cell_key, key._run_key, key._task_files, key._corpora, key.stamp):
        cached.cache_clear()


def forget_all() -> None:
    """Empty every cache of parameters, keys and code."""
    forget_keys()
    for cached in (code.stage_code, code.stage_modules, code._module, code._module_imports,
                   code._module_tree):  # fmt: skip
        cached.cache_clear()


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
