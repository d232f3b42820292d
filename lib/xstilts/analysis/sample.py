"""Every score and contrast of a study with its draws, on demand."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from xstilts.analysis.estimand import (
    CONTRASTS,
    Unit,
    Values,
    contrast_value,
    language_groups,
    slope_weights,
)
from xstilts.analysis.outcome import Outcomes
from xstilts.analysis.resample import Resampling
from xstilts.params import ModelSpec, StudySpec, TaskSpec, base_task, start_name

#: (intermediate task, target task)
Pair = tuple[str, str]
PairKind = Literal["cross", "same"]
PAIR_KINDS: tuple[PairKind, ...] = ("cross", "same")


@dataclass(frozen=True)
class Design:
    """A study's parameters with those of its models and tasks."""

    name: str
    study: StudySpec
    models: Mapping[str, ModelSpec]
    tasks: Mapping[str, TaskSpec]

    def pairs(self, kind: PairKind) -> list[Pair]:
        """Return the pairs whose tasks teach different skills (cross), or one skill (same)."""
        return [
            (task, target)
            for target in self.study.targets
            for task in self.study.intermediates
            if (self.tasks[task].skill == self.tasks[target].skill) == (kind == "same")
        ]

    def groups(self, languages: Sequence[str], intermediate: str) -> dict[str, tuple[str, ...]]:
        """Return the groups of languages that a score after `intermediate` is averaged over."""
        trained = None if intermediate == "none" else self.tasks[intermediate].train_languages
        return language_groups(languages, trained)


@dataclass(frozen=True)
class Sample:
    """What the runs say. Arrays are as `Resampling` makes them: estimate, then draws."""

    design: Design
    outcomes: Mapping[str, Outcomes]
    resampling: Resampling
    _values: Mapping[str, Values] = field(repr=False)
    _means: dict[tuple[str, ...], Values] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def draw(cls, design: Design, outcomes: Mapping[str, Outcomes]) -> "Sample":
        """Return the scores of all outcomes with the study's number of draws."""
        seeds = max((len(one.seeds) for one in outcomes.values()), default=1)
        study = design.study
        resampling = Resampling.of(design.name, seeds, study.resamples, study.confidence)
        values = {
            # targets that score the same items have them redrawn alike
            target: resampling.scores(
                design.tasks[target].test_draw or base_task(target), one.correct, one.scored
            )
            for target, one in outcomes.items()
        }
        return cls(design, outcomes, resampling, values)

    def has(self, model: str, start: str, target: str) -> bool:
        return target in self.outcomes and (model, start) in self.outcomes[target].entries

    def score(self, model: str, start: str, target: str, languages: Sequence[str]) -> Values:
        """Return the plain mean over `languages` of the score, shape (columns,)."""
        key = (model, start, target, *languages)
        if key not in self._means:
            outcomes = self.outcomes[target]
            entry = outcomes.entries.index((model, start))
            places = [outcomes.languages.index(code) for code in languages]
            self._means[key] = self._values[target][entry, places].mean(axis=0)
        return self._means[key]

    def contrast(
        self, model: str, pair: Pair, contrast: str, unit: Unit, group: str
    ) -> Values | None:
        """Return a contrast of arms, or None where an arm or the group does not exist."""
        task, target = pair
        judged, held_against = (
            "none" if arm == "none" else start_name(task, arm) for arm in CONTRASTS[contrast]
        )
        if not (self.has(model, judged, target) and self.has(model, held_against, target)):
            return None
        codes = self.design.groups(self.outcomes[target].languages, task).get(group)
        if codes is None:
            return None
        scores = (self.score(model, start, target, codes) for start in (judged, held_against))
        return contrast_value(unit, *scores)

    def by_pair(
        self, pairs: Sequence[Pair], contrast: str, unit: Unit, group: str
    ) -> dict[str, dict[Pair, Values]]:
        """Return model -> pair -> a contrast; empty if there is none.

        All models have the same pairs: those that every model has which has any.
        """
        found = {
            model: {
                pair: value
                for pair in pairs
                if (value := self.contrast(model, pair, contrast, unit, group)) is not None
            }
            for model in self.design.models
        }
        found = {model: values for model, values in found.items() if values}
        shared = [pair for pair in pairs if all(pair in values for values in found.values())]
        if not shared:
            return {}
        return {model: {pair: values[pair] for pair in shared} for model, values in found.items()}

    def by_model(
        self, pairs: Sequence[Pair], contrast: str, unit: Unit, group: str
    ) -> dict[str, Values]:
        """Return model -> plain mean of a contrast over the pairs of `by_pair`."""
        found = self.by_pair(pairs, contrast, unit, group)
        return {model: np.mean(list(values.values()), axis=0) for model, values in found.items()}

    def slope(self, by_model: Mapping[str, Values]) -> Values | None:
        """Return the slope per decade of body parameters, or None without two sizes."""
        sizes = [self.design.models[model].body_params for model in by_model]
        weights = slope_weights(sizes, self.lines(by_model))
        if weights is None:
            return None
        return np.einsum("m,md->d", weights, np.stack(list(by_model.values())))

    def sizes(self, by_model: Mapping[str, Values]) -> int:
        """Return how many models a slope rests on: those with another size beside them."""
        members = Counter(self.lines(by_model)).values()
        return sum(count for count in members if count > 1)

    def lines(self, models: Iterable[str]) -> list[str]:
        """Return the line of each model: sizes are compared within a family, under one head."""
        specs = (self.design.models[model] for model in models)
        return [f"{spec.family}/{spec.head}" for spec in specs]
