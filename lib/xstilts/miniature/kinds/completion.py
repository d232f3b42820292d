"""Completion: does the second event follow the first? "1" it does, "0" its people are wrong.

What follows is a script of `concepts.yaml`: who was frightened is calmed, and who stole a thing
can return it. Right and wrong endings hold the same verb, so that only who takes part in
which role tells them apart; over the scripts, a new person is as often right as wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from xstilts.miniature.concept import Script
from xstilts.miniature.difficulty import Difficulty
from xstilts.miniature.frame import Draft, Frame, NounPhrase, Surface, Utterance
from xstilts.miniature.world import World, draw_surface, pick, swapped

LABELS: tuple[str, ...] = ("0", "1")

_TURNS = {"affected": 0.8, "agent_again": 0.1, "agent_new": 0.1}


def quota(difficulty: Difficulty) -> Mapping[str, Mapping[str, float]]:
    """Return, for each label, its operators and their shares: what the ending turns on."""
    return {label: _TURNS for label in LABELS}


@dataclass(frozen=True, slots=True)
class Plan:
    """The label, what the ending turns on, and how both events are said."""

    label: str
    turn: str
    surfaces: tuple[Surface, Surface]


def plan(rng: Random, difficulty: Difficulty, label: str, operator: str) -> Plan:
    """Return the item's plan."""
    return Plan(label, operator, (draw_surface(rng), draw_surface(rng)))


def draft(rng: Random, world: World, plan: Plan) -> Draft | None:
    """Return an item of this plan, or None if this try led nowhere."""
    script = pick(rng, [s for s in world.concepts.scripts if s.turn == plan.turn])
    if script is None:
        return None
    base = world.draw_any(rng)
    first = Frame(script.first, _single(base.agent), _single(base.patient), base.place, base.time)
    if script.turn == "affected":
        # Either can be the one concerned: else "the cat" would be so more often than "the cook".
        if not world.suits(swapped(first)):
            return None
        first = swapped(first) if rng.random() < 0.5 else first
    other = NounPhrase(rng.choice(world.concepts.leaves("person")))
    endings = [_ending(script, first, other, sources) for sources in (script.right, script.wrong)]
    # Both must be possible, whichever is taken: else the nouns alone would tell the label.
    if not all(world.admits(frame) for frame in (first, *endings)):
        return None
    if other.noun in (first.agent.noun, first.patient.noun):
        return None
    second = endings[0] if plan.label == "1" else endings[1]
    a, b = (Utterance(f, s) for f, s in zip((first, second), plan.surfaces, strict=True))
    return Draft((a,), (b,))


def _single(phrase: NounPhrase) -> NounPhrase:
    """Return the participant as one individual, who can be met again."""
    return NounPhrase(phrase.noun, "the", phrase.adjective)


def _ending(script: Script, first: Frame, other: NounPhrase, sources: tuple[str, str]) -> Frame:
    people = {"agent": first.agent, "patient": first.patient, "other": other}
    agent, patient = (NounPhrase(people[source].noun) for source in sources)
    return Frame(script.second, agent, patient)
