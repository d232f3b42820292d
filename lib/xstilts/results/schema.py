"""The contract between training and analysis: every number of the paper comes from two tables."""

import math

import pandas as pd

#: one row a (run, language); a run is one seed of a cell
RUNS: dict[str, str] = {
    "run": "str",  # joins predictions: "<study>/<cell name>/seed-<n>"
    "study": "str",
    "stage": "str",  # "target", or "intermediate" for scores on the intermediate task itself
    "model": "str",
    "family": "str",
    "head": "str",
    "layers": "int64",
    "body_params": "int64",
    "total_params": "int64",
    "arm": "str",  # none, english, multilingual, shuffled
    "intermediate": "str",  # task, or "none"
    "target": "str",  # task that is scored
    "language": "str",
    "seen_in_intermediate": "bool",
    "seed": "int64",
    "items": "int64",  # items scored in this language
    "score": "float64",  # 0 to 100
    "metric": "str",
    "status": "str",  # ok, collapsed
    "train_items": "int64",
    "steps": "int64",
    "tokens": "int64",  # real tokens read in training
    "flops": "float64",  # of training
    "seconds": "float64",  # of training
    "peak_bytes": "int64",
    "device": "str",
    "precision": "str",
    "method": "str",  # full, or LoRA with its rank: what of the encoder was trained
    "items_per_second": "float64",
    "tokens_per_second": "float64",
    "padding_share": "float64",  # of the token places that training computed
    "gemm_flops": "float64",  # operations a second of the model's matrix products alone
    "mfu": "float64",  # operations a second of training over gemm_flops
    "cell_key": "str",
}

#: columns that results of an earlier form lack, and what then stands in them
LATER: dict[str, str | float] = {
    "method": "full", "items_per_second": math.nan, "tokens_per_second": math.nan,
    "padding_share": math.nan, "gemm_flops": math.nan, "mfu": math.nan,
}  # fmt: skip

PREDICTIONS: dict[str, str] = {
    "run": "str",
    "item": "str",  # shared by the translations of an item
    "language": "str",
    "group": "str",  # operator of a generated item, "" elsewhere
    "label": "int8",  # index into the task's labels
    "prediction": "int8",
    # and p0, p1, ...: float16, probability of each label
}

#: one row a training step that was logged
CURVE: dict[str, str] = {
    "run": "str",
    "stage": "str",
    "step": "int64",
    "items": "int64",  # items seen so far
    "loss": "float64",  # mean over the steps since the row before, nats
    "accuracy": "float64",  # the same items, 0 to 100
}


def conform(table: pd.DataFrame, schema: dict[str, str]) -> pd.DataFrame:
    """Return `table` with the schema's columns first, in its order and types; `LATER` filled in.

    Raises:
        KeyError: a column is missing.
    """
    later = {name: value for name, value in LATER.items()
             if name in schema and name not in table.columns}  # fmt: skip
    table = table.assign(**later)
    missing = [name for name in schema if name not in table.columns]
    if missing:
        raise KeyError(f"columns missing: {', '.join(missing)}")
    rest = [name for name in table.columns if name not in schema]
    return table[[*schema, *rest]].astype(schema)
