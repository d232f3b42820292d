from xstilts.miniature.frame import Frame, NounPhrase, Surface, Utterance
from xstilts.miniature.language import LANGUAGES


def phrase(words):
    """`"2 old doctor"` or `"doctor"` as a participant."""
    *rest, noun = words.split()
    quantifier = next((word for word in rest if word in {"2", "3", "4", "5", "all", "some"}), "the")
    adjective = next((word for word in rest if word != quantifier), None)
    return NounPhrase(noun, quantifier, adjective)


def event(agent, verb, patient, place=None, time=None, negated=False):
    return Frame(verb, phrase(agent), phrase(patient), place, time, negated)


def say(code, frame, asked=None, passive=False, fronted=False):
    return LANGUAGES[code].say(Utterance(frame, Surface(passive, fronted), asked))
