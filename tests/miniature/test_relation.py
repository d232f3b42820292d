from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sayings import event

from xstilts.miniature.concept import concepts
from xstilts.miniature.difficulty import Difficulty
from xstilts.miniature.relation import relation
from xstilts.miniature.world import World

E, N, C = "entailment", "neutral", "contradiction"
bought = event("teacher", "buy", "red car", "park", "monday")


@pytest.mark.parametrize(
    ("premise", "hypothesis", "label"),
    [
        (bought, event("person", "buy", "red car", "park", "monday"), E),
        (event("person", "buy", "red car", "park", "monday"), bought, N),
        (bought, event("teacher", "buy", "car", "park"), E),
        (bought, event("doctor", "buy", "red car", "park", "monday"), C),
        (bought, event("teacher", "buy", "blue car", "park", "monday"), C),
        (bought, event("teacher", "buy", "2 red car", "park", "monday"), C),
        (bought, event("teacher", "buy", "red car", "school", "monday"), C),
        (bought, event("teacher", "buy", "red car", "park", "friday"), C),
        (bought, event("teacher", "buy", "red car", "park", "morning"), N),
        (bought, event("teacher", "sell", "red car", "park", "monday"), C),
        (bought, event("teacher", "find", "red car", "park", "monday"), N),
        (bought, event("teacher", "find", "red car", "school", "monday"), None),
        (event("3 teacher", "buy", "car"), event("some teacher", "buy", "car"), E),
        (event("some teacher", "buy", "car"), event("3 teacher", "buy", "car"), N),
        (event("all teacher", "buy", "car"), event("some teacher", "buy", "car"), E),
        (event("all teacher", "buy", "car"), event("3 teacher", "buy", "car"), None),
        (event("all teacher", "buy", "car"), event("all person", "buy", "car"), None),
        (event("teacher", "praise", "doctor"), event("doctor", "praise", "teacher"), C),
        (event("person", "praise", "doctor"), event("doctor", "praise", "person"), None),
    ],
)
def test_label_of_two_events(premise, hypothesis, label):
    assert relation(premise, hypothesis) == label


def test_an_antonym_contradicts_whatever_else_is_added():
    hypothesis = event("teacher", "sell", "car", "park")
    assert relation(event("teacher", "buy", "car"), hypothesis) == C


@pytest.mark.parametrize(
    ("premise", "hypothesis", "label"),
    [
        ((False, "buy", "park"), (True, "buy", None), C),
        ((False, "buy", "park"), (True, "sell", "park"), E),
        ((False, "buy", "park"), (True, "buy", "school"), E),
        ((False, "buy", None), (True, "buy", "park"), N),
        ((True, "buy", None), (False, "buy", "park"), C),
        ((True, "buy", "park"), (False, "buy", None), N),
        ((True, "buy", None), (False, "sell", None), N),
        ((True, "buy", None), (True, "buy", "park"), E),
        ((True, "buy", "park"), (True, "buy", None), N),
        ((True, "buy", None), (True, "sell", None), N),
    ],
)
def test_label_of_denials(premise, hypothesis, label):
    first, second = (
        event("teacher", verb, "car", place, negated=denied)
        for denied, verb, place in (premise, hypothesis)
    )
    assert relation(first, second) == label


frames = st.builds(
    lambda seed, lexicon: World(concepts(lexicon), "train", Difficulty()).draw(Random(seed)),
    st.integers(0, 10**6),
    st.sampled_from("AB"),
)


@given(frames)
def test_a_frame_entails_itself(frame):
    assert relation(frame, frame) == E
    if not (frame.agent.plural or frame.patient.plural):
        assert relation(frame, replace(frame, negated=True)) == C


@given(frames, frames)
def test_contradiction_has_no_direction(first, second):
    other = replace(second, agent=first.agent, patient=first.patient)
    assert (relation(first, other) == C) == (relation(other, first) == C)


@given(frames, frames)
def test_two_denials_reverse_the_direction(first, second):
    first, second = (replace(f, agent=replace(f.agent, quantifier="the")) for f in (first, second))
    first = replace(first, patient=replace(first.patient, quantifier="the"))
    second = replace(second, agent=first.agent, patient=first.patient)
    denials = relation(replace(first, negated=True), replace(second, negated=True))
    if denials is not None:
        assert (denials == E) == (relation(second, first) == E)
