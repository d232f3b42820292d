"""The embedded benchmark as a task: generated examples become items."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pandas as pd

from xstilts.errors import DataError, SpecError, unknown
from xstilts.params import TaskSpec
from xstilts.params.source import MiniatureSource
from xstilts.tasks.item import Item, to_table


def read_miniature(
    task: str,
    spec: TaskSpec,
    source: MiniatureSource,
    name: str,
    languages: Sequence[str],
    items: int,
) -> pd.DataFrame:
    """Return `items` generated items of a split ("train" or "test") in every language.

    Ids are `<task>-<name>-<number>`; `group` is the operator that decides the label. A
    smaller set is the beginning of a larger one.

    Raises:
        SpecError: the task's file asks for a language or difficulty that is not there, or
            lists other labels than the generator makes.
        DataError: the generator finds no further item.
    """
    from xstilts import miniature  # reads its lexicons when imported: only if asked for

    where = f"params/tasks/{task}.yaml"
    for language in languages:
        if language not in miniature.LANGUAGES:
            raise SpecError(unknown("language", language, miniature.LANGUAGES, where))
    try:
        examples = miniature.generate(
            source.generator,
            lexicon=source.lexicon,
            split=name,
            items=items,
            seed=source.seed,
            languages=tuple(languages),
            difficulty=_difficulty(where, source.difficulty),
        )
    except ValueError as error:
        raise DataError(f"{where}: {error}") from None
    names = _label_names(where, spec, {example.label for example in examples})
    rows = [
        Item(
            f"{task}-{name}-{number:05d}",
            language,
            *example.texts[language],
            names[example.label],
            example.operator,
        )
        for language in languages
        for number, example in enumerate(examples)
    ]
    return to_table(rows, spec.labels)


def _label_names(where: str, spec: TaskSpec, made: set[str]) -> dict[str, str]:
    """Return the task's label for each that the generator makes."""
    names = {label: label for label in spec.labels} | spec.label_names
    for label in sorted(made):
        if label not in names:
            raise SpecError(f"{where}: labels: {', '.join(names)}; the generator makes '{label}'")
    return names


def _difficulty(where: str, asked: dict[str, float]) -> Any:
    from xstilts.miniature import Difficulty

    types = {each.name: each.type for each in fields(Difficulty)}
    for name in asked:
        if name not in types:
            raise SpecError(unknown("difficulty", name, types, f"{where}: source.difficulty"))
    whole = {name: int(value) for name, value in asked.items() if types[name] is int}
    return Difficulty(**{**asked, **whole})
