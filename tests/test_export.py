import pytest
from datasets import load_dataset

from xstilts.cli import main
from xstilts.export import export
from xstilts.params import load_task


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return export("minixtreme", tmp_path_factory.mktemp("set") / "minixtreme")


def test_the_folder_is_read_by_datasets(folder, tmp_path):
    found = load_dataset(str(folder), "mini_nli", split="test", cache_dir=str(tmp_path))
    spec = load_task("mini_nli")
    assert len(found) == spec.test_items * len(spec.test_languages)
    assert found.features["label"].names == list(spec.labels)
    assert set(found.column_names) == {"id", "language", "text_a", "text_b", "label", "operator"}


def test_the_card_names_every_task(folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    for task in ("mini_nli", "mini_paraphrase", "mini_selection", "mini_completion"):
        assert f"config_name: {task}" in card
        assert (folder / task / "train.parquet").is_file()


def test_what_is_there_is_not_overwritten(folder, capsys):
    assert main(["export", "minixtreme", "--to", str(folder)]) == 2
    assert "not empty" in capsys.readouterr().err


def test_an_unknown_set_is_told_with_its_nearest_match(tmp_path, capsys):
    assert main(["export", "minixtrem", "--to", str(tmp_path / "x")]) == 2
    assert "minixtreme" in capsys.readouterr().err
