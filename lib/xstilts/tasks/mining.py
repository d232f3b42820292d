"""Files for mining: sentences under ids, most without a translation, and the pairs that are."""

from pathlib import Path

from xstilts.errors import DataError
from xstilts.tasks.files import inside
from xstilts.tasks.textfile import lines_of, read_text


def read_sentences(root: Path, where: str) -> dict[str, str]:
    """Return the sentences of a file by id, from lines `id TAB sentence`.

    Raises:
        DataError: the file is missing or broken, a line has no tab, or an id occurs twice.
    """
    found: dict[str, str] = {}
    for number, (name, sentence) in enumerate(_fields(root, where, "sentence"), start=1):
        if name in found:
            first = list(found).index(name) + 1
            raise DataError(f"{where}:{number}: id '{name}' occurs twice, first in line {first}")
        found[name] = sentence
    return found


def read_gold(
    root: Path, where: str, said: dict[str, str], english: dict[str, str]
) -> list[tuple[str, str]]:
    """Return the pairs of a file as (id, English id), from lines `id TAB English id`.

    Raises:
        DataError: the file is missing, broken or empty, a line has no tab, an id is not
            among those of its side, or a pair occurs twice.
    """
    pairs: dict[tuple[str, str], int] = {}
    for number, pair in enumerate(_fields(root, where, "English id"), start=1):
        for name, side, known in zip(pair, ("", " English"), (said, english), strict=True):
            if name not in known:
                raise DataError(
                    f"{where}:{number}: id '{name}' is unknown; allowed: an id of the "
                    f"{len(known):,}{side} sentences"
                )
        if pair in pairs:
            raise DataError(f"{where}:{number}: the pair of line {pairs[pair]} again")
        pairs[pair] = number
    if not pairs:
        raise DataError(f"{where}: no pairs; allowed: lines `id TAB English id`")
    return list(pairs)


def _fields(root: Path, where: str, what: str) -> list[tuple[str, str]]:
    """Return what stands before and after the first tab of each line."""
    rows = []
    for number, line in enumerate(lines_of(read_text(inside(root, where), where)), start=1):
        name, tab, rest = line.partition("\t")
        if not (name and tab):
            raise DataError(f"{where}:{number}: found no id before a tab; allowed: id TAB {what}")
        rows.append((name, rest))
    return rows
