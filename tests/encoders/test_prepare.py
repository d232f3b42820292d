import json

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from xstilts.encoders import prepare as module
from xstilts.encoders import show
from xstilts.encoders.architecture import ARCHITECTURES
from xstilts.encoders.folder import open_encoder
from xstilts.encoders.prepare import load_encoder_facts, prepare_encoder, study_texts
from xstilts.encoders.tokenizer import build_tokenizer, save_tokenizer
from xstilts.encoders.vector import open_tokenizer, sentence_vectors
from xstilts.encoders.wheel import open_wheel, read_wheel, resolve_wheel
from xstilts.errors import DataError, EncoderError
from xstilts.files import file_digest
from xstilts.params import Cell, cells, find_cell, grid, load, load_model
from xstilts.params.spec import as_json
from xstilts.tasks import load_task_data, prepare_task

from . import made_wheel

KINDS = tuple(ARCHITECTURES)
STUDY = {
    "title": "made", "models": ["made"], "arms": ["none", "english"],
    "intermediates": ["asked"], "targets": ["inferred"], "seeds": [0],
    "intermediate_budget": {"items": 6, "epochs": 1},
    "target_budget": {"items": 6, "epochs": 1},
    "optimizer": {
        "learning_rate": 1e-4, "head_factor": 10.0, "batch": 8, "warmup_fraction": 0.1,
        "weight_decay": 0.0, "clip": 1.0,
    },
}  # fmt: skip


def task(generator, labels):
    return {
        "title": generator, "kind": "nli", "skill": generator, "labels": labels,
        "label_names": dict(zip("01", labels, strict=False)) if len(labels) == 2 else {},
        "source": {"kind": "miniature", "generator": generator, "lexicon": "A"},
        "train_languages": ["en"], "test_languages": ["en", "de"],
        "train_items": 12, "test_items": 6,
    }  # fmt: skip


def counted(model):
    """Return (body, total) of a transformers model, by the names of its parameters."""
    sizes = {name: p.numel() for name, p in model.named_parameters() if "pooler" not in name}
    total = sum(sizes.values())
    outside = sum(size for name, size in sizes.items() if name.startswith("embeddings."))
    return total - outside, total


@pytest.fixture
def write_model(tmp_path, monkeypatch):
    """Return a writer of params/models/made.yaml in a project of two tiny tasks."""

    def write(name, values):
        path = tmp_path / "params" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(values))

    def write_one(source, model, *, layers, vocabulary, **shape):
        body, total = counted(model)
        feed_forward = model.config.intermediate_size
        found = {
            "layers": model.config.num_hidden_layers, "hidden": 32, "feed_forward": feed_forward,
            "vocabulary": vocabulary, "body_params": body, "total_params": total,
        }  # fmt: skip
        write("models/made", {
            "family": "made", "source": source, "shape": found | shape, "layers": layers,
            "head": "aligned", "dropout": 0.1, "max_tokens": 16, "licence": "MIT",
        })  # fmt: skip
        clear()

    caches = (load.load_study, load.load_task, load.load_model, grid.cells)

    def clear():
        for cache in caches:
            cache.cache_clear()

    write("studies/made", STUDY)
    write("tasks/asked", task("questions", ["different", "same"]))
    write("tasks/inferred", task("nli", ["entailment", "neutral", "contradiction"]))
    monkeypatch.setenv("XSTILTS_ROOT", str(tmp_path))
    clear()
    yield write_one
    clear()


def compute_data(outputs="outputs"):
    for cell in cells("made", outputs):
        if cell.stage == "10_data":
            prepare_task(cell)


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# ---- a wheel ------------------------------------------------------------------------------


@pytest.fixture
def wheel(tmp_path, monkeypatch, write_model):
    """Return (file, write): the made-up wheel in the cache, a model that reads two layers."""
    path, source = made_wheel.write_wheel(tmp_path, made_wheel.content()[0])
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache/wheels").mkdir(parents=True)
    path.rename(tmp_path / "cache/wheels" / f"made-1.0-{source.wheel_sha256[:12]}.whl")
    file = read_wheel(resolve_wheel(source), source)

    def write(source=source, **shape):
        rows = file.header.vocabulary
        write_model(as_json(source), open_wheel(file), layers=2, **{"vocabulary": rows} | shape)

    write()
    return file, source, write


