"""Scores, gains and slopes of a study as tables: a row an estimate, each with its interval."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from xstilts.analysis.estimand import CONTRASTS, UNITS, Unit
from xstilts.analysis.multiple import false_discovery
from xstilts.analysis.outcome import with_start
from xstilts.analysis.resample import Estimate
from xstilts.analysis.row import count_columns, estimate_columns, size_columns, table_of
from xstilts.analysis.sample import PAIR_KINDS, Pair, PairKind, Sample
from xstilts.params import split_start

#: one row a (model, start, target, group of languages)
SCORES: dict[str, str] = {
    "model": "str",
    "family": "str",
    "head": "str",
    "layers": "int64",
    "body_params": "int64",
    "total_params": "int64",
    "intermediate": "str",  # task, or "none"
    "arm": "str",  # none, english, multilingual, shuffled
    "target": "str",
    "group": "str",  # en, other, seen, unseen, all, or a language
    "score": "float64",  # percent, mean over seeds and over the group's languages
    "low": "float64",
    "high": "float64",
    "seeds": "int64",
    "items": "int64",  # items scored in at least one language of the group
    "collapsed": "int64",  # of the seeds; they are in the mean
}
#: stands for the intermediate task in the mean over all pairs of a kind
MEAN = "mean"
#: one row a (model, intermediate task, target, contrast of arms, unit, group of languages)
GAINS: dict[str, str] = {
    "model": "str",
    "family": "str",
    "layers": "int64",
    "body_params": "int64",
    "total_params": "int64",
    "intermediate": "str",  # task, or "mean": over all pairs of the kind
    "target": "str",  # task; of a mean, its kind
    "pair": "str",  # cross, same
    "contrast": "str",  # one of `estimand.CONTRASTS`
    "unit": "str",  # one of `estimand.UNITS`
    "group": "str",
    "estimate": "float64",
    "low": "float64",
    "high": "float64",
    "seeds": "int64",
    "items": "int64",
    "resolved": "bool",  # the interval excludes zero
    "p": "float64",  # two-sided, of this row alone
    "q": "float64",  # `false_discovery` over all single pairs of the row's unit and group
}
#: one row a (pair of tasks or their mean, kind of pair, contrast, unit, group of languages)
SLOPES: dict[str, str] = {
    "intermediate": "str",  # task, or "mean": over all pairs of the kind
    "target": "str",  # task, or "mean"
    "pair": "str",
    "contrast": "str",
    "unit": "str",
    "group": "str",
    "estimate": "float64",  # change of the contrast per tenfold body parameters
    "low": "float64",
    "high": "float64",
    "sizes": "int64",  # models that the slope rests on
    "seeds": "int64",
    "resolved": "bool",
}
#: one row a (family, target, two of its sizes, group of languages), without intermediate task
GROWTHS: dict[str, str] = {
    "family": "str",
    "target": "str",
    "smaller": "str",  # model; neighbours in size, and the smallest with the largest
    "larger": "str",
    "group": "str",
    "estimate": "float64",  # points by which the larger one's score is higher
    "low": "float64",
    "high": "float64",
    "seeds": "int64",
    "resolved": "bool",
}


def tabulate_scores(sample: Sample, runs: pd.DataFrame) -> pd.DataFrame:
    """Return every score of the sample, columns `SCORES`.

    Args:
        sample: what the runs say.
        runs: `schema.RUNS` with the final status; collapsed runs are counted from it.
    """
    collapsed = _count_collapsed(sample, runs)
    rows = []
    for target, outcomes in sample.outcomes.items():
        for model, start in outcomes.entries:
            task, arm = split_start(start)
            about = size_columns(sample, model) | {"head": sample.design.models[model].head}
            about |= {"intermediate": task, "arm": arm, "target": target}
            about["collapsed"] = collapsed.get((model, start, target), 0)
            for group, codes in sample.design.groups(outcomes.languages, task).items():
                found = sample.resampling.estimate(sample.score(model, start, target, codes))
                rows.append(
                    about
                    | {"group": group, "score": found.value}
                    | {"low": _percent(found.low), "high": _percent(found.high)}
                    | count_columns(sample, target, codes)
                )
    return table_of(rows, SCORES)


def tabulate_gains(sample: Sample) -> pd.DataFrame:
    """Return every contrast of arms that the sample holds, columns `GAINS`.

    After the single pairs come the means over those of a kind, as intermediate "mean" and the
    kind as target.
    """
    rows = [
        row
        for model in sample.design.models
        for kind in PAIR_KINDS
        for pair in sample.design.pairs(kind)
        for contrast in CONTRASTS
        for row in _gains(sample, model, kind, pair, contrast)
    ]
    rows += [
        row
        for kind in PAIR_KINDS
        for contrast in CONTRASTS
        for row in _mean_gains(sample, kind, contrast)
    ]
    return table_of(_adjusted(rows), GAINS)


def _adjusted(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return gains with `q`, of single pairs: means over pairs are in no family."""
    table = pd.DataFrame(rows, columns=list(GAINS)).assign(q=np.nan)
    single = table[table["intermediate"] != MEAN]
    for _, family in single.groupby(["unit", "group"]):
        table.loc[family.index, "q"] = false_discovery(family["p"].tolist())
    return table.to_dict("records")


