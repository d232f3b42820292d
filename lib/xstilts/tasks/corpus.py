"""Corpora: sentences in files, with their English translations or among others."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Literal

import pandas as pd

from xstilts.errors import DataError
from xstilts.params import CorpusSpec, load_corpus, load_study
from xstilts.tasks.files import inside
from xstilts.tasks.item import as_table, empty_table
from xstilts.tasks.mining import read_gold, read_sentences
from xstilts.tasks.prepare import DATA_VARIABLE, data_root
from xstilts.tasks.select import draw
from xstilts.tasks.textfile import lines_of, read_text

#: "whole": what is measured before any training; "part": also after every seed of an arm
Sample = Literal["whole", "part"]


def corpus_items(name: str, sample: Sample = "whole") -> pd.DataFrame:
    """Return a corpus: English in text_a, the language in text_b, columns `item.COLUMNS`.

    At most `sentences` a side (`after_training`, if a part is asked); a smaller draw is part
    of a larger one. Of `translations`, text_b translates text_a and lines are drawn; repeated
    ones stay: official scores count them. Of `mining`, that holds for the rows with label 1,
    of which every draw has all; the other rows hold the remaining sentences of both sides in
    no relation, and the shorter side starts over until it is as long as the other.

    Raises:
        DataError: the data folder is not named, a file is missing or broken, the two files of
            a language differ in length (`translations`), or ids do not fit (`mining`).
    """
    spec, root = load_corpus(name), data_root()
    if root is None:
        example = _path(spec.english, spec, next(iter(spec.languages)))
        raise DataError(
            f"corpus '{name}' reads files (such as {example}); "
            f"name their folder: DATA=/path (or {DATA_VARIABLE}=/path)"
        )
    most = spec.sentences if sample == "whole" else spec.after_training
    read = _mining if spec.kind == "mining" else _translations
    return pd.concat([read(name, spec, root, code, most) for code in spec.languages])


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
        for path in (spec.path, spec.english, spec.gold):
            if path is not None:
                yield root / _path(path, spec, code)


def _path(path: str, spec: CorpusSpec, language: str) -> str:
    return path.replace("{code}", spec.languages[language])


def _translations(
    name: str, spec: CorpusSpec, root: Path, language: str, most: int | None
) -> pd.DataFrame:
    """Return lines i of two files as rows."""
    where = [_path(path, spec, language) for path in (spec.english, spec.path)]
    english, said = (lines_of(read_text(inside(root, path), path)) for path in where)
    if len(english) != len(said):
        raise DataError(
            f"{where[1]}: {len(said)} lines, but {where[0]} has {len(english)}; line i must "
            "translate line i"
        )
    if not said:
        return empty_table()
    table = _table(name, language, english, said, [0] * len(said))
    chosen = draw(list(table["id"]), min(most or len(said), len(said)), "corpus", name, language)
    return table[table["id"].isin(set(chosen))]


def _mining(
    name: str, spec: CorpusSpec, root: Path, language: str, most: int | None
) -> pd.DataFrame:
    """Return the pairs, label 1, then the sentences of both sides drawn beside them, label 0."""
    where = [_path(path, spec, language) for path in (spec.english, spec.path, spec.gold or "")]
    english, said = (read_sentences(root, path) for path in where[:2])
    gold = read_gold(root, where[2], said, english)
    sides = [
        _drawn(english, [pair[1] for pair in gold], most, "corpus", name, language, "english"),
        _drawn(said, [pair[0] for pair in gold], most, "corpus", name, language),
    ]
    rows = max(map(len, sides))
    labels = [int(row < len(gold)) for row in range(rows)]
    return _table(name, language, *(list(islice(cycle(side), rows)) for side in sides), labels)


def _drawn(sentences: Mapping[str, str], gold: list[str], most: int | None, *key: str) -> list[str]:
    """Return the sentences of the pairs, then others, up to `most` in all."""
    others = sorted(sentences.keys() - set(gold))
    wanted = max(0, min((most or len(sentences)) - len(gold), len(others)))
    return [sentences[name] for name in [*gold, *draw(others, wanted, *key)]]


def _table(
    name: str, language: str, english: list[str], said: list[str], labels: list[int]
) -> pd.DataFrame:
    ids = [f"{name}-{language}-{row:05d}" for row in range(len(labels))]
    return as_table({
        "id": ids, "language": [language] * len(ids), "text_a": english, "text_b": said,
        "label": labels, "group": [""] * len(ids),
    })  # fmt: skip