def test_a_trimmed_encoder_gives_the_vectors_of_the_whole_one(wheel, tmp_path):
    file, _, _ = wheel
    compute_data()
    cell = find_cell("20_encoder", "made", model="made")
    prepared = prepare_encoder(cell)
    texts = study_texts(cell)
    assert prepared.folder == cell.folder / "encoder"
    module.save_encoder(open_wheel(file, layers=2), tmp_path / "whole")
    save_tokenizer(build_tokenizer(file.pieces), tmp_path / "whole", longest=140)
    found, expected = (sentence_vectors(f, texts) for f in (prepared.folder, tmp_path / "whole"))
    assert found.shape == (len(texts), 32)
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)


def test_a_prepared_wheel_is_an_ordinary_folder_whose_ids_agree(wheel):
    compute_data()
    prepared = prepare_encoder(find_cell("20_encoder", "made", model="made"))
    tokenizer = AutoTokenizer.from_pretrained(prepared.folder)
    model = AutoModel.from_pretrained(prepared.folder)
    assert model.config.pad_token_id == tokenizer.pad_token_id == 1
    assert model.config.num_hidden_layers == 2
    assert model.config.hidden_dropout_prob == 0.1
    assert len(tokenizer) == model.config.vocab_size == prepared.facts["vocabulary"]
    names = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert set(files_of(prepared.folder)) == names


def test_facts_count_the_whole_vocabulary_and_the_rows_kept(wheel):
    file, source, _ = wheel
    compute_data()
    cell = find_cell("20_encoder", "made", model="made")
    prepared = prepare_encoder(cell)
    facts, spec = prepared.facts, load_model("made")
    assert (
        facts
        == load_encoder_facts(cell).facts
        == json.loads((cell.folder / "encoder.json").read_text())
    )
    assert facts["source"]["wheel_sha256"] == source.wheel_sha256
    assert (facts["layers"], facts["layers_of_all"]) == (2, 3)
    assert facts["vocabulary"] < facts["vocabulary_of_all"] == file.header.vocabulary
    assert (facts["body_params"], facts["total_params"]) == (spec.body_params, spec.total_params)
    stored = load_file(prepared.folder / "model.safetensors")
    assert facts["stored_params"] == sum(tensor.numel() for tensor in stored.values())
    assert facts["weights_sha256"] == file_digest(prepared.folder / "model.safetensors")
    assert facts["texts_read"] == len(study_texts(cell))


def test_the_same_inputs_give_the_same_bytes_and_leave_nothing_beside(wheel):
    for outputs in ("outputs", "other"):
        compute_data(outputs)
        prepare_encoder(find_cell("20_encoder", "made", outputs, model="made"))
    one = find_cell("20_encoder", "made", model="made")
    (one.folder / ".encoder.killed").mkdir()
    prepare_encoder(Cell("20_encoder", "made", (("model", "made"),)))  # as a notebook makes it
    other = find_cell("20_encoder", "made", "other", model="made")
    assert files_of(one.folder / "encoder") == files_of(other.folder / "encoder")
    assert {path.name for path in one.folder.iterdir()} == {"encoder", "encoder.json"}
    assert file_digest(one.folder / "encoder.json") == file_digest(other.folder / "encoder.json")


def test_every_text_of_every_split_and_language_is_read(wheel):
    compute_data()
    found = set(study_texts(Cell("20_encoder", "made", (("model", "made"),))))
    for name in ("asked", "inferred"):
        data = load_task_data(find_cell("10_data", "made", task=name))
        for table in (data.train, data.test):
            assert {*table["text_a"], *table["text_b"]} <= found


