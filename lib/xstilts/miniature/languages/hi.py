"""Hindi: ergative ने, marked living objects, verb agreement with an unmarked object, द्वारा."""

from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import NounPhrase, Utterance
from xstilts.miniature.language import Lexicon, Piece


def realise(utterance: Utterance, lexicon: Lexicon) -> list[Piece]:
    """Return the sentence's pieces; what is asked stands before the verb."""
    frame, asked, passive = utterance.frame, utterance.asked, utterance.surface.passive
    place = Piece("place", lexicon["places"].get(frame.place, ""))
    time = Piece("time", lexicon["times"].get(frame.time, ""))
    if asked in ("place", "time"):
        wh = Piece("wh", lexicon["wh"][asked])
        place, time = (wh, time) if asked == "place" else (place, wh)
    agent = Piece("agent", _agent(utterance, lexicon))
    patient = Piece("patient", _patient(utterance, lexicon))
    subject, other = (patient, agent) if passive else (agent, patient)
    scene = [piece for piece in (time, place) if piece.text]
    movable = [piece for piece in scene if piece.role != "wh"]
    front: list[Piece] = []
    if utterance.surface.fronted and movable:
        front = movable[:1]
        scene = [piece for piece in scene if piece is not front[0]]
    if asked in ("agent", "patient"):
        given = other if subject.role == asked else subject
        middle = [given, *scene, subject if given is other else other]
    elif asked:
        middle = [subject, *(p for p in scene if p.role != "wh"), other, wh]
    else:
        middle = [subject, *scene, other]
    return [*front, *middle, Piece("verb", _verb(utterance, lexicon))]


def _agent(utterance: Utterance, lexicon: Lexicon) -> str:
    passive = utterance.surface.passive
    if utterance.asked == "agent":
        return "किसके द्वारा" if passive else "किसने"
    return _phrase(utterance.frame.agent, True, lexicon) + (" द्वारा" if passive else " ने")


def _patient(utterance: Utterance, lexicon: Lexicon) -> str:
    frame = utterance.frame
    possessed = lexicon["objects"].get(frame.verb)
    living = _living(frame.patient)
    if utterance.asked == "patient":
        if possessed:
            return f"किस{'' if living else ' चीज़ '}{possessed}"
        return "किसे" if living else "क्या"
    phrase = _phrase(frame.patient, living or possessed is not None, lexicon)
    if possessed:
        return f"{phrase} {possessed}"
    return f"{phrase} को" if living else phrase


def _living(phrase: NounPhrase) -> bool:
    return concepts().nouns[phrase.noun].kind in ("person", "animal")


def _verb(utterance: Utterance, lexicon: Lexicon) -> str:
    frame = utterance.frame
    before, stem, pattern = lexicon["verbs"][frame.verb]
    agreement = _agreement(utterance, lexicon)
    forms = lexicon["light"].get(stem) or [stem + end for end in lexicon["patterns"][pattern]]
    if utterance.surface.passive:
        # Of two feminine plurals only the last is nasal.
        verb = f"{forms[min(agreement, 2)]} {lexicon['gone'][agreement]}"
    else:
        verb = forms[agreement]
    return " ".join(filter(None, (before, "नहीं" if frame.negated else "", verb)))


def _agreement(utterance: Utterance, lexicon: Lexicon) -> int:
    """Return the place among masculine, plural, feminine, feminine plural."""
    frame = utterance.frame
    if frame.verb in lexicon["objects"]:
        return 2
    if _living(frame.patient) or utterance.asked == "patient":
        return 0  # a marked object leaves the verb alone
    return 2 * (lexicon["nouns"][frame.patient.noun][0] == "f") + frame.patient.plural


def _phrase(phrase: NounPhrase, oblique: bool, lexicon: Lexicon) -> str:
    gender, *forms = lexicon["nouns"][phrase.noun]
    noun = forms[2 * phrase.plural + oblique]
    quantifier = lexicon["quantifiers"][phrase.quantifier] if phrase.plural else ""
    adjective = ""
    if phrase.adjective:
        masculine, other, feminine = lexicon["adjectives"][phrase.adjective]
        adjective = (
            feminine if gender == "f" else (other if oblique or phrase.plural else masculine)
        )
    return " ".join(filter(None, (quantifier, adjective, noun)))
