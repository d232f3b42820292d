import params.conftest as made
import pytest

from results.conftest import forget_keys
from xstilts.errors import DataError
from xstilts.files import read_json, write_json
from xstilts.params import find_cell
from xstilts.results.key import cell_key, run_key
from xstilts.results.manifest import is_done, manifest_key, run_is_done, write_manifest

project, write = made.project, made.write
BROKEN = [b"", b"{", b"[]", b"null", b"{}", b'{"key": null}', b'"key"', b"\xff\xfe"]


@pytest.fixture(autouse=True)
def _clean(write):
    forget_keys()
    yield
    forget_keys()


def data_cell():
    return find_cell("10_data", "made", task="goal")


def trained_cell():
    return find_cell("40_target", "made", model="small", start="none", task="goal")


def finish_runs(cell, *seeds):
    for seed in seeds:
        write_json(cell.folder / f"seed-{seed}" / "run.json", {"key": run_key(cell, seed)})


def test_a_cell_without_a_manifest_is_not_done():
    assert manifest_key(data_cell()) is None
    assert not is_done(data_cell())


def test_a_cell_is_done_once_its_manifest_is_written():
    write_manifest(data_cell())
    assert is_done(data_cell())


def test_only_the_present_key_makes_a_cell_done(write):
    cell = data_cell()
    write_manifest(cell)
    write_json(cell.manifest, read_json(cell.manifest) | {"key": "0" * 16})
    assert manifest_key(cell) == "0" * 16
    assert not is_done(cell)


def test_a_change_of_parameters_undoes_a_cell(write):
    write_manifest(data_cell())
    write("tasks", "goal", skill="paraphrase", test_items=20)
    forget_keys()
    assert not is_done(data_cell())
    write("tasks", "goal", skill="paraphrase")
    forget_keys()
    assert is_done(data_cell())


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_manifest_is_none(content):
    cell = data_cell()
    cell.folder.mkdir(parents=True)
    cell.manifest.write_bytes(content)
    assert not is_done(cell)


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_run_is_not_done(content):
    cell = trained_cell()
    finish_runs(cell, 0)
    assert run_is_done(cell, 0)
    (cell.folder / "seed-0" / "run.json").write_bytes(content)
    assert not run_is_done(cell, 0)


def test_a_run_is_done_by_its_own_key_alone():
    cell = trained_cell()
    finish_runs(cell, 0)
    (cell.folder / "seed-0").rename(cell.folder / "seed-1")
    assert not run_is_done(cell, 0)
    assert not run_is_done(cell, 1)  # the key of another seed


@pytest.mark.parametrize("finished", [(), (0,), (1,)])
def test_a_manifest_is_refused_while_a_run_is_unfinished(finished):
    cell = trained_cell()
    finish_runs(cell, *finished)
    missing = next(seed for seed in (0, 1) if seed not in finished)
    with pytest.raises(DataError, match=rf"seed-{missing}: run\.json is missing or of other code"):
        write_manifest(cell)
    assert not cell.manifest.exists()


def test_a_manifest_says_where_a_cell_comes_from():
    cell = trained_cell()
    finish_runs(cell, 0, 1)
    write_manifest(cell.inputs[0])
    write_manifest(cell)
    found = read_json(cell.manifest)
    assert found["key"] == cell_key(cell)
    assert found["cell"] == cell.name
    assert found["parameters"] == cell.parameters
    assert found["inputs"] == {one.name: cell_key(one) for one in cell.inputs}
    assert found["restored"] == []
    assert found["runs"] == {"0": run_key(cell, 0), "1": run_key(cell, 1)}
    assert {"torch", "transformers"} <= set(found["versions"])
    assert found["finished"].endswith("+00:00")


def test_outside_git_there_is_no_commit(monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", "/")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    write_manifest(data_cell())
    assert read_json(data_cell().manifest)["commit"] is None
