"""Two studies side by side: parameters that differ, then numbers that differ beyond noise."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xstilts.analysis import Analysis, load_analysis
from xstilts.errors import DataError
from xstilts.params import load_study
from xstilts.params.grid import tables_folder

#: tables whose rows are set side by side: what names a row, and its value
_TABLES = {
    "scores": (["model", "intermediate", "arm", "target", "group"], "score"),
    "gains": (["model", "intermediate", "target", "contrast", "unit", "group"], "estimate"),
}
_MOST = 40


def compare(first: str, second: str, outputs: str = "outputs") -> str:
    """Return, as text, in what two studies differ.

    Args:
        first: a file in params/studies, or a folder with the tables of an analysis.
        second: likewise.
        outputs: folder of everything computed.

    Raises:
        SpecError: there is no such study.
        DataError: a study has no tables, or they are broken.
    """
    one, other = (_open(name, outputs) for name in (first, second))
    changed = list(parameter_differences(one.study, other.study))
    lines = [f"parameters that differ: {len(changed)}"]
    lines += [f"  {key}: {_short(mine)} | {_short(yours)}" for key, mine, yours in changed[:_MOST]]
    lines += [f"  and {len(changed) - _MOST} more"] if len(changed) > _MOST else []
    for name in _TABLES:
        lines += ["", *_told(name, number_differences(name, one, other))]
    return "\n".join(lines)


def parameter_differences(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """Yield key, value here and value there of what study.json's parameters differ in."""
    parts = ("study", "models", "tasks", "corpora")
    mine, yours = (
        {key: value for part in parts for key, value in _flat(part, about.get(part, {}))}
        for about in (one, other)
    )
    for key in dict.fromkeys([*mine, *yours]):
        if mine.get(key) != yours.get(key):
            yield key, mine.get(key), yours.get(key)


def number_differences(name: str, one: Analysis, other: Analysis) -> pd.DataFrame:
    """Return the rows of a table that both analyses have, with `difference` and `noise`.

    difference: second minus first, in the table's unit. noise: what independent runs of one
    truth may differ by, the root of the summed squares of half the two intervals; NaN where
    either has none (one seed). `beyond`: the difference is larger.
    """
    keys, value = _TABLES[name]
    columns = [*keys, value, "low", "high"]
    both = getattr(one, name)[columns].merge(getattr(other, name)[columns], on=keys)
    halves = [(both[f"high_{side}"] - both[f"low_{side}"]) / 2 for side in ("x", "y")]
    noise = np.hypot(*halves)
    difference = both[f"{value}_y"] - both[f"{value}_x"]
    return both[keys].assign(
        first=both[f"{value}_x"], second=both[f"{value}_y"], difference=difference, noise=noise,
        beyond=difference.abs() > noise,
    )  # fmt: skip


def _open(name: str, outputs: str) -> Analysis:
    folder = Path(name)
    if (folder / "study.json").is_file():
        return load_analysis(folder)
    load_study(name)
    found = tables_folder(name, outputs)
    if found is None:
        raise DataError(f"study '{name}': no tables; `make paper STUDY={name}` computes them")
    return load_analysis(found)


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{key}.{name}", inner)
    else:
        yield key, value


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _told(name: str, table: pd.DataFrame) -> list[str]:
    """Return how many numbers two tables share and those that differ beyond noise."""
    known = table["noise"].notna()
    beyond = table[table["beyond"]]
    lines = [
        f"{name}: {len(table)} in both, {int((table['difference'].abs() < 1e-9).sum())} equal, "
        f"{len(beyond)} differ beyond noise"
    ]
    if not known.all():
        lines.append(
            f"  {int((~known).sum())} without interval (one seed): nothing is said of them"
        )
    if len(beyond):
        largest = beyond.reindex(beyond["difference"].abs().sort_values(ascending=False).index)
        shown = largest.head(_MOST).drop(columns="beyond")
        lines.append(shown.to_string(index=False, float_format="{:.2f}".format))
    return lines
