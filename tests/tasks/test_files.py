import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xstilts.errors import DataError
from xstilts.params.source import FileSplit
from xstilts.tasks.files import read_files
from xstilts.tasks.source import source_files

ROWS = "a cat\tan animal\tentailment\na cat\ta dog\tcontradiction\na cat\ta pet\tneutral\n"
XTREME = {"path": "test-{language}.tsv", "layout": "xtreme"}
NAMED = {"columns": ["premise", "hypothesis", "label"]}


@pytest.fixture
def read(task_spec, tmp_path):
    """Return a reader of one test split in the languages given."""

    def run(split, languages=("en",), **values):
        spec = task_spec({"kind": "files", "test": split}, **values)
        return read_files("made", spec, [spec.source.test], "test", languages, tmp_path)

    return run


def test_rows_keep_their_number_as_id_in_every_language(read, write):
    write("test-en.tsv", ROWS)
    write("test-de.tsv", ROWS.replace("a cat", "eine Katze"))
    split = read(XTREME, ("en", "de"))
    assert list(split.table["id"]) == ["made-test-00000", "made-test-00001", "made-test-00002"] * 2
    assert list(split.table["text_a"]) == ["a cat"] * 3 + ["eine Katze"] * 3
    assert list(split.table["label"]) == [0, 2, 1] * 2
    assert set(split.files) == {"test-en.tsv", "test-de.tsv"}
    assert all(len(digest) == 64 for digest in split.files.values())


def test_gzip_and_crlf_change_nothing(read, write):
    write("test-en.tsv", ROWS)
    plain = read(XTREME).table
    write("test-en.tsv.gz", ROWS.replace("\n", "\r\n"))
    packed = read({**XTREME, "path": "test-{language}.tsv.gz"}).table
    assert packed.equals(plain)


def test_a_group_separator_inside_a_row_breaks_nothing_and_is_counted(read, write):
    write("test-en.tsv", ROWS.replace("a dog", "a\x1d dog"))
    split = read(XTREME)
    assert len(split.table) == 3
    assert split.notes["en"] == {"unquoted": 0, "line_breaks": 1}


def test_leftover_quoting_is_counted(read, write):
    write("test-en.tsv", ROWS.replace("a dog", '"a ""dog"" it is"'))
    split = read(XTREME)
    assert split.table["text_b"][1] == 'a "dog" it is'
    assert split.notes["en"]["unquoted"] == 1


def test_a_test_file_without_labels_is_refused_with_the_reason(read, write):
    write("test-en.tsv", "a cat\tan animal\n")
    with pytest.raises(DataError) as caught:
        read(XTREME)
    for part in ("test-en.tsv", "no labels", "XTREME ships", "1/3", "source.test.labels"):
        assert part in str(caught.value)


def test_labels_come_from_a_file_of_names_for_all_languages(read, write):
    write("test-en.tsv", "a\tb\nc\td\n")
    write("test-de.tsv", "e\tf\ng\th\n")
    write("labels.txt", "neutral\ncontradiction\n")
    split = read({**XTREME, "labels": "labels.txt"}, ("en", "de"))
    assert list(split.table["label"]) == [1, 2, 1, 2]
    assert "labels.txt" in split.files


def test_labels_come_from_a_column_for_each_language(read, write):
    write("test-en.tsv", "a\tb\nc\td\n")
    write("test-de.tsv", "e\tf\nNS\th\n")
    write("labels.tsv", "id\tde\ten\n7\t1\t1\n8\t0\t1\n")
    split = read(
        {**XTREME, "labels": "labels.tsv"},
        ("en", "de"),
        labels=["different", "paraphrase"],
        label_names={"0": "different", "1": "paraphrase"},
    )
    assert list(split.table["label"]) == [1, 1, 1, 0]


def test_a_language_without_label_column_names_the_nearest(read, write):
    write("test-es.tsv", "a\tb\n")
    write("labels.tsv", "id\tde\ten\n7\t1\t1\n")
    with pytest.raises(DataError, match=r"labels.tsv: language 'es' is unknown; allowed: de, en"):
        read({**XTREME, "labels": "labels.tsv"}, ("es",))


def test_more_labels_than_rows_is_refused(read, write):
    write("test-en.tsv", "a\tb\n")
    write("labels.txt", "neutral\nneutral\n")
    with pytest.raises(DataError, match=r"labels.txt: 2 labels for the 1 rows of test-en.tsv"):
        read({**XTREME, "labels": "labels.txt"})


def test_a_label_file_beside_labelled_rows_is_refused(read, write):
    write("test-en.tsv", ROWS)
    write("labels.txt", "neutral\n" * 3)
    with pytest.raises(DataError, match=r"test-en.tsv: has labels of its own"):
        read({**XTREME, "labels": "labels.txt"})


def test_a_row_with_another_number_of_columns_is_told_with_its_line(read, write):
    write("test-en.tsv", ROWS + "a\tb\tc\tneutral\n")
    with pytest.raises(DataError, match=r"^test-en.tsv:4: 4 columns; line 1 has 3$"):
        read(XTREME)


