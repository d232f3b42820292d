"""Readers of official files: XTREME's layout, JSON lines, CSV and Parquet."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from xstilts.errors import DataError, unknown
from xstilts.files import file_digest
from xstilts.params import TaskSpec
from xstilts.params.spec import FileSplit
from xstilts.tasks.hub import read_parquet
from xstilts.tasks.pairs import Pairs, Split, join
from xstilts.tasks.textfile import lines_of, read_text, undo_quoting


def read_files(
    task: str, spec: TaskSpec, split: FileSplit, name: str, languages: Sequence[str], root: Path
) -> Split:
    """Return a split of a task from official files under `root`, in every language asked.

    `name` is "train" or "test". Rows are items: row i of every language's file is the
    same item, and its id is `<task>-<name>-<i>`.

    Raises:
        DataError: a file is missing, broken, has the wrong number of columns, an unknown
            label, no labels at all, or another length than its translations.
    """
    read: dict[str, Pairs] = {}
    files: dict[str, str] = {}
    for language in languages:
        relative = split.path.replace("{language}", language)
        path = inside(root, relative)
        pairs = LAYOUTS[split.layout](path, relative, split)
        files[relative] = file_digest(path)
        if split.labels is not None:
            labels = split.labels.replace("{language}", language)
            pairs = with_labels(pairs, inside(root, labels), labels, language)
            files[labels] = file_digest(root / labels)
        elif pairs.labels is None:
            raise DataError(
                f"{relative}: no labels (2 columns); XTREME ships its test files so, and a score "
                f"against placeholders would be about 1/{len(spec.labels)}. Name a file with the "
                f"labels: params/tasks/{task}.yaml: source.{name}.labels"
            )
        read[language] = pairs
    notes = {
        language: {"unquoted": pairs.unquoted, "line_breaks": pairs.line_breaks()}
        for language, pairs in read.items()
    }
    return Split(join(f"{task}-{name}", spec, read, split.rows), notes, files)


def inside(root: Path, relative: str) -> Path:
    """Return the path of a file of the data folder.

    Raises:
        DataError: the path leads out of the folder.
    """
    if Path(relative).is_absolute() or ".." in Path(relative).parts:
        raise DataError(f"{relative}: leads out of the data folder; allowed: a path below it")
    return root / relative


def read_xtreme(path: Path, where: str, split: FileSplit) -> Pairs:
    """Return XTREME's rows: text, text and (except in test files) label, tab-separated.

    There is no header and no quoting; leftover quoting is undone and counted (see
    `undo_quoting`). Source: google-research/xtreme, utils_preprocess.py.
    """
    lines = lines_of(read_text(path, where))
    width = lines[0].count("\t") + 1 if lines else 0
    if width not in (2, 3):
        raise DataError(f"{where}:1: {width} columns; expected text, text and label, by tabs")
    pairs = Pairs(where, [], [], [] if width == 3 else None, list(range(1, len(lines) + 1)))
    for number, line in enumerate(lines, start=1):
        fields = line.split("\t")
        if len(fields) != width:
            raise DataError(f"{where}:{number}: {len(fields)} columns; line 1 has {width}")
        text_a, quoted_a = undo_quoting(fields[0])
        text_b, quoted_b = undo_quoting(fields[1])
        pairs.text_a.append(text_a)
        pairs.text_b.append(text_b)
        pairs.unquoted += quoted_a + quoted_b
        if pairs.labels is not None:
            pairs.labels.append(fields[2])
    return pairs


def read_jsonl(path: Path, where: str, split: FileSplit) -> Pairs:
    """Return the rows of a file with one JSON object a line."""
    records = []
    for number, line in enumerate(lines_of(read_text(path, where)), start=1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{where}:{number}: not JSON ({error.msg})") from None
        if not isinstance(record, dict):
            raise DataError(f"{where}:{number}: found {type(record).__name__}, expected an object")
        records.append((number, record))
    return _named(where, split, iter(records))


def read_csv(path: Path, where: str, split: FileSplit) -> Pairs:
    """Return the rows of a file whose first row names the columns.

    `.csv` is comma-separated with CSV quoting (fields may hold line breaks); `.tsv` and
    `.txt` are tab-separated and quotes are text, as in every official file so named.
    """
    text = read_text(path, where)
    if ".csv" in Path(where).suffixes:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = _counted(reader, where)
    else:
        lines = lines_of(text)
        rows = ((n, line.split("\t")) for n, line in enumerate(lines, start=1))
    header = next(rows, (0, []))[1]
    return _named(where, split, _records(where, header, rows))


def _counted(reader: Iterator[list[str]], where: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, row): the line on which each row starts, from 1."""
    while True:
        start = reader.line_num + 1  # type: ignore[attr-defined]
        try:
            yield start, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{where}:{start}: not CSV ({error})") from None


def _records(
    where: str, header: list[str], rows: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, dict[str, str]]]:
    for number, row in rows:
        if len(row) != len(header):
            raise DataError(f"{where}:{number}: {len(row)} columns; the header has {len(header)}")
        yield number, dict(zip(header, row, strict=True))


def _named(where: str, split: FileSplit, records: Iterator[tuple[int, dict]]) -> Pairs:
    if split.columns is None:
        raise DataError(f"{where}: layout '{split.layout}' needs `columns`: text_a, text_b, label")
    pairs = Pairs(where, [], [], [], [])
    for number, record in records:
        for column in split.columns:
            if record.get(column) is None:
                raise DataError(unknown("column", column, record, f"{where}:{number}"))
        text_a, text_b, label = (record[column] for column in split.columns)
        pairs.text_a.append(str(text_a))
        pairs.text_b.append(str(text_b))
        pairs.labels.append(str(label))  # type: ignore[union-attr]
        pairs.lines.append(number)
    if not pairs.lines:
        raise DataError(f"{where}: no rows")
    return pairs


def read_table(path: Path, where: str, split: FileSplit) -> Pairs:
    """Return the rows of a Parquet file."""
    if split.columns is None:
        raise DataError(f"{where}: layout 'parquet' needs `columns`: text_a, text_b, label")
    return read_parquet([path], where, split.columns)


LAYOUTS: dict[str, Callable[[Path, str, FileSplit], Pairs]] = {
    "xtreme": read_xtreme,
    "jsonl": read_jsonl,
    "csv": read_csv,
    "parquet": read_table,
}


def with_labels(pairs: Pairs, path: Path, where: str, language: str) -> Pairs:
    """Return the rows with the labels that a file beside them holds.

    A `.tsv` file has a header and a column per language (labels of PAWS-X differ between
    languages: an untranslated row is a negative); any other has one label a line, valid
    for every language.

    Raises:
        DataError: the rows have labels of their own, the language has no column, or the
            two files differ in length.
    """
    if pairs.labels is not None:
        raise DataError(f"{pairs.where}: has labels of its own; `labels: {where}` is not needed")
    lines = lines_of(read_text(path, where))
    if ".tsv" in Path(where).suffixes:
        header, *rows = [line.split("\t") for line in lines]
        if language not in header:
            raise DataError(unknown("language", language, header[1:], where))
        for number, row in enumerate(rows, start=2):
            if len(row) != len(header):
                raise DataError(f"{where}:{number}: {len(row)} columns; expected {len(header)}")
        labels = [row[header.index(language)] for row in rows]
    else:
        labels = lines
    if len(labels) != len(pairs):
        raise DataError(f"{where}: {len(labels)} labels for the {len(pairs)} rows of {pairs.where}")
    return Pairs(pairs.where, pairs.text_a, pairs.text_b, labels, pairs.lines, pairs.unquoted)
