"""Chinese: classifiers, 了 and 没有, 被, adverbials before the verb, questions in place."""

from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import NounPhrase, Utterance
from xstilts.miniature.language import Lexicon, Piece


def realise(utterance: Utterance, lexicon: Lexicon) -> list[Piece]:
    """Return the sentence's pieces."""
    frame, asked, passive = utterance.frame, utterance.asked, utterance.surface.passive
    place = Piece("place", lexicon["places"].get(frame.place, ""))
    time = Piece("time", lexicon["times"].get(frame.time, ""))
    if asked in ("place", "time"):
        wh = Piece("wh", lexicon["wh"][asked])
        place, time = (wh, time) if asked == "place" else (place, wh)
    agent = Piece("agent", _who(utterance, "agent", lexicon))
    patient = Piece("patient", _who(utterance, "patient", lexicon))
    subject, other = (patient, agent) if passive else (agent, patient)
    first = frame.patient if passive else frame.agent
    # The verb of a subject with 所有 needs 都, after the time and before the place.
    both = Piece("all", "都" if first.quantifier == "all" and asked != subject.role else "")
    denial = Piece("not", "没有" if frame.negated else "")
    # A question about place or time takes 是 ... 的 in place of 了.
    cleft = asked in ("place", "time")
    verb = Piece("verb", _verb(utterance, lexicon, cleft))
    predicate = [Piece("by", "被"), other, verb] if passive else [verb, other]
    if cleft:
        predicate.append(Piece("cleft", "的"))
    front, time, place = _front(utterance, time, place)
    be = Piece("cleft", "是" if cleft else "")
    if asked == "time":
        return [*front, subject, both, be, time, denial, place, *predicate]
    return [*front, subject, time, both, be, denial, place, *predicate]


def _front(utterance: Utterance, time: Piece, place: Piece) -> tuple[list[Piece], Piece, Piece]:
    if not utterance.surface.fronted:
        return [], time, place
    nothing = Piece("none", "")
    comma = Piece("comma", "，", glued=True)
    if time.text and time.role != "wh":
        return [time, comma], nothing, place
    if place.text and place.role != "wh":
        return [place, comma], time, nothing
    return [], time, place


def _verb(utterance: Utterance, lexicon: Lexicon, cleft: bool) -> str:
    bare, done, passive_bare, passive_done = lexicon["verbs"][utterance.frame.verb]
    if utterance.surface.passive:
        return passive_bare if utterance.frame.negated or cleft else passive_done
    return bare if utterance.frame.negated or cleft else done


def _who(utterance: Utterance, role: str, lexicon: Lexicon) -> str:
    phrase: NounPhrase = getattr(utterance.frame, role)
    if utterance.asked == role:
        kind = concepts().nouns[phrase.noun].kind
        # 什么 alone is no subject of 被.
        return {"person": "谁", "animal": "什么动物"}.get(kind, "什么东西")
    noun, classifier = lexicon["nouns"][phrase.noun]
    adjective = _adjective(phrase, lexicon)
    if not phrase.plural:
        # A bare noun leaves number open, and after the verb definiteness too.
        return "那" + classifier + adjective + noun
    quantifier = lexicon["quantifiers"][phrase.quantifier]
    if phrase.quantifier in ("all", "some"):
        classifier = ""
    return quantifier + classifier + adjective + noun


def _adjective(phrase: NounPhrase, lexicon: Lexicon) -> str:
    if phrase.adjective is None:
        return ""
    of_animals = lexicon["adjectives_of_animals"]
    if concepts().nouns[phrase.noun].parent == "animal" and phrase.adjective in of_animals:
        return of_animals[phrase.adjective]
    return lexicon["adjectives"][phrase.adjective]
