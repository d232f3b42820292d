"""One run: a seed of a cell, from its start to its scores."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from xstilts.encoders.architecture import freeze_lowest, longest_input
from xstilts.encoders.folder import open_encoder, save_encoder
from xstilts.encoders.trim import trim_vocabulary
from xstilts.errors import EncoderError
from xstilts.files import write_atomically
from xstilts.params import (
    Budget,
    Cell,
    ModelSpec,
    base_task,
    load_model,
    load_study,
    load_task,
    split_start,
)
from xstilts.params.grid import FROZEN
from xstilts.params.method import method_title
from xstilts.results.key import cell_key, run_key
from xstilts.results.run import Scored, training_facts, write_run
from xstilts.tasks import TaskData, load_task_data, select_training
from xstilts.tasks.alignment import alignment_items
from xstilts.tasks.corpus import Sample, study_corpora
from xstilts.training.adapter import add_adapters, merge_adapters
from xstilts.training.alignment import align, retrieve
from xstilts.training.cache import cached_pairs
from xstilts.training.checkpoint import Checkpoint
from xstilts.training.device import Device, open_device
from xstilts.training.encode import settle
from xstilts.training.frozen import Frozen, can_be_taken_out
from xstilts.training.head import make_head
from xstilts.training.loop import Trained, train
from xstilts.training.model import PairClassifier
from xstilts.training.telemetry import speed_facts
from xstilts.training.text import Pairs

Say = Callable[[float, str], None]
#: makes an encoder whole again
Restore = Callable[[], None]
#: share of a run that training takes; the rest is scoring
TRAINING_SHARE = 0.85


@dataclass(frozen=True)
class Stage:
    """What the runs of one cell share."""

    cell: Cell
    model: ModelSpec
    data: TaskData
    device: Device
    budget: Budget
    arm: str
    stage: str

    @classmethod
    def of(cls, cell: Cell) -> "Stage":
        """Read what a cell of 30_intermediate or 40_target needs; its inputs are computed."""
        study, model = load_study(cell.study), load_model(cell["model"])
        data = load_task_data(next(one for one in cell.inputs if one.stage == "10_data"))
        record = cell.folder.parents[len(cell.selectors)] / "precision.json"
        stage = "intermediate" if cell.stage == "30_intermediate" else "target"
        arm = cell["arm"] if stage == "intermediate" else "english"
        budget = study.budget(cell["task"], stage)
        return cls(cell, model, data, open_device(record, model), budget, arm, stage)

    def start_folder(self, seed: int) -> Path:
        """Return the encoder that a seed starts from: pretrained, or after an intermediate task."""
        source = next(one for one in self.cell.inputs if one.stage != "10_data")
        if source.stage == "20_encoder":
            return source.folder / "encoder"
        return source.folder / f"seed-{seed}" / "encoder"

    def pairs(self, encoder: Path, table: pd.DataFrame) -> Pairs:
        """Return a table as the model's head reads it; the study's cells share the token ids."""
        store = self.study_folder / "tokens"
        return cached_pairs(store, encoder, table, self.model.head, self.model.max_tokens)

    def sentences(self, encoder: Path) -> Pairs:
        """Return what alignment is measured on after an intermediate task; else nothing."""
        languages = self.scored_languages if self.stage == "intermediate" else ()
        table = alignment_items(languages)
        store = self.study_folder / "tokens"
        return cached_pairs(store, encoder, table, "siamese", self.model.max_tokens)

    def corpora(self, encoder: Path) -> dict[tuple[str, Sample], Pairs]:
        """Return what retrieval is measured on after an intermediate task; else nothing."""
        if self.stage != "intermediate":
            return {}
        store, most = self.study_folder / "tokens", self.model.max_tokens
        found = study_corpora(self.cell.study, ["part"])
        return {name: cached_pairs(store, encoder, table, "siamese", most)
                for name, table in found.items()}  # fmt: skip

    @property
    def scored_languages(self) -> list[str]:
        """Return the languages of the study's targets, each once."""
        targets = map(load_task, load_study(self.cell.study).targets)
        return list(dict.fromkeys(code for task in targets for code in task.test_languages))

    @property
    def study_folder(self) -> Path:
        return self.cell.folder.parents[len(self.cell.selectors)]

    def training_table(self, seed: int) -> pd.DataFrame:
        """Return the items that a seed trains on, the same for every arm and size."""
        task = base_task(self.cell["task"])
        return select_training(
            self.data.train, arm=self.arm, items=self.budget.items, seed=seed,
            languages=load_task(task).train_languages, task=task,
        )  # fmt: skip


