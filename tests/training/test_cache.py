import json
import multiprocessing
import os
import shutil
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training.conftest import word_tokenizer
from xstilts.encoders.vector import open_tokenizer
from xstilts.errors import EncoderError
from xstilts.tasks.item import COLUMNS, empty_table
from xstilts.training import cache
from xstilts.training.cache import cached_pairs, pairs_key
from xstilts.training.text import encode_pairs

WORDS = [f"w{place}" for place in range(30)]
HEADS = ["siamese", "aligned", "joint"]
PAIRS = [("w1 w2", "w3"), ("w3", ""), ("w1 w2", "w3"), ("", "unheard w4"), ("w5 w6 w7", "w3")]
#: what a separator could be mistaken for, and letters of one to four bytes
LETTERS = st.text(st.sampled_from([*" w1\n\t\0,|\"\\", "\x1f", "é", "ไ", "漢", "🙂"]), max_size=4)
TEXTS = LETTERS | st.text(max_size=6) | st.lists(st.sampled_from(WORDS)).map(" ".join)
MANY = st.lists(st.tuples(TEXTS, TEXTS), max_size=4)
FIXTURES = [HealthCheck.function_scoped_fixture]


def table(pairs=PAIRS, **changes):
    count = len(pairs)
    a, b = zip(*pairs, strict=True) if pairs else ((), ())
    columns = {
        "id": [f"i{place}" for place in range(count)], "language": ["en"] * count, "text_a": a,
        "text_b": b, "label": [place % 3 for place in range(count)], "group": [""] * count,
    }  # fmt: skip
    return pd.DataFrame(columns | changes).astype(COLUMNS)


def same(found, expected):
    for one, other in [
        (found.texts.ids, expected.texts.ids), (found.texts.kinds, expected.texts.kinds),
        (found.texts.starts, expected.texts.starts), (found.sides, expected.sides),
        (found.labels, expected.labels),
    ]:  # fmt: skip
        assert one.dtype == other.dtype == np.int64
        assert one.shape == other.shape
        assert (one == other).all()
    return found.table is expected.table


def entries(store):
    return sorted(path for path in store.iterdir() if not path.name.startswith("."))


@pytest.fixture(scope="module", params=[False, True], ids=["xlm-r", "bert"])
def folder(request, tmp_path_factory):
    """Return the folder of a tokenizer with one segment, then of one with two."""
    made = tmp_path_factory.mktemp("tokenizer")
    word_tokenizer(WORDS, segments=request.param).save_pretrained(made)
    return made


@pytest.fixture
def store(tmp_path):
    return tmp_path / "tokens"


@pytest.fixture
def opened(monkeypatch):
    """Return the list of tokenizers that the cache opened."""
    folders = []
    monkeypatch.setattr(
        cache, "open_tokenizer", lambda path: folders.append(path) or open_tokenizer(path)
    )
    return folders


# ---- miss and hit -------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [table(), empty_table()], ids=["rows", "empty"])
@pytest.mark.parametrize("head", HEADS)
def test_miss_and_hit_are_what_the_tokenizer_gives(folder, store, opened, head, rows):
    expected = encode_pairs(open_tokenizer(folder), rows, head, 8)
    for _ in range(2):
        assert same(cached_pairs(store, folder, rows, head, 8), expected)
    assert opened == [folder]
    assert [path.name for path in entries(store)] == [pairs_key(folder, rows, head, 8)]
    assert len(list(store.iterdir())) == 1


@settings(suppress_health_check=FIXTURES, max_examples=25, deadline=None)
@given(pairs=MANY, head=st.sampled_from(HEADS), longest=st.integers(5, 12))
def test_any_texts_are_read_as_they_were_written(folder, store, pairs, head, longest):
    rows = table(pairs)
    expected = encode_pairs(open_tokenizer(folder), rows, head, longest)
    assert same(cached_pairs(store, folder, rows, head, longest), expected)
    assert same(cached_pairs(store, folder, rows, head, longest), expected)


def test_a_hit_may_be_written_to(folder, store):
    for _ in range(2):
        pairs = cached_pairs(store, folder, table(), "siamese", 8)
        pairs.texts.ids[:] = 0
    assert cached_pairs(store, folder, table(), "siamese", 8).texts.ids.any()


def test_segments_are_kept_where_there_are_some(folder, store):
    some = cached_pairs(store, folder, table(), "joint", 16).texts.kinds.any()
    assert (entries(store)[0] / "kinds.npy").is_file() == some
    assert np.load(entries(store)[0] / "ids.npy").dtype == np.int32


