import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError, RevisionNotFoundError
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from xstilts.encoders import folder as module
from xstilts.encoders.architecture import ARCHITECTURES, architecture, blocks, position_ids
from xstilts.encoders.folder import open_encoder, resolve_folder, resolve_hub, save_encoder
from xstilts.errors import EncoderError
from xstilts.params.spec import FolderSource, HubSource

KINDS = tuple(ARCHITECTURES)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def copied(hub_folder, tmp_path):
    """Return a maker of folders that a test may break."""

    def copy(kind="xlm-roberta"):
        return shutil.copytree(hub_folder(kind), tmp_path / kind)

    return copy


def edit_weights(folder, edit):
    weights = load_file(folder / "model.safetensors")
    edit(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("kind", KINDS)
def test_an_opened_encoder_computes_what_transformers_computes(hub_folder, batch, kind):
    ids, mask = batch
    ours = open_encoder(hub_folder(kind), dropout=0.1)
    theirs = AutoModel.from_pretrained(hub_folder(kind)).eval()
    assert not ours.training
    assert getattr(ours, "pooler", None) is None
    found = ours(input_ids=ids, attention_mask=mask)[0]
    assert torch.equal(found, theirs(input_ids=ids, attention_mask=mask)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_encoder_is_the_first_blocks_run_by_hand(hub_folder, batch, kind):
    ids, mask = batch
    whole = open_encoder(hub_folder(kind))
    cut = open_encoder(hub_folder(kind), layers=2)
    states = []
    hook = blocks(whole)[1].register_forward_hook(lambda _m, _i, output: states.append(output))
    whole(input_ids=ids, attention_mask=mask)
    hook.remove()
    expected = states[0][0] if isinstance(states[0], tuple) else states[0]
    if path := architecture(whole.config).final_norm:
        expected = whole.get_submodule(path)(expected)
    found = cut(input_ids=ids, attention_mask=mask)[0]
    assert len(blocks(cut)) == cut.config.num_hidden_layers == 2
    torch.testing.assert_close(found[mask.bool()], expected[mask.bool()], atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_acts_in_training_only(hub_folder, batch, kind):
    ids, mask = batch
    model = open_encoder(hub_folder(kind), dropout=0.5)
    options = {"input_ids": ids, "attention_mask": mask}
    assert torch.equal(model(**options)[0], model(**options)[0])
    model.train()
    assert not torch.equal(model(**options)[0], model(**options)[0])
    still = open_encoder(hub_folder(kind), dropout=0.0).train()
    assert torch.equal(still(**options)[0], still(**options)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_encoder_opens_with_the_same_weights(hub_folder, tmp_path, kind):
    model = open_encoder(hub_folder(kind), layers=3)
    save_encoder(model, tmp_path / "saved", tokenizer_from=hub_folder(kind))
    again = open_encoder(tmp_path / "saved")
    assert len(blocks(again)) == 3
    for (name, a), (other, b) in zip(
        model.state_dict().items(), again.state_dict().items(), strict=True
    ):
        assert name == other
        assert torch.equal(a, b)
    assert AutoModel.from_pretrained(tmp_path / "saved").config.num_hidden_layers == 3
    names = {"config.json", "model.safetensors", "tokenizer.json"}
    assert {path.name for path in (tmp_path / "saved").iterdir()} == names


def test_saving_replaces_a_folder_whole_and_leaves_nothing_beside_it(hub_folder, tmp_path):
    model = open_encoder(hub_folder("bert"))
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "stale.txt").write_text("old")
    save_encoder(model, tmp_path / "saved")
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
    assert not (tmp_path / "saved" / "stale.txt").exists()


def test_a_failed_save_keeps_the_folder_that_was_there(hub_folder, tmp_path, monkeypatch):
    model = open_encoder(hub_folder("bert"))
    save_encoder(model, tmp_path / "saved")

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model, "save_pretrained", full)
    with pytest.raises(OSError, match="No space left"):
        save_encoder(model, tmp_path / "saved")
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
    open_encoder(tmp_path / "saved")


def test_weights_come_in_the_type_that_is_asked(hub_folder):
    model = open_encoder(hub_folder("bert"), dtype=torch.bfloat16)
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in open_encoder(hub_folder("bert")).parameters()} == {torch.float32}


def test_sharded_weights_are_read(copied, tmp_path):
    model = AutoModel.from_pretrained(copied())
    model.save_pretrained(tmp_path / "sharded", max_shard_size="20KB")
    assert (tmp_path / "sharded" / "model.safetensors.index.json").exists()
    open_encoder(tmp_path / "sharded")
    next((tmp_path / "sharded").glob("model-00002*")).unlink()
    with pytest.raises(EncoderError, match=r"model-00002.*not found"):
        open_encoder(tmp_path / "sharded")


# ---- refusals -----------------------------------------------------------------------------


def test_weights_that_would_be_random_are_refused(copied):
    folder = copied()
    edit_weights(folder, lambda w: w.pop("roberta.encoder.layer.1.output.dense.weight"))
    with pytest.raises(EncoderError, match=r"weights missing: .*layer.1.output.dense.weight"):
        open_encoder(folder)
    open_encoder(folder, layers=1)


def test_weights_without_a_place_are_refused(copied):
    folder = copied()
    edit_weights(folder, lambda w: w.update({"roberta.encoder.adapter.weight": torch.ones(2)}))
    with pytest.raises(EncoderError, match=r"without a place in the encoder: .*adapter"):
        open_encoder(folder)


def test_weights_of_another_shape_are_refused(copied):
    folder = copied()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": 64}))
    with pytest.raises(EncoderError, match="not readable"):
        open_encoder(folder)


def test_half_a_file_of_weights_is_refused(copied):
    folder = copied()
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(EncoderError, match="weights not readable"):
        open_encoder(folder)


def test_pickled_weights_are_refused_by_name(copied):
    folder = copied()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"pytorch_model.bin is pickled and not read"):
        open_encoder(folder)


