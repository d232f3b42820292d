import numpy as np
import pytest
import torch

from training.conftest import CPU, random_texts
from xstilts.encoders.architecture import ARCHITECTURES, blocks
from xstilts.encoders.folder import save_encoder
from xstilts.training.adapter import add_adapters
from xstilts.training.encode import encode
from xstilts.training.recompute import recompute_activations

#: lengths so different that attention takes the texts in several groups
LENGTHS = [3] * 8 + [9] * 4 + [30] * 4


def loss(model):
    kinds = max(1, getattr(model.config, "type_vocab_size", 1))
    texts = random_texts(LENGTHS, kinds=kinds)
    torch.manual_seed(9)
    return encode(model, texts, np.arange(len(texts)), CPU).vectors.square().mean()


def gradients(model):
    loss(model.train()).backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def passes(model):
    """Return a list that grows by one with every pass through a matrix of the first block."""
    seen = []
    matrix = next(m for m in blocks(model)[0].modules() if isinstance(m, torch.nn.Linear))
    matrix.register_forward_hook(lambda *_: seen.append(1))
    return seen


@pytest.mark.parametrize("adapters", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", ["bert", "xlm-roberta", "modernbert"])
def test_gradients_are_the_same_to_the_bit(encoder, kind, packed, dropout, adapters):
    found = []
    for recompute in (False, True):
        model = encoder(kind, packed=packed, dropout=dropout)
        if adapters:
            torch.manual_seed(0)
            add_adapters(model, 4)
        if recompute:
            assert recompute_activations(model) is model
        found.append(gradients(model))
    plain, again = found
    assert plain.keys() == again.keys()
    assert all(torch.equal(plain[name], again[name]) for name in plain)
    assert any(value.any() for value in plain.values())


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_blocks_are_computed_twice_in_training_and_once_in_evaluation(encoder, kind):
    model = encoder(kind)
    seen = passes(model)
    with torch.inference_mode():
        loss(model.eval())
    once = len(seen)
    recompute_activations(model)
    with torch.inference_mode():
        expected = loss(model.eval())
    assert len(seen) == 2 * once
    gradients(model)
    assert len(seen) == 4 * once
    with torch.inference_mode():
        assert torch.equal(loss(model.eval()), expected)
    assert len(seen) == 5 * once


def test_the_inputs_of_blocks_are_all_that_is_kept(encoder):
    def kept(model):
        sizes = {}
        alive = []  # a freed tensor's address would be counted for the next one
        weights = {p.untyped_storage().data_ptr() for p in model.parameters()}

        def pack(tensor):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:
                sizes[storage.data_ptr()] = storage.nbytes()
                alive.append(tensor)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss(model.train())
        return sum(sizes.values())

    shallow, deep = (recompute_activations(encoder(layers=layers)) for layers in (1, 3))
    block_input = 4 * sum(LENGTHS) * 32
    assert kept(deep) - kept(shallow) == pytest.approx(2 * block_input, rel=0.05)
    assert kept(encoder(layers=3)) - kept(encoder(layers=1)) > 20 * block_input


def test_a_saved_encoder_does_not_tell(encoder, tmp_path):
    model = encoder("modernbert")
    save_encoder(model, tmp_path / "plain")
    save_encoder(recompute_activations(model), tmp_path / "again")
    for name in ("config.json", "model.safetensors"):
        plain, again = ((tmp_path / folder / name).read_bytes() for folder in ("plain", "again"))
        assert plain == again


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_nothing_is_warned_of(encoder, kind, caplog, recwarn):
    gradients(recompute_activations(encoder(kind)))
    assert not caplog.records
    assert not recwarn.list
