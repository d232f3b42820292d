"""Parts of rows that several tables share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from xstilts.analysis.resample import Estimate
from xstilts.analysis.sample import Sample


def size_columns(sample: Sample, model: str) -> dict[str, Any]:
    """Return the columns model, family, layers, body_params, total_params of a model."""
    spec = sample.design.models[model]
    return {
        "model": model,
        "family": spec.family,
        "layers": spec.layers,
        "body_params": spec.body_params,
        "total_params": spec.total_params,
    }


def count_columns(sample: Sample, target: str, codes: Sequence[str]) -> dict[str, int]:
    """Return the columns seeds, and items: those scored in at least one language of `codes`."""
    outcomes = sample.outcomes[target]
    places = [outcomes.languages.index(code) for code in codes]
    items = int(np.count_nonzero(outcomes.scored[places].any(axis=0)))
    return {"seeds": len(outcomes.seeds), "items": items}


def estimate_columns(found: Estimate) -> dict[str, Any]:
    """Return the columns estimate, low, high, resolved."""
    ends = {"low": found.low, "high": found.high}
    return {"estimate": found.value, **ends, "resolved": found.resolved}


def table_of(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, str]) -> pd.DataFrame:
    """Return rows as a table with the schema's columns, in its order and types."""
    return pd.DataFrame(rows, columns=list(schema)).astype(dict(schema))
