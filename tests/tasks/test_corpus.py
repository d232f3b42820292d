import numpy as np
import pytest
import synthetic
import yaml

from xstilts.errors import DataError, SpecError
from xstilts.params import load_corpus, load_study
from xstilts.tasks.corpus import corpus_files, corpus_items


def write_corpus(root, monkeypatch, lines=20, part=9):
    """Name a corpus of made-up lines in the project `root`: two languages, files beside it."""
    values = {
        "title": "Made", "path": "made/{code}-eng.{code}", "english": "made/{code}-eng.eng",
        "languages": {"de": "deu", "zh": "cmn"}, "sentences": 1000, "after_training": part,
    }  # fmt: skip
    for folder in ("params/corpora", "files/made"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "params/corpora/made.yaml").write_text(yaml.safe_dump(values))
    rng = np.random.default_rng(0)
    for code in values["languages"].values():
        for side in (code, "eng"):
            text = [f"{side} {a} {b}" for a, b in rng.integers(0, 99, (lines, 2))]
            (root / f"files/made/{code}-eng.{side}").write_text("\n".join(text) + "\n")
    monkeypatch.setenv("XSTILTS_DATA", str(root / "files"))
    synthetic.forget()


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XSTILTS_ROOT", str(tmp_path))
    write_corpus(tmp_path, monkeypatch)
    yield tmp_path
    synthetic.forget()


def test_line_i_translates_line_i(place):
    table = corpus_items("made")
    german = table[table["language"] == "de"]
    assert len(german) == 20
    lines = (place / "files/made/deu-eng.deu").read_text().splitlines()
    assert german["text_b"].tolist() == lines
    assert german["text_a"].str.startswith("eng ").all()
    assert german["id"].iloc[3] == "made-de-00003"


def test_a_part_is_drawn_once_and_lies_in_the_whole(place):
    whole, part = corpus_items("made"), corpus_items("made", "part")
    assert part.groupby("language").size().to_dict() == {"de": 9, "zh": 9}
    assert set(part["id"]) < set(whole["id"])
    assert part.equals(corpus_items("made", "part"))


def test_carriage_returns_belong_to_the_line_end(place):
    path = place / "files/made/deu-eng.deu"
    before = corpus_items("made")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert corpus_items("made").equals(before)


def test_files_of_unequal_length_are_refused(place):
    path = place / "files/made/cmn-eng.cmn"
    path.write_text("one line\n")
    with pytest.raises(DataError, match=r"cmn-eng\.cmn: 1 lines, but .*eng\.eng has 20"):
        corpus_items("made")


def test_a_missing_folder_and_a_missing_file_are_named(place, monkeypatch):
    files = list(corpus_files(load_corpus("made"), place / "files"))
    assert len(files) == 4
    assert all(path.is_file() for path in files)
    files[0].unlink()
    with pytest.raises(DataError, match=r"made/deu-eng\.deu: file not found"):
        corpus_items("made")
    monkeypatch.delenv("XSTILTS_DATA")
    with pytest.raises(DataError, match=r"corpus 'made' reads files \(such as made/deu-eng\.eng"):
        corpus_items("made")


def test_a_misspelt_corpus_is_named_with_the_nearest(place):
    with pytest.raises(SpecError, match=r"corpus.*mode.*made"):
        load_corpus("mode", "params/studies/x.yaml: corpora")


def test_the_projects_own_corpora_are_read():
    synthetic.forget()
    assert len(load_corpus("tatoeba").languages) == 36
    assert load_corpus("bucc").kind == "mining"
    assert load_study("real").corpora == ("tatoeba", "bucc")
