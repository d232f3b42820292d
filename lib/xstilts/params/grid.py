"""The grid of a study: its cells, where each lives, and what each reads."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from xstilts.errors import SpecError, unknown
from xstilts.params.load import load_study, load_task, names, project_root
from xstilts.params.spec import Arm, base_task

Stage = Literal["10_data", "20_encoder", "30_intermediate", "40_target", "50_analysis", "60_paper"]
STAGES: tuple[Stage, ...] = (
    "10_data",
    "20_encoder",
    "30_intermediate",
    "40_target",
    "50_analysis",
    "60_paper",
)
#: notebook parameters that pick a cell out of a stage
SELECTORS: dict[str, tuple[str, ...]] = {
    "10_data": ("task",),
    "20_encoder": ("model",),
    "30_intermediate": ("model", "task", "arm"),
    "40_target": ("model", "start", "task"),
    "50_analysis": (),
    "60_paper": (),
}
#: arms whose intermediate data are drawn from several languages
MIXED_ARMS: tuple[Arm, ...] = ("multilingual", "shuffled")
#: results that are committed with the project, taken as they are
PUBLISHED = "outputs/published"
#: folder of each stage under outputs/<study>/
FOLDERS = {
    "10_data": "data",
    "20_encoder": "encoders",
    "30_intermediate": "intermediate",
    "40_target": "targets",
    "50_analysis": "analysis",
    "60_paper": "paper",
}
#: folder under outputs/<study>/ of what frozen layers make of texts, until the study is done
FROZEN = "frozen"


@dataclass(frozen=True)
class Cell:
    """One notebook execution. `start` is `none` or `<intermediate>-<arm>`."""

    stage: Stage
    study: str
    selectors: tuple[tuple[str, str], ...] = ()
    outputs: str = "outputs"
    inputs: tuple["Cell", ...] = field(default=(), compare=False, repr=False)

    def __getitem__(self, selector: str) -> str:
        return dict(self.selectors)[selector]

    @property
    def name(self) -> str:
        return "/".join([FOLDERS[self.stage], *(value for _, value in self.selectors)])

    @property
    def folder(self) -> Path:
        return project_root() / self.outputs / self.study / self.name

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.json"

    @property
    def log(self) -> Path:
        return project_root() / self.outputs / self.study / "logs" / f"{self.name}.log"

    @property
    def parameters(self) -> dict[str, str]:
        return {"study": self.study, **dict(self.selectors)}


def tables_folder(study: str, outputs: str) -> Path | None:
    """Return where a study's analysis lies: computed here, else published; None if nowhere."""
    for place in (outputs, PUBLISHED):
        folder = project_root() / place / study / FOLDERS["50_analysis"]
        if (folder / "study.json").is_file():
            return folder
    return None


def start_name(intermediate: str, arm: str) -> str:
    return f"{intermediate}-{arm}"


def split_start(start: str) -> tuple[str, str]:
    """Return (intermediate, arm) of a start; `none` gives ("none", "none")."""
    return ("none", "none") if start == "none" else tuple(start.rsplit("-", 1))  # type: ignore


def trained_arms(study: str, task: str) -> list[str]:
    """Return the arms that an intermediate task has: `english` alone if its data are."""
    alone = len(load_task(task).train_languages) == 1
    skipped = {"none", *MIXED_ARMS} if alone else {"none"}
    return [arm for arm in load_study(study).arms if arm not in skipped]


def starts(study: str) -> list[str]:
    """Return where target runs start: `none`, and every intermediate task in every arm it has."""
    tasks = load_study(study).intermediates
    return ["none", *(start_name(task, arm) for task in tasks for arm in trained_arms(study, task))]


def is_cross(intermediate: str, target: str) -> bool:
    """Say whether a pair is cross-task: the intermediate task teaches another skill."""
    return load_task(intermediate).skill != load_task(target).skill


@lru_cache
def cells(study: str, outputs: str = "outputs") -> tuple[Cell, ...]:
    """Return every cell of a study, inputs before what reads them.

    An intermediate cell is shared by all targets, the baseline (`start` none) by all
    intermediate tasks.
    """
    spec = load_study(study)

    def cell(stage: Stage, inputs: list[Cell], **selectors: str) -> Cell:
        return Cell(stage, study, tuple(selectors.items()), outputs, tuple(inputs))

    tasks = list(dict.fromkeys(map(base_task, [*spec.intermediates, *spec.targets])))
    data = {task: cell("10_data", [], task=task) for task in tasks}
    encoders = {
        model: cell("20_encoder", list(data.values()), model=model) for model in spec.models
    }
    middle = {
        (model, start_name(task, arm)): cell(
            "30_intermediate", [data[task], encoders[model]], model=model, task=task, arm=arm
        )
        for model in spec.models
        for task in spec.intermediates
        for arm in trained_arms(study, task)
    }
    ends = [
        cell(
            "40_target",
            [data[base_task(task)], middle.get((model, start), encoders[model])],
            model=model,
            start=start,
            task=task,
        )
        for model in spec.models
        for start in starts(study)
        for task in spec.targets
    ]
    analysis = cell("50_analysis", [*data.values(), *encoders.values(), *middle.values(), *ends])
    paper = cell("60_paper", [analysis])
    return (*data.values(), *encoders.values(), *middle.values(), *ends, analysis, paper)


def find_cell(stage: str, study: str, outputs: str = "outputs", **selectors: str) -> Cell:
    """Return the cell that the notebook parameters pick.

    Raises:
        SpecError: the study has no such model, task, arm or start; the nearest is named.
    """
    if study not in names("studies"):
        raise SpecError(unknown("study", study, names("studies"), "study"))
    of_stage = [cell for cell in cells(study, outputs) if cell.stage == stage]
    if not of_stage:
        raise SpecError(f"study '{study}' has no cells of {stage}")
    for key in SELECTORS[stage]:
        allowed = list(dict.fromkeys(cell[key] for cell in of_stage))
        value = selectors.get(key)
        if value not in allowed:
            raise SpecError(unknown(key, value, allowed, f"{stage} of study '{study}': {key}"))
        of_stage = [cell for cell in of_stage if cell[key] == value]
    return of_stage[0]
