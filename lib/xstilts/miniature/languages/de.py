"""German: case, gender, weak and strong adjectives, verb second with the verbal bracket."""

from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import NounPhrase, Utterance
from xstilts.miniature.language import Lexicon, Piece

NOMINATIVE, ACCUSATIVE, DATIVE = range(3)


def realise(utterance: Utterance, lexicon: Lexicon) -> list[Piece]:
    """Return the sentence's pieces: a constituent, the finite verb, the middle, the participle."""
    frame, asked = utterance.frame, utterance.asked
    passive, fronted = utterance.surface.passive, utterance.surface.fronted
    place = Piece("place", "" if asked == "place" else lexicon["places"].get(frame.place, ""))
    time = Piece("time", "" if asked == "time" else lexicon["times"].get(frame.time, ""))
    subject, other = _arguments(utterance, lexicon)
    scene = [time, place]
    denial = Piece("not", "nicht" if frame.negated else "")
    # A definite object stands before the scene, an indefinite one and the agent of a passive
    # after it; "nicht" after them all, where it denies the event and not only the agent.
    indefinite = frame.patient.quantifier not in ("the", "all")
    if passive or (indefinite and asked is None):
        middle = [subject, *scene, other, denial]
    else:
        middle = [subject, other, *scene, denial]
    if asked:
        first = _asked(utterance, lexicon)
        if passive and asked == "patient":
            middle = [other, *scene]
        middle = [piece for piece in middle if piece.role != asked]
        if fronted:
            middle.sort(key=lambda piece: piece.role not in _moved(time))
    else:
        first = (time if time.text else place) if fronted and (time.text or place.text) else subject
        middle = [piece for piece in middle if piece is not first]
    verb = Piece("verb", _finite(utterance))
    return [first, verb, *middle, Piece("verb", lexicon["verbs"][frame.verb])]


def _moved(time: Piece) -> tuple[str, ...]:
    return ("time",) if time.text else ("place",)


def _arguments(utterance: Utterance, lexicon: Lexicon) -> tuple[Piece, Piece]:
    frame = utterance.frame
    if not utterance.surface.passive:
        agent = Piece("agent", _phrase(frame.agent, NOMINATIVE, lexicon))
        return agent, Piece("patient", _phrase(frame.patient, ACCUSATIVE, lexicon))
    by = "von " + _phrase(frame.agent, DATIVE, lexicon)
    by = by.replace("von dem ", "vom ")
    return Piece("patient", _phrase(frame.patient, NOMINATIVE, lexicon)), Piece("agent", by)


def _finite(utterance: Utterance) -> str:
    frame, passive = utterance.frame, utterance.surface.passive
    subject, role = (frame.patient, "patient") if passive else (frame.agent, "agent")
    plural = subject.plural and utterance.asked != role
    return (("wurde", "wurden") if passive else ("hat", "haben"))[plural]


def _phrase(phrase: NounPhrase, case: int, lexicon: Lexicon) -> str:
    gender, nominative, oblique, plural, dative = lexicon["nouns"][phrase.noun]
    stem = lexicon["adjectives"][phrase.adjective] if phrase.adjective else ""
    if not phrase.plural:
        noun = nominative if case == NOMINATIVE else oblique
        weak_e = case == NOMINATIVE or (case == ACCUSATIVE and gender != "m")
        ending, article = "e" if weak_e else "en", lexicon["articles"][gender][case]
    else:
        noun = dative if case == DATIVE else plural
        direct, in_dative, declension = lexicon["quantifiers"][phrase.quantifier]
        article = in_dative if case == DATIVE else direct
        ending = "en" if case == DATIVE or declension == "weak" else "e"
    return " ".join(filter(None, (article, stem and stem + ending, noun)))


def _asked(utterance: Utterance, lexicon: Lexicon) -> Piece:
    asked, passive = utterance.asked, utterance.surface.passive
    if asked == "agent":
        return Piece("wh", "von wem" if passive else "wer")
    if asked == "patient":
        if concepts().nouns[utterance.frame.patient.noun].kind != "person":
            return Piece("wh", "was")
        return Piece("wh", "wer" if passive else "wen")
    return Piece("wh", lexicon["wh"][asked])
