"""Scores and contrasts by the items trained on: of a study and of those that it names beside it.

A study has one head and few budgets. What its answer owes to them is seen beside studies with
other ones, whose finished tables are read, never computed, here.
"""

from collections.abc import Collection, Mapping, Sequence
from math import hypot
from pathlib import Path
from typing import Any

import pandas as pd

from xstilts.analysis.origin import RETRIEVALS
from xstilts.analysis.sample import PAIR_KINDS
from xstilts.errors import DataError
from xstilts.files import read_json
from xstilts.params import ModelSpec, StudySpec, base_task
from xstilts.params.grid import tables_folder
from xstilts.params.load import parse

#: one row a (study, model, start, target, group) score, and a (…, contrast) of those in points
BUDGETS: dict[str, str] = {
    "study": "str",
    "head": "str",
    "model": "str",
    "family": "str",
    "layers": "int64",
    "body_params": "int64",
    "target": "str",  # task, without its items; of a mean of pairs: cross, same
    "title": "str",  # of the task, up to a comma: one for all its pools of items
    "items": "int64",  # of the target that a run trains on; of a mean: of the target with most
    "intermediate": "str",  # of a mean of pairs: mean
    "arm": "str",  # of a contrast: empty
    "contrast": "str",  # of a score: empty
    "group": "str",  # en, other
    "value": "float64",  # percent; of a contrast, points
    "low": "float64",
    "high": "float64",
    "seeds": "int64",
}
#: one row a (study, model, corpus, sample, language, pooling): encoders as pretrained
DEEPER: dict[str, str] = {
    "study": "str", "family": "str", "layers": "int64", "body_params": "int64", **RETRIEVALS,
}  # fmt: skip
_GROUPS = ("en", "other")


def tabulate_budgets(
    about: Mapping[str, Any], scores: pd.DataFrame, gains: pd.DataFrame
) -> pd.DataFrame:
    """Return a study's scores and contrasts in points, columns `BUDGETS`.

    Contrasts are those of every pair of tasks, and their means over cross-task and same-task pairs.

    Args:
        about: what its study.json holds.
        scores: `tables.SCORES`.
        gains: `tables.GAINS`.
    """
    study = parse(StudySpec, about["study"], "study.json: study")
    heads = {name: model["head"] for name, model in about["models"].items()}
    points = gains[gains["unit"] == "points"]
    rows = pd.concat([
        scores.assign(contrast="", value=scores["score"]),
        points.assign(arm="", value=points["estimate"]),
    ], ignore_index=True)  # fmt: skip
    rows = rows[rows["group"].isin(_GROUPS)]
    titles = {name: task["title"].split(",")[0] for name, task in about["tasks"].items()}
    titles |= {kind: f"{kind}-task pairs" for kind in PAIR_KINDS}
    of_targets = {target: study.budget(target, "target").items for target in study.targets}
    most = max(of_targets.values())
    items = [of_targets.get(target, most) for target in rows["target"]]
    rows = rows.assign(
        study=about["name"], head=rows["model"].map(heads), items=items,
        target=rows["target"].map(base_task), title=rows["target"].map(titles),
    )  # fmt: skip
    return rows[list(BUDGETS)].astype(BUDGETS).reset_index(drop=True)


def apart(
    one: tuple[float, float, float], other: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Return other minus one with its interval, from two estimates with theirs.

    As if the two were independent. Two studies that are scored on the same items are not, and
    their difference then varies less than the interval says.

    Args:
        one: estimate, low end, high end.
        other: likewise, of the same confidence.

    Source: Zou and Donner 2008, Statistics in Medicine 27, 1693 (10.1002/sim.3095).
    """
    (first, first_low, first_high), (second, second_low, second_high) = one, other
    middle = second - first
    return (
        middle,
        middle - hypot(second - second_low, first_high - first),
        middle + hypot(second_high - second, first - first_low),
    )


def read_beside(outputs: str, studies: Sequence[str]) -> list[pd.DataFrame]:
    """Return `tabulate_budgets` of other studies, those that have been analysed or published.

    Raises:
        DataError: the tables of a study are broken.
    """
    found = []
    for name in studies:
        folder = tables_folder(name, outputs)
        if folder is not None:
            read = (read_table(folder / f"{table}.parquet") for table in ("scores", "gains"))
            found.append(tabulate_budgets(read_json(folder / "study.json"), *read))
    return found


def read_deeper(outputs: str, studies: Sequence[str], own: Collection[str]) -> pd.DataFrame:
    """Return what other studies' encoders retrieve before any training, columns `DEEPER`.

    Args:
        outputs: folder of everything computed.
        studies: by name.
        own: models that are left out, since the study has them itself.

    Raises:
        DataError: the tables of a study are broken.
    """
    found = [pd.DataFrame(columns=list(DEEPER))]
    for name in studies:
        folder = tables_folder(name, outputs)
        if folder is None or not (folder / "retrievals.parquet").is_file():
            continue
        rows = read_table(folder / "retrievals.parquet")
        rows = rows[(rows["intermediate"] == "none") & ~rows["model"].isin(list(own))]
        models = read_json(folder / "study.json")["models"]
        for model, part in rows.groupby("model", sort=False):
            spec = parse(ModelSpec, models[model], f"study.json: models.{model}")
            about = {"study": name, "family": spec.family, "layers": spec.layers,
                     "body_params": spec.body_params}  # fmt: skip
            found.append(part.assign(**about)[list(DEEPER)])
    whole = pd.concat([one for one in found if len(one)] or found, ignore_index=True)
    return whole.drop_duplicates(["model", "corpus", "sample", "language", "pooling"]).astype(
        DEEPER
    )


def read_table(path: Path) -> pd.DataFrame:
    """Return a table of another study. Raises DataError if it is none."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: not a Parquet file ({reason})") from None
