"""Small files and specs that the tests of readers, draws and checks share."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from xstilts.params import TaskSpec
from xstilts.params.load import parse
from xstilts.tasks.item import Item, to_table

NLI = ["entailment", "neutral", "contradiction"]


@pytest.fixture
def task_spec() -> Callable[..., TaskSpec]:
    """Return a maker of specs: a files task with the labels of NLI unless told otherwise."""

    def make(source: dict[str, Any], **values: Any) -> TaskSpec:
        defaults = {
            "title": "made for a test",
            "kind": "nli",
            "skill": "nli",
            "labels": NLI,
            "source": source,
            "train_languages": ["en"],
            "test_languages": ["de", "en"],
            "train_items": 3,
            "test_items": 3,
        }
        return parse(TaskSpec, {**defaults, **values}, "params/tasks/made.yaml")

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of files below the data folder `tmp_path`; `.gz` is packed."""

    def put(name: str, content: str | bytes) -> Path:
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        return path

    return put


@pytest.fixture
def pairs_table() -> Callable[..., pd.DataFrame]:
    """Return a maker of training tables: `items` numbered pairs in every language."""

    def make(items: int, languages: tuple[str, ...] = ("en", "de"), split: str = "train"):
        return to_table(
            [
                Item(f"made-{split}-{n:05d}", code, f"{code} a {n}", f"{code} b {n}", NLI[n % 3])
                for code in languages
                for n in range(items)
            ],
            NLI,
        )

    return make
