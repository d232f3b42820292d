"""Tasks: official files, hub data sets and the miniature read into one kind of table."""

from xstilts.tasks.audit import audit_table
from xstilts.tasks.baseline import score_baselines
from xstilts.tasks.item import Item, check_table, to_items, to_table
from xstilts.tasks.leak import drop_test_text
from xstilts.tasks.load import TaskData, load_items, read_split
from xstilts.tasks.prepare import DATA_VARIABLE, data_root, load_task_data, prepare_task
from xstilts.tasks.select import select_training

__all__ = [
    "DATA_VARIABLE",
    "Item",
    "TaskData",
    "audit_table",
    "check_table",
    "data_root",
    "drop_test_text",
    "load_items",
    "load_task_data",
    "prepare_task",
    "read_split",
    "score_baselines",
    "select_training",
    "to_items",
    "to_table",
]
