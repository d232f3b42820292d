import xml.etree.ElementTree as ET

import numpy as np
import pytest

from xstilts.encoders import show
from xstilts.encoders.folder import save_encoder
from xstilts.encoders.prepare import PreparedEncoder, _rows
from xstilts.encoders.sentence import load_sentences
from xstilts.encoders.tokenizer import build_tokenizer, save_tokenizer, trim_pieces
from xstilts.encoders.vector import sentence_vectors
from xstilts.encoders.wheel import open_wheel, read_wheel, resolve_wheel
from xstilts.params import load_model

LANGUAGES = ["en", "de", "fr", "es", "ru", "tr", "ar", "hi", "zh", "sw"]
FACTS = {
    "model": "made", "family": "m", "licence": "MIT", "class": "bert", "layers": 2,
    "layers_of_all": 3, "vocabulary": 1500, "vocabulary_of_all": 250037, "body_params": 3_549_000,
    "total_params": 99_761_280, "stored_params": 4_761_984, "weights_sha256": "ab" * 32,
}  # fmt: skip
SOURCES = {
    "wheel": ({"package": "p", "version": "1", "file": "f.bin"}, "p 1, f.bin"),
    "folder": ({"path": "some/where"}, "some/where"),
    "hub": ({"id": "a/b", "revision": "main"}, "a/b at main"),
}


@pytest.fixture
def perfect(tmp_path, monkeypatch):
    """Return a prepared encoder under which translations are alike but for a little noise."""
    meanings = np.random.default_rng(0).normal(size=(12, 64))
    of_text = {text: n for n, row in enumerate(load_sentences()) for text in row.values()}

    def vectors(_, texts):
        noise = np.random.default_rng(1).normal(scale=0.1, size=(len(texts), 64))
        return meanings[[of_text[text] for text in texts]] + noise + 5

    monkeypatch.setattr(show, "sentence_vectors", vectors)
    return PreparedEncoder(tmp_path, FACTS)


def test_there_are_twelve_sentences_in_ten_languages_all_different():
    rows = load_sentences()
    assert len(rows) == 12
    assert all(list(row) == LANGUAGES for row in rows)
    texts = [text for row in rows for text in row.values()]
    assert len(set(texts)) == 120
    assert all(text == text.strip() and len(text) >= 6 for text in texts)


@pytest.mark.parametrize("kind", SOURCES)
def test_facts_name_the_source_and_count_what_was_kept(tmp_path, kind):
    source, told = SOURCES[kind]
    prepared = PreparedEncoder(tmp_path, FACTS | {"source": {"kind": kind} | source})
    table = show.facts(prepared)["value"]
    assert table[f"source ({kind})"] == told
    assert table["layers kept"] == "2 of 3"
    assert table["embedding rows kept"] == "1,500 of 250,037"
    assert (table["body, millions"], table["total, millions"]) == ("3.5", "99.8")


def test_the_check_finds_every_translation_of_a_perfect_encoder(perfect):
    table = show.translation_check(perfect.folder)
    assert list(table.index) == LANGUAGES[1:]
    assert (table["retrieved"] == 100).all()
    assert (table["translation"] > 0.95).all()
    assert (table["others"].abs() < 0.3).all()
    assert (table["sentences"] == 12).all()


def test_the_check_finds_none_under_shuffled_meanings(perfect, monkeypatch):
    straight = show.sentence_vectors

    def shifted(folder, texts):
        found = straight(folder, texts)
        english = {row["en"] for row in load_sentences()}
        places = [place for place, text in enumerate(texts) if text in english]
        found[places] = found[np.roll(places, 1)]
        return found

    monkeypatch.setattr(show, "sentence_vectors", shifted)
    assert (show.translation_check(perfect.folder)["retrieved"] == 0).all()


def test_the_picture_says_what_it_shows(perfect):
    shown = show.similarity(perfect)
    assert shown.alt.startswith("Cosine similarity of 4 sentences in 10 languages under made")
    near, far = (float(part.split()[0]) for part in shown.alt.split(": ")[1].split(", ", 1))
    assert near > 0.95
    assert abs(far) < 0.3
    assert ET.fromstring(shown.svg).tag.endswith("svg")
    assert show.similarity(perfect).svg == shown.svg


# ---- the real encoder ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a folder of the first four layers with the whole vocabulary."""
    source = load_model("e5_l04").source
    file = read_wheel(resolve_wheel(source), source)
    folder = tmp_path_factory.mktemp("real") / "whole"
    save_encoder(open_wheel(file, layers=4), folder)
    save_tokenizer(build_tokenizer(file.pieces), folder, longest=512)
    return folder


@pytest.mark.slow
def test_real_vectors_do_not_change_with_the_vocabulary(whole, tmp_path):
    spec = load_model("e5_l04")
    file = read_wheel(resolve_wheel(spec.source), spec.source)
    texts = [text for row in load_sentences() for text in row.values()]
    rows = _rows(file, texts)
    save_encoder(open_wheel(file, layers=4, rows=rows), tmp_path / "trimmed")
    pieces = trim_pieces(file.pieces, rows)
    save_tokenizer(build_tokenizer(pieces), tmp_path / "trimmed", longest=512)
    found, expected = (sentence_vectors(f, texts) for f in (tmp_path / "trimmed", whole))
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)


@pytest.mark.slow
def test_real_translations_lie_closer_than_other_sentences(whole):
    table = show.translation_check(whole)
    assert (table["translation"] > table["others"] + 0.15).all()
    assert table["retrieved"].mean() > 90
