"""What README.md tells a newcomer to type, open and edit is there."""

import re
from pathlib import Path

import pytest

from xstilts.params import names

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
FOLDERS = r"(?:params|lib|docs|notebooks|profiles|paper|outputs/published)"
PATHS = sorted({
    path.rstrip("/")
    for path in re.findall(rf"[(` =]({FOLDERS}/[\w./-]+)", README)
    if "mini" not in path or "miniature" in path
})  # fmt: skip


def test_every_make_target_of_the_readme_exists():
    named = set(re.findall(r"make(?: TORCH_ARGS=\"[^\"]*\")? ([a-z]+)", README))
    assert {"paper", "test", "plan", "lab", "status"} <= named
    assert named - {"to"} <= TARGETS


def test_every_study_of_the_readme_exists():
    named = set(re.findall(r"STUDY=(\w+)", README)) - {"name", "my_xtreme"}
    assert {"smoke", "real", "xtreme"} <= named <= set(names("studies"))


@pytest.mark.parametrize("path", PATHS)
def test_every_path_of_the_readme_exists(path):
    assert (ROOT / path).exists()


def test_nothing_of_the_readme_is_left_to_fill_in():
    assert not re.search(r"@[A-Z_]+@|TODO|TBD", README)
