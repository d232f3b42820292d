"""What Trainer trains is the function that the project trains."""

import numpy as np
import pytest
import torch
from benchmarks.items import padded, pick_by_length
from benchmarks.wrapped import PairModel, StandardisedLinear
from torch import nn
from training.conftest import CPU, random_pairs

from xstilts.encoders.folder import open_encoder
from xstilts.training.head import make_head
from xstilts.training.model import PairClassifier
from xstilts.training.packed import use_packed_attention


def classifier(folder) -> PairClassifier:
    encoder = open_encoder(folder)
    for module in encoder.modules():
        if isinstance(module, nn.LayerNorm):  # no feature is next to constant
            nn.init.ones_(module.weight)
    assert use_packed_attention(encoder)
    torch.manual_seed(0)
    head = make_head("joint", 32, 3)
    nn.init.normal_(head.linear.weight, std=0.1)
    return PairClassifier(encoder, head, CPU)


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("length", [None, 16])
def test_logits_on_padded_input_are_those_of_the_project(hub_folder, kind, attention, length):
    ours, pairs = classifier(hub_folder(kind)), random_pairs(9, sides=1)
    ours.prepare_head(pairs)
    places = np.arange(len(pairs))
    with torch.no_grad():
        expected = ours.logits(pairs, places)
        ours.encoder.set_attn_implementation(attention)
        arrays = padded(pairs, places, ours.encoder.config.pad_token_id, length)
        inputs = {name: torch.from_numpy(values) for name, values in arrays.items()}
        found = PairModel(ours).eval()(**inputs)
    torch.testing.assert_close(found["logits"], expected, atol=1e-5, rtol=0)
    loss = nn.functional.cross_entropy(expected, inputs["labels"])
    torch.testing.assert_close(found["loss"], loss, atol=1e-5, rtol=0)


def test_the_standardised_layer_starts_at_zero_and_standardises():
    mean, spread = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0])
    layer = StandardisedLinear(mean, spread, 3)
    features = torch.tensor([[3.0, 6.0]])
    assert not layer(features).any()
    nn.init.ones_(layer.weight)
    assert layer(features).tolist() == [[2.0, 2.0, 2.0]]


def test_batches_by_length_hold_pairs_of_like_length_and_differ_from_each_other():
    lengths = np.random.default_rng(0).integers(5, 100, 800)
    places = pick_by_length(lengths, batch=8, steps=4, seed=1)
    batches = lengths[places].reshape(4, 8)
    assert len(set(places.tolist())) == 32
    assert np.ptp(batches, axis=1).max() <= 10
    assert np.ptp(batches.mean(axis=1)) > 40
