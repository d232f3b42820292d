"""Russian: case, animacy, numerals that govern the genitive, past tense and participle gender."""

from typing import Literal

from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import NounPhrase, Utterance
from xstilts.miniature.language import Lexicon, Piece

Case = Literal["nominative", "accusative", "instrumental"]

# Places in a noun's list of forms.
SINGULAR = {"nominative": 2, "genitive": 3, "accusative": 4, "instrumental": 5}
PLURAL = {"nominative": 6, "genitive": 7, "instrumental": 8}

GENDERS = ("m", "f", "n", "plural")
BE = ("был", "была", "было", "были")

# Counted without an adjective, "человек" has a genitive plural of its own.
_COUNTED = {"person": "человек"}


def realise(utterance: Utterance, lexicon: Lexicon) -> list[Piece]:
    """Return the sentence's pieces."""
    frame, asked, passive = utterance.frame, utterance.asked, utterance.surface.passive
    place = Piece("place", "" if asked == "place" else lexicon["places"].get(frame.place, ""))
    time = Piece("time", "" if asked == "time" else lexicon["times"].get(frame.time, ""))
    after = [place, time]
    before: list[Piece] = []
    if utterance.surface.fronted:
        before = [time if time.text else place]
        after = [place] if time.text else []
    if passive:
        subject = Piece("patient", _phrase(frame.patient, "nominative", lexicon))
        other = Piece("agent", _phrase(frame.agent, "instrumental", lexicon))
    else:
        subject = Piece("agent", _phrase(frame.agent, "nominative", lexicon))
        other = Piece("patient", _phrase(frame.patient, "accusative", lexicon))
    verb = Piece("verb", _verb(utterance, lexicon))
    if asked is None:
        return [*before, subject, verb, other, *after]
    wh = Piece("wh", _asked(utterance, lexicon))
    if asked == subject.role:
        return [wh, *before, verb, other, *after]
    if asked == other.role:
        # The verb stands before a subject that is not asked about.
        return [wh, *before, verb, subject, *after]
    return [wh, *before, subject, verb, other, *after]


def _verb(utterance: Utterance, lexicon: Lexicon) -> str:
    frame, passive = utterance.frame, utterance.surface.passive
    forms = lexicon["verbs"][frame.verb]
    role = "patient" if passive else "agent"
    subject = frame.patient if passive else frame.agent
    if utterance.asked == role:
        what = concepts().nouns[subject.noun].kind not in ("person", "animal")
        index = GENDERS.index("n" if what else "m")
    else:
        gender = "plural" if subject.plural else lexicon["nouns"][subject.noun][0]
        index = GENDERS.index(gender)
    denial = "не " if frame.negated else ""
    return denial + (f"{BE[index]} {forms[4 + index]}" if passive else forms[index])


def _phrase(phrase: NounPhrase, case: Case, lexicon: Lexicon) -> str:
    forms = lexicon["nouns"][phrase.noun]
    gender, animate = forms[0], forms[1]
    if not phrase.plural:
        adjective = _adjective(phrase, _singular_ending(gender, animate, case), lexicon)
        return f"{adjective}{forms[SINGULAR[case]]}"
    quantifiers = lexicon["quantifiers"][phrase.quantifier]
    if case == "instrumental":
        adjective = _adjective(phrase, 9, lexicon)
        return f"{quantifiers[3]} {adjective}{forms[PLURAL['instrumental']]}"
    oblique = case == "accusative" and animate
    quantifier = quantifiers[2 if oblique else int(gender == "f")]
    if phrase.quantifier == "all":
        adjective = _adjective(phrase, 8 if oblique else 7, lexicon)
        return f"{quantifier} {adjective}{forms[PLURAL['genitive' if oblique else 'nominative']]}"
    many = phrase.quantifier in ("5", "some")
    if many or oblique:
        noun = forms[PLURAL["genitive"]]
        if phrase.adjective is None:
            noun = _COUNTED.get(phrase.noun, noun)
        return f"{quantifier} {_adjective(phrase, 8, lexicon)}{noun}"
    # Two to four take the genitive singular, with a feminine's adjective in the nominative.
    adjective = _adjective(phrase, 7 if gender == "f" else 8, lexicon)
    return f"{quantifier} {adjective}{_few(phrase, forms)}"


def _few(phrase: NounPhrase, forms: list[str]) -> str:
    """Return the noun after two to four: the genitive singular, an adjective in it pluralised."""
    # Hypernyms that are themselves adjective and noun ("два музыкальных инструмента"), and
    # nouns that decline like adjectives ("два животных").
    if phrase.noun == "animal":
        return forms[PLURAL["genitive"]]
    if phrase.noun in ("vehicle", "instrument"):
        adjective = forms[PLURAL["genitive"]].split()[0]
        return f"{adjective} {forms[SINGULAR['genitive']].split()[1]}"
    return forms[SINGULAR["genitive"]]


def _singular_ending(gender: str, animate: bool, case: Case) -> int:
    """Return the place of the ending in the pattern's list."""
    if gender == "f":
        return {"nominative": 3, "accusative": 5, "instrumental": 4}[case]
    if case == "instrumental":
        return 2
    if gender == "n":
        return 6
    return 1 if case == "accusative" and animate else 0


def _adjective(phrase: NounPhrase, ending: int, lexicon: Lexicon) -> str:
    if phrase.adjective is None:
        return ""
    stem, pattern = lexicon["adjectives"][phrase.adjective]
    return f"{stem}{lexicon['endings'][pattern][ending]} "


def _asked(utterance: Utterance, lexicon: Lexicon) -> str:
    frame, asked, passive = utterance.frame, utterance.asked, utterance.surface.passive
    if asked == "agent":
        return "кем" if passive else "кто"
    if asked == "patient":
        # An animal is asked for as a person is.
        if concepts().nouns[frame.patient.noun].kind not in ("person", "animal"):
            return "что"
        return "кто" if passive else "кого"
    return lexicon["wh"][asked]
