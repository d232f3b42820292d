import gzip

import pytest
import synthetic
import yaml

from xstilts.errors import DataError, SpecError
from xstilts.params import load_corpus
from xstilts.tasks.corpus import corpus_files, corpus_items

SPEC = {
    "title": "Mined", "kind": "mining", "path": "mined/{code}.txt.gz", "english": "mined/en.txt.gz",
    "gold": "mined/{code}.gold.gz", "languages": {"zh": "cmn"}, "after_training": 8,
}  # fmt: skip
GOLD = [("z-3", "e-7"), ("z-0", "e-1"), ("z-5", "e-2")]


def write_lines(root, name, lines):
    (root / "files/mined").mkdir(parents=True, exist_ok=True)
    (root / "files/mined" / name).write_bytes(gzip.compress("".join(lines).encode()))


def write_spec(root, **changed):
    values = {key: value for key, value in (SPEC | changed).items() if value is not None}
    (root / "params/corpora").mkdir(parents=True, exist_ok=True)
    (root / "params/corpora/mined.yaml").write_text(yaml.safe_dump(values))
    synthetic.forget()


def write_mining(root, monkeypatch):
    """Name a corpus of ten made-up sentences, fourteen of English, three pairs among them."""
    monkeypatch.setenv("XSTILTS_DATA", str(root / "files"))
    write_spec(root)
    write_lines(root, "cmn.txt.gz", [f"z-{row}\tsaid {row}\n" for row in range(10)])
    write_lines(root, "en.txt.gz", [f"e-{row}\tenglish {row}\n" for row in range(14)])
    write_lines(root, "cmn.gold.gz", [f"{one}\t{other}\n" for one, other in GOLD])


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XSTILTS_ROOT", str(tmp_path))
    write_mining(tmp_path, monkeypatch)
    yield tmp_path
    synthetic.forget()


def test_rows_are_the_pairs_and_then_every_other_sentence(place):
    table = corpus_items("mined")
    pairs = table[table["label"] == 1]
    assert list(zip(pairs["text_b"], pairs["text_a"], strict=True)) == [
        ("said 3", "english 7"), ("said 0", "english 1"), ("said 5", "english 2")
    ]  # fmt: skip
    assert len(table) == 14
    assert set(table["text_a"]) == {f"english {row}" for row in range(14)}
    assert set(table["text_b"]) == {f"said {row}" for row in range(10)}
    assert set(table["language"]) == {"zh"}


def test_a_part_has_every_pair_and_lies_in_larger_parts(place):
    parts = {}
    for most in (2, 5, 8):
        write_spec(place, after_training=most)
        parts[most] = corpus_items("mined", "part")
        assert parts[most]["label"].sum() == 3
        assert parts[most]["text_a"].nunique() == max(3, most)
        assert parts[most]["text_b"].nunique() == max(3, most)
        assert parts[most].equals(corpus_items("mined", "part"))
    for side in ("text_a", "text_b"):
        assert set(parts[2][side]) < set(parts[5][side]) < set(parts[8][side])


def test_the_whole_may_be_bounded(place):
    write_spec(place, sentences=4)
    assert corpus_items("mined")["text_a"].nunique() == 4


def test_its_three_files_are_named(place):
    files = list(corpus_files(load_corpus("mined"), place / "files"))
    assert [path.name for path in files] == ["cmn.txt.gz", "en.txt.gz", "cmn.gold.gz"]
    for path in files:
        kept = path.read_bytes()
        path.unlink()
        with pytest.raises(DataError, match=rf"mined/{path.name}: file not found"):
            corpus_items("mined")
        path.write_bytes(kept)


@pytest.mark.parametrize(
    ("name", "lines", "says"),
    [
        ("cmn.txt.gz", ["z-0\ta\n", "z-1 b\n"],
         r"mined/cmn\.txt\.gz:2: found no id before a tab; allowed: id TAB sentence$"),
        ("en.txt.gz", ["\ta\n"], r"mined/en\.txt\.gz:1: found no id before a tab"),
        ("en.txt.gz", ["e-1\ta\n", "e-2\tb\n", "e-1\tc\n"],
         r"mined/en\.txt\.gz:3: id 'e-1' occurs twice, first in line 1$"),
        ("cmn.gold.gz", ["z-0\te-1\n", "z-99\te-2\n"],
         r"cmn\.gold\.gz:2: id 'z-99' is unknown; allowed: an id of the 10 sentences"),
        ("cmn.gold.gz", ["z-0\te-99\n"],
         r"cmn\.gold\.gz:1: id 'e-99' is unknown; allowed: an id of the 14 English sentences"),
        ("cmn.gold.gz", ["z-0\n"], r"cmn\.gold\.gz:1: found no id before a tab; .*TAB English id"),
        ("cmn.gold.gz", ["z-0\te-1\n"] * 2, r"cmn\.gold\.gz:2: the pair of line 1 again$"),
        ("cmn.gold.gz", [], r"cmn\.gold\.gz: no pairs; allowed"),
    ],
)  # fmt: skip
def test_a_broken_file_is_told_with_its_line(place, name, lines, says):
    write_lines(place, name, lines)
    with pytest.raises(DataError, match=says):
        corpus_items("mined")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"gold": None}, "mined.yaml: key 'gold' is missing; `kind: mining` needs it"),
        ({"kind": "translations"}, "means nothing without `kind: mining`"),
        ({"kind": "minning"}, "kind: found 'minning'; allowed: .* Did you mean 'mining'"),
    ],
)
def test_what_a_kind_asks_for_is_told(place, changed, says):
    write_spec(place, **changed)
    with pytest.raises(SpecError, match=says):
        load_corpus("mined")
