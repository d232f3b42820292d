"""Swahili: noun classes on verbs, adjectives and numerals; object markers for the animate."""

from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import NounPhrase, Utterance
from xstilts.miniature.language import Lexicon, Piece

# Before these the object marker "m" becomes "mw" ("mu" before "u").
_VOWELS = "aeiou"


def realise(utterance: Utterance, lexicon: Lexicon) -> list[Piece]:
    """Return the sentence's pieces; question words stay where their answer would stand."""
    frame, asked, passive = utterance.frame, utterance.asked, utterance.surface.passive
    place = Piece("place", lexicon["places"].get(frame.place, ""))
    time = Piece("time", lexicon["times"].get(frame.time, ""))
    if asked in ("place", "time"):
        wh = Piece("wh", lexicon["wh"][asked])
        place, time = (wh, time) if asked == "place" else (place, wh)
    after = [piece for piece in (place, time) if piece.text]
    before: list[Piece] = []
    movable = [piece for piece in reversed(after) if piece.role != "wh"]
    if utterance.surface.fronted and movable:
        before = [movable[0]]
        after = [piece for piece in after if piece is not before[0]]
    after.sort(key=lambda piece: piece.role == "wh")
    agent = Piece("agent", _who(utterance, "agent", lexicon))
    patient = Piece("patient", _who(utterance, "patient", lexicon))
    verb = Piece("verb", _verb(utterance, lexicon))
    if passive:
        return [*before, patient, verb, Piece("by", "na"), agent, *after]
    return [*before, agent, verb, patient, *after]


def _verb(utterance: Utterance, lexicon: Lexicon) -> str:
    frame, passive = utterance.frame, utterance.surface.passive
    stem, passive_stem, *rest = lexicon["verbs"][frame.verb]
    subject = frame.patient if passive else frame.agent
    role = "patient" if passive else "agent"
    number = _class(subject, lexicon, utterance.asked == role)
    if passive:
        core = passive_stem
    else:
        # Only people and animals are marked as objects on the verb.
        patient = _class(frame.patient, lexicon, utterance.asked == "patient")
        marker = lexicon["objects"].get(patient, "")
        if marker == "m" and stem[0] in _VOWELS:
            marker = "mu" if stem[0] == "u" else "mw"
        core = marker + stem
    denied, said = lexicon["denied"][number] + "ku", lexicon["subjects"][number] + "li"
    tense = denied if frame.negated else said
    return " ".join((tense + core, *rest))


def _class(phrase: NounPhrase, lexicon: Lexicon, asked: bool) -> int:
    """Return the noun class in agreement; "nini" agrees as class 9, "nani" as class 1."""
    if asked:
        return 1 if concepts().nouns[phrase.noun].kind in ("person", "animal") else 9
    singular, plural = lexicon["nouns"][phrase.noun][2].split("/")
    return int(plural if phrase.plural else singular)


def _who(utterance: Utterance, role: str, lexicon: Lexicon) -> str:
    phrase: NounPhrase = getattr(utterance.frame, role)
    if utterance.asked == role:
        kind = concepts().nouns[phrase.noun].kind
        return {"person": "nani", "animal": "mnyama gani"}.get(kind, "nini")
    number = _class(phrase, lexicon, False)
    noun = lexicon["nouns"][phrase.noun][phrase.plural]
    adjective = lexicon["adjectives"][phrase.adjective][number - 1] if phrase.adjective else ""
    if phrase.quantifier == "some":
        return " ".join(filter(None, (lexicon["some"], noun, adjective)))
    numeral = ""
    if phrase.plural:
        numeral = lexicon["numerals"][phrase.quantifier][number]
    # "wote" follows the noun at once, a numeral follows the adjective.
    order = (noun, numeral, adjective) if phrase.quantifier == "all" else (noun, adjective, numeral)
    return " ".join(filter(None, order))
