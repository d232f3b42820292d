"""French: elision, agreement of adjective and passive participle, "ne ... pas", "est-ce que"."""

from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import NounPhrase, Utterance
from xstilts.miniature.language import Lexicon, Piece

_VOWELS = "aeiouéèêîïôœh"


def realise(utterance: Utterance, lexicon: Lexicon) -> list[Piece]:
    """Return the sentence's pieces."""
    frame, asked, passive = utterance.frame, utterance.asked, utterance.surface.passive
    place = Piece("place", "" if asked == "place" else lexicon["places"].get(frame.place, ""))
    time = Piece("time", "" if asked == "time" else lexicon["times"].get(frame.time, ""))
    before, after = [], [place, time]
    if utterance.surface.fronted:
        moved = after.pop(1 if time.text else 0)
        if moved.text:
            before = [moved, Piece("comma", ",", glued=True)]
    agent = Piece("agent", _phrase(frame.agent, lexicon))
    patient = Piece("patient", _phrase(frame.patient, lexicon))
    by = Piece("agent", f"par {agent.text}")
    subject, other = (patient, by) if passive else (agent, patient)
    verb = Piece("verb", _verb(utterance, lexicon))
    if asked is None:
        return [*before, subject, verb, other, *after]
    wh = Piece("wh", _asked(utterance, lexicon))
    if asked == subject.role:
        return [*before, wh, verb, other, *after]
    rest = [] if asked == other.role else [other]
    return [
        *before,
        wh,
        Piece("que", "est-ce que", glued=wh.text == "qu'"),
        subject,
        verb,
        *rest,
        *after,
    ]


def _verb(utterance: Utterance, lexicon: Lexicon) -> str:
    frame, asked, passive = utterance.frame, utterance.asked, utterance.surface.passive
    role = "patient" if passive else "agent"
    subject = frame.patient if passive else frame.agent
    plural = subject.plural and asked != role
    have = "ont" if plural else "a"
    if frame.negated:
        have = f"n'{have} pas"
    participle = lexicon["verbs"][frame.verb]
    if not passive:
        return f"{have} {participle}"
    feminine = lexicon["nouns"][subject.noun][0] == "f" and asked != role
    return f"{have} été {participle}{'e' if feminine else ''}{'s' if plural else ''}"


def _phrase(phrase: NounPhrase, lexicon: Lexicon) -> str:
    gender, singular, plural = lexicon["nouns"][phrase.noun]
    feminine = gender == "f"
    noun = plural if phrase.plural else singular
    words = [noun]
    if phrase.adjective:
        forms = lexicon["adjectives"][phrase.adjective]
        adjective = forms[2 * phrase.plural + feminine]
        if not phrase.plural and not feminine and noun[0] in _VOWELS:
            adjective = forms[5]
        words = [adjective, noun] if forms[4] else [noun, adjective]
    quantifier = lexicon["quantifiers"][phrase.quantifier][feminine]
    if phrase.quantifier == "the" and words[0][0] in _VOWELS:
        return f"l'{' '.join(words)}"
    return " ".join((quantifier, *words))


def _asked(utterance: Utterance, lexicon: Lexicon) -> str:
    frame, asked, passive = utterance.frame, utterance.asked, utterance.surface.passive
    if asked == "agent":
        return "par qui" if passive else "qui"
    if asked == "patient":
        if concepts().nouns[frame.patient.noun].kind == "person":
            return "qui"
        return "qu'est-ce qui" if passive else "qu'"
    return lexicon["wh"][asked]
