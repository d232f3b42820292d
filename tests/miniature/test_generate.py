import os
import subprocess
import sys
from collections import Counter
from math import log
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xstilts.miniature
from xstilts.miniature import KINDS, LANGUAGES, Difficulty, drafts, generate, kind_of
from xstilts.miniature.concept import concepts
from xstilts.miniature.frame import Frame, NounPhrase, Surface, Utterance, split_of
from xstilts.miniature.relation import relation

CODES = tuple(LANGUAGES)


def make(kind, items=300, lexicon="A", split="train", seed=0, **difficulty):
    hard = Difficulty(**difficulty)
    return drafts(kind, lexicon=lexicon, split=split, items=items, seed=seed, difficulty=hard)


def frames_of(made):
    return {u.frame for _, _, draft in made for u in (*draft.a, *draft.b)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lexicon", ["A", "B"])
def test_every_frame_lies_in_its_split(kind, lexicon):
    """Splits partition the cores of frames, so no seed or size can mix them."""
    for split in ("train", "test"):
        assert {split_of(f) for f in frames_of(make(kind, lexicon=lexicon, split=split))} == {split}


def test_no_sentence_of_training_occurs_in_test():
    said = {}
    for split, seeds in (("train", (0, 1)), ("test", (0,))):
        said[split] = {
            text
            for kind in KINDS
            for lexicon in "AB"
            for seed in seeds
            for example in generate(
                kind, lexicon=lexicon, split=split, items=90, seed=seed, languages=CODES
            )
            for pair in example.texts.values()
            for text in (pair[:1] if kind == "choice" else pair)  # answers are few and short
        }
    assert not said["train"] & said["test"]


def test_the_lexicon_halves_share_hypernyms_only():
    first, second = concepts("A"), concepts("B")
    assert set(first.nouns) & set(second.nouns) == {"person", "animal"}
    for part in ("verbs", "adjectives", "places", "times"):
        assert not set(getattr(first, part)) & set(getattr(second, part))


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 90), st.integers(0, 10**6), st.sampled_from("AB"))
@hypothesis.example("completion", 79, 0, "A")
def test_labels_balance_items_differ_and_ids_are_unique(kind, items, seed, lexicon):
    made = generate(kind, lexicon=lexicon, split="test", items=items, seed=seed, languages=CODES)
    counts = Counter(example.label for example in made)
    assert len(made) == items == len({example.id for example in made})
    sizes = [counts[label] for label in kind_of(kind).LABELS]
    assert max(sizes) - min(sizes) <= 1
    for code in CODES:
        assert len({example.texts[code] for example in made}) == items
        assert all(first != second for first, second in (e.texts[code] for e in made))


def test_a_smaller_set_begins_a_larger_one_and_languages_do_not_matter():
    small = generate("nli", lexicon="A", split="train", items=20, seed=4, languages=["de"])
    large = generate("nli", lexicon="A", split="train", items=40, seed=4, languages=["en", "de"])
    assert [e.texts["de"] for e in small] == [e.texts["de"] for e in large[:20]]


def test_two_processes_with_different_hash_seeds_agree():
    code = (
        "from xstilts.miniature import KINDS, LANGUAGES, generate\n"
        "for kind in KINDS: print(generate(kind, lexicon='A', split='train', items=60, seed=1,"
        " languages=list(LANGUAGES)))"
    )
    lib = str(Path(xstilts.miniature.__file__).parents[2])
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": lib},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert "role_swap" in said.pop()


def test_inference_labels_are_those_of_the_frames():
    for label, operator, draft in make("nli"):
        premise, hypothesis = draft.a[0].frame, draft.b[0].frame
        assert relation(premise, hypothesis) == label, operator


def test_operators_come_by_quota():
    for kind in KINDS:
        quota = kind_of(kind).quota(Difficulty())
        made = make(kind, items=300)
        for label, shares in quota.items():
            found = Counter(operator for each, operator, _ in made if each == label)
            total = sum(found.values())
            for operator, share in shares.items():
                assert abs(found[operator] - share * total) <= 1.5, (kind, label, operator)


def test_swaps_keep_the_words_of_english():
    made = generate("paraphrase", lexicon="A", split="train", items=200, seed=0, languages=["en"])
    loose = {"was", "were", "by"}
    for example in made:
        if example.operator == "role_swap" and example.label == "0":
            first, second = (
                Counter(w.strip(".,").lower() for w in text.split()) for text in example.texts["en"]
            )
            assert {w for w in first if w in ("the", "in", "at")} == {
                w for w in second if w in ("the", "in", "at")
            }
            # Voice changes the forms of irregular verbs, nothing else.
            assert len(set(first) ^ set(second) - loose) <= 4