def test_code_in_a_folder_is_never_run(copied, tmp_path):
    folder = copied()
    config = json.loads((folder / "config.json").read_text())
    code = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": code}))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert type(open_encoder(folder)).__module__.startswith("transformers.")
    (folder / "config.json").write_text(
        json.dumps({**config, "auto_map": code, "model_type": "evil"})
    )
    with pytest.raises(EncoderError, match="'evil' is unknown"):
        open_encoder(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("layers", [0, 5])
def test_layers_that_are_not_there_are_refused(hub_folder, layers):
    with pytest.raises(EncoderError, match=rf"layers: {layers} asked; allowed: 1 to 4"):
        open_encoder(hub_folder("bert"), layers=layers)


# ---- sources ------------------------------------------------------------------------------


def test_a_folder_source_is_checked_file_by_file(copied, tmp_path):
    folder = copied()
    source = FolderSource(kind="folder", path=str(folder))
    assert resolve_folder(source) == folder
    for name in ("tokenizer.json", "model.safetensors", "config.json"):
        (folder / name).unlink()
        with pytest.raises(EncoderError, match="tokenizer" if "tok" in name else name):
            resolve_folder(source)
    with pytest.raises(EncoderError, match="folder not found"):
        resolve_folder(FolderSource(kind="folder", path=str(tmp_path / "none")))


def test_a_pinned_commit_in_the_cache_asks_no_network(hub_folder, monkeypatch):
    asked = []

    def snapshot(repo, *, revision, local_files_only, allow_patterns):
        asked.append(local_files_only)
        assert (repo, revision) == ("some/encoder", COMMIT)
        assert not any("bin" in p for p in allow_patterns if "bpe" not in p)
        return str(hub_folder("bert"))

    monkeypatch.setattr(module, "snapshot_download", snapshot)
    source = HubSource(kind="hub", id="some/encoder", revision=COMMIT)
    assert resolve_hub(source) == hub_folder("bert")
    assert asked == [True]


@pytest.mark.parametrize(("revision", "asked"), [(COMMIT, [True, False]), ("main", [False])])
def test_an_unreachable_hub_names_the_way_out(monkeypatch, caplog, revision, asked):
    seen = []

    def snapshot(*_args, local_files_only, **_options):
        seen.append(local_files_only)
        raise LocalEntryNotFoundError("no network")

    monkeypatch.setattr(module, "snapshot_download", snapshot)
    with pytest.raises(EncoderError) as caught:
        resolve_hub(HubSource(kind="hub", id="some/encoder", revision=revision))
    message = str(caught.value)
    assert "some/encoder" in message
    assert revision in message
    assert "kind: folder" in message
    assert "\n" not in message
    assert seen == asked
    assert ("may move" in caplog.text) == (revision == "main")


def test_a_missing_revision_is_called_so(monkeypatch):
    def snapshot(*_args, local_files_only, **_options):
        if local_files_only:
            raise LocalEntryNotFoundError("not cached")
        response = SimpleNamespace(status_code=404, headers={}, request=None)
        raise RevisionNotFoundError("404", response=response)

    monkeypatch.setattr(module, "snapshot_download", snapshot)
    with pytest.raises(EncoderError, match="has no such revision"):
        resolve_hub(HubSource(kind="hub", id="some/encoder", revision=COMMIT))


def test_positions_are_the_classes_own_on_unpadded_rows(hub_folder, batch):
    ids, _ = batch
    model = open_encoder(hub_folder("xlm-roberta"))
    mask = torch.ones_like(ids)
    own = model(input_ids=ids, attention_mask=mask)[0]
    ours = model(input_ids=ids, attention_mask=mask, position_ids=position_ids(model, mask))[0]
    assert torch.equal(own, ours)
