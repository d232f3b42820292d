"""The label of two frames, computed slot by slot; conventions are in docs/minixtreme.md."""

from typing import Literal

from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import NUMBERS, Frame, NounPhrase

Label = Literal["entailment", "neutral", "contradiction"]
LABELS: tuple[Label, ...] = ("entailment", "neutral", "contradiction")

# Of one slot: "=" the same, "E" the premise says more, "N" the hypothesis says more or
# something unrelated, "C" they exclude each other, "?" no convention decides.
_QUANTIFIERS = {("all", "some"): "E", ("some", "all"): "N"}


def relation(premise: Frame, hypothesis: Frame) -> Label | None:
    """Return the label of the pair, or None where no convention decides it.

    A denied frame may differ from the other only in verb, place and time, and has no
    quantifier but "the"; otherwise the scope of the negation would be open.
    """
    if not (premise.negated or hypothesis.negated):
        return _of_events(premise, hypothesis)
    if not _plain_participants(premise, hypothesis):
        return None
    forward = _of_events(premise, hypothesis)
    backward = _of_events(hypothesis, premise)
    if forward is None or backward is None:
        return None
    if premise.negated and hypothesis.negated:
        return "entailment" if backward == "entailment" else "neutral"
    if premise.negated:
        return "contradiction" if backward == "entailment" else "neutral"
    reverse: dict[Label, Label] = {"entailment": "contradiction", "contradiction": "entailment"}
    return reverse.get(forward, "neutral")


def _plain_participants(premise: Frame, hypothesis: Frame) -> bool:
    same = premise.agent == hypothesis.agent and premise.patient == hypothesis.patient
    return same and not premise.agent.plural and not premise.patient.plural


def _of_events(premise: Frame, hypothesis: Frame) -> Label | None:
    """Return the label of two events, their polarity left aside."""
    if _crossed(premise, hypothesis) or _crossed(hypothesis, premise):
        return None
    verb = _verb(premise.verb, hypothesis.verb)
    others = (
        *_participant(premise.agent, hypothesis.agent),
        *_participant(premise.patient, hypothesis.patient),
        _optional(premise.place, hypothesis.place, "C"),
        _time(premise.time, hypothesis.time),
    )
    if verb == "?" or "?" in others:
        return None
    if verb == "N" and "C" in others:
        return None  # two events: nothing follows from their difference
    found = (verb, *others)
    if "C" in found:
        return "contradiction"
    return "neutral" if "N" in found else "entailment"


def _crossed(premise: Frame, hypothesis: Frame) -> bool:
    """Return whether roles are exchanged with a hypernym among them, which stays undecided."""
    agent = _noun(premise.agent.noun, hypothesis.agent.noun)
    patient = _noun(premise.patient.noun, hypothesis.patient.noun)
    if agent == patient == "C":
        return False
    return agent != "=" and patient != "=" and premise.agent.noun == hypothesis.patient.noun


def _verb(premise: str, hypothesis: str) -> str:
    if premise == hypothesis:
        return "="
    verb = concepts().verbs[premise]
    if verb.opposite == hypothesis:
        return "C"
    return "?" if hypothesis in verb.excludes else "N"


def _participant(premise: NounPhrase, hypothesis: NounPhrase) -> tuple[str, str, str]:
    noun = _noun(premise.noun, hypothesis.noun)
    adjective = _adjective(premise.adjective, hypothesis.adjective)
    quantifier = _quantifier(premise.quantifier, hypothesis.quantifier)
    if "all" in (premise.quantifier, hypothesis.quantifier) and (noun, adjective) != ("=", "="):
        return noun, adjective, "?"  # "all" reverses its noun's direction
    return noun, adjective, quantifier


def _noun(premise: str, hypothesis: str) -> str:
    nouns = concepts().nouns
    if premise == hypothesis:
        return "="
    if nouns[premise].parent == hypothesis:
        return "E"
    return "N" if nouns[hypothesis].parent == premise else "C"


def _adjective(premise: str | None, hypothesis: str | None) -> str:
    if premise is None or hypothesis is None:
        return _optional(premise, hypothesis, "C")
    adjectives = concepts().adjectives
    same = adjectives[premise].dimension == adjectives[hypothesis].dimension
    return _optional(premise, hypothesis, "C" if same else "N")


def _quantifier(premise: str, hypothesis: str) -> str:
    if premise == hypothesis:
        return "="
    counted = ("the", *NUMBERS)
    if premise in counted and hypothesis in counted:
        return "C"
    if premise in NUMBERS and hypothesis == "some":
        return "E"
    if premise == "some" and hypothesis in NUMBERS:
        return "N"
    return _QUANTIFIERS.get((premise, hypothesis), "?")


def _time(premise: str | None, hypothesis: str | None) -> str:
    if premise is None or hypothesis is None:
        return _optional(premise, hypothesis, "C")
    times = concepts().times
    return _optional(premise, hypothesis, "C" if times[premise] == times[hypothesis] else "N")


def _optional(premise: str | None, hypothesis: str | None, otherwise: str) -> str:
    if premise == hypothesis:
        return "="
    if hypothesis is None:
        return "E"
    return "N" if premise is None else otherwise
