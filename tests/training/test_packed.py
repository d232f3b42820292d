import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xstilts.encoders.architecture import ARCHITECTURES
from xstilts.training.packed import GRAIN, lay_out, packed_attention, reads_packed

CPU = torch.device("cpu")
LAYOUT = lay_out(np.array([3, 3, 5]), CPU)
SPANS = [(0, 3), (3, 6), (6, 11)]


def states(seed: int, tokens: int = 11) -> torch.Tensor:
    return torch.randn(1, 2, tokens, 4, generator=torch.Generator().manual_seed(seed))


def by_hand(query, key, value, spans, window=None):
    """Return attention of each span alone, one token and one head at a time."""
    out = torch.zeros(1, query.shape[2], 2, 4)
    for start, end in spans:
        for head in range(2):
            for place in range(start, end):
                near = [
                    other for other in range(start, end)
                    if window is None or abs(other - place) < window
                ]  # fmt: skip
                scores = torch.stack([query[0, head, place] @ key[0, head, o] / 2 for o in near])
                weights = scores.softmax(dim=0)
                vectors = [w * value[0, head, o] for w, o in zip(weights, near, strict=True)]
                out[0, place, head] = sum(vectors)
    return out


@given(st.lists(st.integers(1, 90), min_size=1, max_size=40))
def test_groups_hold_every_token_of_sorted_texts_once(lengths):
    lengths = np.sort(lengths)
    layout = lay_out(lengths, CPU)
    assert layout.bounds.tolist() == [0, *np.cumsum(lengths).tolist()]
    assert layout.longest == lengths[-1]
    assert [group.start for group in layout.groups] == [
        0, *(group.stop for group in layout.groups[:-1])
    ]  # fmt: skip
    assert layout.groups[-1].stop == lengths.sum()
    first = 0
    for group in layout.groups:
        inside = lengths[first : first + group.texts]
        first += group.texts
        assert group.longest % GRAIN == 0
        assert group.longest - GRAIN < inside[-1] <= group.longest
        # a token, laid out padded and taken back, is where it was
        tokens = torch.arange(group.start, group.stop)
        assert group.places[group.back].tolist() == tokens.tolist()
        rows = group.back // group.longest
        assert torch.bincount(rows, minlength=group.texts).tolist() == inside.tolist()
        if group.mask is not None:
            assert (group.mask[:, 0] == 0).sum(dim=1).tolist() == inside.tolist()


def test_texts_of_very_different_length_are_not_padded_to_one():
    lengths = np.array([8] * 40 + [128] * 4)
    assert [group.texts for group in lay_out(lengths, CPU).groups] == [40, 4]


@pytest.mark.parametrize("window", [None, 2, 4, 50])
def test_attention_stays_within_a_text_and_its_window(window):
    query, key, value = (states(seed) for seed in range(3))
    found, _ = packed_attention(
        torch.nn.Identity(), query, key, value, None, layout=LAYOUT, sliding_window=window
    )
    expected = by_hand(query, key, value, SPANS, window)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_products_are_scaled_as_asked():
    query, key, value = (states(seed) for seed in range(3))
    options = {"attention_mask": None, "layout": LAYOUT}
    halved, _ = packed_attention(torch.nn.Identity(), query, key, value, scaling=0.25, **options)
    expected, _ = packed_attention(torch.nn.Identity(), query / 2, key, value, **options)
    torch.testing.assert_close(halved, expected)


def test_attention_is_dropped_in_training_alone():
    query, key, value = (states(seed) for seed in range(3))
    module = torch.nn.Identity()
    options = {"attention_mask": None, "layout": LAYOUT, "dropout": 0.5}
    whole, _ = packed_attention(module.eval(), query, key, value, **options)
    dropped, _ = packed_attention(module.train(), query, key, value, **options)
    assert not torch.allclose(whole, dropped)
    torch.testing.assert_close(whole, by_hand(query, key, value, SPANS))


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_every_class_but_that_of_relative_positions_reads_packed(encoder, kind):
    assert reads_packed(encoder(kind)) == (kind != "deberta-v2")
    assert not reads_packed(encoder(kind, packed=False))


@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_gradients_are_those_of_finite_differences(window, dropout):
    """With dropout, the same weights must be dropped in both passes."""
    layout = lay_out(np.array([2, 3]), CPU)
    query, key, value = (states(seed, 5).double().requires_grad_() for seed in range(3))

    def attended(*given):
        torch.manual_seed(0)
        found, _ = packed_attention(
            torch.nn.Identity().train(), *given, None, layout=layout, dropout=dropout,
            sliding_window=window,
        )  # fmt: skip
        return found

    assert torch.autograd.gradcheck(attended, (query, key, value), atol=1e-3, rtol=1e-3, eps=1e-2)


@pytest.mark.parametrize("lengths", [[3, 3, 5], [1, 17, 33], [16, 16]])
@pytest.mark.parametrize("window", [None, 4])
def test_gradients_are_those_of_attention_text_by_text(lengths, window):
    tokens, ends = sum(lengths), np.cumsum(lengths)
    spans = list(zip(ends - lengths, ends, strict=True))
    grads = []
    for by in (packed_attention, None):
        given = [states(seed, tokens).requires_grad_() for seed in range(3)]
        if by:
            layout = lay_out(np.array(lengths), CPU)
            found, _ = by(torch.nn.Identity(), *given, None, layout=layout, sliding_window=window)
        else:
            found = plain(*given, spans, window)
        (found * states(9, tokens).transpose(1, 2)).sum().backward()
        grads.append([one.grad for one in given])
    for ours, theirs in zip(*grads, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def plain(query, key, value, spans, window):
    parts = []
    for start, end in spans:
        q, k, v = (states[0, :, start:end] for states in (query, key, value))
        place = torch.arange(end - start)
        near = None if window is None else (place[:, None] - place).abs() < window
        parts.append(torch.nn.functional.scaled_dot_product_attention(q, k, v, near))
    return torch.cat(parts, dim=1).transpose(0, 1)[None]
