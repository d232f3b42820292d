import json

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xstilts.errors import DataError
from xstilts.tasks.hub import read_hub

SPLIT = {
    "id": "owner/pairs",
    "revision": "0123abc",
    "config": "{language}",
    "split": "test",
    "columns": ["premise", "hypothesis", "label"],
}
HUB_ORDER = ["entailment", "neutral", "contradiction"]
XTREME_ORDER = ["contradiction", "entailment", "neutral"]


@pytest.fixture
def put(tmp_path):
    """Return a writer of one Parquet file of the local copy of a data set."""

    def write(language, labels, names=None, part="00000-of-00001", first=0):
        rows = range(first, first + len(labels))
        table = pa.table(
            {
                "premise": [f"{language} p{n}" for n in rows],
                "hypothesis": [f"{language} h{n}" for n in rows],
                "label": pa.array(labels),
            }
        )
        if names:
            features = {"label": {"names": names, "_type": "ClassLabel"}}
            metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
            table = table.replace_schema_metadata(metadata)
        folder = tmp_path / "hub" / "owner" / "pairs" / language
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / f"test-{part}.parquet")

    return write


@pytest.fixture
def read(task_spec, tmp_path):
    def run(languages=("en",), root=tmp_path, **values):
        spec = task_spec({"kind": "hub", "test": SPLIT}, **values)
        return read_hub("made", spec, spec.source.test, "test", languages, root)

    return run


@pytest.mark.parametrize("order", [HUB_ORDER, XTREME_ORDER])
def test_whole_number_labels_are_named_by_the_files_own_metadata(read, put, order):
    put("en", [order.index("neutral"), order.index("entailment")], order)
    assert read().table["label"].tolist() == [1, 0]


def test_labels_without_metadata_need_names_in_the_task(read, put):
    put("en", [2, 0])
    with pytest.raises(DataError, match=r"hub/owner/pairs/en/test:1: label '2' is unknown"):
        read()
    names = {"0": "entailment", "2": "contradiction"}
    assert read(label_names=names).table["label"].tolist() == [2, 0]


def test_labels_that_are_text_are_taken_as_they_are(read, put):
    put("en", ["neutral", "entailment"])
    assert read().table["label"].tolist() == [1, 0]


def test_parts_are_joined_in_the_order_of_their_names(read, put):
    put("en", [1], HUB_ORDER, "00001-of-00002", first=2)
    put("en", [0, 2], HUB_ORDER, "00000-of-00002")
    split = read()
    assert split.table["text_a"].tolist() == ["en p0", "en p1", "en p2"]
    assert split.table["label"].tolist() == [0, 2, 1]
    assert len(split.files) == 2


def test_languages_share_ids_and_must_be_equally_long(read, put):
    put("en", [0, 1], HUB_ORDER)
    put("de", [0, 1], HUB_ORDER)
    assert read(("en", "de")).table["id"].nunique() == 2
    put("de", [0], HUB_ORDER)
    with pytest.raises(DataError, match=r"1 rows in 'de'"):
        read(("en", "de"))


def test_a_hidden_test_label_is_refused(read, put):
    put("en", [-1], HUB_ORDER)
    with pytest.raises(DataError, match=r"row 0 has no label \(-1\); is it a hidden test"):
        read()


def test_a_missing_column_names_what_there_is(read, put, task_spec, tmp_path):
    put("en", [0], HUB_ORDER)
    columns = ["premise", "hypotheses", "label"]
    spec = task_spec({"kind": "hub", "test": {**SPLIT, "columns": columns}})
    with pytest.raises(DataError, match=r"'hypotheses' is unknown.*Did you mean 'hypothesis'"):
        read_hub("made", spec, spec.source.test, "test", ("en",), tmp_path)


def test_a_broken_parquet_file_is_told(read, put, tmp_path):
    put("en", [0], HUB_ORDER)
    (tmp_path / "hub/owner/pairs/en/test-00000-of-00001.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"hub/owner/pairs/en/test .*not a Parquet file"):
        read()


def test_without_network_the_error_names_the_local_folder(read, monkeypatch):
    def refuse(*args, **kwargs):
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError) as caught:
        read(root=None)
    for part in ("owner/pairs/en/test@0123abc", "HF_HUB_OFFLINE", "no route.", "hub/owner/pairs"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_hub_is_asked_for_the_pinned_revision_and_gives_the_same_rows(read, put, monkeypatch):
    put("en", [2, 0], HUB_ORDER)
    local = read().table
    asked = []

    def load(name, config, split, revision):
        asked.append((name, config, split, revision))
        features = datasets.Features(
            {
                "premise": datasets.Value("string"),
                "hypothesis": datasets.Value("string"),
                "label": datasets.ClassLabel(names=HUB_ORDER),
            }
        )
        rows = {"premise": ["en p0", "en p1"], "hypothesis": ["en h0", "en h1"], "label": [2, 0]}
        return datasets.Dataset.from_dict(rows, features=features)

    monkeypatch.setattr(datasets, "load_dataset", load)
    split = read(root=None)
    assert asked == [("owner/pairs", "en", "test", "0123abc")]
    assert split.table.equals(local)
    assert list(split.files) == ["hub:owner/pairs/en/test@0123abc"]