def test_a_hit_takes_little_time(folder, store):
    words = np.random.default_rng(0).choice(WORDS, (2, 20_000, 15))
    a, b = ([" ".join(row) for row in side] for side in words)
    rows = table(list(zip(a, b, strict=True)))
    cached_pairs(store, folder, rows, "siamese", 40)
    begun = time.perf_counter()
    assert cached_pairs(store, folder, rows, "siamese", 40).lengths.sum() == 20_000 * 2 * 17
    assert time.perf_counter() - begun < 0.5  # 10 ms on an idle core


def test_a_tokenizer_that_is_not_there_is_an_error(tmp_path, store):
    with pytest.raises(EncoderError, match="tokenizer not readable"):
        cached_pairs(store, tmp_path / "none", table(), "joint", 8)
    assert not store.exists()


# ---- key ----------------------------------------------------------------------------------


def test_labels_ids_and_languages_are_the_callers(folder, store, opened):
    first = table()
    second = table(label=[2] * 5, id=list("abcde"), language=["de"] * 5, group=["g"] * 5)
    cached_pairs(store, folder, first, "siamese", 8)
    found = cached_pairs(store, folder, second, "siamese", 8)
    assert found.table is second
    assert found.labels.tolist() == [2] * 5
    assert len(opened) == len(entries(store)) == 1


def test_siamese_and_aligned_share_an_entry(folder, store, opened):
    for head in HEADS:
        cached_pairs(store, folder, table(), head, 8)
    assert len(opened) == len(entries(store)) == 2


@pytest.mark.parametrize(
    "pairs",
    [PAIRS[:-1], PAIRS[::-1], [(b, a) for a, b in PAIRS], [*PAIRS[:-1], ("w5 w6 w7 ", "w3")]],
    ids=["fewer", "order", "sides", "blank"],
)
def test_other_texts_are_another_entry(folder, pairs):
    assert pairs_key(folder, table(pairs), "joint", 8) != pairs_key(folder, table(), "joint", 8)


@settings(suppress_health_check=FIXTURES, max_examples=100, deadline=None)
@given(one=MANY, other=MANY)
def test_the_key_tells_any_two_tables_apart(folder, one, other):
    keys = [pairs_key(folder, table(pairs), "joint", 8) for pairs in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


def test_texts_that_run_into_each_other_are_told_apart(folder):
    tables = [
        [("ab", "c")], [("a", "bc")], [("abc", "")], [("", "abc")], [("a", "c"), ("b", "")],
        [("a", ""), ("b", "c")], [("a\0b", "c")], [("", ""), ("ab", "c")], [("ab", "c"), ("", "")],
        [(None, "abc")],
    ]  # fmt: skip
    assert len({pairs_key(folder, table(pairs), "joint", 8) for pairs in tables}) == len(tables)


def test_how_a_table_lies_in_memory_does_not_matter(folder):
    whole = table()
    parts = pd.concat([whole.iloc[:2], whole.iloc[2:]])
    cut = pd.concat([table([("w9", "w8")]), whole]).iloc[1:]
    objects = whole.astype({"text_a": object, "text_b": object})
    tables = [whole, parts, cut, objects, whole.set_index("language", drop=False)]
    assert len({pairs_key(folder, rows, "joint", 8) for rows in tables}) == 1


def test_longest_input_and_code_are_in_the_key(folder, monkeypatch):
    key = pairs_key(folder, table(), "joint", 8)
    assert pairs_key(folder, table(), "joint", 9) != key
    monkeypatch.setattr(cache, "_code", lambda: ["edited"])
    assert pairs_key(folder, table(), "joint", 8) != key


def test_the_tokenizers_content_is_in_the_key_and_not_its_place(folder, tmp_path):
    key = pairs_key(folder, table(), "joint", 8)
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "model.safetensors").write_bytes(b"trained")
    (copy / "config.json").write_text(json.dumps({"num_hidden_layers": 3}))
    assert pairs_key(copy, table(), "joint", 8) == key
    (copy / "config.json").write_text(json.dumps({"model_type": "deberta-v2"}))
    assert pairs_key(copy, table(), "joint", 8) != key
    (copy / "config.json").unlink()
    text = (copy / "tokenizer.json").read_text()
    (copy / "tokenizer.json").write_text(text.replace('"w29"', '"w30"'))
    assert pairs_key(copy, table(), "joint", 8) != key


# ---- damage -------------------------------------------------------------------------------


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-4])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


DAMAGE = {
    "cut": cut_short, "flipped": flip, "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""), "list": lambda path: path.write_text("[1]"),
    "object": lambda path: path.write_text("{}"),
}  # fmt: skip


