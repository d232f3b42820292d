"""Parameters: specs, their files, and the grid of cells that a study spans."""

from xstilts.params.corpus import CorpusSpec
from xstilts.params.grid import (
    MIXED_ARMS,
    STAGES,
    Cell,
    cells,
    find_cell,
    is_cross,
    split_start,
    start_name,
    starts,
)
from xstilts.params.load import load_corpus, load_model, load_study, load_task, names, project_root
from xstilts.params.spec import (
    Budget,
    Hypothesis,
    ModelSpec,
    Optimizer,
    StudySpec,
    TaskSpec,
    as_json,
    base_task,
)

__all__ = [
    "MIXED_ARMS",
    "STAGES",
    "Budget",
    "Cell",
    "CorpusSpec",
    "Hypothesis",
    "ModelSpec",
    "Optimizer",
    "StudySpec",
    "TaskSpec",
    "as_json",
    "base_task",
    "cells",
    "find_cell",
    "is_cross",
    "load_corpus",
    "load_model",
    "load_study",
    "load_task",
    "names",
    "project_root",
    "split_start",
    "start_name",
    "starts",
]
