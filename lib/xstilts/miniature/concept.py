"""The concepts of the miniature: what its frames can speak of, in no language."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).parent / "concepts.yaml"

LEXICONS = ("A", "B")


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun concept; `parent` is its hypernym (None: it is one), `kind` the topmost one."""

    name: str
    parent: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb concept; `pair` names it and its opposite alike."""

    name: str
    agents: tuple[str, ...]
    patients: tuple[str, ...]
    opposite: str | None
    excludes: tuple[str, ...]
    pair: str


@dataclass(frozen=True, slots=True)
class Adjective:
    """An adjective concept; two of one dimension exclude each other."""

    name: str
    dimension: str
    suits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """What follows an event: the `second` verb, and who takes part in it.

    `right` and `wrong` name the source of agent and patient: the first event's `agent` or
    `patient`, or `other`, someone new. `turn` is "agent_again", "agent_new" or "affected": what
    tells right from wrong.
    """

    first: str
    second: str
    turn: str
    right: tuple[str, str]
    wrong: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Concepts:
    """One half of the lexicon (or both); every mapping keeps the order of the file."""

    nouns: Mapping[str, Noun]
    verbs: Mapping[str, Verb]
    adjectives: Mapping[str, Adjective]
    places: tuple[str, ...]
    times: Mapping[str, str]
    scripts: tuple["Script", ...]

    def leaves(self, kind: str) -> tuple[str, ...]:
        """Return the nouns below the hypernym `kind`."""
        return tuple(noun.name for noun in self.nouns.values() if noun.parent == kind)

    def suiting(self, kind: str) -> tuple[str, ...]:
        """Return the adjectives that a noun of this kind can have."""
        return tuple(a.name for a in self.adjectives.values() if kind in a.suits)


@cache
def concepts(lexicon: str | None = None) -> Concepts:
    """Return the concepts of lexicon half "A" or "B", or all of them for None.

    Raises: ValueError if `lexicon` is another name.
    """
    if lexicon is not None and lexicon not in LEXICONS:
        raise ValueError(f"lexicon '{lexicon}' is unknown; allowed: {', '.join(LEXICONS)}")
    data: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))

    def mine(half: str) -> bool:
        return lexicon is None or half in (lexicon, "both")

    return Concepts(
        nouns={
            name: Noun(name, parent, parent or name)
            for name, (half, parent) in data["nouns"].items()
            if mine(half)
        },
        verbs={name: _verb(name, v) for name, v in data["verbs"].items() if mine(v["half"])},
        adjectives={
            name: Adjective(name, a["dimension"], tuple(a["suits"]))
            for name, a in data["adjectives"].items()
            if mine(a["half"])
        },
        places=tuple(name for name, half in data["places"].items() if mine(half)),
        times={name: kind for name, (half, kind) in data["times"].items() if mine(half)},
        scripts=tuple(
            _script(entry)
            for entry in data["scripts"]
            if mine(data["verbs"][entry["first"]]["half"])
        ),
    )


def _script(entry: Mapping[str, Any]) -> Script:
    right, wrong = tuple(entry["right"]), tuple(entry["wrong"])
    return Script(entry["first"], entry["second"], entry["turn"], right, wrong)


def _verb(name: str, entry: Mapping[str, Any]) -> Verb:
    opposite = entry.get("opposite")
    return Verb(
        name,
        tuple(entry["agents"]),
        tuple(entry["patients"]),
        opposite,
        tuple(entry.get("excludes", ())),
        pair="/".join(sorted((name, opposite))) if opposite else name,
    )
