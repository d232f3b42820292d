from collections.abc import Iterator
from pathlib import Path

import pytest
import synthetic
from throwaway import ROOT, forget

from xstilts import publish as module
from xstilts.errors import DataError, SpecError
from xstilts.files import write_json
from xstilts.params import Cell, cells
from xstilts.params.grid import PUBLISHED
from xstilts.publish import analyse_anew, publish, rebuild
from xstilts.results.key import cell_key

#: what the analysis and running it leave in its folder
TABLES = ("runs.parquet", "scores.parquet", "study.json", "manifest.json")
OTHERS = ("notebook.ipynb", "running.json", "failed.json", ".lock")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project whose study `made` is analysed."""
    monkeypatch.setenv("XSTILTS_ROOT", str(tmp_path))
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    synthetic.write_study(tmp_path, layers=(3,), seeds=(0,), arms=("none", "english"), items=6)
    forget()
    folder = analysis().folder
    folder.mkdir(parents=True)
    for name in (*TABLES, *OTHERS):
        (folder / name).write_text("{}")
    write_json(analysis().manifest, {"key": cell_key(analysis())})
    yield tmp_path
    forget()


@pytest.fixture(autouse=True)
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Cell, dict[str, str]]]:
    """The cells that were run, and their parameters."""
    found: list[tuple[Cell, dict[str, str]]] = []
    monkeypatch.setattr(module, "run_cell", lambda cell, chosen: found.append((cell, chosen)))
    return found


def analysis(outputs: str = "outputs") -> Cell:
    return next(cell for cell in cells("made", outputs) if cell.stage == "50_analysis")


def test_the_tables_are_copied_without_what_running_them_left(root):
    publish("made")
    assert {path.name for path in (root / PUBLISHED / "made/analysis").iterdir()} == set(TABLES)


def test_the_paper_is_typeset_from_the_copy(root, ran):
    assert publish("made") == root / PUBLISHED / "made/paper"
    ((cell, chosen),) = ran
    assert (cell.stage, cell.outputs) == ("60_paper", PUBLISHED)
    assert chosen == {"study": "made", "outputs": PUBLISHED}


def test_tables_are_estimated_anew_and_then_typeset(root, ran, monkeypatch):
    asked: list[tuple[Path, str]] = []
    monkeypatch.setattr(module, "analyse_again", lambda *given: asked.append(given))
    publish("made")
    assert analyse_anew("made", PUBLISHED) == root / PUBLISHED / "made/paper"
    assert asked == [(root / PUBLISHED / "made/analysis", "outputs")]
    assert len(ran) == 2


def test_without_tables_there_is_nothing_to_estimate_anew(root):
    with pytest.raises(DataError, match="no tables; published are: none"):
        analyse_anew("made", PUBLISHED)


def test_publishing_again_leaves_no_table_or_figure_of_before(root):
    publish("made")
    old = [root / PUBLISHED / "made" / name for name in ("analysis/old.parquet", "paper/old.svg")]
    for path in old:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    publish("made")
    assert not any(path.exists() for path in old)


def test_a_study_that_is_not_done_is_not_published(root):
    analysis().manifest.unlink()
    with pytest.raises(DataError, match="study 'made' is not done; `make paper STUDY=made`"):
        publish("made")
    assert not (root / PUBLISHED).exists()


def test_a_stale_study_is_not_published():
    write_json(analysis().manifest, {"key": "0" * 16})
    with pytest.raises(DataError, match="is not done"):
        publish("made")


def test_tables_too_large_to_commit_are_refused_and_what_was_published_stays(root, monkeypatch):
    publish("made")
    monkeypatch.setattr(module, "LARGEST", 3)
    with pytest.raises(DataError, match="allowed together: 0 MB"):
        publish("made")
    assert (root / PUBLISHED / "made/analysis/study.json").is_file()


def test_records_stay_and_count_with_the_tables_and_the_paper(root, monkeypatch):
    record = root / PUBLISHED / "made/runs/targets/made_l03/none/made_nli.parquet"
    record.parent.mkdir(parents=True)
    record.write_bytes(b"x" * 1000)
    paper = cells("made")[-1].folder
    paper.mkdir(parents=True)
    (paper / "paper.pdf").write_bytes(b"x" * 100)
    (paper / "notebook.ipynb").write_bytes(b"x" * 10_000)  # is not committed
    publish("made")
    assert record.is_file()
    together = 1100 + sum((analysis().folder / name).stat().st_size for name in TABLES)
    monkeypatch.setattr(module, "LARGEST", together)
    publish("made")
    monkeypatch.setattr(module, "LARGEST", together - 1)
    with pytest.raises(DataError, match=r"published/made/runs: 0 MB; allowed together: 0 MB"):
        publish("made")


def test_a_paper_is_typeset_again_from_tables_whatever_their_key(root, ran):
    publish("made")
    write_json(analysis(PUBLISHED).manifest, {"key": "0" * 16})
    paper = cells("made", PUBLISHED)[-1]
    write_json(paper.manifest, {"key": cell_key(paper)})
    ran.clear()
    assert rebuild("made", PUBLISHED) == paper.folder
    assert [cell for cell, _ in ran] == [paper]
    assert not paper.manifest.exists()  # or the notebook would not run


def test_without_tables_the_published_studies_are_named(root):
    (root / "params/studies/other.yaml").write_bytes(
        (root / "params/studies/made.yaml").read_bytes()
    )
    with pytest.raises(DataError, match="no tables; published are: none"):
        rebuild("other", PUBLISHED)
    publish("made")
    with pytest.raises(DataError, match="no tables; published are: made"):
        rebuild("other", PUBLISHED)


def test_a_study_that_is_not_there_is_named():
    with pytest.raises(SpecError, match="Did you mean 'made'"):
        rebuild("mad", PUBLISHED)
