"""Drawing frames of one lexicon half and one split, and editing them within it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from xstilts.miniature.concept import Concepts
from xstilts.miniature.difficulty import Difficulty
from xstilts.miniature.frame import NUMBERS, Frame, NounPhrase, Surface, split_of

T = TypeVar("T")
Edit = Callable[["World", Random, Frame], Frame | None]

# A frame longer than this makes sentences of more than fifteen words.
MOST_MODIFIERS = 3
_TRIES = 2000


class GenerationError(ValueError):
    """No item could be made within the bounded number of tries."""


@dataclass(frozen=True, slots=True)
class World:
    """The concepts of one lexicon half, the split, and how hard items shall be."""

    concepts: Concepts
    split: str
    difficulty: Difficulty

    def admits(self, frame: Frame) -> bool:
        """Return whether the frame may be used: of this split, sensible, not too long."""
        nouns = self.concepts.nouns
        agent, patient = nouns[frame.agent.noun], nouns[frame.patient.noun]
        if not self.suits(frame):
            return False
        if agent.name == patient.name or agent.parent == patient.name:
            return False
        for phrase, kind in ((frame.agent, agent.kind), (frame.patient, patient.kind)):
            if phrase.adjective and kind not in self.concepts.adjectives[phrase.adjective].suits:
                return False
        if frame.negated and (frame.agent.plural or frame.patient.plural):
            return False
        return modifiers(frame) <= MOST_MODIFIERS and split_of(frame) == self.split

    def suits(self, frame: Frame) -> bool:
        """Return whether the verb can have this agent and patient."""
        verb = self.concepts.verbs[frame.verb]
        nouns = self.concepts.nouns
        agent, patient = nouns[frame.agent.noun].kind, nouns[frame.patient.noun].kind
        return agent in verb.agents and patient in verb.patients

    def draw(self, rng: Random, wanted: Callable[[Frame], bool] = lambda frame: True) -> Frame:
        """Return a random frame of the split that is `wanted`.

        Raises: GenerationError if none is found in a bounded number of tries.
        """
        for _ in range(_TRIES):
            frame = self.draw_any(rng)
            if self.admits(frame) and wanted(frame):
                return frame
        raise GenerationError(f"no frame of split '{self.split}' fits after {_TRIES} tries")

    def draw_any(self, rng: Random) -> Frame:
        """Return a random frame that need not be admitted."""
        hard = self.difficulty
        verb = rng.choice(list(self.concepts.verbs.values()))
        # Most agents are persons even where animals can act.
        agent = rng.choice(("person", rng.choice(verb.agents)))
        place = rng.choice(self.concepts.places) if rng.random() < hard.modifiers else None
        time = rng.choice(list(self.concepts.times)) if rng.random() < hard.modifiers else None
        return Frame(
            verb.name,
            self._participant(rng, agent),
            self._participant(rng, rng.choice(verb.patients)),
            place,
            time,
        )

    def _participant(self, rng: Random, kind: str) -> NounPhrase:
        hard = self.difficulty
        noun = kind if rng.random() < hard.hypernyms else rng.choice(self.concepts.leaves(kind))
        quantifier = "the"
        if rng.random() < hard.plural:
            # "some" and "all" are drawn as often as all numbers together.
            quantifier = rng.choice((*NUMBERS, "some", "some", "some", "all"))
        suiting = self.concepts.suiting(kind)
        adjective = rng.choice(suiting) if rng.random() < hard.modifiers else None
        return NounPhrase(noun, quantifier, adjective)


def draw_surface(rng: Random) -> Surface:
    """Return a random voice and word order."""
    return Surface(passive=rng.random() < 0.5, fronted=rng.random() < 0.4)


def modifiers(frame: Frame) -> int:
    """Return how many optional slots the frame fills."""
    slots = (frame.agent.adjective, frame.patient.adjective, frame.place, frame.time)
    return sum(slot is not None for slot in slots)


def pick(rng: Random, options: Sequence[T]) -> T | None:
    """Return one of the options, None if there is none."""
    return rng.choice(options) if options else None


def with_participant(frame: Frame, role: str, **changes: str | None) -> Frame:
    """Return the frame with its "agent" or "patient" changed."""
    if role == "agent":
        return replace(frame, agent=replace(frame.agent, **changes))
    return replace(frame, patient=replace(frame.patient, **changes))


def swapped(frame: Frame) -> Frame:
    """Return the frame with its participants' roles exchanged, adjectives and numbers along."""
    return replace(frame, agent=frame.patient, patient=frame.agent)