def run_seed(stage: Stage, seed: int, say: Say = lambda share, doing: None) -> dict[str, Any]:
    """Train and score one seed of a cell; write its folder, `run.json` last; return that.

    The folder `seed-<n>` gets runs.parquet, predictions.parquet (where the task has a test
    set), curve.parquet and, from an intermediate task, alignment.parquet, retrieval.parquet
    and encoder/: an ordinary Hugging Face folder with the encoder as trained. The intermediate
    head is dropped. While it trains, the run keeps itself in checkpoint.safetensors, and goes
    on from there if it was stopped.

    Raises:
        StoppedError: SIGTERM came while it trained.
    """
    begun = time.perf_counter()
    folder = stage.cell.folder / f"seed-{seed}"
    start = stage.start_folder(seed)
    training = stage.pairs(start, stage.training_table(seed))
    testing = stage.pairs(start, stage.data.test)
    sentences, corpora = stage.sentences(start), stage.corpora(start)
    encoder = _open(start, stage.model)
    whole, (training, testing, sentences, *read) = _reduce(
        stage, encoder, training, testing, sentences, *corpora.values()
    )
    classifier = _classifier(stage, encoder, seed)
    classifier.prepare_head(training)
    rule = load_study(stage.cell.study).optimizer_of(stage.cell["model"])
    checkpoint = Checkpoint(folder / "checkpoint.safetensors", run_key(stage.cell, seed))
    ready, name = time.perf_counter(), f"seed {seed}"
    trained = train(
        classifier, training, stage.budget, rule, seed=seed, checkpoint=checkpoint,
        on_step=lambda step, steps: say(
            TRAINING_SHARE * step / steps, f"{name}, step {step} of {steps}"
        ),
    )  # fmt: skip
    say(TRAINING_SHARE, f"{name}, scoring")
    scoring = time.perf_counter()
    scored = Scored(testing.table, classifier.probabilities(testing)) if len(testing) else None
    scoring_s = time.perf_counter() - scoring
    # What an earlier run left must not vouch for the encoder written now.
    (folder / "run.json").unlink(missing_ok=True)
    if stage.stage == "intermediate":
        _measure(folder, classifier, sentences, dict(zip(corpora, read, strict=True)))
        _save(stage, encoder, whole, folder / "encoder", tokenizer_from=start)
    facts = _facts(stage, seed, trained) | {
        "scoring_seconds": round(scoring_s, 3),
        "start_seconds": round(ready - begun, 3),
    }
    write_run(stage.cell, seed, facts, trained.curve, scored)
    checkpoint.drop()
    return facts


def _classifier(stage: Stage, encoder: nn.Module, seed: int) -> PairClassifier:
    """Return the encoder on its device, as its method trains it, under a fresh head."""
    spec, device = stage.model, stage.device
    if spec.method == "lora":
        torch.manual_seed(seed)
        # Frozen matrices may lie in the precision that they are multiplied in.
        narrow = device.is_cuda and device.precision == "bf16"
        add_adapters(encoder, spec.lora_rank, dtype=torch.bfloat16 if narrow else torch.float32)
    head = make_head(spec.head, encoder.config.hidden_size, len(stage.data.labels))
    return PairClassifier(settle(encoder, device), head, device)


def _measure(
    folder: Path,
    classifier: PairClassifier,
    sentences: Pairs,
    corpora: dict[tuple[str, Sample], Pairs],
) -> None:
    """Write what the encoder brings together after its intermediate task."""
    tables = {
        "alignment": align(classifier, sentences), "retrieval": retrieve(classifier, corpora)
    }  # fmt: skip
    for name, table in tables.items():
        write_atomically(folder / f"{name}.parquet", partial(table.to_parquet, index=False))


def _save(
    stage: Stage, encoder: nn.Module, whole: Restore, folder: Path, *, tokenizer_from: Path
) -> None:
    """Write the trained encoder as an ordinary folder, with the whole vocabulary."""
    if stage.model.method == "lora":
        merge_adapters(encoder.to("cpu"))
    whole()
    save_encoder(encoder, folder, tokenizer_from=tokenizer_from)


def _open(folder: Path, spec: ModelSpec) -> nn.Module:
    encoder = open_encoder(folder, dropout=spec.dropout)
    longest = longest_input(encoder.config)
    if longest is not None and spec.max_tokens > longest:
        raise EncoderError(f"max_tokens: {spec.max_tokens} asked; allowed: up to {longest}")
    return encoder


def _reduce(
    stage: Stage, encoder: nn.Module, training: Pairs, *read: Pairs
) -> tuple[Restore, list[Pairs]]:
    """Take out of the encoder what the run need not hold; return how to put it back, and pairs.

    That is its frozen layers, whose output is then kept in the study's folder (of training
    items of targets, which all starts share, and of what is measured), or else the rows of the
    vocabulary that the run does not read: less to hold, step and clip.
    """
    spec = stage.model
    if can_be_taken_out(spec, encoder):
        key = cell_key(next(cell for cell in _upstream(stage.cell) if cell.stage == "20_encoder"))
        store = stage.study_folder / FROZEN / stage.cell["model"]
        settle(encoder, stage.device)
        frozen = Frozen(encoder, spec.frozen_layers, stage.device, store, key)
        first = frozen.read(training, keep=stage.stage == "target")
        return frozen.put_back, [first, *(frozen.read(pairs, keep=True) for pairs in read)]
    freeze_lowest(encoder, spec.frozen_layers)
    used = np.unique(np.concatenate([pairs.texts.ids for pairs in (training, *read)]))
    trimmed = trim_vocabulary(encoder, used.tolist())
    return (partial(trimmed.restore, encoder),
            [pairs.renumbered(trimmed.remap) for pairs in (training, *read)])  # fmt: skip


def _upstream(cell: Cell) -> Iterator[Cell]:
    """Yield the cells that a cell reads, and those that these read."""
    for one in cell.inputs:
        yield one
        yield from _upstream(one)


def _facts(stage: Stage, seed: int, trained: Trained) -> dict[str, Any]:
    """Return what is known of a run beside its scores: selectors, cost, speed."""
    cell = stage.cell
    intermediate, arm = (
        (cell["task"], cell["arm"]) if stage.stage == "intermediate" else split_start(cell["start"])
    )
    return (
        training_facts(cell, seed, stage.stage, intermediate, arm)
        | speed_facts(stage.model, stage.device, trained)
        | {
            "train_items": trained.items,
            "steps": trained.steps,
            "tokens": trained.tokens,
            "seconds": round(trained.seconds, 3),
            "resumed_at_step": trained.resumed,
            "peak_bytes": stage.device.peak_bytes(),
            "device": stage.device.title,
            "precision": stage.device.precision,
            "method": method_title(stage.model),
        }
    )
