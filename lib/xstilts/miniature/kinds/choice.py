"""Choice: is this a possible answer to the question? "1" it is, "0" it is of another sort.

Two questions are drawn whose answers exclude each other: a place is no time, and what is
stolen is nobody who can be hired. Question and answer are then each drawn from the two, so that
neither side alone tells the label; what does is which verb can have whom, and what the question
word asks for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from random import Random

from xstilts.miniature.difficulty import Difficulty
from xstilts.miniature.frame import Draft, Frame, Slot, Surface, Utterance, can_front, split_of
from xstilts.miniature.kinds.questions import hidden
from xstilts.miniature.world import World, draw_surface, with_participant

LABELS: tuple[str, ...] = ("0", "1")

Query = tuple[Frame, Slot]

_ASKED: tuple[Slot, ...] = ("agent", "patient", "place", "time")
_SCENES = ("place", "time")
_DRAWS = 40
# What the two answers differ in: kinds of participant, one being a scene, or two scenes.
_SORTS = {"participants": 0.5, "participant_scene": 0.3, "scenes": 0.2}


def quota(difficulty: Difficulty) -> Mapping[str, Mapping[str, float]]:
    """Return, for each label, its operators and their shares: what the answers differ in."""
    return {label: _SORTS for label in LABELS}


@dataclass(frozen=True, slots=True)
class Plan:
    """The label, what is asked in both questions, and how the question is said."""

    label: str
    asked: tuple[Slot, Slot]
    surface: Surface


def plan(rng: Random, difficulty: Difficulty, label: str, operator: str) -> Plan:
    """Return the item's plan."""
    pairs = [pair for pair in product(_ASKED, _ASKED) if _sort(*pair) == operator]
    return Plan(label, rng.choice(pairs), draw_surface(rng))


def _sort(one: Slot, other: Slot) -> str | None:
    scenes = (one in _SCENES) + (other in _SCENES)
    if scenes == 2:
        return "scenes" if one != other else None
    if scenes:
        return "participant_scene"
    return "participants" if one != "agent" or other != "agent" else None  # all agents are persons


def draft(rng: Random, world: World, plan: Plan) -> Draft | None:
    """Return an item of this plan, or None if this try led nowhere."""
    one, other = (_query(rng, world, asked) for asked in plan.asked)
    if one is None or other is None:
        return None
    if _fits(world, one, other) or _fits(world, other, one):
        return None
    if _tells(world, one, other) or _tells(world, other, one):
        return None
    if not all(split_of(_filled(*pair)) == world.split for pair in ((one, other), (other, one))):
        return None
    # The two are exchangeable: either could be asked and either could answer.
    answer = one if plan.label == "1" else other
    asking = hidden(world, *one)
    surface = replace(plan.surface, fronted=plan.surface.fronted and can_front(asking))
    return Draft(
        (Utterance(asking, surface, one[1]),),
        (_answer(one, answer, surface),),
    )


def _answer(question: Query, answer: Query, surface: Surface) -> Utterance:
    """Return the short answer, in the form that the question asks for.

    A participant stands in the asked slot and voice, right or wrong: else its case would tell.
    """
    if question[1] in _SCENES or answer[1] in _SCENES:
        return Utterance(answer[0], Surface(), only=answer[1])
    voice = Surface(passive=surface.passive)
    return Utterance(_filled(question, answer), voice, only=question[1])


def _filled(question: Query, answer: Query) -> Frame:
    """Return the question's frame with the answer's participant in the asked slot."""
    (frame, asked), (other, said) = question, answer
    if asked in _SCENES or said in _SCENES:
        return frame
    phrase = getattr(other, said)
    return with_participant(
        frame, asked, noun=phrase.noun, quantifier=phrase.quantifier, adjective=phrase.adjective
    )


def _query(rng: Random, world: World, asked: Slot) -> Query | None:
    """Return a frame that says what is asked, if one is found soon: two must be at once."""
    tries = (_try_query(rng, world, asked) for _ in range(_DRAWS))
    return next((query for query in tries if query is not None), None)


def _try_query(rng: Random, world: World, asked: Slot) -> Query | None:
    frame = world.draw_any(rng)
    if asked == "place":
        frame = replace(frame, place=rng.choice(world.concepts.places))
    if asked == "time":
        frame = replace(frame, time=rng.choice(list(world.concepts.times)))
    noun = _noun((frame, asked))
    # Languages differ in asking for an animal as for a person or as for a thing.
    if noun is not None and world.concepts.nouns[noun].kind == "animal":
        return None
    asking = hidden(world, frame, asked)
    right = split_of(asking) == world.split and world.suits(asking)
    return (frame, asked) if right and world.admits(frame) else None


def _noun(query: Query) -> str | None:
    frame, asked = query
    return getattr(frame, asked).noun if asked in ("agent", "patient") else None


def _tells(world: World, question: Query, answer: Query) -> bool:
    """Return whether the question names what the answer names."""
    asking = hidden(world, *question)
    return _noun(answer) in (asking.agent.noun, asking.patient.noun)


def _fits(world: World, question: Query, answer: Query) -> bool:
    """Return whether the answer's constituent could answer the question."""
    (frame, asked), (_, said) = question, answer
    if asked in _SCENES or said in _SCENES:
        return asked == said
    verb, nouns = world.concepts.verbs[frame.verb], world.concepts.nouns
    kind = nouns[_noun(answer) or ""].kind
    return kind in (verb.agents if asked == "agent" else verb.patients)
