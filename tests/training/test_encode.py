import numpy as np
import pytest
import torch

from training.conftest import CPU, random_texts
from xstilts.encoders.architecture import ARCHITECTURES, word_embedding
from xstilts.training.device import Device
from xstilts.training.encode import States, encode
from xstilts.training.packed import reads_packed

#: several of one length, unsorted; the longest exceed the window of ModernBERT's local layers
LENGTHS = [7, 3, 12, 5, 5, 7, 1, 30, 3, 20]
WANTED = np.array([7, 2, 0, 9, 5, 1, 6, 3])


def texts_of(model):
    return random_texts(LENGTHS, kinds=max(1, getattr(model.config, "type_vocab_size", 1)))


def alone(model, texts, place):
    """Return the vectors of one text as the model itself makes them, (tokens, hidden)."""
    part = slice(texts.starts[place], texts.starts[place + 1])
    inputs = {"input_ids": torch.from_numpy(texts.ids[part][None])}
    if getattr(model.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = torch.from_numpy(texts.kinds[part][None])
    return model(**inputs)[0][0]


def of(states, place):
    start, length = int(states.starts[place]), int(states.lengths[place])
    return states.vectors[start : start + length]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", ARCHITECTURES)
@torch.no_grad()
def test_token_vectors_are_those_of_each_text_alone(encoder, kind, packed):
    plain, model = encoder(kind, packed=False), encoder(kind, packed=packed)
    assert reads_packed(model) == (packed and kind != "deberta-v2")
    texts = texts_of(model)
    states = encode(model, texts, WANTED, CPU)
    assert states.lengths.tolist() == texts.lengths[WANTED].tolist()
    for place, text in enumerate(WANTED):
        expected = alone(plain, texts, text)
        torch.testing.assert_close(of(states, place), expected, atol=1e-5, rtol=1e-5)
        single = encode(model, texts, np.array([text]), CPU)
        torch.testing.assert_close(of(single, 0), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["bert", "deberta-v2"])
@torch.no_grad()
def test_groups_of_like_length_change_nothing(encoder, kind, monkeypatch):
    model = encoder(kind, packed=False)
    texts = texts_of(model)
    states = encode(model, texts, WANTED, CPU)
    for size in (1, 3, len(WANTED)):

        def groups(lengths, whole, size=size):
            order = np.argsort(lengths, kind="stable")
            return np.array_split(order, -(-len(order) // size))

        monkeypatch.setattr("xstilts.training.encode.length_groups", groups)
        again = encode(model, texts, WANTED, CPU)
        torch.testing.assert_close(again.vectors, states.vectors, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_what_far_tokens_say_does_not_reach_past_the_windows(encoder):
    """ModernBERT's local layers see 4 tokens to a side; with local layers alone, no further."""
    model = encoder("modernbert")
    for layer in model.layers:
        layer.attn.sliding_window = model.layers[1].attn.sliding_window
        layer.attention_type = "sliding_attention"
    texts = random_texts([40])
    before = encode(model, texts, np.array([0]), CPU).vectors
    texts.ids[-1] = 4 + (texts.ids[-1] - 3) % 56
    moved = (encode(model, texts, np.array([0]), CPU).vectors != before).any(dim=1)
    reach = 4 * 4  # layers x tokens
    assert moved[39]
    assert not moved[: 39 - reach].any()


@pytest.mark.parametrize("kind", ["xlm-roberta", "deberta-v2"])
def test_gradients_reach_the_embeddings_of_the_texts_alone(encoder, kind):
    model = encoder(kind)
    texts = texts_of(model)
    encode(model, texts, np.array([1, 4]), CPU).vectors.square().sum().backward()
    rows = word_embedding(model).weight.grad.abs().sum(dim=1).nonzero().flatten()
    read = [texts.ids[texts.starts[t] : texts.starts[t + 1]] for t in (1, 4)]
    assert set(rows.tolist()) == set(np.concatenate(read).tolist())


def test_bf16_computes_in_bf16_and_answers_in_fp32(encoder):
    model = encoder()
    texts = texts_of(model)
    exact = encode(model, texts, WANTED, CPU).vectors
    rough = encode(model, texts, WANTED, Device(CPU.torch, "cpu", "bf16")).vectors
    assert rough.dtype == torch.float32
    difference = (exact - rough).abs().max()
    assert 1e-4 < difference < 0.5


def test_padded_vectors_are_masked_and_zero_beyond_the_text():
    vectors = torch.arange(1.0, 7).repeat(2, 1).T
    states = States(
        torch.cat([vectors, torch.zeros(1, 2)]), np.array([3, 0, 5]), np.array([2, 3, 1]), 6
    )
    padded, mask = states.padded(np.array([1, 2, 1]))
    assert padded[:, :, 0].tolist() == [[1, 2, 3], [6, 0, 0], [1, 2, 3]]
    assert mask.tolist() == [[True] * 3, [True, False, False], [True] * 3]


@pytest.mark.parametrize("kind", ARCHITECTURES)
@torch.no_grad()
def test_97_percent_of_the_places_that_are_computed_are_real_tokens(encoder, kind):
    model = encoder(kind)
    seen = []
    word_embedding(model).register_forward_hook(
        lambda _, inputs, __: seen.append(inputs[0].numel())
    )
    rng = np.random.default_rng(0)
    texts = random_texts(rng.integers(3, 38, 64))
    states = encode(model, texts, np.arange(64), CPU)
    assert states.slots == sum(seen)
    assert states.tokens == texts.lengths.sum() >= 0.97 * states.slots
