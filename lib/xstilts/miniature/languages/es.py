"""Spanish: gender and number agreement, personal "a", contractions, inverted questions."""

from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import NounPhrase, Utterance
from xstilts.miniature.language import Lexicon, Piece


def realise(utterance: Utterance, lexicon: Lexicon) -> list[Piece]:
    """Return the sentence's pieces."""
    frame, asked = utterance.frame, utterance.asked
    place = Piece("place", "" if asked == "place" else lexicon["places"].get(frame.place, ""))
    time = Piece("time", "" if asked == "time" else lexicon["times"].get(frame.time, ""))
    after = [place, time]
    if utterance.surface.fronted:
        moved = time if time.text else place
        rest = [piece for piece in after if piece is not moved]
        # In a question the adverbial moves up to the verb's argument; alone in front of "¿" it
        # would fall out of the question.
        before = [] if asked else [moved]
        after = [moved, *rest] if asked else rest
    else:
        before, moved = [], None
    subject, other = _arguments(utterance, lexicon)
    verb = Piece("verb", _verb(utterance, lexicon))
    if asked is None:
        return [*before, subject, verb, other, *after]
    wh = _asked(utterance, lexicon)
    middle = [piece for piece in (subject, other) if piece.role != asked]
    if moved is not None:
        return [wh, verb, moved, *middle, *(piece for piece in after if piece is not moved)]
    return [wh, verb, *middle, *after]


def _arguments(utterance: Utterance, lexicon: Lexicon) -> tuple[Piece, Piece]:
    frame = utterance.frame
    agent, patient = _phrase(frame.agent, lexicon), _phrase(frame.patient, lexicon)
    if utterance.surface.passive:
        return Piece("patient", patient), Piece("agent", f"por {agent}")
    kind = concepts().nouns[frame.patient.noun].kind
    if kind == "person" or (kind == "animal" and lexicon["verbs"][frame.verb][3]):
        patient = f"al {patient[3:]}" if patient.startswith("el ") else f"a {patient}"
    return Piece("agent", agent), Piece("patient", patient)


def _verb(utterance: Utterance, lexicon: Lexicon) -> str:
    frame, asked = utterance.frame, utterance.asked
    singular, plural, stem, _ = lexicon["verbs"][frame.verb]
    denial = "no " if frame.negated else ""
    if not utterance.surface.passive:
        return denial + (plural if frame.agent.plural and asked != "agent" else singular)
    if asked == "patient":
        return f"fue {stem}o"
    many = frame.patient.plural
    gender = lexicon["nouns"][frame.patient.noun][0]
    ending = ("o" if gender == "m" else "a") + ("s" if many else "")
    return f"{denial}{'fueron' if many else 'fue'} {stem}{ending}"


def _phrase(phrase: NounPhrase, lexicon: Lexicon) -> str:
    gender, singular, plural = lexicon["nouns"][phrase.noun]
    feminine = gender == "f"
    quantifier = lexicon["quantifiers"][phrase.quantifier][feminine]
    noun = plural if phrase.plural else singular
    adjective = ""
    if phrase.adjective:
        adjective = lexicon["adjectives"][phrase.adjective][2 * phrase.plural + feminine]
    return " ".join(filter(None, (quantifier, noun, adjective)))


def _asked(utterance: Utterance, lexicon: Lexicon) -> Piece:
    frame, asked, passive = utterance.frame, utterance.asked, utterance.surface.passive
    if asked == "agent":
        return Piece("wh", "por quién" if passive else "quién")
    if asked == "patient":
        kind = concepts().nouns[frame.patient.noun].kind
        if kind == "animal" and lexicon["verbs"][frame.verb][3] and not passive:
            return Piece("wh", "a qué animal")
        if kind != "person":
            return Piece("wh", "qué")
        return Piece("wh", "quién" if passive else "a quién")
    return Piece("wh", lexicon["wh"][asked])