def test_a_shape_that_is_not_the_encoders_is_refused(wheel):
    _, _, write = wheel
    compute_data()
    write(body_params=7, vocabulary=60)
    message = r"params/models/made.yaml: shape: vocabulary: 60, .* has 63; body_params: 7, the enc"
    with pytest.raises(EncoderError, match=message):
        prepare_encoder(find_cell("20_encoder", "made", model="made"))
    assert not (find_cell("20_encoder", "made", model="made").folder / "encoder").exists()


def test_another_weights_file_is_refused(wheel):
    _, source, write = wheel
    compute_data()
    write(source.model_copy(update={"file_sha256": "2" * 64}))
    with pytest.raises(EncoderError, match=rf"found sha256 {source.file_sha256}; expected 222"):
        prepare_encoder(find_cell("20_encoder", "made", model="made"))


def test_without_data_the_missing_cell_is_named(wheel):
    with pytest.raises(DataError, match="the cell data/asked writes it"):
        prepare_encoder(find_cell("20_encoder", "made", model="made"))


# ---- a folder or a repository -------------------------------------------------------------


@pytest.fixture
def with_tokenizer(hub_folder, tmp_path):
    """Return a maker of folders with a tokenizer that works."""

    def make(kind, pieces=None):
        folder = tmp_path / "source" / kind
        module.save_encoder(AutoModel.from_pretrained(hub_folder(kind)), folder)
        save_tokenizer(build_tokenizer(pieces or made_wheel.word_pieces()), folder, longest=30)
        return folder

    return make


@pytest.mark.parametrize("source", ["folder", "hub"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_keeps_its_vocabulary_and_its_tokenizer(
    with_tokenizer, write_model, monkeypatch, kind, source
):
    folder = with_tokenizer(kind)
    asked = {"kind": "folder", "path": str(folder)}
    if source == "hub":
        asked = {"kind": "hub", "id": "some/one", "revision": "a" * 40}
        monkeypatch.setattr(module, "resolve_hub", lambda found: folder)
    write_model(asked, AutoModel.from_pretrained(folder), layers=2, vocabulary=60)
    prepared = prepare_encoder(find_cell("20_encoder", "made", model="made"))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert file_digest(prepared.folder / name) == file_digest(folder / name)
    found, expected = open_encoder(prepared.folder), open_encoder(folder, layers=2)
    ids = torch.tensor([[4, 9, 59, 20]])
    assert torch.equal(found(input_ids=ids)[0], expected(input_ids=ids)[0])
    assert prepared.facts["source"] == asked
    assert prepared.facts["vocabulary"] == prepared.facts["vocabulary_of_all"] == 60
    assert prepared.facts["body_params"] == counted(found)[0]
    assert show.facts(prepared)["value"]["class"] == kind


def test_a_tokenizer_with_more_pieces_than_rows_is_refused(with_tokenizer, write_model):
    pieces = made_wheel.word_pieces()
    more = [(f"x{n}", -9.0) for n in range(3)]
    folder = with_tokenizer("bert", [*pieces[:-1], *more, pieces[-1]])
    asked = {"kind": "folder", "path": str(folder)}
    write_model(asked, AutoModel.from_pretrained(folder), layers=2, vocabulary=60)
    with pytest.raises(EncoderError, match="the tokenizer has 61 word pieces for 60 rows"):
        prepare_encoder(find_cell("20_encoder", "made", model="made"))


# ---- vectors ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_means_of_each_text_encoded_alone(with_tokenizer, kind):
    folder = with_tokenizer(kind)
    texts = ["the cat is in", "a", "then no one ", "the"]
    found = sentence_vectors(folder, texts)
    tokenizer, model = open_tokenizer(folder), AutoModel.from_pretrained(folder).eval()
    for text, vector in zip(texts, found, strict=True):
        states = model(**tokenizer(text, return_tensors="pt"))[0][0]
        np.testing.assert_allclose(vector, states.mean(dim=0).detach(), atol=1e-5, rtol=0)
    assert sentence_vectors(folder, []).shape == (0, 32)


def test_a_broken_tokenizer_is_told_in_one_line(hub_folder):
    with pytest.raises(EncoderError, match=r"tokenizer not readable \(") as caught:
        open_tokenizer(hub_folder("xlm-roberta"))
    assert "\n" not in str(caught.value)
