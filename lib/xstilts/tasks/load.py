"""From a task's parameters to its tables: read, check, drop test text, draw."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from xstilts.errors import DataError
from xstilts.params import TaskSpec
from xstilts.params.source import FilesSource, HubDataSource, MiniatureSource
from xstilts.tasks.audit import audit_split, audit_table, marked
from xstilts.tasks.baseline import GENERATED_ITEMS, score_baselines
from xstilts.tasks.files import read_files
from xstilts.tasks.hub import read_hub
from xstilts.tasks.item import empty_table, item_ids, of_items
from xstilts.tasks.leak import count_overlap, drop_test_text, text_digests
from xstilts.tasks.miniature import read_miniature
from xstilts.tasks.pairs import Split
from xstilts.tasks.repeat import drop_repeated
from xstilts.tasks.select import draw

SplitName = Literal["train", "test"]
#: kinds that are pairs of texts with one label
PAIR_KINDS = ("nli", "paraphrase", "selection", "completion", "choice")
#: how many times the items needed are generated until enough are free of test text
SURPLUS = (1.0, 1.5, 3.0)


@dataclass(frozen=True)
class TaskData:
    """A task as a study uses it.

    `train` and `test` have the columns of `item.COLUMNS`, one row an (item, language),
    every item in every language of its split. `baselines`: task, language, baseline,
    score, items. `report` is what audit.json holds.
    """

    task: str
    labels: tuple[str, ...]
    train: pd.DataFrame
    test: pd.DataFrame
    baselines: pd.DataFrame
    report: dict[str, Any] = field(repr=False)

    @property
    def audit(self) -> pd.DataFrame:
        """One row a (split, language); columns of `audit.COLUMNS`."""
        return audit_table(self.report["rows"])

    @property
    def test_languages(self) -> list[str]:
        """The languages that are scored, in the order of the task's file."""
        return list(self.test["language"].unique())


def load_items(
    name: str,
    spec: TaskSpec,
    data_root: Path | None = None,
    *,
    held_out: Sequence[pd.DataFrame] = (),
) -> TaskData:
    """Return a task's training and test tables with their audit and baselines.

    Test: `spec.test_items` ids drawn by the task's name alone (or by that of the task whose
    draw it shares, `spec.test_draw`), the same in every language. Training:
    `spec.train_items` ids drawn by the name, after these items are dropped and counted: those
    with a mark of an untranslated row in some language (`spec.drop_rows_with`); where the
    split has several files, those that occurred before (see `repeat.drop_repeated`); and
    those that share a text with a scored item of the task or of `held_out`, the test tables
    of the study's other tasks (see `leak.drop_test_text`).

    Raises:
        DataError: a file is missing or broken, too few items are left, or a label has no
            training item.
    """
    if spec.kind not in PAIR_KINDS:
        raise DataError(
            f"params/tasks/{name}.yaml: kind '{spec.kind}' cannot be trained or scored; "
            f"allowed: {', '.join(PAIR_KINDS)} (two texts, one label)"
        )
    tested = read_split(name, spec, "test", data_root) if spec.test_items else Split(empty_table())
    test = scored(name, spec, tested.table)
    tests = [test, *held_out]
    read, clean, dropped = _clean_training(name, spec, data_root, tests)
    train = _trained(name, spec, clean)
    overlap = count_overlap(train, tests, spec.drop_rows_with, _checked_sides(spec))
    report = {
        "task": name,
        "rows": [
            *_audit(name, spec, "train", read, train, dropped, overlap),
            *_audit(name, spec, "test", tested, test, {}, {}),
        ],
        "files": read.files | tested.files,
        "training_items_available": clean["id"].nunique(),
        "test_texts_checked": len(text_digests(tests, spec.drop_rows_with)),
    }
    baselines = score_baselines(name, train, _measured(name, spec, test))
    return TaskData(name, spec.labels, train, test, baselines, report)


def _audit(
    name: str,
    spec: TaskSpec,
    split: SplitName,
    read: Split,
    kept: pd.DataFrame,
    dropped: dict[str, int],
    overlap: dict[str, int],
) -> list[dict[str, Any]]:
    """Return the audit of a split: what was read, what is kept, what was lost between."""
    return audit_split(
        name, split, read.table, kept, spec.labels, marks=spec.drop_rows_with, notes=read.notes,
        dropped=dropped | {"dropped_unlabelled": read.unlabelled}, overlap=overlap,
    )  # fmt: skip


