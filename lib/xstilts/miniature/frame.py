"""Frames: one event, slot by slot, before any language; and how an utterance shows one."""

from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from typing import Literal

from xstilts.miniature.concept import concepts

NUMBERS = ("2", "3", "4", "5")
QUANTIFIERS = ("the", *NUMBERS, "all", "some")
SPLITS = ("train", "test")

# Three tenths of all cores are test cores: enough for varied test sets, and training keeps
# every word.
_TEST_TENTHS = 3

Slot = Literal["agent", "patient", "place", "time"]


@dataclass(frozen=True, slots=True)
class NounPhrase:
    """A participant: noun, quantifier ("the" is one definite individual), adjective."""

    noun: str
    quantifier: str = "the"
    adjective: str | None = None

    @property
    def plural(self) -> bool:
        """Return whether several individuals are meant."""
        return self.quantifier != "the"


@dataclass(frozen=True, slots=True)
class Frame:
    """One past event, or its denial."""

    verb: str
    agent: NounPhrase
    patient: NounPhrase
    place: str | None = None
    time: str | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Surface:
    """What a language may choose freely without a change of meaning.

    `passive` makes the patient the subject (or the topic); `fronted` moves the time, or the
    place where there is no time, from its usual position.
    """

    passive: bool = False
    fronted: bool = False


def can_front(frame: Frame) -> bool:
    """Return whether `Surface.fronted` changes this frame's sentence."""
    return frame.place is not None or frame.time is not None


@dataclass(frozen=True, slots=True)
class Utterance:
    """A frame to be said, to be asked about, or of which one constituent is said.

    `asked` is the slot that a question asks for, `only` the slot that a short answer gives.
    """

    frame: Frame
    surface: Surface
    asked: Slot | None = None
    only: Slot | None = None

    @property
    def said(self) -> object:
        """Return what utterances of one text share: of a short answer, what it names."""
        if self.only is not None:
            return getattr(self.frame, self.only)
        if can_front(self.frame):
            return self
        return replace(self, surface=replace(self.surface, fronted=False))


@dataclass(frozen=True, slots=True)
class Draft:
    """An item before any language: the utterances of its two sides."""

    a: tuple[Utterance, ...]
    b: tuple[Utterance, ...]

    @property
    def said(self) -> object:
        """Return what two drafts share if they are the same item."""
        return tuple(tuple(utterance.said for utterance in side) for side in (self.a, self.b))


def split_of(frame: Frame) -> str:
    """Return "train" or "test": the only split in which this frame may ever be used.

    The core (verb or its opposite, the two nouns in either role) decides, by a stable hash, so
    that role swaps and antonyms of a frame stay in its split, whatever the seed or the size.
    """
    nouns = sorted((frame.agent.noun, frame.patient.noun))
    return _split_of_core(concepts().verbs[frame.verb].pair, nouns[0], nouns[1])


@cache
def _split_of_core(pair: str, first: str, second: str) -> str:
    digest = blake2b(f"{pair}|{first}|{second}".encode(), digest_size=4).digest()
    return "test" if int.from_bytes(digest, "big") % 10 < _TEST_TENTHS else "train"