def test_an_unknown_label_is_told_with_file_line_and_allowed_names(read, write):
    write("test-en.tsv", ROWS.replace("neutral", "nuetral"))
    with pytest.raises(DataError, match=r"test-en.tsv:3: label 'nuetral' is unknown; allowed: ent"):
        read(XTREME)


def test_another_spelling_of_a_label_is_mapped_by_name(read, write):
    write("test-en.tsv", ROWS.replace("contradiction", "contradictory"))
    split = read(XTREME, label_names={"contradictory": "contradiction"})
    assert list(split.table["label"]) == [0, 2, 1]


def test_languages_of_unequal_length_are_refused(read, write):
    write("test-en.tsv", ROWS)
    write("test-de.tsv", ROWS + ROWS)
    with pytest.raises(DataError, match=r"test-de.tsv: 6 rows in 'de', but test-en.tsv has 3 in"):
        read(XTREME, ("en", "de"))


def test_ranges_of_rows_keep_the_numbers_of_the_file(read, write):
    write("test-en.tsv", "".join(f"a {n}\tb\tneutral\n" for n in range(9)))
    split = read({**XTREME, "rows": [[1, 3], [7, 9]]})
    assert [text[-1] for text in split.table["id"]] == ["1", "2", "7", "8"]
    assert list(split.table["text_a"]) == ["a 1", "a 2", "a 7", "a 8"]


def test_a_range_past_the_end_is_refused(read, write):
    write("test-en.tsv", ROWS)
    with pytest.raises(DataError, match=r"test-en.tsv: row 8 asked, the file has 3 rows"):
        read({**XTREME, "rows": [[0, 9]]})


def test_json_lines_are_read_by_column_name(read, write):
    rows = [{"hypothesis": "b", "premise": "ä", "label": 2, "more": 1}]
    write("en.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    split = read(
        {"path": "{language}.jsonl", "layout": "jsonl", **NAMED},
        label_names={"2": "contradiction"},
    )
    assert split.table.iloc[0].to_dict() == {
        "id": "made-test-00000", "language": "en", "text_a": "ä", "text_b": "b", "label": 2,
        "group": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{not json", "en.jsonl:2: not JSON"),
        ("[1, 2]", "en.jsonl:2: found list, expected an object"),
        ('{"premise": "a", "label": 0}', "en.jsonl:2: column 'hypothesis' is unknown"),
        ('{"premise": "a", "hypothesis": null, "label": 0}', "en.jsonl:2: column 'hypothesis'"),
    ],
)
def test_a_broken_json_line_is_told_with_its_line(read, write, line, told):
    good = '{"premise": "a", "hypothesis": "b", "label": "neutral"}'
    write("en.jsonl", f"{good}\n{line}\n")
    with pytest.raises(DataError) as caught:
        read({"path": "{language}.jsonl", "layout": "jsonl", **NAMED})
    assert str(caught.value).startswith(told)


def test_csv_fields_may_hold_commas_quotes_and_line_breaks(read, write):
    write("en.csv", 'premise,hypothesis,label\r\n"a, ""b""\nc",d,neutral\r\ne,f,bad\r\n')
    split = {"path": "{language}.csv", "layout": "csv", **NAMED}
    with pytest.raises(DataError, match=r"^en.csv:4: label 'bad'"):
        read(split)
    write("en.csv", 'premise,hypothesis,label\r\n"a, ""b""\nc",d,neutral\r\n')
    assert read(split).table["text_a"][0] == 'a, "b"\nc'


def test_tsv_with_a_header_keeps_quotes_as_text(read, write):
    write("en.tsv", '\ufeffpremise\thypothesis\tlabel\n"a"\t"b\tneutral\n')
    table = read({"path": "{language}.tsv", "layout": "csv", **NAMED}).table
    assert (table["text_a"][0], table["text_b"][0]) == ('"a"', '"b')


def test_a_missing_column_names_the_nearest(read, write):
    write("en.tsv", "premise\thypotesis\tlabel\na\tb\tneutral\n")
    with pytest.raises(
        DataError, match=r"column 'hypothesis' is unknown.*Did you mean 'hypotesis'"
    ):
        read({"path": "{language}.tsv", "layout": "csv", **NAMED})


def test_parquet_files_are_read_by_column_name(read, tmp_path):
    table = pa.table({"premise": ["a"], "hypothesis": ["b"], "label": ["neutral"]})
    pq.write_table(table, tmp_path / "en.parquet")
    split = read({"path": "{language}.parquet", "layout": "parquet", **NAMED})
    assert list(split.table["label"]) == [1]


@pytest.mark.parametrize("layout", ["csv", "jsonl", "parquet"])
def test_a_layout_with_named_columns_needs_their_names(read, write, layout):
    write("test-en.tsv", '{"premise": "a"}\n')
    with pytest.raises(DataError, match=rf"layout '{layout}' needs `columns`"):
        read({"path": "test-{language}.tsv", "layout": layout})


