import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.errors import BusyError, DataError
from xstilts.files import (
    canonical_json,
    digest,
    exclusive,
    file_digest,
    read_json,
    write_atomically,
    write_json,
    write_text,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
HOLDER = """
import sys, time
from pathlib import Path
from xstilts.files import exclusive
with exclusive(Path(sys.argv[1]), "busy"):
    print("held", flush=True)
    time.sleep(60)
"""


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "old")
    write_text(path, "näw")
    assert path.read_bytes() == "näw".encode()
    assert listing(path.parent) == ["a.txt"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_old_file_stays_if_the_writer_raises(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fails(temporary):
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fails)
    assert path.read_text() == "old"
    assert listing(tmp_path) == ["a.txt"]


def test_a_reader_sees_the_old_file_while_the_new_one_is_written(tmp_path):
    path = tmp_path / "a.parquet"
    write_text(path, "old")

    def look(temporary):
        assert temporary.parent == path.parent
        assert temporary.suffix == ".parquet"
        temporary.write_text("new")
        assert path.read_text() == "old"

    write_atomically(path, look)
    assert path.read_text() == "new"


def test_a_writer_may_replace_the_temporary_file(tmp_path):
    def replace(temporary):
        temporary.unlink()
        temporary.write_text("new")

    write_atomically(tmp_path / "a", replace)
    assert (tmp_path / "a").read_text() == "new"


@settings(max_examples=40)
@given(VALUES)
def test_json_comes_back_as_it_was_written(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "value.json"
    write_json(path, value)
    assert read_json(path) == value


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_the_order_of_keys_does_not_enter_a_digest(value):
    turned = dict(reversed(value.items()))
    assert canonical_json(turned) == canonical_json(value)
    assert digest(turned) == digest(value)
    assert len(digest(value)) == 16


def test_different_values_have_different_digests():
    values = [1, "1", 1.5, True, None, [], {}, [1], ["1"], {"a": 1}, {"a": "1"}, {"b": 1}, ""]
    assert len({digest(value) for value in values}) == len(values)


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path):
    content = os.urandom(3_000_000)
    (tmp_path / "a").write_bytes(content)
    assert file_digest(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_a_missing_or_broken_json_file_is_named_with_its_line(tmp_path):
    with pytest.raises(DataError, match=r"a\.json: file not found"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"a": 1,\n"b"')
    with pytest.raises(DataError, match=r"a\.json:2: not JSON"):
        read_json(tmp_path / "a.json")


def test_a_json_file_of_other_bytes_is_refused(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(DataError, match=r"a\.json: not JSON"):
        read_json(tmp_path / "a.json")


def test_a_held_lock_is_refused_with_the_message(tmp_path):
    path = tmp_path / "deep" / ".lock"
    with (
        exclusive(path, "first"),
        pytest.raises(BusyError, match=r"^cell x is busy$"),
        exclusive(path, "cell x is busy"),
    ):
        pass
    with exclusive(path, "again"):
        pass


def test_a_lock_is_freed_by_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path / "lock", "busy"):
        raise ZeroDivisionError
    with exclusive(tmp_path / "lock", "busy"):
        pass


def test_a_waiting_process_gets_the_lock_after_it_is_freed(tmp_path):
    order = []

    def second():
        with exclusive(tmp_path / "lock", "busy", wait=True):
            order.append("second")

    with exclusive(tmp_path / "lock", "busy"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_lock_is_freed_however_its_process_dies(tmp_path):
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline().strip() == "held"
            with pytest.raises(BusyError, match="other"), exclusive(path, "other"):
                pass
        finally:
            holder.send_signal(signal.SIGKILL)
    with exclusive(path, "free"):
        assert json.dumps(holder.returncode) == str(-signal.SIGKILL)
