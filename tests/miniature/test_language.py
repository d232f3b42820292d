import re
from random import Random

import pytest
from sayings import event, say

from xstilts.miniature import LANGUAGES, Difficulty, drafts, kind_of
from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import Frame, NounPhrase, Surface, Utterance

praise = event("teacher", "praise", "doctor")


def test_six_languages_of_different_scripts_are_there():
    assert {"en", "de", "es", "zh", "tr", "ru"} <= set(LANGUAGES)
    assert len({language.script for language in LANGUAGES.values()}) >= 4


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_lexicon_has_a_form_for_every_concept(code):
    lexicon, known = LANGUAGES[code].lexicon, concepts()
    for part in ("nouns", "verbs", "adjectives", "places", "times"):
        assert set(lexicon[part]) == set(getattr(known, part)), part


def every_word():
    """Frames that together use each word in each quantity, polarity and surface."""
    known = concepts()
    for verb in known.verbs.values():
        for kind in verb.patients:
            for noun in (kind, *known.leaves(kind)):
                adjectives = (None, *known.suiting(kind))
                for number, quantifier in enumerate(("the", "2", "3", "4", "5", "all", "some")):
                    patient = NounPhrase(noun, quantifier, adjectives[number % len(adjectives)])
                    agents = [n for n in known.leaves("person") if n != noun]
                    agent = NounPhrase(agents[number % len(agents)])
                    yield Frame(verb.name, agent, patient, known.places[number % 8], "monday")
    for time in known.times:
        yield Frame("praise", NounPhrase("nurse", "all"), NounPhrase("pilot", "5"), None, time)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_frame_is_said_without_leftovers(code):
    for frame in every_word():
        single = frame.agent.plural or frame.patient.plural
        for asked in (None, "agent", "patient", "place", "time"):
            for passive in (False, True):
                surface = Surface(passive, fronted=passive)
                text = LANGUAGES[code].say(Utterance(frame, surface, asked))
                assert text == text.strip()
                assert not re.search(r"[{}\[\]_<>]|  |None|,\.|\d", text), text
                assert text[-1] in ".?。？।"
        if not single:
            denied = Frame(frame.verb, frame.agent, frame.patient, negated=True)
            assert say(code, denied) != say(code, Frame(frame.verb, frame.agent, frame.patient))


@pytest.mark.parametrize("code", LANGUAGES)
def test_voice_and_fronting_show(code):
    frame = event("teacher", "praise", "doctor", "park", "monday")
    for asked in (None, "agent", "patient"):
        said = {
            say(code, frame, asked, passive, fronted)
            for passive in (False, True)
            for fronted in (False, True)
        }
        assert len(said) == 4, said


@pytest.mark.parametrize("code", LANGUAGES)
def test_different_frames_are_said_differently(code):
    frames = set()
    for kind, lexicon in (("nli", "A"), ("nli", "B"), ("paraphrase", "A")):
        made = drafts(
            kind, lexicon=lexicon, split="train", items=150, seed=9, difficulty=Difficulty()
        )
        frames |= {u.frame for _, _, draft in made for u in (*draft.a, *draft.b)}
    said = {say(code, frame) for frame in frames}
    # Only a language that lacks the distinction could merge two frames; none does.
    assert len(said) == len(frames)


def test_turkish_capital_keeps_its_dot():
    assert say("tr", event("2 doctor", "praise", "teacher")).startswith("İki doktor")


def test_spans_can_be_cut_from_pieces():
    pieces = LANGUAGES["en"].pieces(Utterance(praise, Surface(), None))
    assert [(piece.role, piece.text) for piece in pieces] == [
        ("agent", "the teacher"),
        ("verb", "praised"),
        ("patient", "the doctor"),
    ]


def test_a_draw_reads_only_its_generator():
    kind = kind_of("nli")
    first, second = (kind.plan(Random("x"), Difficulty(), "neutral", "verb") for _ in range(2))
    assert first == second
