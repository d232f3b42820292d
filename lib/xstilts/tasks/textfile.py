"""Text files as rows: gzip, byte order marks, line ends and leftover quoting, each in one place."""

import gzip
import zlib
from pathlib import Path

from xstilts.errors import DataError


def read_text(path: Path, where: str) -> str:
    """Return a UTF-8 file's text, unpacked if it ends in `.gz`, without byte order mark.

    Raises:
        DataError: the file is missing, its gzip stream is broken, or it is not UTF-8
            (with the line).
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{where}: file not found in the data folder") from None
    except OSError as error:
        raise DataError(f"{where}: cannot be read ({error.strerror})") from None
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{where}: broken gzip file ({error})") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{where}:{line}: not UTF-8 (byte 0x{data[error.start]:02x})") from None


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, broken at the line feed alone.

    `str.splitlines` also breaks at U+001C to U+001E, U+0085 and U+2028, which occur inside
    XNLI's Greek and PAWS-X's Korean rows. A carriage return before the line feed belongs
    to the line end: XTREME writes its files with `csv.writer`, hence with CRLF.
    """
    lines = text.split("\n")
    if lines and lines[-1] in ("", "\r"):
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def undo_quoting(field: str) -> tuple[str, bool]:
    """Return the field without leftover CSV quoting, and whether there was any.

    XTREME writes rows with `csv.writer`, so that a field holding a quote is put in quotes
    with its own quotes doubled (`"so ""x"" it is"`), and reads them with `quotechar=None`:
    its models see the doubled quotes (google-research/xtreme, utils_preprocess.py). Here
    they are undone, and counted. Only a field that starts and ends with a quote and holds
    nothing but doubled quotes between, at least one pair, was written so: QUOTE_MINIMAL
    quotes no other. A sentence that simply stands in quotes stays as it is.
    """
    if len(field) < 4 or field[0] != '"' or field[-1] != '"':
        return field, False
    inner = field[1:-1]
    if '""' not in inner or '"' in inner.replace('""', ""):
        return field, False
    return inner.replace('""', '"'), True
