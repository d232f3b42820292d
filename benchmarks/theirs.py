"""transformers' Trainer as a worker: by run_xnli's defaults, or configured well."""

import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.utils.data import Sampler
from transformers import (
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
)

from benchmarks.engine import RATE, SEED, Job, clip_of, open_ours
from benchmarks.items import padded
from benchmarks.training import Batches, Watch, start_worker
from benchmarks.turns import Clock
from benchmarks.wrapped import PairModel
from xstilts.encoders.vector import open_tokenizer
from xstilts.training.text import Pairs


class Flat(Sampler[int]):
    """The places of `Batches` one after the other, for a Trainer that batches itself."""

    def __init__(self, batches: Batches, pairs: int) -> None:
        self._batches, self._pairs = batches, pairs

    def __iter__(self) -> Any:
        return (place for batch in self._batches for place in batch)

    def __len__(self) -> int:
        return self._pairs


class PairTrainer(Trainer):
    """Trainer with our order of pairs, that keeps the loss of every step."""

    order: Flat

    def _get_train_sampler(self, train_dataset: Any = None) -> Flat:
        return self.order

    def training_step(self, *args: Any, **options: Any) -> Tensor:
        """Return the loss of a step, and keep it."""
        loss = super().training_step(*args, **options)
        self.losses.append(loss)
        return loss

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.losses: list[Tensor] = []


class Turns(TrainerCallback):
    """Ends and begins turns between two steps of a Trainer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Wait for the first turn."""
        self._clock.begin()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count a step."""
        self._clock.step(state.global_step)


def train(job: Job, pipe: Connection) -> None:
    """Train a row's pairs with Trainer, in turns."""
    start_worker()
    row = job.row
    classifier, pairs = open_ours(job, trimmed=row.trimmed)
    precision = "fp32" if row.against == "defaults" else job.precision
    attention = "sdpa"  # what transformers takes by itself
    if row.against == "tuned":
        attention = fastest_attention(PairModel(classifier), pairs, precision, job)
    classifier.encoder.set_attn_implementation(attention)
    watch = Watch(job, pipe, classifier.encoder, pairs, precision, ours=False)
    trainer = make_trainer(job, PairModel(classifier), pairs, precision, watch)
    trainer.train()
    watch.finish(
        [float(loss) for loss in trainer.losses], attention=attention,
        optimizer=str(trainer.args.optim.value),
    )  # fmt: skip


def make_trainer(
    job: Job, model: PairModel, pairs: Pairs, precision: str, watch: Watch
) -> PairTrainer:
    """Return the Trainer of a row; nothing is logged, scored or saved."""
    row = job.row
    defaults = row.against == "defaults"
    trainer = PairTrainer(
        model=model,
        args=arguments(
            TrainingArguments, job, precision, num_train_epochs=watch.course.epochs,
            train_sampling_strategy="random" if defaults else "group_by_length",
        ),
        train_dataset=as_dataset(pairs, model, row.max_tokens if defaults else None),
        data_collator=default_data_collator if defaults
        else DataCollatorWithPadding(open_tokenizer(job.folder)),
        callbacks=[Turns(watch.clock)],
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    trainer.order = Flat(Batches(row, len(pairs)), len(pairs))
    return trainer


def arguments(kind: Any, job: Job, precision: str, **options: Any) -> Any:
    """Return training arguments with the optimizer settings that both sides share.

    Weight decay, warm-up, betas and epsilon are Trainer's defaults, and so is the fused
    AdamW.
    """
    return kind(
        output_dir=str(Path(job.work) / "trainer"), per_device_train_batch_size=job.row.batch,
        learning_rate=RATE, max_grad_norm=clip_of(job.row), bf16=precision == "bf16", seed=SEED,
        use_cpu=not job.row.cuda, dataloader_pin_memory=job.row.cuda, report_to="none",
        logging_strategy="no", save_strategy="no", eval_strategy="no", disable_tqdm=True,
        **options,
    )  # fmt: skip


def as_dataset(pairs: Pairs, model: PairModel, length: int | None) -> Dataset:
    """Return the pairs as a data set, padded to `length` or not at all."""
    pad = model.encoder.config.pad_token_id
    if length is not None:
        columns = padded(pairs, np.arange(len(pairs)), pad, length)
        return Dataset.from_dict({name: values.tolist() for name, values in columns.items()})
    texts = pairs.texts
    ids = [texts.ids[texts.starts[one] : texts.starts[one + 1]].tolist()
           for one in pairs.sides[:, 0]]  # fmt: skip
    masks = [[1] * len(one) for one in ids]
    return Dataset.from_dict(
        {"input_ids": ids, "attention_mask": masks, "labels": pairs.labels.tolist()}
    )


def fastest_attention(model: PairModel, pairs: Pairs, precision: str, job: Job) -> str:
    """Return which of transformers' implementations trains a part of a batch fastest."""
    places = np.arange(min(len(pairs), max(8, job.row.batch // 4)))
    arrays = padded(pairs, places, model.encoder.config.pad_token_id, None)
    batch = {name: torch.from_numpy(values).to(job.device.torch)
             for name, values in arrays.items()}  # fmt: skip
    times = {}
    for name in ("eager", "sdpa"):
        model.encoder.set_attn_implementation(name)
        times[name] = min(_pass(model, batch, precision, job) for _ in range(3))
    return min(times, key=times.__getitem__)


def _pass(model: nn.Module, batch: dict[str, Tensor], precision: str, job: Job) -> float:
    """Return the seconds of a forward and backward pass."""
    model.train()
    started = time.perf_counter()
    with torch.autocast(job.device.torch.type, torch.bfloat16, enabled=precision == "bf16"):
        loss = model(**batch)["loss"]
    loss.backward()
    if job.device.is_cuda:
        torch.cuda.synchronize()
    model.zero_grad(set_to_none=True)
    return time.perf_counter() - started