def _checked_sides(spec: TaskSpec) -> tuple[str, ...]:
    """Return which texts of a training item must be new."""
    # Answers are few and short ("In the garden."): what must be new is the question.
    return ("text_a",) if spec.kind == "choice" else ("text_a", "text_b")


def _measured(name: str, spec: TaskSpec, test: pd.DataFrame) -> pd.DataFrame:
    """Return the items that baselines are scored on: more of the test split if it is generated."""
    if not isinstance(spec.source, MiniatureSource) or test.empty:
        return test
    return read_split(name, spec, "test", None, max(GENERATED_ITEMS, spec.test_items)).table


def read_split(
    name: str, spec: TaskSpec, split: SplitName, root: Path | None, items: int | None = None
) -> Split:
    """Return every row of a split, in every language of the task, as the source has it.

    `items` matters to a generated task alone: how many to make (its number by default).

    Raises:
        DataError: the task has no such split, or its source cannot be read.
    """
    languages = spec.train_languages if split == "train" else spec.test_languages
    source = spec.source
    owner = name if split == "train" else spec.test_draw or name
    if isinstance(source, MiniatureSource):
        wanted = items or (spec.train_items if split == "train" else spec.test_items)
        return Split(read_miniature(owner, spec, source, split, languages, wanted))
    found = source.parts(split)
    if not found or not languages:
        key = f"{split}_languages" if found else f"source.{split}"
        raise DataError(f"params/tasks/{name}.yaml: {key}: missing, but {split}_items are asked")
    if isinstance(source, HubDataSource):
        return read_hub(owner, spec, found[0], split, languages, root)
    return read_files(owner, spec, found, split, languages, data_folder(name, source, root))


def data_folder(name: str, source: FilesSource, root: Path | None) -> Path:
    """Return the folder of official files. Raises DataError if none is named or it is none."""
    example = next((part.path for part in (*source.parts("train"), *source.parts("test"))), "")
    how = "name their folder: make paper STUDY=real DATA=/path (or XSTILTS_DATA=/path)"
    if root is None:
        raise DataError(f"task '{name}' reads official files (such as {example}); {how}")
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; task '{name}' reads {example} there; {how}")
    return root


def _clean_training(
    name: str, spec: TaskSpec, root: Path | None, tests: Sequence[pd.DataFrame]
) -> tuple[Split, pd.DataFrame, dict[str, int]]:
    """Return the training split as read, what is left of it, and how many items were dropped."""
    for factor in SURPLUS:
        read = read_split(name, spec, "train", root, round(spec.train_items * factor))
        whole = read.table
        bad = set(whole[marked(whole, spec.drop_rows_with)]["id"])
        once, repeated, contradicting = whole[~whole["id"].isin(bad)], [], []
        # One file is as its makers released it; what several share is known here alone.
        if isinstance(spec.source, FilesSource) and len(spec.source.parts("train")) > 1:
            once, repeated, contradicting = drop_repeated(once)
        clean, leaked = drop_test_text(once, tests, spec.drop_rows_with, _checked_sides(spec))
        enough = clean["id"].nunique() >= spec.train_items
        if enough or not isinstance(spec.source, MiniatureSource):
            break
    return read, clean, {
        "dropped_marked": len(bad),
        "dropped_repeated": len(repeated),
        "dropped_contradicting": len(contradicting),
        "dropped_test_text": len(leaked),
    }  # fmt: skip


def scored(name: str, spec: TaskSpec, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the items that every study scores: `test_items` of the test split.

    Raises:
        DataError: the split has fewer.
    """
    ids = item_ids(table)
    if spec.test_items > len(ids):
        raise DataError(
            f"params/tasks/{name}.yaml: test_items: {spec.test_items} asked, the test split "
            f"has {len(ids)}"
        )
    return of_items(table, draw(ids, spec.test_items, "test", spec.test_draw or name))


def _trained(name: str, spec: TaskSpec, clean: pd.DataFrame) -> pd.DataFrame:
    ids = item_ids(clean)
    if spec.train_items > len(ids):
        raise DataError(
            f"params/tasks/{name}.yaml: train_items: {spec.train_items} asked, {len(ids)} can be "
            "had (items with an untranslated text or a text of a scored test item cannot)"
        )
    train = of_items(clean, draw(ids, spec.train_items, "train", name))
    present = set(train["label"].unique())
    absent = [label for number, label in enumerate(spec.labels) if number not in present]
    if absent:
        raise DataError(
            f"params/tasks/{name}.yaml: source.train: no training item is labelled "
            f"'{absent[0]}'; a file sorted by label needs a range of rows for each label"
        )
    return train
