import json

import pytest

from xstilts.analysis.origin import (
    BASELINES,
    design_of,
    inputs_of,
    read_audit,
    read_baselines,
    read_keys,
)
from xstilts.errors import DataError, SpecError
from xstilts.params import load_study
from xstilts.tasks.audit import COLUMNS


def spoil(cell, name: str, text: str | None) -> str:
    """Break a file of the first data cell, or remove it; return the cell's name."""
    data = next(one for one in inputs_of(cell) if one.stage == "10_data")
    path = data.folder / name
    path.unlink() if text is None else path.write_text(text)
    return data.name


def test_the_design_holds_every_model_and_task_of_the_study(made):
    design = design_of(made.study)
    assert list(design.models) == ["made_l03", "made_l06", "made_l12"]
    assert set(design.tasks) == {"made_nli", "made_nli_b", "made_paraphrase", "made_questions"}


def test_an_unknown_study_is_told_with_the_nearest(made):
    with pytest.raises(SpecError, match="Did you mean 'made'"):
        design_of("mad")


def test_every_cell_before_the_analysis_is_read_once(made):
    inputs = inputs_of(made)
    assert len(inputs) == 4 + 3 + 3 * 4 + 3 * 5 * 2
    assert set(inputs) == set(made.inputs)
    keys = read_keys(inputs)
    assert set(keys) == {cell.name for cell in inputs}
    first = json.loads(inputs[0].manifest.read_text())["key"]
    assert keys[inputs[0].name] == first


def test_a_cell_without_manifest_is_not_done(small):
    last = inputs_of(small)[-1]
    last.manifest.unlink()
    with pytest.raises(DataError, match=f"1 of .* cells are not done, the first is {last.name}"):
        inputs_of(small)
    assert last not in inputs_of(small, partial=True)


@pytest.mark.parametrize("text", ["[]", "{}", '{"key": 3}', "{"])
def test_a_manifest_without_key_is_named(small, text):
    inputs = inputs_of(small)
    inputs[2].manifest.write_text(text)
    with pytest.raises(DataError, match=str(inputs[2].manifest)):
        read_keys(inputs)


def test_baselines_and_audit_hold_all_tasks(made):
    inputs = inputs_of(made)
    baselines, audit = read_baselines(inputs), read_audit(inputs)
    assert baselines.dtypes.astype("str").to_dict() == BASELINES
    assert len(baselines) == 4 * 6 * 7
    assert list(audit.columns) == list(COLUMNS)
    assert audit.groupby("task")["language"].nunique().to_dict() == dict.fromkeys(
        design_of("made").tasks, 6
    )
    assert audit["labels"].iloc[0] == "entailment 20, neutral 20, contradiction 20"


def test_baselines_of_a_task_stand_under_every_number_of_its_items(small, monkeypatch):
    inputs, whole = inputs_of(small), load_study(small.study)
    named = whole.model_copy(update={"targets": ("made_nli", "made_nli@20")})
    monkeypatch.setattr("xstilts.analysis.origin.load_study", lambda name: named)
    table = read_baselines(inputs)
    once, again = (table[table["task"] == name] for name in named.targets)
    assert len(once) == 6 * 7
    columns = ["language", "baseline", "score", "items"]
    assert once[columns].to_numpy().tolist() == again[columns].to_numpy().tolist()
    assert table.dtypes.astype("str").to_dict() == BASELINES


def test_nothing_read_gives_empty_tables_with_their_columns():
    assert list(read_baselines([]).columns) == list(BASELINES)
    assert list(read_audit([]).columns) == list(COLUMNS)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("baselines.parquet", None, "file not found"),
        ("baselines.parquet", "no table", "not a table of baselines"),
        ("audit.json", None, "file not found"),
        ("audit.json", "{", "not JSON"),
        ("audit.json", "[]", "not the audit of a task"),
        ("audit.json", '{"rows": [{"task": "x"}]}', "not the audit of a task"),
    ],
)
def test_what_a_data_cell_left_broken_is_told_with_its_path(small, name, text, says):
    cell = spoil(small, name, text)
    read = read_baselines if name.startswith("baselines") else read_audit
    with pytest.raises(DataError, match=f"{cell}/{name}.*{says}"):
        read(inputs_of(small))


def test_baselines_without_a_column_are_refused(small, change):
    path = inputs_of(small)[0].folder / "baselines.parquet"
    change(path, lambda table: table.drop(columns="score"))
    with pytest.raises(DataError, match="columns missing: score"):
        read_baselines(inputs_of(small))
