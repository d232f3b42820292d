from xstilts.tasks.audit import COLUMNS, LATER, audit_split, audit_table
from xstilts.tasks.item import Item, to_table

LABELS = ("different", "paraphrase")


def rows(*values):
    return to_table([Item(*value) for value in values], LABELS)


READ = rows(
    ("t-0", "en", "one", "two", "paraphrase"),
    ("t-1", "en", "one", "two", "paraphrase"),
    ("t-2", "en", "same", "same", "different"),
    ("t-0", "de", "eins", "zwei", "paraphrase"),
    ("t-1", "de", " NS ", "zwei", "different"),
    ("t-2", "de", "drei", "vier", "different"),
)
KEPT = READ[READ["id"] != "t-2"]
NOTES = {"de": {"unquoted": 4, "line_breaks": 1}}


def audit(**values):
    records = audit_split("made", "test", READ, KEPT, LABELS, marks=("NS",), notes=NOTES, **values)
    return {record["language"]: record for record in records}


def test_rows_items_and_labels_are_counted_by_language():
    english = audit()["en"]
    assert (english["rows"], english["items"]) == (3, 2)
    assert english["file_labels"] == [["different", 1], ["paraphrase", 2]]
    assert english["labels"] == [["different", 0], ["paraphrase", 2]]


def test_marks_duplicates_and_identical_pairs_are_counted():
    found = audit()
    assert (found["en"]["duplicates"], found["en"]["identical"], found["en"]["marked"]) == (1, 1, 0)
    assert (found["en"]["marks"], found["de"]["marks"]) == ([["NS", 0]], [["NS", 1]])
    assert (found["de"]["duplicates"], found["de"]["identical"], found["de"]["marked"]) == (0, 0, 1)


def test_labels_that_differ_from_english_are_counted_and_break_alignment():
    found = audit()
    assert (found["en"]["differing"], found["en"]["aligned"]) == (0, True)
    assert (found["de"]["differing"], found["de"]["aligned"]) == (1, False)


def test_what_the_reader_saw_and_what_was_dropped_is_carried_on():
    german = audit(dropped={"dropped_marked": 3, "dropped_test_text": 5})["de"]
    assert (german["unquoted"], german["line_breaks"]) == (4, 1)
    assert (german["dropped_marked"], german["dropped_test_text"]) == (3, 5)
    assert {german[name] for name in LATER} == {0}


def test_rows_without_label_count_among_the_rows_of_the_file():
    english = audit(dropped={"dropped_unlabelled": 2})["en"]
    assert (english["rows"], english["dropped_unlabelled"]) == (5, 2)
    assert sum(count for _, count in english["file_labels"]) == 3


def test_the_table_has_a_row_for_each_record_and_reads_well():
    table = audit_table(audit().values())
    assert list(table.columns) == list(COLUMNS)
    assert table["file_labels"].tolist() == ["different 1, paraphrase 2"] * 1 + [
        "different 2, paraphrase 1"
    ]
    assert len(audit_table([])) == 0
