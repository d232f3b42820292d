"""Japanese: particles, counters, verb last, polite past; questions in place with か."""

from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import NounPhrase, Utterance
from xstilts.miniature.language import Lexicon, Piece

ANIMATE = ("person", "animal")


def realise(utterance: Utterance, lexicon: Lexicon) -> list[Piece]:
    """Return the sentence's pieces.

    A lifeless patient is made the topic instead of a passive subject: passives of buying or
    repairing with an agent sound translated.
    """
    frame, asked, surface = utterance.frame, utterance.asked, utterance.surface
    place = Piece("place", lexicon["places"].get(frame.place, ""))
    time = Piece("time", lexicon["times"].get(frame.time, ""))
    if asked in ("place", "time"):
        wh = Piece("wh", lexicon["wh"][asked])
        place, time = (wh, time) if asked == "place" else (place, wh)
    front: list[Piece] = []
    scene = [piece for piece in (time, place) if piece.text]
    movable = [piece for piece in scene if piece.role != "wh"]
    if surface.fronted and movable:
        front = [movable[0], Piece("comma", "、", glued=True)]
        scene = [piece for piece in scene if piece is not front[0]]
    living = concepts().nouns[frame.patient.noun].kind in ANIMATE
    agent, patient = _who(utterance, "agent", lexicon), _who(utterance, "patient", lexicon)
    if not surface.passive:
        core = [_subject(utterance, "agent", agent), *scene, Piece("patient", patient + "を")]
    elif living:
        core = [_subject(utterance, "patient", patient), *scene, Piece("agent", agent + "に")]
    else:
        topic = "を" if asked == "patient" else "は"
        core = [Piece("patient", patient + topic), Piece("agent", agent + "が"), *scene]
    verb = _verb(frame.verb, living, lexicon)[surface.passive and living]
    ending = ("ませんでした" if frame.negated else "ました") + ("か" if asked else "")
    return [*front, *core, Piece("verb", verb + ending)]


def answer(utterance: Utterance, lexicon: Lexicon) -> list[Piece]:
    """Return a short answer: the constituent without its particle, and です."""
    said = next(p for p in realise(utterance, lexicon) if p.role == utterance.only)
    return [Piece(said.role, said.text.rstrip("はがをでに") + "です")]


def _subject(utterance: Utterance, role: str, words: str) -> Piece:
    """Return the subject: は for what is known (all that a question gives), else が."""
    phrase: NounPhrase = getattr(utterance.frame, role)
    known = phrase.quantifier in ("the", "all") or utterance.asked is not None
    known = known and utterance.asked != role
    return Piece(role, words + ("は" if known else "が"))


def _verb(verb: str, living: bool, lexicon: Lexicon) -> list[str]:
    forms = lexicon["verbs_of_the_living"] if living else {}
    return forms.get(verb, lexicon["verbs"][verb])


def _who(utterance: Utterance, role: str, lexicon: Lexicon) -> str:
    phrase: NounPhrase = getattr(utterance.frame, role)
    kind = concepts().nouns[phrase.noun].kind
    if utterance.asked == role:
        return {"person": "誰", "animal": "どの動物"}.get(kind, "何")
    noun, counter = lexicon["nouns"][phrase.noun]
    adjective = lexicon["adjectives"][phrase.adjective] if phrase.adjective else ""
    if phrase.quantifier == "the":
        # A topic is known without a pointer; 人 alone would be people in general.
        topic = role == ("patient" if utterance.surface.passive else "agent")
        return ("" if topic and phrase.noun != "person" else "その") + adjective + noun
    if phrase.quantifier == "all":
        return lexicon["all"] + adjective + noun
    if counter == "つ":
        return f"{lexicon['native'][phrase.quantifier]}の{adjective}{noun}"
    several = "か" if phrase.quantifier == "some" else ""
    return f"{lexicon['numbers'][phrase.quantifier]}{counter}{several}の{adjective}{noun}"
