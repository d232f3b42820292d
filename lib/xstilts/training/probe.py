"""What a frozen encoder already holds of the targets: a linear probe on the head's features."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from xstilts.encoders.folder import open_encoder
from xstilts.files import write_atomically
from xstilts.params import (
    Cell,
    base_task,
    find_cell,
    load_corpus,
    load_model,
    load_study,
)
from xstilts.params.spec import Head
from xstilts.tasks import TaskData, load_task_data, select_training
from xstilts.tasks.alignment import alignment_items
from xstilts.tasks.corpus import study_corpora
from xstilts.training.alignment import align, retrieve
from xstilts.training.cache import cached_pairs
from xstilts.training.device import Device, open_device
from xstilts.training.encode import settle
from xstilts.training.head import make_head
from xstilts.training.model import PairClassifier
from xstilts.training.text import Pairs

#: English training items at most, and the inverse strength of the L2 penalty: a few hundred
#: items must not be fitted by thousands of features
ITEMS, INVERSE_PENALTY = 600, 0.003
#: one row a (target, language); scores in percent
PROBE: dict[str, str] = {"target": "str", "language": "str", "score": "float64", "items": "int64"}


@dataclass(frozen=True)
class Examined:
    """What an encoder holds before any training: `PROBE`, `alignment.ALIGNMENT`, `.RETRIEVAL`."""

    probe: pd.DataFrame
    alignment: pd.DataFrame
    retrieval: pd.DataFrame

    @property
    def probe_table(self) -> pd.DataFrame:
        """Return accuracy in percent, a row a target and a column a language."""
        table = self.probe.pivot(index="target", columns="language", values="score")
        return table[list(dict.fromkeys(self.probe["language"]))].round(1)

    @property
    def alignment_table(self) -> pd.DataFrame:
        """Return alignment and retrieval in corpora, a row a language of either.

        A corpus for mining says so: its score is F1, not the share found.
        """
        whole = self.retrieval[self.retrieval["sample"] == "whole"]
        mined = {name for name in whole["corpus"] if load_corpus(name).kind == "mining"}
        measure = whole["corpus"].map(lambda name: ", F1, " if name in mined else ", ")
        names = whole["corpus"] + measure + whole["pooling"]
        found = whole.assign(name=names).pivot(index="language", columns="name", values="score")
        return self.alignment.set_index("language").join(found, how="outer").round(1)


def examine(cell: Cell) -> Examined:
    """Probe the prepared encoder of a cell and measure its alignment; keep both as tables.

    The folder gets probe.parquet, alignment.parquet and retrieval.parquet, the last without
    a row where the study names no corpus.

    Raises:
        DataError: a data cell of the study has not been computed, or a corpus cannot be read.
        EncoderError: the encoder was not prepared.
    """
    whole = find_cell(cell.stage, cell.study, cell.outputs, **dict(cell.selectors))
    spec, folder = load_model(cell["model"]), cell.folder / "encoder"
    study = cell.folder.parents[1]
    device = open_device(study / "precision.json", spec)
    encoder = settle(open_encoder(folder), device)
    read = partial(cached_pairs, study / "tokens", folder, max_tokens=spec.max_tokens)
    scored = set(map(base_task, load_study(cell.study).targets))
    targets = [data for data in map(load_task_data, whole.inputs) if data.task in scored]
    probes = [_probe(encoder, device, spec.head, data, read) for data in targets]
    languages = list(dict.fromkeys(code for data in targets for code in data.test_languages))
    sentences = read(alignment_items(languages), "siamese")
    plain = _classifier(encoder, "siamese", 2, device)
    found = Examined(
        pd.concat(probes, ignore_index=True).astype(PROBE),
        align(plain, sentences),
        retrieve(plain, {name: read(table, "siamese")
                         for name, table in study_corpora(cell.study).items()}),
    )  # fmt: skip
    for name in ("probe", "alignment", "retrieval"):
        table: pd.DataFrame = getattr(found, name)
        write_atomically(cell.folder / f"{name}.parquet", partial(table.to_parquet, index=False))
    return found


def _probe(
    encoder: nn.Module, device: Device, kind: Head, data: TaskData, read: Any
) -> pd.DataFrame:
    """Return the accuracy by language of a logistic regression fitted on English items.

    Its features are those of the study's head, standardised as for training, under the
    encoder as it is.
    """
    items = min(ITEMS, data.train["id"].nunique())
    chosen = select_training(
        data.train, arm="english", items=items, seed=0, languages=("en",), task=data.task
    )
    training, testing = read(chosen, kind), read(data.test, kind)
    classifier = _classifier(encoder, kind, len(data.labels), device)
    classifier.prepare_head(training)
    answers = _regress(classifier, training, testing)
    right = pd.Series(100.0 * (answers == testing.labels))
    by_language = right.groupby(data.test["language"].to_numpy(), sort=False)
    rows = [(data.task, code, part.mean(), len(part)) for code, part in by_language]
    return pd.DataFrame(rows, columns=list(PROBE))


def _regress(classifier: PairClassifier, training: Pairs, testing: Pairs) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression  # takes a second: only where it is used

    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=500)
    model.fit(classifier.features(training), training.labels)
    return model.predict(classifier.features(testing))


def _classifier(encoder: nn.Module, kind: Head, labels: int, device: Device) -> PairClassifier:
    hidden = int(encoder.config.hidden_size)  # type: ignore[union-attr,arg-type]
    return PairClassifier(encoder, make_head(kind, hidden, labels), device)
