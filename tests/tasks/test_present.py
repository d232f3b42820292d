from collections.abc import Iterator
from pathlib import Path

import pytest
from throwaway import edit, project

from tasks.test_corpus import write_corpus
from xstilts.errors import DataError
from xstilts.tasks.present import check_files

STUDY = "params/studies/smoke.yaml"
NLI = "params/tasks/smoke_nli.yaml"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with project(tmp_path, monkeypatch):
        yield tmp_path


def read_files(root: Path) -> None:
    """Let the target task read official files."""
    split = {"path": "{language}.tsv", "layout": "xtreme"}
    edit(root / NLI, source={"kind": "files", "train": split, "test": split})


def test_a_study_without_official_files_needs_no_folder():
    check_files("smoke")


def test_a_study_on_official_files_asks_for_their_folder(root):
    read_files(root)
    with pytest.raises(DataError, match="no folder is named; allowed: make paper STUDY=smoke DATA"):
        check_files("smoke")


def test_a_folder_that_is_not_there_is_named(root, monkeypatch):
    read_files(root)
    monkeypatch.setenv("XSTILTS_DATA", str(root / "absent"))
    with pytest.raises(DataError, match="absent: no such folder"):
        check_files("smoke")


def test_a_corpus_asks_for_its_files_too(root, monkeypatch):
    write_corpus(root, monkeypatch)
    edit(root / STUDY, corpora=["made"])
    check_files("smoke")
    (root / "files/made/deu-eng.deu").unlink()
    with pytest.raises(DataError, match=r"deu-eng\.deu: file not found \(params/corpora/made"):
        check_files("smoke")
    monkeypatch.delenv("XSTILTS_DATA")
    with pytest.raises(DataError, match=r"params/corpora/made\.yaml\): no folder is named"):
        check_files("smoke")


def test_the_first_missing_file_is_named_with_the_task_that_reads_it(root, monkeypatch):
    read_files(root)
    monkeypatch.setenv("XSTILTS_DATA", str(root))
    for language in ("de", "en"):
        (root / f"{language}.tsv").touch()
    with pytest.raises(DataError, match=r"zh\.tsv: file not found \(params/tasks/smoke_nli\.yaml"):
        check_files("smoke")
    (root / "zh.tsv").touch()
    check_files("smoke")