def _mean_gains(sample: Sample, kind: PairKind, contrast: str) -> Iterator[dict[str, Any]]:
    pairs = sample.design.pairs(kind)
    for unit in UNITS:
        for group in _groups(sample, pairs):
            for model, values in sample.by_model(pairs, contrast, unit, group).items():
                about = size_columns(sample, model) | {"intermediate": MEAN, "target": kind}
                about |= {"pair": kind, "contrast": contrast, "unit": unit, "group": group}
                about |= {"seeds": sample.resampling.seeds, "items": scored_items(sample, pairs)}
                yield about | _tested(sample.resampling.estimate(values))


def scored_items(sample: Sample, pairs: Sequence[Pair]) -> int:
    """Return how many items the targets of some pairs score."""
    targets = {target for _, target in pairs if target in sample.outcomes}
    return sum(len(sample.outcomes[target].items) for target in targets)


def tabulate_slopes(sample: Sample) -> pd.DataFrame:
    """Return the slope over size of every contrast, columns `SLOPES`; empty with one size.

    After the single pairs of a kind comes the mean over them, as intermediate and target
    "mean": the slope of the mean gain, over the pairs that every size has.
    """
    rows = []
    for kind in PAIR_KINDS:
        pairs = sample.design.pairs(kind)
        named = [(pair, [pair]) for pair in pairs] + [(("mean", "mean"), pairs)] * bool(pairs)
        for name, over in named:
            for contrast in CONTRASTS:
                rows.extend(_slopes(sample, kind, name, over, contrast))
    return table_of(rows, SLOPES)


def tabulate_growths(sample: Sample) -> pd.DataFrame:
    """Return how the score grows with size in arm none, paired by seeds and items: `GROWTHS`.

    Sizes are compared within a family: neighbours, and the smallest with the largest.
    """
    models = sample.design.models
    rows = []
    for family in dict.fromkeys(spec.family for spec in models.values()):
        members = sorted(
            (name for name, spec in models.items() if spec.family == family),
            key=lambda name: models[name].body_params,
        )
        compared = dict.fromkeys([*pairwise(members), (members[0], members[-1])])
        for smaller, larger in compared if len(members) > 1 else ():
            for target, outcomes in sample.outcomes.items():
                if not {(smaller, "none"), (larger, "none")} <= set(outcomes.entries):
                    continue
                about = {"family": family, "target": target, "smaller": smaller, "larger": larger}
                for group, codes in sample.design.groups(outcomes.languages, "none").items():
                    after, before = (
                        sample.score(name, "none", target, codes) for name in (larger, smaller)
                    )
                    found = estimate_columns(sample.resampling.estimate(after - before))
                    rows.append(about | {"group": group, "seeds": len(outcomes.seeds)} | found)
    return table_of(rows, GROWTHS)


def _gains(
    sample: Sample, model: str, kind: PairKind, pair: Pair, contrast: str
) -> Iterator[dict[str, Any]]:
    about = size_columns(sample, model) | {"intermediate": pair[0], "target": pair[1]}
    about |= {"pair": kind, "contrast": contrast}
    for group, codes in _groups(sample, [pair]).items():
        for unit in UNITS:
            values = sample.contrast(model, pair, contrast, unit, group)
            if values is not None:
                found = sample.resampling.estimate(values)
                named = {"unit": unit, "group": group} | _tested(found)
                yield about | named | count_columns(sample, pair[1], codes)


def _slopes(
    sample: Sample, kind: PairKind, name: Pair, over: Sequence[Pair], contrast: str
) -> Iterator[dict[str, Any]]:
    about = {"intermediate": name[0], "target": name[1], "pair": kind, "contrast": contrast}
    for group in _groups(sample, over):
        for unit in UNITS:
            row = _slope(sample, over, contrast, unit, group)
            if row is not None:
                yield about | {"unit": unit, "group": group} | row


def _slope(
    sample: Sample, over: Sequence[Pair], contrast: str, unit: Unit, group: str
) -> dict[str, Any] | None:
    by_model = sample.by_model(over, contrast, unit, group)
    values = sample.slope(by_model)
    if values is None:
        return None
    found = estimate_columns(sample.resampling.estimate(values))
    return found | {"sizes": sample.sizes(by_model), "seeds": sample.resampling.seeds}


def _groups(sample: Sample, pairs: Sequence[Pair]) -> dict[str, tuple[str, ...]]:
    """Return every group that one of the pairs has, with the languages of the first."""
    found: dict[str, tuple[str, ...]] = {}
    for task, target in pairs:
        if target in sample.outcomes:
            found = sample.design.groups(sample.outcomes[target].languages, task) | found
    return found


def _percent(end: float) -> float:
    """Return an end within 0 to 100; few seeds can carry it beyond what a score can be."""
    return float(np.clip(end, 0.0, 100.0))


def _tested(found: Estimate) -> dict[str, Any]:
    return estimate_columns(found) | {"p": found.p}


def _count_collapsed(sample: Sample, runs: pd.DataFrame) -> Mapping[tuple[str, str, str], int]:
    """Return (model, start, target) -> collapsed runs, of the seeds that are analysed."""
    once = runs[(runs["stage"] == "target") & (runs["status"] == "collapsed")]
    once = with_start(once.drop_duplicates("run"))
    counts: dict[tuple[str, str, str], int] = {}
    for row in once.itertuples():
        outcomes = sample.outcomes.get(row.target)
        if outcomes is not None and row.seed in outcomes.seeds:
            key = (row.model, row.start, row.target)
            counts[key] = counts.get(key, 0) + 1
    return counts
