"""Turkish: verb last, definite accusative, bare numeral objects, passive with "tarafından"."""

from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import NounPhrase, Utterance
from xstilts.miniature.language import Lexicon, Piece

SINGULAR, ACCUSATIVE, PLURAL, ACCUSATIVE_PLURAL = range(4)


def realise(utterance: Utterance, lexicon: Lexicon) -> list[Piece]:
    """Return the sentence's pieces; what is asked, or a bare object, stands before the verb."""
    frame, asked, passive = utterance.frame, utterance.asked, utterance.surface.passive
    place = Piece("place", lexicon["places"].get(frame.place, ""))
    time = Piece("time", lexicon["times"].get(frame.time, ""))
    if asked in ("place", "time"):
        wh = Piece("wh", lexicon["wh"][asked])
        place, time = (wh, time) if asked == "place" else (place, wh)
    subject, other = _arguments(utterance, lexicon)
    verb = Piece("verb", lexicon["verbs"][frame.verb][2 * passive + frame.negated])
    scene = [piece for piece in (time, place) if piece.text]
    front: list[Piece] = []
    movable = [piece for piece in scene if piece.role != "wh"]
    if utterance.surface.fronted and movable:
        front = movable[:1]
        scene = [piece for piece in scene if piece is not front[0]]
    middle = [subject, *scene, other]
    if asked in ("agent", "patient"):
        # What is given comes first, so that fronting the time or place still shows.
        given = other if subject.role == asked else subject
        middle = [given, *scene, subject if given is other else other]
    elif asked:
        middle = [subject, *(p for p in scene if p.role != "wh"), other, wh]
    return [*front, *middle, verb]


def _arguments(utterance: Utterance, lexicon: Lexicon) -> tuple[Piece, Piece]:
    frame, asked, passive = utterance.frame, utterance.asked, utterance.surface.passive
    kind = concepts().nouns[frame.patient.noun].kind
    person, marked = kind == "person", kind in ("person", "animal") or asked is not None
    agent = "kim" if asked == "agent" else _phrase(frame.agent, False, lexicon)
    if asked == "patient":
        patient = ("kim" if person else "ne") if passive else ("kimi" if person else "neyi")
    else:
        patient = _phrase(frame.patient, not passive, lexicon, marked)
    if passive:
        return Piece("patient", patient), Piece("agent", f"{agent} tarafından")
    return Piece("agent", agent), Piece("patient", patient)


def _phrase(phrase: NounPhrase, accusative: bool, lexicon: Lexicon, marked: bool = False) -> str:
    forms = lexicon["nouns"][phrase.noun]
    adjective = lexicon["adjectives"][phrase.adjective] if phrase.adjective else ""
    if phrase.quantifier == "the":
        noun, quantifier = forms[ACCUSATIVE if accusative else SINGULAR], ""
    elif phrase.quantifier == "all":
        noun = forms[ACCUSATIVE_PLURAL if accusative else PLURAL]
        quantifier = lexicon["quantifiers"]["all"]
    else:
        # A counted noun is singular; as a new object that does not live it has no accusative.
        noun = forms[ACCUSATIVE if accusative and marked else SINGULAR]
        quantifier = lexicon["quantifiers"][phrase.quantifier]
    return " ".join(filter(None, (quantifier, adjective, noun)))
