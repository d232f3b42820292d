"""A made-up 4-bit encoder in the format of the wheel, written without the code under test."""

import hashlib
import math
import random
import struct
import zipfile
from pathlib import Path

from xstilts.params.spec import WheelSource

HIDDEN, LAYERS, HEADS, WIDE, POSITIONS, SEGMENTS = 32, 3, 4, 64, 140, 2
#: rows of the table that have no word piece, as in the real file
SPARE = 5
FILE = "made/weights.bin"


def word_pieces() -> list[tuple[str, float]]:
    """Return 58 pieces: letters, pairs and words with scores, XLM-R's specials around them.

    The letters q and x have no piece of their own; x has one with another letter.
    """
    draw = random.Random(3)
    letters = list("▁abcdefghijklmnoprstuvwyz,.?")
    longer = ["▁a", "▁the", "▁is", "ca", "th", "an", "in", "er", "on", "ax", "ing", "▁no", "▁do",
              "en", "es", "▁un", "ch", "ab", "bc", "abc", "▁w", "ee", "la", "re", "ti"]  # fmt: skip
    scored = [(piece, round(-draw.uniform(2, 14), 3)) for piece in letters + longer]
    specials = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    return [*specials, *scored, ("<mask>", 0.0)]


def pack(values: list[float]) -> tuple[bytes, list[float]]:
    """Return the Q4_0 bytes of `values` and the values that they stand for."""
    packed, meant = b"", []
    for start in range(0, len(values), 32):
        block = values[start : start + 32]
        largest = max(block, key=abs)
        scale = struct.unpack("<e", struct.pack("<e", largest / -8))[0]
        levels = [min(15, max(0, round(value / scale) + 8)) if scale else 8 for value in block]
        packed += struct.pack("<e", scale)
        packed += bytes(levels[place] + 16 * levels[place + 16] for place in range(16))
        meant += [(level - 8) * scale for level in levels]
    return packed, meant


def shapes(rows: int) -> dict[str, tuple[tuple[int, ...], int]]:
    """Return the shape and dtype (0: f32, 1: Q4_0) of every tensor."""
    found = {
        "emb.word": ((rows, HIDDEN), 1),
        "emb.pos": ((POSITIONS, HIDDEN), 0),
        "emb.type": ((SEGMENTS, HIDDEN), 0),
        "emb.ln.w": ((HIDDEN,), 0),
        "emb.ln.b": ((HIDDEN,), 0),
    }
    for layer in range(LAYERS):
        for part in ("q", "k", "v", "ao", "fi", "fo"):
            outputs = WIDE if part == "fi" else HIDDEN
            inputs = WIDE if part == "fo" else HIDDEN
            found[f"l{layer}.{part}.w"] = ((outputs, inputs), 1)
            found[f"l{layer}.{part}.b"] = ((outputs,), 0)
        for part in ("aln", "oln"):
            found[f"l{layer}.{part}.w"] = ((HIDDEN,), 0)
            found[f"l{layer}.{part}.b"] = ((HIDDEN,), 0)
    return found


def content(
    *,
    magic: bytes = b"E5S1",
    version: int = 1,
    block: int = 32,
    dtype: int | None = None,
    without: str = "",
    wide: int = WIDE,
    pieces: list[tuple[str, float]] | None = None,
) -> tuple[bytes, dict[str, list[float]]]:
    """Return the bytes of a file and the values of its tensors; the arguments break it."""
    pieces = pieces or word_pieces()
    rows = len(pieces) + SPARE
    draw = random.Random(7)
    tensors, meant = {}, {}
    for name, (shape, kind) in shapes(rows).items():
        values = [draw.gauss(0, 0.3) for _ in range(math.prod(shape))]
        if kind:
            tensors[name], meant[name] = pack(values)
        else:
            tensors[name] = struct.pack(f"<{len(values)}f", *values)
            meant[name] = list(struct.unpack(f"<{len(values)}f", tensors[name]))
    head = magic + struct.pack("<I7i", version, HIDDEN, LAYERS, HEADS, wide, rows, POSITIONS, 2)
    head += struct.pack("<fi", 1e-12, block)
    blobs = [piece.encode() for piece, _ in pieces]
    ends = [sum(map(len, blobs[:place])) for place in range(len(blobs) + 1)]
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, ends[-1])
    head += struct.pack(f"<{len(ends)}I", *ends)
    head += struct.pack(f"<{len(pieces)}f", *(score for _, score in pieces)) + b"".join(blobs)
    head += struct.pack("<iI", 2, 14) + struct.pack("<IB", 1, 0) + struct.pack("<IBI", 9, 1, 32)
    names = [name for name in tensors if name != without]
    head += struct.pack("<i", len(names))
    at = len(head) + sum(2 + len(name) + 21 for name in names)
    for name in names:
        shape, kind = shapes(rows)[name]
        size = len(tensors[name])
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", kind if dtype is None else dtype, math.prod(shape), at, size)
        at += size
    return head + b"".join(tensors[name] for name in names), meant


def write_wheel(
    folder: Path, data: bytes, *, platform: str = "manylinux_2_17_x86_64"
) -> tuple[Path, WheelSource]:
    """Write a wheel that holds the file, and return what a parameter file says of it."""
    path = folder / f"made-1.0-py3-none-{platform}.whl"
    tag = f"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: false\nTag: py3-none-{platform}\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(FILE, data)
        archive.writestr("made-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: made\n"
                         "Version: 1.0\n")  # fmt: skip
        archive.writestr("made-1.0.dist-info/WHEEL", tag)
        archive.writestr("made-1.0.dist-info/RECORD", "")
    return path, WheelSource(
        kind="wheel", package="made", version="1.0", platform=platform, file=FILE,
        wheel_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        file_sha256=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip
