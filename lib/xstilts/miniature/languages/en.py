"""English: auxiliaries, do-support, agreement of was and were."""

from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import NounPhrase, Utterance
from xstilts.miniature.language import Lexicon, Piece


def realise(utterance: Utterance, lexicon: Lexicon) -> list[Piece]:
    """Return the sentence's pieces."""
    frame, surface = utterance.frame, utterance.surface
    passive, asked = surface.passive, utterance.asked
    agent = Piece("agent", _phrase(frame.agent, lexicon))
    patient = Piece("patient", _phrase(frame.patient, lexicon))
    place = "" if asked == "place" else lexicon["places"].get(frame.place, "")
    time = "" if asked == "time" else lexicon["times"].get(frame.time, "")
    before, after = [], [Piece("place", place), Piece("time", time)]
    if surface.fronted:
        moved = after.pop(1 if time else 0)
        if moved.text:
            before = [moved, Piece("comma", ",", glued=True)]
    if asked:
        core = _question(utterance, lexicon, agent, patient)
    elif passive:
        verb = _passive(frame.patient, frame.verb, frame.negated, lexicon)
        core = [patient, verb, Piece("by", "by"), agent]
    else:
        core = [agent, _active(frame.verb, frame.negated, lexicon), patient]
    return [*before, *core, *after]


def _phrase(phrase: NounPhrase, lexicon: Lexicon) -> str:
    noun = lexicon["nouns"][phrase.noun][phrase.plural]
    adjective = lexicon["adjectives"][phrase.adjective] if phrase.adjective else ""
    return " ".join(filter(None, (lexicon["quantifiers"][phrase.quantifier], adjective, noun)))


def _active(verb: str, negated: bool, lexicon: Lexicon) -> Piece:
    base, past, _ = lexicon["verbs"][verb]
    return Piece("verb", f"did not {base}" if negated else past)


def _passive(subject: NounPhrase, verb: str, negated: bool, lexicon: Lexicon) -> Piece:
    be = "were" if subject.plural else "was"
    denial = " not" if negated else ""
    return Piece("verb", f"{be}{denial} {lexicon['verbs'][verb][2]}")


def _question(utterance: Utterance, lexicon: Lexicon, agent: Piece, patient: Piece) -> list[Piece]:
    frame, asked = utterance.frame, utterance.asked
    base, past, participle = lexicon["verbs"][frame.verb]
    be = "were" if frame.patient.plural else "was"
    thing = concepts().nouns[frame.patient.noun].kind != "person"
    what = Piece("wh", "what" if asked == "patient" and thing else "who")
    by = Piece("by", "by")
    if asked == "agent" and utterance.surface.passive:
        return [Piece("wh", "by whom"), Piece("be", be), patient, Piece("verb", participle)]
    if asked == "agent":
        return [what, Piece("verb", past), patient]
    if asked == "patient" and utterance.surface.passive:
        return [what, Piece("be", "was"), Piece("verb", participle), by, agent]
    if asked == "patient":
        return [what, Piece("do", "did"), agent, Piece("verb", base)]
    where = Piece("wh", lexicon["wh"][asked])
    if utterance.surface.passive:
        return [where, Piece("be", be), patient, Piece("verb", participle), by, agent]
    return [where, Piece("do", "did"), agent, Piece("verb", base), patient]
