"""What every committed notebook keeps to: it is an ordered list of calls, and holds no result."""

import ast
import io
import re
import tokenize
from pathlib import Path
from statistics import median

import nbformat
import pytest

from xstilts.notebook import default_parameters
from xstilts.params import STAGES, find_cell, load_study
from xstilts.params.grid import FOLDERS, SELECTORS

FOLDER = Path(__file__).parents[2] / "notebooks"
EXPLORE = "00_explore"
NAMES = (EXPLORE, *STAGES)
#: notebooks that read official files
READ_FILES = (EXPLORE, "10_data")
LONGEST, MEDIAN = 8, 3
#: syntax of logic, which belongs into the package
LOGIC = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If,
    ast.Try, ast.With, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip

every = pytest.mark.parametrize("name", NAMES)
stages = pytest.mark.parametrize("name", STAGES)


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=nbformat.NO_CONVERT)


def code(name: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(name).cells if cell.cell_type == "code"]


def test_there_is_one_notebook_a_stage_and_one_to_explore():
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(NAMES)


@every
def test_it_is_valid_and_has_neither_outputs_nor_counts(name):
    nbformat.validate(read(name))
    for cell in code(name):
        assert cell.outputs == []
        assert cell.execution_count is None


@every
def test_ids_are_words_and_unique(name):
    ids = [cell.id for cell in read(name).cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", one) for one in ids), ids


@every
def test_metadata_name_the_language_but_no_version(name):
    notebook = read(name)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.language_info == {"name": "python"}
    kept = [dict(cell.metadata) for cell in notebook.cells if cell.metadata]
    assert kept == [{"tags": ["parameters"]}]


@every
def test_the_first_cell_asks_a_question_and_tells_in_out_and_cost(name):
    first = read(name).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith(f"# {name.split('_')[0]} · ")
    assert re.search(r"\*\*[^*]+\?\*\*", first.source)
    for word in ("In", "Out", "Cost"):
        assert re.search(rf"^\*{word}:\* \S", first.source, re.MULTILINE), word


@stages
def test_it_says_that_it_writes_where_its_cells_live(name):
    told = re.search(r"^\*Out:\* (.*)$", read(name).cells[0].source, re.MULTILINE)[1]
    words = [FOLDERS[name], *(f"<{selector}>" for selector in SELECTORS[name])]
    assert f"outputs/<study>/{'/'.join(words)}/" in told


@every
def test_the_second_cell_alone_is_tagged_parameters(name):
    tagged = [
        number for number, cell in enumerate(read(name).cells)
        if "parameters" in cell.metadata.get("tags", [])
    ]  # fmt: skip
    assert tagged == [1]
    assert read(name).cells[1].cell_type == "code"


@every
def test_a_parameter_is_a_text_literal_with_a_comment(name):
    source = read(name).cells[1].source
    for statement in ast.parse(source).body:
        assert isinstance(statement, ast.Assign)
        assert isinstance(statement.value, ast.Constant)
        assert isinstance(statement.value.value, str)
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    said = [token.start[0] for token in tokens if token.type == tokenize.COMMENT]
    assert said == list(range(1, len(source.splitlines()) + 1))


@every
def test_parameters_are_the_study_what_picks_the_cell_and_folders(name):
    folders = ["outputs", "data"] if name in READ_FILES else ["outputs"]
    assert list(default_parameters(name)) == ["study", *SELECTORS.get(name, ()), *folders]


@stages
def test_defaults_pick_a_cell_that_exists(name):
    given = default_parameters(name)
    given.pop("data", None)
    assert find_cell(name, **given).stage == name
    assert given["outputs"] == "outputs"


@every
def test_the_default_study_is_the_smallest_and_needs_no_official_files(name):
    given = default_parameters(name)
    assert given["study"] == "smoke"
    assert given.get("data", "") == ""
    study = load_study(given["study"])
    assert max(study.intermediate_budget.items, study.target_budget.items) <= 100


@every
def test_cells_are_short(name):
    lines = [len(cell.source.splitlines()) for cell in code(name)]
    assert max(lines) <= LONGEST
    assert median(lines) <= MEDIAN


@every
def test_no_cell_holds_logic_shell_or_magic(name):
    for cell in code(name):
        tree = ast.parse(cell.source)  # a line that begins with ! or % is no Python
        found = [node for node in ast.walk(tree) if isinstance(node, LOGIC)]
        assert not found, f"{cell.id}: {type(found[0]).__name__}"


@every
def test_no_cell_ends_the_kernel_or_changes_where_modules_come_from(name):
    for cell in code(name):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Name):
                assert node.id not in ("exit", "quit", "get_ipython", "globals")
            if isinstance(node, ast.Import):
                assert not {alias.name for alias in node.names} & {"sys", "os", "subprocess"}
            if isinstance(node, ast.ImportFrom):
                assert node.module.split(".")[0] == "xstilts"


@every
def test_markdown_stands_above_every_cell_of_code_after_the_opening(name):
    cells = read(name).cells
    for number, cell in enumerate(cells):
        if cell.cell_type == "code" and cell.id != "open":
            assert cells[number - 1].cell_type == "markdown", cell.id
            assert len(cells[number - 1].source) > 20
    assert [cell.id for cell in cells[1:3]] == ["parameters", "open"]


@stages
def test_it_opens_its_own_cell_with_all_that_picks_it(name):
    tree = ast.parse(code(name)[1].source)
    (call,) = [
        node for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "open_cell"
    ]  # fmt: skip
    assert ast.literal_eval(call.args[0]) == name
    passed = {keyword.arg: keyword.value.id for keyword in call.keywords}
    assert passed == {word: word for word in ("study", *SELECTORS[name], "outputs")}


@stages
def test_the_last_cell_writes_the_manifest_and_no_other_does(name):
    sources = [cell.source for cell in code(name)]
    assert sources[-1] == "finish(cell)"
    assert not any("finish(" in source for source in sources[:-1])
    assert read(name).cells[-1].cell_type == "code"


def test_exploring_writes_no_manifest():
    assert not any("finish" in cell.source or "open_cell" in cell.source for cell in code(EXPLORE))
