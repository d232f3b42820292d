"""What a study would run and what it would cost, without loading anything."""

import dataclasses
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xstilts.cost import (
    CELL_START_S,
    DEVICES,
    GIB,
    Device,
    Memory,
    Work,
    evaluation,
    fit,
    memory,
    remedies,
    trained_parameters,
    training,
)
from xstilts.errors import ResourceError
from xstilts.params import (
    STAGES,
    Cell,
    cells,
    load_model,
    load_study,
    load_task,
    project_root,
)
from xstilts.params.method import method_title
from xstilts.plan_disk import Disk, disk_of


@dataclass(frozen=True, slots=True)
class StagePlan:
    """Cells of a stage. A run is one seed; stages without seeds have none."""

    stage: str
    cells: int
    runs: int
    done: int
    shared: str


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """One model of the study on the device.

    `hours` is all of its runs, `hours_left` those of cells that are not done; a model that
    does not fit is timed as if it did.
    """

    name: str
    #: "full" or "LoRA r=16"
    method: str
    body_params: int
    total_params: int
    #: that gradients exist for
    trained_params: int
    runs: int
    train_tokens: int
    train_flops: float
    evaluation_flops: float
    hours: float
    hours_left: float
    memory: Memory
    fits: bool
    disk: Disk


@dataclass(frozen=True, slots=True)
class Plan:
    """A study on a device, and why it is refused, if it is."""

    study: str
    device: Device
    stages: tuple[StagePlan, ...]
    models: tuple[ModelPlan, ...]
    runs_saved: int
    disk_needed: int
    disk_free: int
    refusals: tuple[str, ...]

    @property
    def hours(self) -> float:
        return sum(model.hours for model in self.models)

    @property
    def hours_left(self) -> float:
        return sum(model.hours_left for model in self.models)


def plan(study: str, device: Device, *, outputs: str = "outputs") -> Plan:
    """Return the plan of a study on one device.

    Reads parameter files and looks for manifests; imports no torch and loads nothing.

    Raises:
        SpecError: the study, or something that it names, is wrong.
    """
    grid = cells(study, outputs)
    models = tuple(_model_plan(study, name, device, grid) for name in load_study(study).models)
    stages, saved = _stages(study, grid)
    needed = sum(model.disk.total for model in models)
    free = _disk_free(project_root() / outputs)
    refusals = [_refusal(model, device) for model in models if not model.fits]
    if needed > free:
        refusals.append(
            f"disk: {needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free at "
            f"{project_root() / outputs}"
        )
    return Plan(study, device, stages, models, saved, needed, free, tuple(refusals))


def plan_json(planned: Plan) -> dict[str, Any]:
    """Return the plan as JSON-able values: bytes, operations, hours."""
    values = dataclasses.asdict(planned)
    values |= {"hours": planned.hours, "hours_left": planned.hours_left}
    for shown, model in zip(values["models"], planned.models, strict=True):
        shown["memory"]["training"] = model.memory.training
        shown["disk"]["total"] = model.disk.total
    return values


def refuse_unfit(planned: Plan) -> None:
    """Do nothing if the study can run.

    Raises:
        ResourceError: a model does not fit the device's memory even one pair at a time, or
            the disk is too small; says what would make it fit.
    """
    if planned.refusals:
        raise ResourceError(
            f"study '{planned.study}' cannot run on {planned.device.name}: "
            + "; ".join(planned.refusals)
        )


def _refusal(model: ModelPlan, device: Device) -> str:
    ways = remedies(load_model(model.name), device, model.memory)
    return (
        f"{model.name} needs {model.memory.training / GIB:.1f} GiB ({model.method}, one pair at a "
        f"time, activations recomputed), the device has {device.memory / GIB:.1f} GiB "
        f"(would fit: {', or '.join(ways) if ways else 'nothing known'})"
    )