def naive_bayes(train, test, side):
    words, labels = Counter(), Counter()
    for example in train:
        labels[example.label] += 1
        for word in example.texts["en"][side].lower().strip(".?").split():
            words[example.label, word] += 1
    right = 0
    for example in test:
        scores = {
            label: sum(
                log((words[label, word] + 1) / (sum_of + 2))
                for word in example.texts["en"][side].lower().strip(".?").split()
            )
            for label, sum_of in labels.items()
        }
        right += max(scores, key=scores.get) == example.label
    return right / len(test)


@pytest.mark.parametrize(
    ("kind", "lexicon"), [("nli", "A"), ("paraphrase", "A"), ("questions", "B")]
)
@pytest.mark.parametrize("side", [0, 1])
def test_one_side_alone_does_not_tell_the_label(kind, lexicon, side):
    train = generate(kind, lexicon=lexicon, split="train", items=700, seed=0, languages=["en"])
    test = generate(kind, lexicon=lexicon, split="train", items=700, seed=1, languages=["en"])
    chance = 1 / len(kind_of(kind).LABELS)
    assert naive_bayes(train, test, side) < chance + 0.05


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "nlii"}, "kind 'nlii' is unknown"),
        ({"lexicon": "C"}, "lexicon 'C' is unknown"),
        ({"split": "dev"}, "split 'dev' is unknown"),
        ({"languages": ["xx"]}, "language 'xx' is unknown"),
        ({"items": -1}, "items: expected 0 or more"),
    ],
)
def test_unknown_names_are_refused(change, message):
    arguments = {"kind": "nli", "lexicon": "A", "split": "train", "items": 1, "seed": 0}
    arguments |= {"languages": ["en"], **change}
    with pytest.raises(ValueError, match=message):
        generate(arguments.pop("kind"), **arguments)


def test_difficulty_refuses_what_is_no_share():
    with pytest.raises(ValueError, match="swap: expected 0 to 1"):
        Difficulty(swap=1.5)


@pytest.mark.parametrize("kind", KINDS)
def test_difficulty_may_be_extreme(kind):
    for hard in ({"edits": 0, "negation": 0.0}, {"edits": 3, "swap": 1.0, "same_surface": 0.0}):
        assert len(make(kind, items=30, **hard)) == 30


def test_answers_of_choice_stand_in_the_case_of_what_is_asked():
    """An answer in another case than the question's slot would tell that it is wrong."""
    for _, operator, draft in make("choice", lexicon="B"):
        question, answer = draft.a[0], draft.b[0]
        if operator == "participants":
            assert answer.only == question.asked
            assert answer.surface.passive == question.surface.passive


@pytest.mark.parametrize(
    ("passive", "said"),
    [
        (False, {"en": "The cook.", "de": "Den Koch.", "ru": "Повара.", "tr": "Aşçıyı.",
                 "es": "Al cocinero.", "hi": "रसोइये को।", "ja": "その料理人です。"}),
        (True, {"en": "The cook.", "de": "Der Koch.", "ru": "Повар.", "tr": "Aşçı.",
                "es": "El cocinero.", "ja": "料理人です。"}),
    ],
)  # fmt: skip
def test_a_short_answer_has_the_case_of_its_voice(passive, said):
    frame = Frame("hire", NounPhrase("lawyer"), NounPhrase("cook"))
    utterance = Utterance(frame, Surface(passive=passive), only="patient")
    assert {code: LANGUAGES[code].say(utterance) for code in said} == said


def test_endings_that_follow_and_that_do_not_hold_the_same_verb():
    scripts = {(s.first, s.second) for s in concepts("B").scripts}
    for label, _, draft in make("completion", lexicon="B"):
        first, second = draft.a[0].frame, draft.b[0].frame
        assert (first.verb, second.verb) in scripts, label


def test_who_was_frightened_is_calmed():
    for label, _, draft in make("completion", lexicon="B"):
        first, second = draft.a[0].frame, draft.b[0].frame
        if (first.verb, second.verb) == ("frighten", "calm"):
            assert (second.patient.noun == first.patient.noun) == (label == "1")


def test_a_sentence_that_answers_says_what_is_asked():
    for label, _, draft in make("selection", lexicon="B"):
        question, sentence = draft.a[0], draft.b[0].frame
        if label == "1" and question.asked in ("place", "time"):
            assert getattr(sentence, question.asked) is not None
            assert getattr(question.frame, question.asked) is None
