import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.errors import DataError
from xstilts.tasks.textfile import lines_of, read_text, undo_quoting


@pytest.mark.parametrize("mark", ["\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\x0b", "\r"])
def test_only_the_line_feed_ends_a_line(mark):
    assert lines_of(f"one{mark}still one\ntwo\n") == [f"one{mark}still one", "two"]


def test_a_carriage_return_before_the_line_feed_belongs_to_the_line_end():
    assert lines_of("one\tneutral\r\ntwo\tneutral\r\n") == ["one\tneutral", "two\tneutral"]


def test_a_last_line_without_line_end_counts():
    assert lines_of("one\ntwo") == ["one", "two"]
    assert lines_of("") == []


@pytest.mark.parametrize(
    ("field", "text", "undone"),
    [
        ('"so ""x"" it is"', 'so "x" it is', True),
        ('"""x"" it is"', '"x" it is', True),
        ('"""x"""', '"x"', True),
        ('"a sentence in quotes"', '"a sentence in quotes"', False),
        ('"x" and "y"', '"x" and "y"', False),
        ('says "x"', 'says "x"', False),
        ('a ""x"" b', 'a ""x"" b', False),
        ('""', '""', False),
        ('"', '"', False),
        ("", "", False),
    ],
)
def test_leftover_quoting_is_undone_where_csv_wrote_it_and_nowhere_else(field, text, undone):
    assert undo_quoting(field) == (text, undone)


@given(st.text(alphabet='a" ,é', max_size=12))
def test_undoing_reverses_what_the_csv_module_writes(text):
    line = io.StringIO()
    csv.writer(line, delimiter="\t", lineterminator="").writerow([text, "b"])
    written = line.getvalue().removesuffix("\tb")
    read, _ = undo_quoting(written)
    if written != text:  # it was quoted
        assert read == text


def test_a_byte_order_mark_is_no_text(write):
    assert read_text(write("bom.tsv", b"\xef\xbb\xbfid\tlabel"), "bom.tsv") == "id\tlabel"


def test_broken_utf8_is_told_with_its_line(write):
    path = write("bad.tsv.gz", b"good\nba\xffd\n")
    with pytest.raises(DataError, match=r"^bad.tsv.gz:2: not UTF-8 \(byte 0xff\)$"):
        read_text(path, "bad.tsv.gz")


def test_a_truncated_gzip_file_is_told(write, tmp_path):
    path = tmp_path / "cut.tsv.gz"
    path.write_bytes(gzip.compress(b"text\n" * 500)[:-20])
    with pytest.raises(DataError, match=r"cut.tsv.gz: broken gzip file"):
        read_text(path, "cut.tsv.gz")


def test_a_missing_file_is_told_by_its_name_in_the_data_folder(tmp_path):
    with pytest.raises(DataError, match=r"^xnli/none.tsv: file not found"):
        read_text(tmp_path / "xnli" / "none.tsv", "xnli/none.tsv")
