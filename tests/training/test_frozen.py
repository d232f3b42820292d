from dataclasses import replace

import numpy as np
import pytest
import torch

from training.conftest import CPU, random_pairs, random_texts
from xstilts.encoders.architecture import blocks, freeze_lowest
from xstilts.params import load_model
from xstilts.training.frozen import Frozen, can_be_taken_out
from xstilts.training.head import make_head
from xstilts.training.model import PairClassifier


def taken_out(encoder, tmp_path, device=CPU, layers=1):
    return Frozen(encoder, layers, device, tmp_path / "frozen", "a key")


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("keep", [True, False])
def test_a_text_has_the_vectors_of_the_whole_encoder(encoder, tmp_path, kind, packed, keep):
    pairs = random_pairs(30)
    whole = PairClassifier(encoder(kind, packed=packed), make_head("siamese", 32, 3), CPU)
    expected = whole.means(pairs.texts)
    part = PairClassifier(encoder(kind, packed=packed), make_head("siamese", 32, 3), CPU)
    frozen = taken_out(part.encoder, tmp_path)
    read = frozen.read(pairs, keep=keep)
    assert len(blocks(part.encoder)) == len(blocks(whole.encoder)) - 1
    np.testing.assert_allclose(part.means(read.texts), expected, atol=1e-5)


@pytest.mark.parametrize("head", ["aligned", "siamese"])
def test_gradients_are_those_of_training_with_frozen_layers_in_place(encoder, tmp_path, head):
    pairs = random_pairs(12)
    found = {}
    for way in ("in place", "taken out"):
        model = encoder()
        frozen, read = None, pairs
        if way == "taken out":
            frozen = taken_out(model, tmp_path)
            read = frozen.read(pairs, keep=True)
        else:
            freeze_lowest(model, 1)
        classifier = PairClassifier(model, make_head(head, 32, 3), CPU)
        classifier.prepare_head(read)
        torch.nn.init.ones_(classifier.head.linear.weight)
        classifier.head.linear.weight.data[0] = -1
        classifier.eval()
        classifier.logits(read, np.arange(12)).square().sum().backward()
        if frozen is not None:
            frozen.put_back()
        found[way] = {name: one.grad for name, one in classifier.named_parameters()}
    assert found["in place"].keys() == found["taken out"].keys()
    for name, gradient in found["in place"].items():
        other = found["taken out"][name]
        assert (gradient is None) == (other is None), name
        if gradient is not None:
            torch.testing.assert_close(other, gradient, rtol=1e-3, atol=1e-4)


def test_put_back_the_encoder_is_as_it_was(encoder, tmp_path):
    model = encoder()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    frozen = taken_out(model, tmp_path)
    frozen.read(random_pairs(6), keep=False)
    frozen.put_back()
    assert model.state_dict().keys() == before.keys()
    assert all(before[name].equal(one) for name, one in model.state_dict().items())


def test_kept_vectors_are_computed_once(encoder, tmp_path, monkeypatch):
    pairs = random_pairs(10)
    first = taken_out(encoder(), tmp_path).read(pairs, keep=True)
    monkeypatch.setattr(Frozen, "_compute", lambda *_: pytest.fail("computed again"))
    again = taken_out(encoder(), tmp_path).read(replace(pairs, labels=1 - pairs.labels), keep=True)
    assert np.array_equal(again.texts.states, first.texts.states)
    with pytest.raises(pytest.fail.Exception):
        taken_out(encoder(), tmp_path, layers=2).read(pairs, keep=True)
    with pytest.raises(pytest.fail.Exception):
        taken_out(encoder(), tmp_path).read(random_pairs(10, seed=1), keep=True)


def test_half_precision_is_kept_where_the_device_multiplies_in_it(encoder, tmp_path):
    device = replace(CPU, precision="bf16")
    pairs = random_pairs(10)
    states = taken_out(encoder(), tmp_path, device).read(pairs, keep=True).texts.states
    assert states.dtype == np.float16
    single = taken_out(encoder(), tmp_path).read(pairs, keep=True).texts.states
    assert single.dtype == np.float32
    np.testing.assert_allclose(states, single, atol=0.1)


def test_nothing_is_read_of_no_text(encoder, tmp_path):
    nothing = replace(random_pairs(4), texts=random_texts([]))
    assert taken_out(encoder(), tmp_path).read(nothing, keep=True).texts.states.shape == (0, 32)
    assert not (tmp_path / "frozen").exists()


def test_layers_are_taken_out_only_where_the_next_one_reads_their_output_alone(encoder):
    spec = load_model("e5_l06_f3")
    assert can_be_taken_out(spec, encoder("bert"))
    assert can_be_taken_out(spec, encoder("xlm-roberta"))
    assert not can_be_taken_out(spec, encoder("deberta-v2"))
    assert not can_be_taken_out(spec, encoder("xlm-roberta-xl"))
    assert not can_be_taken_out(spec, encoder("modernbert"))
    assert not can_be_taken_out(spec.model_copy(update={"dropout": 0.1}), encoder("bert"))
    assert not can_be_taken_out(load_model("e5_l06"), encoder("bert"))