def _disk_free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def cell_seconds(cell: Cell, device: Device | None = None) -> float:
    """Return the seconds that a cell is expected to take on a device, two CPU cores if None.

    What is told of the time left rests on the ratios between cells, not on these numbers.
    """
    if cell.stage not in ("30_intermediate", "40_target"):
        return CELL_START_S
    device = device or DEVICES["cpu-2-cores"]
    model = load_model(cell["model"])
    need = fit(model, device, load_study(cell.study).optimizer_of(cell["model"]).batch)
    learned, scored = _cell_work(cell.study, cell, need)
    return learned.seconds(device) + scored.seconds(device) + CELL_START_S


# ---- cells --------------------------------------------------------------------------------


def _stages(study: str, grid: tuple[Cell, ...]) -> tuple[tuple[StagePlan, ...], int]:
    """Return the rows of the table of stages, and how many runs sharing saves."""
    spec = load_study(study)
    seeds = len(spec.seeds)
    readers = Counter(source for cell in grid for source in cell.inputs if cell.stage in STAGES[:4])
    rows, saved = [], 0
    for stage in STAGES:
        members = [cell for cell in grid if cell.stage == stage]
        runs = len(members) * seeds if stage in ("30_intermediate", "40_target") else 0
        shared = ""
        if stage in ("10_data", "20_encoder", "30_intermediate") and members:
            counts = {readers[cell] for cell in members}
            span = " to ".join(str(n) for n in sorted({min(counts), max(counts)}))
            shared = f"each is read by {span} cells"
        if stage == "30_intermediate":
            saved += seeds * sum(readers[cell] - 1 for cell in members)
        if stage == "40_target" and spec.intermediates:
            baselines = [cell for cell in members if cell["start"] == "none"]
            shared = f"{len(baselines)} baselines, each for {len(spec.intermediates)} "
            shared += "intermediate tasks"
            saved += seeds * len(baselines) * (len(spec.intermediates) - 1)
        done = sum(cell.manifest.exists() for cell in members)
        rows.append(StagePlan(stage, len(members), runs, done, shared))
    return tuple(rows), saved


def _cell_work(study: str, cell: Cell, need: Memory) -> tuple[Work, Work]:
    """Return training and evaluation of all seeds of an intermediate or a target cell."""
    spec, model, task = load_study(study), load_model(cell["model"]), load_task(cell["task"])
    stage = "target" if cell.stage == "40_target" else "intermediate"
    budget = spec.budget(cell["task"], stage)
    train = training(
        model,
        items=budget.items,
        epochs=budget.epochs,
        batch=spec.optimizer_of(cell["model"]).batch,
        mean_tokens=task.mean_tokens,
        need=need,
    )
    scored = task.test_items * len(task.test_languages)
    score = evaluation(model, items=scored, mean_tokens=task.mean_tokens)
    return train * len(spec.seeds), score * len(spec.seeds)


def _model_plan(study: str, name: str, device: Device, grid: tuple[Cell, ...]) -> ModelPlan:
    spec, model = load_study(study), load_model(name)
    batch = spec.optimizer_of(name).batch
    need = fit(model, device, batch)
    fits = need.training <= device.memory
    # a model that does not fit is timed as if it did
    timed = need if fits else memory(model, batch=batch, micro_batch=batch, recompute=True)
    runs = [
        cell
        for cell in grid
        if cell.stage in ("30_intermediate", "40_target") and cell["model"] == name
    ]
    train, score, hours, left = Work(), Work(), 0.0, 0.0
    for cell in runs:
        learned, scored = _cell_work(study, cell, timed)
        seconds = learned.seconds(device) + scored.seconds(device) + CELL_START_S
        train, score, hours = train + learned, score + scored, hours + seconds / 3600
        left += 0 if cell.manifest.exists() else seconds / 3600
    return ModelPlan(
        name,
        method_title(model),
        model.body_params,
        model.total_params,
        trained_parameters(model),
        runs=len(runs) * len(spec.seeds),
        train_tokens=train.tokens,
        train_flops=train.flops,
        evaluation_flops=score.flops,
        hours=hours,
        hours_left=left,
        memory=need,
        fits=fits,
        disk=disk_of(study, name, grid),
    )
