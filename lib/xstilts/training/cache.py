"""Token ids kept on disk: what one cell has tokenised, the others read.

An entry is a folder named by its key: ids.npy, starts.npy, sides.npy, kinds.npy where a segment
is not 0, and sums.json with the checksum of each. Labels are never kept.
"""

import hashlib
import inspect
import logging
import shutil
import tempfile
import time
import zlib
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from xstilts.encoders.folder import TOKENIZER_FILES
from xstilts.encoders.vector import open_tokenizer
from xstilts.errors import DataError
from xstilts.files import canonical_json, file_digest, read_json, write_atomically, write_json
from xstilts.params.spec import Head
from xstilts.training.text import Ints, Pairs, Texts, encode_pairs

log = logging.getLogger(__name__)

#: the files that decide what an entry holds
_CODE = [inspect.getfile(encode_pairs), inspect.getfile(open_tokenizer), __file__]
#: temporary folders of a store, and the age in seconds at which one is a killed process's
_TEMPORARY, _LEFT_OVER = "." + 64 * "[0-9a-f]" + ".*", 24 * 3600


def cached_pairs(
    store: Path, tokenizer_folder: Path, table: pd.DataFrame, head: Head, max_tokens: int
) -> Pairs:
    """Return what `encode_pairs` makes of a table, from `store` if it was made before.

    The arrays are int64 and in memory, labels and `table` the caller's. Processes may share a
    store. A damaged entry is made again; one that cannot be written is logged and done without.

    Raises:
        EncoderError: the tokenizer is needed and cannot be read.
        DataError: config.json beside the tokenizer is no JSON.
    """
    entry = store / pairs_key(tokenizer_folder, table, head, max_tokens)
    if (found := _read(entry)) is not None:
        return Pairs(*found, table["label"].to_numpy(dtype=np.int64), table)
    pairs = encode_pairs(open_tokenizer(tokenizer_folder), table, head, max_tokens)
    _keep(entry, pairs)
    return pairs


def pairs_key(tokenizer_folder: Path, table: pd.DataFrame, head: Head, max_tokens: int) -> str:
    """Return 64 hexadecimal digits of all that decides the token ids of a table.

    These are its texts in order, the tokenizer's content, whether the head reads pairs or
    each text alone, `max_tokens` and the code; not labels, ids or languages.

    Raises:
        DataError: config.json beside the tokenizer is no JSON.
    """
    facts = {
        "code": _code(), "tokenizer": _content(tokenizer_folder), "joint": head == "joint",
        "max_tokens": max_tokens, "rows": len(table),
    }  # fmt: skip
    whole = hashlib.sha256(canonical_json(facts).encode() + b"\n")
    schema = pa.schema([(name, pa.large_string()) for name in ("text_a", "text_b")])
    for column in pa.Table.from_pandas(table[schema.names], schema, preserve_index=False).columns:
        # Lengths before texts: no mark between two texts is needed, and none can be in them.
        whole.update(pc.fill_null(pc.binary_length(column), -1).to_numpy())
        for chunk in column.chunks:
            whole.update(_utf8(chunk))
    return whole.hexdigest()


def _utf8(texts: pa.LargeStringArray) -> memoryview:
    """Return the bytes of all texts as they lie in memory: making strings costs most of a hit."""
    _, offsets, data = texts.buffers()
    if not len(texts) or data is None:
        return memoryview(b"")
    bounds = np.frombuffer(offsets, np.int64)
    return memoryview(data)[bounds[texts.offset] : bounds[texts.offset + len(texts)]]


def _content(folder: Path) -> dict[str, Any]:
    files = [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]
    where = folder / "config.json"
    # Of this file the names alone: its depth differs between encoders with one tokenizer.
    config = read_json(where) if where.is_file() else {}
    names = {name: config.get(name) for name in ("model_type", "tokenizer_class")}
    return names | {path.name: file_digest(path) for path in files}


@lru_cache
def _code() -> list[str]:
    """Return digests of the modules that tokenise and keep, and versions of the libraries."""
    libraries = [version(name) for name in ("transformers", "tokenizers")]
    return [file_digest(Path(file)) for file in _CODE] + libraries


def _read(entry: Path) -> tuple[Texts, Ints] | None:
    """Return the texts and sides of an entry, or None if it is not there or not whole."""
    try:
        sums = read_json(entry / "sums.json")
        arrays = {name: _load(entry / f"{name}.npy", total) for name, total in sums.items()}
        kinds = arrays["kinds"] if "kinds" in arrays else np.zeros_like(arrays["ids"])
        return Texts(arrays["ids"], kinds, arrays["starts"]), arrays["sides"]
    except (DataError, OSError, ValueError, AttributeError, KeyError):
        return None


def _load(path: Path, total: int) -> Ints:
    if _checksum(path) != total:
        raise ValueError(f"{path}: checksum differs")
    return np.load(path, mmap_mode="r").astype(np.int64)


def _checksum(path: Path) -> int:
    return zlib.crc32(np.memmap(path, np.uint8, mode="r"))


def _keep(entry: Path, pairs: Pairs) -> None:
    """Write an entry beside its place and rename it; one that came there meanwhile stays."""
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_over(entry.parent)
        with tempfile.TemporaryDirectory(dir=entry.parent, prefix=f".{entry.name}.") as work:
            _write(Path(work) / "new", pairs)
            if entry.exists() and _read(entry) is None:
                entry.rename(Path(work) / "damaged")
            (Path(work) / "new").rename(entry)
    except OSError as error:
        if _read(entry) is None:
            log.warning("%s: token ids not kept (%s)", entry, error)


def _write(folder: Path, pairs: Pairs) -> None:
    texts = pairs.texts
    arrays = {"ids": texts.ids.astype(np.int32), "starts": texts.starts, "sides": pairs.sides}
    if texts.kinds.any():
        arrays["kinds"] = texts.kinds.astype(np.int8)
    sums = {}
    for name, array in arrays.items():
        write_atomically(folder / f"{name}.npy", lambda path, a=array: np.save(path, a))
        sums[name] = _checksum(folder / f"{name}.npy")
    write_json(folder / "sums.json", sums)


def _remove_left_over(store: Path) -> None:
    for folder in store.glob(_TEMPORARY):
        with suppress(OSError):  # another process may be removing it
            if folder.stat().st_mtime < time.time() - _LEFT_OVER:
                shutil.rmtree(folder)
