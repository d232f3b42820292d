"""What stands behind a number of a paper: its row, runs, parameters, data and code."""

from collections.abc import Mapping
from typing import Any

from xstilts.analysis import Analysis, load_analysis
from xstilts.errors import DataError, SpecError, nearest
from xstilts.files import read_json
from xstilts.params import base_task, load_study, project_root
from xstilts.params.grid import tables_folder
from xstilts.report.evidence import Evidence, evidence_of
from xstilts.report.folder import paper_folder
from xstilts.report.numbers import Number, Numbers
from xstilts.report.published import published_numbers
from xstilts.report.trace import budget_target, chosen_runs, encoder_cell, starts_of

#: of a run, what is shown
_RUN = ["run", "seed", "group", "score", "status", "device", "precision", "cell_key"]


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
        _other_study(evidence, number),
        _runs(analysis, evidence, number),
        _parameters(evidence, number),
        _cells(evidence, number),
        _code(read_json(folder / "manifest.json") if (folder / "manifest.json").is_file() else {}),
    ]
    return "\n\n".join(part for part in parts if part)


def _other_study(evidence: Evidence, number: Number) -> str:
    """Return the command that explains a number which a study beside lends this one."""
    row = number.row
    other = row.get("study", evidence.name)
    if other == evidence.name:
        return ""
    if "model" not in row:  # made of one number of each study
        return f"study beside: {other}"
    target = budget_target(load_study(other), row)
    parts = (
        ["gains", row["model"], row["intermediate"], target, row["contrast"], "points"]
        if row["contrast"] else ["scores", row["model"], row["intermediate"], row["arm"], target]
    )  # fmt: skip
    return f"its runs: xstilts explain {other} {'/'.join([*parts, row['group']])}"


def _runs(analysis: Analysis, evidence: Evidence, number: Number) -> str:
    rows = chosen_runs(analysis, evidence, number)
    if rows.empty:
        return ""
    shown = rows[[name for name in _RUN if name in rows]].sort_values("run")
    return f"runs ({len(shown)})\n{shown.to_string(index=False, float_format='{:.2f}'.format)}"


def _parameters(evidence: Evidence, number: Number) -> str:
    """Return the settings of the models and tasks that the number's runs have."""
    starts = list(starts_of(evidence, number))
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
    names = [encoder_cell(number.row)] if number.table == "retrievals.parquet" else []
    for model, middle, arm, target in starts_of(evidence, number):
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
