"""Published scores that the manuscript compares with, each with the reference that prints it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.params.load import read_yaml
from xstilts.report.formats import write
from xstilts.report.numbers import Number

_ENDINGS = ("_zero_shot", "_translate_train")


def published_numbers(path: Path) -> Iterator[Number]:
    """Yield the scores of a YAML file, and what each pair of them gains.

    `<name>_zero_shot` and `<name>_translate_train` give `published/<name>/points` and
    `.../error_reduction` (100 (b - a) / (100 - a)), our arithmetic on the printed scores.

    Raises:
        SpecError: the file is missing or no YAML.
    """
    scores: Mapping[str, Any] = read_yaml(path)
    for name, entry in scores.items():
        where = {"reference": entry["reference"], "where": entry["where"]}
        yield Number(f"published/{name}", entry["value"], write(entry["value"], "percent"),
                     "percent", path.name, where, name)  # fmt: skip
    first, second = _ENDINGS
    for name in [name.removesuffix(first) for name in scores if name.endswith(first)]:
        before, after = (float(scores[name + ending]["value"]) for ending in _ENDINGS)
        where = {"from": name + first, "to": name + second}
        points = after - before
        removed = 100 * points / (100 - before)
        yield Number(f"published/{name}/points", points, write(points, "points"), "points",
                     path.name, where, "difference")  # fmt: skip
        yield Number(f"published/{name}/error_reduction", removed, write(removed, "percent"),
                     "error_reduction", path.name, where, "share of errors removed")  # fmt: skip
