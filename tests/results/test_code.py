import ast
import json
import shutil
from functools import lru_cache
from pathlib import Path

import pytest

from results.conftest import forget_all
from xstilts.errors import SpecError
from xstilts.params import STAGES
from xstilts.results import code

#: what training code makes stale: encoder cells too, which probe and align with it
SEEDED = {"20_encoder", "30_intermediate", "40_target"}
#: text that many tests read unchanged is parsed once
parsed, dumped = lru_cache(None)(ast.parse), lru_cache(None)(code._dump)


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """Return a copy of the package, whose code is what keys read."""
    folder = tmp_path / "lib" / "xstilts"
    shutil.copytree(code.PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(code.PACKAGE.parents[1] / "notebooks", tmp_path / "notebooks")
    monkeypatch.setenv("XSTILTS_ROOT", str(tmp_path))
    monkeypatch.setattr(code, "PACKAGE", folder)
    monkeypatch.setattr(code.ast, "parse", parsed)
    monkeypatch.setattr(code, "_dump", dumped)
    forget_all()
    yield folder
    forget_all()


def keys() -> dict[str, str]:
    forget_all()
    return {stage: code.stage_code(stage) for stage in STAGES}


def stale(before: dict[str, str]) -> set[str]:
    after = keys()
    return {stage for stage in STAGES if after[stage] != before[stage]}


def append(path: Path, text: str = "\nADDED = 1\n") -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_the_same_code_has_the_same_key(package):
    before = keys()
    assert len(set(before.values())) == len(STAGES)
    assert stale(before) == set()


def test_comments_docstrings_and_layout_do_not_enter(package):
    before = keys()
    path = package / "training" / "loop.py"
    text = path.read_text()
    first = '"""The loop: '
    assert text.startswith(first)
    text = text.replace(first, '"""Another docstring: ', 1)
    text = text.replace('"""Return AdamW over encoder', '"""Make AdamW over encoder', 1)
    text = text.replace("warmup = math.ceil(", "\n    # a comment\n    warmup = math.ceil(\n", 1)
    path.write_text(text)
    assert stale(before) == set()


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("training/loop.py", SEEDED),
        ("training/head.py", SEEDED),
        ("training/packed.py", SEEDED),
        ("training/__init__.py", SEEDED),
        ("results/run.py", SEEDED),
        ("report/tables.py", {"60_paper"}),
        ("report/html.py", {"60_paper"}),
        ("results/manifest.py", set()),
        ("results/progress.py", set()),
        ("params/spec.py", set()),
        ("params/load.py", set()),
        ("params/grid.py", set()),
        ("params/__init__.py", set()),
        ("engine.py", set()),
        ("board.py", set()),
    ],
)
def test_an_edit_makes_stale_what_imports_it(package, module, expected):
    before = keys()
    append(package / module)
    assert stale(before) == expected


def test_an_edit_of_the_loop_changes_what_it_computes(package):
    before = keys()
    path = package / "training" / "loop.py"
    path.write_text(path.read_text().replace("POINTS = 16", "POINTS = 17"))
    assert stale(before) == SEEDED


def test_another_kind_of_entry_of_a_study_makes_nothing_stale(package):
    """What is read of params/ is in the keys by value (test_key.py)."""
    before = keys()
    path = package / "params" / "spec.py"
    entry = "    limits: tuple[str, ...]"
    assert entry in path.read_text()
    path.write_text(path.read_text().replace(entry, f"    note: str | None = None\n{entry}", 1))
    assert stale(before) == set()


def test_an_edit_of_a_reader_makes_data_and_all_that_reads_them_stale(package):
    before = keys()
    append(package / "tasks" / "select.py")
    assert {"10_data", "30_intermediate", "40_target"} <= stale(before)


def test_language_files_of_the_miniature_count_for_the_data(package):
    before = keys()
    languages = sorted((package / "miniature").rglob("*.yaml"))
    assert languages
    append(languages[0], "\n# another line\n")
    assert "10_data" in stale(before)


def test_modules_that_the_miniature_finds_by_itself_count_too(package):
    before = keys()
    (package / "miniature" / "kinds" / "added.py").write_text("ADDED = 1\n")
    assert "10_data" in stale(before)


def test_an_import_within_a_function_counts(package):
    assert "xstilts.miniature.generate" in code.stage_modules("10_data")
    before = keys()
    (package / "added.py").write_text("X = 1\n")
    append(package / "training" / "show.py", "\ndef f():\n    from xstilts import added\n")
    assert stale(before) == SEEDED
    before = keys()
    append(package / "added.py")
    assert stale(before) == SEEDED


def test_no_stage_imports_what_only_later_stages_need():
    forget_all()
    for stage in ("10_data", "50_analysis", "60_paper"):
        assert not [m for m in code.stage_modules(stage) if m.startswith("xstilts.training")]
    for stage in STAGES[:-1]:
        assert not [m for m in code.stage_modules(stage) if m.startswith("xstilts.report")]
    for stage in STAGES:
        assert not code.stage_modules(stage) & code.BESIDE


def edit_notebook(package, change):
    path = package.parents[1] / "notebooks" / "40_target.ipynb"
    book = json.loads(path.read_text())
    change(book["cells"])
    path.write_text(json.dumps(book))


def test_the_code_of_a_notebook_counts_and_its_text_does_not(package):
    before = keys()

    def reword(cells):
        for cell in cells:
            if cell["cell_type"] == "markdown":
                cell["source"] = ["another text"]
            else:
                cell["outputs"], cell["execution_count"] = [], 7

    edit_notebook(package, reword)
    assert stale(before) == set()
    edit_notebook(package, lambda cells: cells[-1].update(source=["x = 1"]))
    assert stale(before) == {"40_target"}


@pytest.mark.parametrize("source", ["def (", "%cd /"])
def test_a_notebook_whose_code_is_no_python_is_refused(package, source):
    edit_notebook(package, lambda cells: cells[-1].update(cell_type="code", source=[source]))
    forget_all()
    with pytest.raises(SpecError, match=r"notebooks/40_target\.ipynb: not a notebook"):
        code.stage_code("40_target")


def test_a_missing_notebook_is_named(package):
    shutil.rmtree(package.parents[1] / "notebooks")
    forget_all()
    with pytest.raises(SpecError, match=r"notebooks/10_data\.ipynb"):
        code.stage_code("10_data")