def test_a_csv_without_header_is_read_by_place_and_its_first_row_is_data(read, write):
    write("en.csv", '1\t1\t"a ""b"""\tc\n3\t3\td\te, f\n')
    split = {"path": "en.csv", "layout": "csv", "delimiter": "tab", "columns": [2, 3, 0],
             "label_names": {"1": "neutral", "3": "entailment"}}  # fmt: skip
    table = read(split).table
    assert list(table["text_a"]) == ['a "b"', "d"]
    assert list(table["text_b"]) == ["c", "e, f"]
    assert list(table["label"]) == [1, 0]
    write("en.csv", "1\t1\ta\tc\n3\t3\td\n")
    with pytest.raises(DataError, match=r"^en.csv:2: 3 columns; the first row has 4$"):
        read(split)
    write("en.csv", "1\t1\ta\n")
    with pytest.raises(DataError, match=r"^en.csv:1: column '3' is unknown; allowed: 0, 1, 2"):
        read(split)


def test_quoting_is_undone_in_a_tsv_that_says_so(read, write):
    write("en.tsv", 'premise\thypothesis\tlabel\n"a ""b"""\tc\tneutral\n')
    split = {"path": "en.tsv", "layout": "csv", **NAMED}
    assert read(split).table["text_a"][0] == '"a ""b"""'
    assert read({**split, "quoting": True}).table["text_a"][0] == 'a "b"'


def test_a_comma_separated_file_may_keep_its_quotes(read, write):
    write("en.csv", '\ufeffpremise,hypothesis,label\n"a,"b,neutral\n')
    split = {"path": "en.csv", "layout": "csv", "quoting": False, **NAMED}
    table = read(split).table
    assert (table["text_a"][0], table["text_b"][0]) == ('"a', '"b')


def test_a_files_own_spelling_of_labels_stands_in_place_of_the_tasks(read, write):
    write("test-en.tsv", "a\tb\t1\nc\td\tentailment\n")
    split = {**XTREME, "label_names": {"1": "contradiction"}}
    assert list(read(split, label_names={"1": "neutral", "0": "neutral"}).table["label"]) == [2, 0]
    write("test-en.tsv", "a\tb\t0\n")
    with pytest.raises(DataError, match=r"label '0' is unknown; allowed: .*contradiction, 1$"):
        read(split, label_names={"0": "neutral"})


def test_rows_that_say_they_have_no_label_are_left_out_in_every_language_and_counted(read, write):
    write("test-en.tsv", ROWS.replace("contradiction", "-"))
    write("test-de.tsv", ROWS)
    with pytest.raises(DataError, match=r"test-en.tsv:2: label '-' is unknown"):
        read(XTREME)
    split = read({**XTREME, "drop_labels": ["-"]}, ("en", "de"))
    assert list(split.table["id"]) == ["made-test-00000", "made-test-00002"] * 2
    assert split.unlabelled == 1


def test_several_files_make_one_split_with_ids_of_their_own(task_spec, write, tmp_path):
    write("one-en.tsv", ROWS)
    write("one-de.tsv", ROWS.replace("a cat", "eine Katze"))
    for code in ("en", "de"):
        row = {"premise": f"{code} a", "hypothesis": "b", "label": 0}
        write(f"two-{code}.jsonl", json.dumps(row) + "\n")
    train = [
        {"path": "one-{language}.tsv", "layout": "xtreme", "rows": [[1, 3]]},
        {"path": "two-{language}.jsonl", "layout": "jsonl", **NAMED,
         "label_names": {"0": "neutral"}},
    ]  # fmt: skip
    spec = task_spec({"kind": "files", "train": train}, train_languages=["de", "en"])
    split = read_files("made", spec, spec.source.train, "train", ("en", "de"), tmp_path)
    english = split.table[split.table["language"] == "en"]
    assert list(english["id"]) == ["made-train-0-00001", "made-train-0-00002", "made-train-1-00000"]
    assert list(english["label"]) == [2, 1, 1]
    assert split.table.groupby("id")["language"].nunique().eq(2).all()
    assert set(split.files) == {"one-en.tsv", "one-de.tsv", "two-en.jsonl", "two-de.jsonl"}
    assert set(source_files(spec, tmp_path)) == {tmp_path / name for name in split.files}
    alone = task_spec({"kind": "files", "train": train[:1]}).source.parts("train")
    table = read_files("made", spec, alone, "train", ("en",), tmp_path).table
    assert list(table["id"]) == ["made-train-00001", "made-train-00002"]


@pytest.mark.parametrize("path", ["/etc/{language}", "../{language}.tsv"])
def test_a_path_out_of_the_data_folder_is_refused(read, path):
    with pytest.raises(DataError, match=r"leads out of the data folder"):
        read({"path": path, "layout": "xtreme"})


def test_an_empty_file_is_refused(read, write):
    write("test-en.tsv", "")
    with pytest.raises(DataError, match=r"test-en.tsv:1: 0 columns"):
        read(XTREME)


def test_a_layout_that_does_not_exist_is_no_spec():
    with pytest.raises(ValueError, match=r"layout"):
        FileSplit(path="a", layout="tsv")
