from types import SimpleNamespace

import made_up
import pytest

from xstilts.report import Paper, render_paper

SMOKE = {"layers": (2,), "seeds": (0,), "hypotheses": False}


@pytest.fixture(scope="session")
def mini() -> SimpleNamespace:
    """Three sizes, two intermediate tasks, two targets, three seeds."""
    return made_up.study("mini")


@pytest.fixture(scope="session")
def smoke() -> SimpleNamespace:
    """One size, one intermediate task, one target, one seed, no hypothesis."""
    return made_up.study("smoke", **SMOKE)


@pytest.fixture(scope="session")
def mini_paper(mini: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Paper:
    return render_paper(mini, tmp_path_factory.mktemp("mini"), study="mini")


@pytest.fixture(scope="session")
def smoke_paper(smoke: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Paper:
    return render_paper(smoke, tmp_path_factory.mktemp("smoke"), study="smoke")
