"""Readers of official files: XTREME's layout, JSON lines, CSV and Parquet."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd

from xstilts.errors import DataError, unknown
from xstilts.files import file_digest
from xstilts.params import TaskSpec
from xstilts.params.source import FileSplit
from xstilts.tasks.hub import read_parquet
from xstilts.tasks.pairs import UNLABELLED, Pairs, Split, join, spellings
from xstilts.tasks.textfile import lines_of, read_text, undo_quoting


def read_files(
    task: str,
    spec: TaskSpec,
    parts: Sequence[FileSplit],
    name: str,
    languages: Sequence[str],
    root: Path,
) -> Split:
    """Return a split of a task from official files under `root`, in every language asked.

    `name` is "train" or "test". Rows are items: row i of every language's file is the
    same item, and its id is `<task>-<name>-<i>`, or `<task>-<name>-<part>-<i>` where the
    split has several parts. Items without label in some language are left out, and counted.

    Raises:
        DataError: a file is missing, broken, has the wrong number of columns, an unknown
            label, no labels at all, or another length than its translations.
    """
    tables: list[pd.DataFrame] = []
    files: dict[str, str] = {}
    notes = {language: {"unquoted": 0, "line_breaks": 0} for language in languages}
    for number, part in enumerate(parts):
        read = {code: _read_part(task, spec, part, name, code, root, files) for code in languages}
        for language, pairs in read.items():
            notes[language]["unquoted"] += pairs.unquoted
            notes[language]["line_breaks"] += pairs.line_breaks()
        prefix = f"{task}-{name}" if len(parts) == 1 else f"{task}-{name}-{number}"
        tables.append(join(prefix, spellings(spec, part), read, part.rows))
    table = pd.concat(tables, ignore_index=True)
    unlabelled = table.loc[table["label"] == UNLABELLED, "id"].unique()
    labelled = table[~table["id"].isin(unlabelled)].reset_index(drop=True)
    return Split(labelled, notes, files, len(unlabelled))


def _read_part(
    task: str,
    spec: TaskSpec,
    split: FileSplit,
    name: str,
    language: str,
    root: Path,
    files: dict[str, str],
) -> Pairs:
    """Return the rows of one file with their labels; the digests of what is read go to `files`."""
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
    return pairs


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
    """Return the rows of a file with delimited fields.

    By their names, `.csv` is comma-separated with CSV quoting (fields may hold line breaks);
    `.tsv` and `.txt` are tab-separated and quotes are text. `delimiter` and `quoting` of the
    split say otherwise. The first row names the columns, unless the split asks for them by
    place: then it is data.
    """
    text = read_text(path, where)
    named_csv = ".csv" in Path(where).suffixes
    comma = named_csv if split.delimiter is None else split.delimiter == "comma"
    delimiter = "," if comma else "\t"
    if named_csv if split.quoting is None else split.quoting:
        source = io.StringIO(text, newline="")
        rows = _counted(csv.reader(source, strict=True, delimiter=delimiter), where)
    else:
        rows = ((n, line.split(delimiter)) for n, line in enumerate(lines_of(text), start=1))
    first = next(rows, (1, []))
    if split.columns and isinstance(split.columns[0], int):
        return _named(where, split, _records(where, range(len(first[1])), chain([first], rows)))
    return _named(where, split, _records(where, first[1], rows))


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
    where: str, header: Sequence[str | int], rows: Iterable[tuple[int, list[str]]]
) -> Iterator[tuple[int, dict[str | int, str]]]:
    for number, row in rows:
        if len(row) != len(header):
            told = "the first row" if isinstance(header, range) else "the header"
            raise DataError(f"{where}:{number}: {len(row)} columns; {told} has {len(header)}")
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
