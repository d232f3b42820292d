"""Scoring every language of a test set: the project's one pass, and a Trainer a language."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from datasets import Dataset
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments, default_data_collator

from benchmarks.ceiling import gemm_ceiling
from benchmarks.engine import LABELS, Job, block_shapes, shape_facts
from benchmarks.training import Places, start_worker
from benchmarks.turns import Clock
from benchmarks.wrapped import PairModel
from xstilts.encoders.folder import open_encoder
from xstilts.encoders.vector import open_tokenizer
from xstilts.training.head import make_head
from xstilts.training.model import PairClassifier
from xstilts.training.packed import use_packed_attention
from xstilts.training.text import encode_pairs

#: pairs that Trainer scores at once
BATCH = 32


@dataclass
class Scored:
    """Probabilities in the order of the table, real tokens, and seconds of the two parts."""

    probabilities: np.ndarray
    tokens: int
    tokenising: float
    computing: float


class Ours:
    """The project's scoring: all languages in one pass, without padding."""

    def __init__(self, job: Job) -> None:
        self.row, self.tokenizer = job.row, open_tokenizer(job.folder)
        self.model = _classifier(job)
        if not use_packed_attention(self.model.encoder):
            self.model.encoder.set_attn_implementation("eager")  # type: ignore[operator]
        self.precision = job.precision

    def __call__(self, table: pd.DataFrame) -> Scored:
        """Score a table of any languages."""
        began = time.perf_counter()
        pairs = encode_pairs(self.tokenizer, table, "joint", self.row.max_tokens)
        read = time.perf_counter()
        found = self.model.probabilities(pairs)
        return Scored(found, int(pairs.lengths.sum()), read - began, time.perf_counter() - read)


class Theirs:
    """Trainer.predict, language by language, padded to the longest length, fp32."""

    def __init__(self, job: Job) -> None:
        self.row, self.tokenizer = job.row, open_tokenizer(job.folder)
        self.model = PairModel(_classifier(job))
        self.model.encoder.set_attn_implementation("sdpa")  # type: ignore[operator]
        self.precision = "fp32"
        self.trainer = Trainer(
            model=self.model,
            args=TrainingArguments(
                output_dir=str(Path(job.work) / "trainer"), per_device_eval_batch_size=BATCH,
                use_cpu=True, report_to="none", disable_tqdm=True,
            ),
            data_collator=default_data_collator,
        )  # fmt: skip

    def __call__(self, table: pd.DataFrame) -> Scored:
        """Score a table, a language after the other."""
        found = np.zeros((len(table), LABELS), np.float32)
        whole = Scored(found, 0, 0.0, 0.0)
        languages = table["language"].to_numpy()
        for language in dict.fromkeys(languages):
            places = np.flatnonzero(languages == language)
            self._language(table.iloc[places], places, whole)
        return whole

    def _language(self, rows: pd.DataFrame, places: np.ndarray, whole: Scored) -> None:
        began = time.perf_counter()
        texts = Dataset.from_dict({name: rows[name].tolist() for name in ("text_a", "text_b")})
        # the function must not hold the model: `map` hashes all that it holds
        tokenise = partial(_tokenise, self.tokenizer, self.row.max_tokens)
        ready = texts.map(tokenise, batched=True, remove_columns=["text_a", "text_b"])
        read = time.perf_counter()
        logits = torch.from_numpy(self.trainer.predict(ready).predictions)
        whole.probabilities[places] = logits.softmax(dim=1).numpy()
        whole.tokens += int(np.sum(ready["attention_mask"]))
        whole.tokenising += read - began
        whole.computing += time.perf_counter() - read


def _tokenise(tokenizer: Any, longest: int, batch: dict[str, list[str]]) -> Any:
    return tokenizer(
        batch["text_a"], batch["text_b"], padding="max_length", truncation=True, max_length=longest
    )


Scorer = Callable[[Job], Ours | Theirs]


def _classifier(job: Job) -> PairClassifier:
    encoder = open_encoder(job.folder, layers=job.row.layers)
    head = make_head("joint", encoder.config.hidden_size, LABELS)  # type: ignore[union-attr, arg-type]
    head.load_state_dict(load_file(head_file(job)))
    return PairClassifier(encoder, head, job.device).eval()


def head_file(job: Job) -> Path:
    """Return the file of the head that both sides score with."""
    return job.items.with_suffix(".head.safetensors")


def random_head(job: Job, spread: float) -> dict[str, Tensor]:
    """Return the state of a head that tells pairs apart by random weights."""
    hidden = open_encoder(job.folder, layers=1).config.hidden_size  # type: ignore[union-attr]
    head: nn.Module = make_head("joint", hidden, LABELS)  # type: ignore[arg-type]
    torch.manual_seed(0)
    nn.init.normal_(head.linear.weight, std=spread)  # type: ignore[union-attr, arg-type]
    return head.state_dict()


# ---- workers ------------------------------------------------------------------------------


def ours(job: Job, pipe: Connection) -> None:
    """Score in turns, in one process."""
    _in_turns(Ours, job, pipe)


def theirs(job: Job, pipe: Connection) -> None:
    """Score in turns, in one process, the model loaded once."""
    _in_turns(Theirs, job, pipe)


def _in_turns(scorer: Scorer, job: Job, pipe: Connection) -> None:
    start_worker()
    score, table = scorer(job), pd.read_parquet(job.items.with_suffix(".parquet"))
    encoder = score.model.encoder
    places, counts = Places(encoder), []
    clock = Clock(
        pipe, range(1, job.row.rounds + 2), settle=lambda: counts.append(places.total)
    )  # fmt: skip
    clock.begin()
    first = table[table["language"] == table["language"].iloc[0]]
    for turn in range(job.row.rounds + 1):
        scored = score(table if turn else first)
        clock.step(turn + 1)
    ceiling = gemm_ceiling(block_shapes(encoder), 32 * BATCH, score.precision)
    clock.finish({
        "items": [len(table)] * job.row.rounds, "tokens": [scored.tokens] * job.row.rounds,
        "places": np.diff(counts).tolist(), "ceiling": ceiling, "precision": score.precision,
        "probabilities": scored.probabilities.tolist(), **shape_facts(encoder),
    })  # fmt: skip


def alone(side: str, job: Job, languages: tuple[str, ...], out: Path) -> None:
    """Score some languages in a process that exists for them; leave a JSON file."""
    start_worker()
    score: Ours | Theirs = Ours(job) if side == "ours" else Theirs(job)
    table = pd.read_parquet(job.items.with_suffix(".parquet"))
    places = Places(score.model.encoder)
    scored = score(table[table["language"].isin(languages)])
    facts = {
        "tokens": scored.tokens, "places": places.total, "tokenising": scored.tokenising,
        "computing": scored.computing, "probabilities": scored.probabilities.tolist(),
        "precision": score.precision, **shape_facts(score.model.encoder),
    }  # fmt: skip
    out.write_text(json.dumps(facts), encoding="utf-8")
