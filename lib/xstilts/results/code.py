"""The code behind a stage: its notebook and every module of the project that it imports."""

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import xstilts
from xstilts.errors import SpecError
from xstilts.params import project_root

PACKAGE = Path(xstilts.__file__).parent
#: modules that decide whether something is computed, not what; and those that read params/:
#: what they yield is in the keys by value, so that a study may get another kind of entry
BESIDE = frozenset({
    "xstilts.notebook", "xstilts.results.code", "xstilts.results.key", "xstilts.results.manifest",
    "xstilts.results.progress", "xstilts.errors",
    "xstilts.params", "xstilts.params.load", "xstilts.params.grid", "xstilts.params.spec",
    "xstilts.params.corpus", "xstilts.params.source", "xstilts.params.strict",
    "xstilts.params.claim",
})  # fmt: skip


@lru_cache
def stage_code(stage: str) -> str:
    """Return 16 hexadecimal digits of the code that a stage runs.

    Digested are the syntax trees of the notebook's code cells and of every module of the
    project that these import, directly or not, without docstrings and comments. A package
    that keeps data files (the miniature's languages) counts whole.

    Raises:
        SpecError: the notebook is missing or its code is no Python.
    """
    whole = hashlib.sha256(_notebook_tree(stage).encode())
    for name in sorted(stage_modules(stage)):
        whole.update(f"{name}\n{_module_tree(name)}\n".encode())
    for path in sorted(_data_files(stage_modules(stage))):
        whole.update(path.read_bytes())
    return whole.hexdigest()[:16]


@lru_cache
def stage_modules(stage: str) -> frozenset[str]:
    """Return the names of the project's modules that a stage imports, directly or not."""
    found: set[str] = set()
    waiting = sorted(_imported(ast.parse(_notebook_source(stage))))
    while waiting:
        name = waiting.pop()
        if name in found or name in BESIDE:
            continue
        found.add(name)
        waiting.extend(_parents(name))
        waiting.extend(_module_imports(name))
        waiting.extend(_whole_package(name))
    return frozenset(found)


def _notebook_source(stage: str) -> str:
    path = project_root() / "notebooks" / f"{stage}.ipynb"
    path = path if path.is_file() else PACKAGE.parents[1] / "notebooks" / path.name
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        source = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        ast.parse(source)
        return source
    except (OSError, ValueError, KeyError, SyntaxError) as error:
        raise SpecError(f"notebooks/{stage}.ipynb: not a notebook ({error})") from None


def _notebook_tree(stage: str) -> str:
    return _dump(ast.parse(_notebook_source(stage)))


@lru_cache
def _module(name: str) -> ast.Module:
    return ast.parse(_path(name).read_text())


@lru_cache
def _module_imports(name: str) -> tuple[str, ...]:
    return tuple(_imported(_module(name)))


@lru_cache
def _module_tree(name: str) -> str:
    return _dump(_module(name))


def _dump(tree: ast.Module) -> str:
    """Return a tree as text, without docstrings and line numbers."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
            and isinstance(body[0].value.value, str)
        ):
            node.body = body[1:]
    return ast.dump(tree)


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the project's modules that a tree imports, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _exists(alias.name))
        if isinstance(node, ast.ImportFrom) and node.module and _exists(node.module):
            yield node.module
            inner = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name for name in inner if _exists(name))


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _whole_package(name: str) -> list[str]:
    """Return every module of the module's package if that keeps data files."""
    folder = PACKAGE / name.split(".")[1] if name.count(".") else PACKAGE
    if folder == PACKAGE or not folder.is_dir() or not any(folder.rglob("*.yaml")):
        return []
    files = (path.relative_to(PACKAGE.parent) for path in folder.rglob("*.py"))
    names = (".".join(path.with_suffix("").parts) for path in files)
    return [name.removesuffix(".__init__") for name in names]


def _data_files(names: frozenset[str]) -> set[Path]:
    packages = {name.split(".")[1] for name in names if name.count(".")}
    return {path for package in packages for path in (PACKAGE / package).rglob("*.yaml")}


def _exists(name: str) -> bool:
    return name.split(".")[0] == "xstilts" and _path(name).is_file()


def _path(name: str) -> Path:
    place = PACKAGE.joinpath(*name.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
