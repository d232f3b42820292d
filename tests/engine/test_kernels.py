import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from throwaway import FINISH, OPEN, ROOT, grid, write_notebook

from engine.conftest import TARGET, finish_all
from xstilts import engine
from xstilts.engine import compute
from xstilts.errors import XstiltsError
from xstilts.kernel_server import VARIABLE


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happened to a server that is put in the place of that of kernels."""
    happened = []

    @contextmanager
    def serve(log: object) -> Iterator[tuple[dict[str, str], list[int]]]:
        happened.append("started")
        with open(os.devnull) as held:
            yield {VARIABLE: "/its/socket"}, [held.fileno()]
        happened.append("ended")

    monkeypatch.setattr(engine, "serve_kernels", serve)
    monkeypatch.setattr(sys, "platform", "linux")
    return happened


ANNOUNCED = f"import os; open('announced', 'w').write(os.environ.get('{VARIABLE}', ''))"


def announced(root: Path, **options: str) -> str:
    with pytest.raises(XstiltsError):
        compute("smoke", **options)
    return (root / "announced").read_text()


def test_the_server_of_kernels_is_announced_to_the_jobs_and_ends_with_the_run(
    root, snakemake, served
):
    snakemake(ANNOUNCED)
    assert announced(root) == "/its/socket"
    assert served == ["started", "ended"]


@pytest.mark.parametrize("name", ["encoders/e5_l02", TARGET])
def test_a_run_of_one_cell_that_would_gain_starts_no_server(root, snakemake, served, name):
    finish_all()
    grid()[name].manifest.unlink()
    grid()["data/smoke_nli"].manifest.unlink()
    snakemake(ANNOUNCED)
    assert announced(root) == ""
    assert served == []


def test_a_run_of_two_cells_that_gain_starts_one(root, snakemake, served):
    finish_all()
    for name in ("encoders/e5_l02", TARGET):
        grid()[name].manifest.unlink()
    snakemake(ANNOUNCED)
    assert announced(root) == "/its/socket"


def test_a_profile_starts_no_server_for_its_cells_run_who_knows_where(root, snakemake, served):
    snakemake(ANNOUNCED)
    assert announced(root, profile="profiles/slurm") == ""


def test_another_system_than_linux_starts_no_server(root, snakemake, served, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    snakemake(ANNOUNCED)
    assert announced(root) == ""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="there are no warm kernels")
def test_cells_under_snakemake_have_kernels_of_one_server(root):
    """The environment that Snakemake gives a job is the one that the server expects."""
    (root / "Snakefile").symlink_to(ROOT / "Snakefile")
    who = "import os\nopen(f'{task}.parent', 'w').write(str(os.getppid()))"
    write_notebook(root, OPEN, who, FINISH)
    with pytest.raises(XstiltsError):  # there is no other notebook
        compute("smoke", cores=2)
    log = (root / "outputs/smoke/logs/snakemake.log").read_text()
    assert "plainly" not in log
    parents = [path.read_text() for path in root.glob("*.parent")]
    assert len(parents) == 2
    assert len(set(parents)) == 1
