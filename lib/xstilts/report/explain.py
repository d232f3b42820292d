"""What stands behind a number of a paper: its row, runs, parameters, data and code."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from xstilts.analysis import CONTRASTS, Analysis, load_analysis
from xstilts.errors import DataError, SpecError, nearest
from xstilts.files import read_json
from xstilts.params import base_task, load_study, project_root
from xstilts.params.grid import tables_folder
from xstilts.report.evidence import Evidence, evidence_of
from xstilts.report.folder import paper_folder
from xstilts.report.numbers import Number, Numbers
from xstilts.report.published import published_numbers

#: of a run, what is shown
_RUN = ["run", "seed", "score", "status", "device", "precision", "cell_key"]


def explain(study: str, key: str, outputs: str = "outputs") -> str:
    """Return, as text, where a number of a study's paper comes from.

    Args:
        study: file in params/studies; its tables are computed, or published.
        key: as numbers.json and the paper's HTML have it ("scores/e5_l03_f1/none/none/xnli/en").
        outputs: folder of everything computed.

    Raises:
        SpecError: there is no such study or number; the nearest is named.
        DataError: the study has no tables, or they are broken.
    """
    load_study(study)
    folder = tables_folder(study, outputs)
    if folder is None:
        raise DataError(f"study '{study}': no tables; `make paper STUDY={study}` computes them")
    analysis = load_analysis(folder)
    evidence = evidence_of(analysis, study)
    numbers = Numbers(evidence, published_numbers(paper_folder() / "published.yaml"))
    if key not in numbers:
        raise SpecError(f"study '{study}': number '{key}' is unknown.{nearest(key, numbers.keys)}")
    number = numbers.find(key)
    parts = [
        f"{key}\n{number.text} ({number.value!r}, {number.unit}), of {number.source}",
        f"tables: {folder.relative_to(project_root())}",
        _runs(analysis, evidence, number),
        _parameters(evidence, number),
        _cells(evidence, number),
        _code(read_json(folder / "manifest.json") if (folder / "manifest.json").is_file() else {}),
    ]
    return "\n\n".join(part for part in parts if part)


def chosen_runs(analysis: Analysis, evidence: Evidence, number: Number) -> pd.DataFrame:
    """Return the runs behind a number: a row a run, its score meaned over the number's languages.

    Columns as `schema.RUNS` has them; none for a number that no run is behind.
    """
    runs = analysis.runs[analysis.runs["stage"] == "target"]
    group = (_selectors(evidence, number) or {}).get("group", "other")
    frames = [_of(evidence, runs, *one, group) for one in _starts(evidence, number)]
    found = [frame for frame in frames if len(frame)]
    return pd.concat(found).drop_duplicates("run") if found else runs.iloc[:0]


def _starts(evidence: Evidence, number: Number) -> Iterator[tuple[str, str, str, str]]:
    """Yield (model, intermediate, arm, target) of the runs that a number is made of.

    Of arm none, the intermediate task is the one that it is held against, if there is one.
    """
    row = _selectors(evidence, number)
    if row is None:
        return
    arms = CONTRASTS.get(row.get("contrast", ""), (row.get("arm", "none"),))
    pairs = [(row.get("intermediate", "none"), row.get("target", ""))]
    if "pair" in row:
        wanted = row.get("target")
        pairs = [pair for pair in evidence.pairs(row["pair"]) if wanted in (None, pair[1])]
    models = [row["model"]] if "model" in row else row.get("models", list(evidence.models))
    for model in models:
        for middle, target in pairs:
            for arm in arms:
                yield model, middle, arm, target


def _selectors(evidence: Evidence, number: Number) -> dict[str, Any] | None:
    """Return what picks runs: model or models, pair or kind of pairs, contrast or arm."""
    row: dict[str, Any] = dict(number.row)
    match number.table:
        case "scores.parquet" if row.get("model"):
            return row
        case "gains.parquet" | "slopes.parquet":
            if row["intermediate"] == "mean":
                kind = row.get("pair") or row["target"]
                kept = ("model", "contrast", "group")
                return {name: row[name] for name in kept if name in row} | {"pair": kind}
            return {name: value for name, value in row.items() if name != "pair"}
        case "growths.parquet":
            return row | {"models": [row["smaller"], row["larger"]]}
        case "hypotheses.parquet":
            one = next(one for one in evidence.spec.hypotheses if one.name == row["name"])
            return {"contrast": one.contrast, "pair": one.pairs, "group": one.group,
                    "target": one.target}  # fmt: skip
    return None


def _of(
    evidence: Evidence,
    runs: pd.DataFrame,
    model: str,
    middle: str,
    arm: str,
    target: str,
    group: str,
) -> pd.DataFrame:
    rows = runs[
        (runs["model"] == model) & (runs["arm"] == arm)
        & (runs["intermediate"] == ("none" if arm == "none" else middle))
        & (runs["target"] == target)
    ]  # fmt: skip
    rows = rows[_in_group(evidence, rows["language"], group, middle)]
    score = rows.groupby("run")["score"].mean()
    once = rows.drop_duplicates("run")
    return once.assign(score=once["run"].map(score))


def _in_group(
    evidence: Evidence, languages: pd.Series, group: str, middle: str
) -> "pd.Series[bool]":
    trained = evidence.tasks[middle].train_languages if middle in evidence.tasks else ()
    seen = languages.isin(list(trained)) & (languages != "en")
    return {
        "en": languages == "en", "other": languages != "en", "all": languages != "",
        "seen": seen, "unseen": ~seen & (languages != "en"),
    }.get(group, languages == group)  # fmt: skip


def _runs(analysis: Analysis, evidence: Evidence, number: Number) -> str:
    rows = chosen_runs(analysis, evidence, number)
    if rows.empty:
        return ""
    shown = rows[[name for name in _RUN if name in rows]].sort_values("run")
    return f"runs ({len(shown)})\n{shown.to_string(index=False, float_format='{:.2f}'.format)}"


def _parameters(evidence: Evidence, number: Number) -> str:
    """Return the settings of the models and tasks that the number's runs have."""
    starts = list(_starts(evidence, number))
    if not starts:
        return ""
    lines = [f"study {evidence.name}: seeds {', '.join(map(str, evidence.spec.seeds))}"]
    for model in dict.fromkeys(start[0] for start in starts):
        spec, rule = evidence.models[model], evidence.spec.optimizer_of(model)
        lines.append(
            f"model {model}: {spec.layers} layers, {spec.frozen_layers} of them frozen, head "
            f"{spec.head}; rate {rule.learning_rate:g}, batch {rule.batch}"
        )
    tasks = [(start[1], "intermediate") for start in starts if start[2] != "none"]
    for task, stage in dict.fromkeys([*tasks, *((start[3], "target") for start in starts)]):
        budget = evidence.spec.budget(task, stage)  # type: ignore[arg-type]
        lines.append(f"{stage} {task}: {budget.items} items, {budget.epochs} epochs")
    return "parameters\n" + "\n".join(lines)


def _cells(evidence: Evidence, number: Number) -> str:
    """Return the cells of data, encoders and runs behind the number, each with its key."""
    names = []
    for model, middle, arm, target in _starts(evidence, number):
        start = "none" if arm == "none" else f"{middle}-{arm}"
        names += [f"data/{base_task(target)}", f"encoders/{model}"]
        if arm != "none":
            names += [f"data/{middle}", f"intermediate/{model}/{middle}/{arm}"]
        names.append(f"targets/{model}/{start}/{target}")
    found = [name for name in dict.fromkeys(names) if name in evidence.keys]
    if not found:
        return ""
    return "cells\n" + "\n".join(f"{evidence.keys[name]}  {name}" for name in found)


def _code(manifest: Mapping[str, Any]) -> str:
    if not manifest.get("commit"):
        return ""
    versions = ", ".join(f"{name} {one}" for name, one in manifest.get("versions", {}).items())
    return f"code\ncommit {manifest['commit']}, Python {manifest['python']}, {versions}"
