"""sentence-transformers' trainer with its SoftmaxLoss as a worker."""

from multiprocessing.connection import Connection
from typing import Any

from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import SoftmaxLoss
from sentence_transformers.sentence_transformer.model_card import (
    SentenceTransformerModelCardCallback,
)
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from torch import Tensor
from transformers import PrinterCallback

from benchmarks.engine import LABELS, Job, open_ours
from benchmarks.theirs import Turns, arguments
from benchmarks.training import Batches, Watch, start_worker
from benchmarks.wrapped import StandardisedLinear
from xstilts.training.model import PairClassifier


class PairTrainer(SentenceTransformerTrainer):
    """The trainer with our order of pairs, that keeps the loss of every step."""

    batches: Batches

    def get_batch_sampler(self, *_: Any, **__: Any) -> Batches:
        """Return our batches."""
        return self.batches

    def training_step(self, *args: Any, **options: Any) -> Tensor:
        """Return the loss of a step, and keep it."""
        loss = super().training_step(*args, **options)
        self.losses.append(loss)
        return loss

    def __init__(self, *args: Any, **options: Any) -> None:
        self.losses: list[Tensor] = []
        super().__init__(*args, **options)


def train(job: Job, pipe: Connection) -> None:
    """Train a row's pairs with sentence-transformers, in turns."""
    start_worker()
    classifier, pairs = open_ours(job, trimmed=False)
    attention = "sdpa" if job.row.cuda else "eager"
    model = make_model(job, classifier, attention)
    loss = SoftmaxLoss(model, classifier.encoder.config.hidden_size, LABELS)
    width = loss.classifier.in_features
    head = classifier.head
    loss.classifier = StandardisedLinear(head.mean[:width], head.spread[:width], LABELS)
    watch = Watch(job, pipe, model[0].model, pairs, job.precision, ours=False)
    texts = pairs.table
    trainer = PairTrainer(
        model=model,
        args=arguments(
            SentenceTransformerTrainingArguments, job, job.precision,
            num_train_epochs=watch.course.epochs,
        ),
        train_dataset=Dataset.from_dict({
            "sentence1": texts["text_a"].tolist(), "sentence2": texts["text_b"].tolist(),
            "label": texts["label"].tolist(),
        }),
        loss=loss,
        callbacks=[Turns(watch.clock)],
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(SentenceTransformerModelCardCallback)
    trainer.batches = Batches(job.row, len(pairs))
    trainer.train()
    watch.finish(
        [float(one) for one in trainer.losses], attention=attention,
        optimizer=str(trainer.args.optim.value),
    )  # fmt: skip


def make_model(job: Job, classifier: PairClassifier, attention: str) -> SentenceTransformer:
    """Return mean pooling over the row's encoder, with the same weights."""
    transformer = Transformer(
        str(job.folder), max_seq_length=job.row.max_tokens,
        config_kwargs={"num_hidden_layers": job.row.layers},
        model_kwargs={"attn_implementation": attention},
    )  # fmt: skip
    transformer.model.load_state_dict(classifier.encoder.state_dict(), strict=False)
    hidden = classifier.encoder.config.hidden_size
    return SentenceTransformer(
        modules=[transformer, Pooling(hidden, pooling_mode="mean")],
        device=job.device.torch.type,
    )
