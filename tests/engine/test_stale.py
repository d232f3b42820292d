import pytest
from throwaway import edit, grid

from engine.conftest import STUDY, finish_all, manifests
from xstilts.engine import drop_stale


def test_nothing_is_dropped_where_nothing_changed(root):
    finish_all()
    before = manifests(root)
    assert drop_stale(tuple(grid().values())) == []
    assert manifests(root) == before


def test_an_edited_budget_drops_its_stage_and_what_follows_from_it(root):
    finish_all()
    edit(root / STUDY, target_budget={"items": 64, "epochs": 1})
    dropped = drop_stale(tuple(grid().values()))
    assert {cell.stage for cell in dropped} == {"40_target", "50_analysis", "60_paper"}
    assert not any(cell.manifest.exists() for cell in dropped)
    assert len(dropped) + len(manifests(root)) == len(grid())


def test_a_seed_more_drops_manifests_of_cells_that_train_but_of_nothing_before_them(root):
    finish_all()
    edit(root / STUDY, seeds=[0, 1])
    stages = {cell.stage for cell in drop_stale(tuple(grid().values()))}
    assert stages == {"30_intermediate", "40_target", "50_analysis", "60_paper"}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"key": "0123456789abcdef"}'])
def test_a_manifest_that_is_broken_or_of_another_key_is_dropped(text):
    finish_all()
    cell = grid()["encoders/e5_l02"]
    cell.manifest.write_text(text)
    assert drop_stale(tuple(grid().values())) == [cell]