@pytest.mark.parametrize("name", ["ids.npy", "starts.npy", "sides.npy", "sums.json"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_entry_is_made_again(folder, store, opened, damage, name):
    rows = table()
    expected = cached_pairs(store, folder, rows, "joint", 8)
    damage(entries(store)[0] / name)
    assert same(cached_pairs(store, folder, rows, "joint", 8), expected)
    assert len(opened) == 2
    assert same(cached_pairs(store, folder, rows, "joint", 8), expected)
    assert len(opened) == 2
    assert len(list(store.iterdir())) == 1


def test_an_entry_that_is_a_file_is_made_again(folder, store, opened):
    store.mkdir()
    (store / pairs_key(folder, table(), "joint", 8)).write_text("")
    for _ in range(2):
        cached_pairs(store, folder, table(), "joint", 8)
    assert len(opened) == 1


def test_left_over_folders_are_removed_after_a_day(folder, store):
    names = [f".{'a' * 64}.old", f".{'b' * 64}.new", ".git", "c" * 64]
    for name in names:
        (store / name / "new").mkdir(parents=True)
    for name in names:
        if "new" not in name:
            os.utime(store / name, (0, time.time() - 25 * 3600))
    cached_pairs(store, folder, table(), "joint", 8)
    key = pairs_key(folder, table(), "joint", 8)
    assert {path.name for path in store.iterdir()} == {key, *names[1:]}


def test_a_store_that_cannot_be_written_costs_time_only(folder, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    rows = table()
    expected = encode_pairs(open_tokenizer(folder), rows, "joint", 8)
    assert same(cached_pairs(tmp_path / "file" / "tokens", folder, rows, "joint", 8), expected)
    assert "token ids not kept" in caplog.text


def test_an_entry_that_cannot_be_finished_leaves_nothing(folder, store, monkeypatch, caplog):
    def full(path, value):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "write_json", full)
    cached_pairs(store, folder, table(), "joint", 8)
    assert list(store.iterdir()) == []
    assert "No space left" in caplog.text


# ---- several processes --------------------------------------------------------------------


def test_an_entry_that_came_meanwhile_stays(folder, store, monkeypatch, caplog):
    rows = table()

    def slow(*arguments):
        monkeypatch.setattr(cache, "encode_pairs", encode_pairs)
        cached_pairs(store, folder, rows, "joint", 8)
        (entries(store)[0] / "theirs").write_text("")
        return encode_pairs(*arguments)

    monkeypatch.setattr(cache, "encode_pairs", slow)
    pairs = cached_pairs(store, folder, rows, "joint", 8)
    assert (entries(store)[0] / "theirs").is_file()
    assert len(list(store.iterdir())) == 1
    assert same(cached_pairs(store, folder, rows, "joint", 8), pairs)
    assert not caplog.text


def _fill(store, folder, rows, gate, queue):
    gate.wait()
    pairs = cached_pairs(store, folder, rows, "siamese", 8)
    queue.put((pairs.texts.ids, pairs.texts.starts, pairs.sides, pairs.labels))


def _die(store, folder, rows):
    cache.write_json = lambda path, value: os._exit(9)
    cached_pairs(store, folder, rows, "siamese", 8)


def test_processes_share_a_store_and_may_be_killed(tmp_path, store, opened):
    """One is killed while it writes; then two write the same entry at once."""
    folder = tmp_path / "tokenizer"
    word_tokenizer(WORDS).save_pretrained(folder)
    rows = table(PAIRS * 50)
    # a fork of this process, in which tokenizers have threads, might hang
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__])
    gate, queue = server.Barrier(2), server.Queue()
    killed = server.Process(target=_die, args=(store, folder, rows))
    killed.start()
    killed.join(120)
    assert killed.exitcode == 9
    assert entries(store) == []
    assert len(list(store.iterdir())) == 1
    both = [server.Process(target=_fill, args=(store, folder, rows, gate, queue)) for _ in range(2)]
    for process in both:
        process.start()
    found = [queue.get(timeout=120) for _ in both]
    for process in both:
        process.join(120)
        assert process.exitcode == 0
    assert len(entries(store)) == 1
    here = cached_pairs(store, folder, rows, "siamese", 8)
    assert opened == []
    for arrays in found:
        for one, other in zip(
            arrays, (here.texts.ids, here.texts.starts, here.sides, here.labels), strict=True
        ):
            assert (one == other).all()
    assert same(here, encode_pairs(open_tokenizer(folder), rows, "siamese", 8))
