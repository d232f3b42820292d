"""Corpora: sentences and their English translations, line by line in files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from xstilts.errors import DataError
from xstilts.params import load_corpus, load_study
from xstilts.params.spec import CorpusSpec
from xstilts.tasks.files import inside
from xstilts.tasks.item import as_table, empty_table
from xstilts.tasks.prepare import DATA_VARIABLE, data_root
from xstilts.tasks.select import draw
from xstilts.tasks.textfile import lines_of, read_text

#: "whole": what is measured before any training; "part": also after every seed of an arm
Sample = Literal["whole", "part"]


def corpus_items(name: str, sample: Sample = "whole") -> pd.DataFrame:
    """Return a corpus: English in text_a, its translation in text_b, columns `item.COLUMNS`.

    At most `sentences` a language (`after_training`, if a part is asked), drawn by line; a
    smaller draw is part of a larger one. Repeated lines stay: official scores count them.

    Raises:
        DataError: the data folder is not named, a file is missing, or the two files of a
            language differ in length.
    """
    spec, root = load_corpus(name), data_root()
    if root is None:
        example = _path(spec.english, spec, next(iter(spec.languages)))
        raise DataError(
            f"corpus '{name}' reads files (such as {example}); "
            f"name their folder: DATA=/path (or {DATA_VARIABLE}=/path)"
        )
    most = spec.sentences if sample == "whole" else spec.after_training
    return pd.concat([_language(name, spec, root, code, most) for code in spec.languages])


def study_corpora(
    study: str, samples: Sequence[Sample] = ("whole", "part")
) -> dict[tuple[str, Sample], pd.DataFrame]:
    """Return samples of the corpora that a study names, by (corpus, sample)."""
    return {
        (name, sample): corpus_items(name, sample)
        for name in load_study(study).corpora
        for sample in samples
    }


def corpus_files(spec: CorpusSpec, root: Path) -> Iterator[Path]:
    """Yield the paths of the files that a corpus names; they need not exist."""
    for code in spec.languages:
        for path in (spec.path, spec.english):
            yield root / _path(path, spec, code)


def _path(path: str, spec: CorpusSpec, language: str) -> str:
    return path.replace("{code}", spec.languages[language])


def _language(name: str, spec: CorpusSpec, root: Path, language: str, most: int) -> pd.DataFrame:
    where = [_path(path, spec, language) for path in (spec.english, spec.path)]
    english, said = (lines_of(read_text(inside(root, path), path)) for path in where)
    if len(english) != len(said):
        raise DataError(
            f"{where[1]}: {len(said)} lines, but {where[0]} has {len(english)}; line i must "
            "translate line i"
        )
    if not said:
        return empty_table()
    ids = [f"{name}-{language}-{row:05d}" for row in range(len(said))]
    table = as_table({
        "id": ids, "language": [language] * len(ids), "text_a": english, "text_b": said,
        "label": [0] * len(ids), "group": [""] * len(ids),
    })  # fmt: skip
    chosen = draw(ids, min(most, len(ids)), "corpus", name, language)
    return table[table["id"].isin(set(chosen))]
