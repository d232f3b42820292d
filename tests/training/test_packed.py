import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xstilts.encoders.architecture import ARCHITECTURES
from xstilts.training.packed import Run, equal_runs, packed_attention, reads_packed

RUNS = (Run(0, 2, 3), Run(6, 1, 5))


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


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_runs_cover_the_tokens_of_sorted_texts(lengths):
    lengths = np.sort(lengths)
    runs = equal_runs(lengths)
    assert [run.length for run in runs for _ in range(run.texts)] == lengths.tolist()
    ends = [run.start + run.texts * run.length for run in runs]
    assert [run.start for run in runs] == [0, *ends[:-1]]
    assert ends[-1] == lengths.sum()
    assert len({run.length for run in runs}) == len(runs)


@pytest.mark.parametrize("window", [None, 2, 4, 50])
def test_attention_stays_within_a_text_and_its_window(window):
    query, key, value = (states(seed) for seed in range(3))
    found, _ = packed_attention(
        torch.nn.Identity(), query, key, value, None, layout=RUNS, sliding_window=window
    )
    expected = by_hand(query, key, value, [(0, 3), (3, 6), (6, 11)], window)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_products_are_scaled_as_asked():
    query, key, value = (states(seed) for seed in range(3))
    options = {"attention_mask": None, "layout": RUNS}
    halved, _ = packed_attention(torch.nn.Identity(), query, key, value, scaling=0.25, **options)
    expected, _ = packed_attention(torch.nn.Identity(), query / 2, key, value, **options)
    torch.testing.assert_close(halved, expected)


def test_attention_is_dropped_in_training_alone():
    query, key, value = (states(seed) for seed in range(3))
    module = torch.nn.Identity()
    options = {"attention_mask": None, "layout": RUNS, "dropout": 0.5}
    whole, _ = packed_attention(module.eval(), query, key, value, **options)
    dropped, _ = packed_attention(module.train(), query, key, value, **options)
    assert not torch.allclose(whole, dropped)
    torch.testing.assert_close(whole, by_hand(query, key, value, [(0, 3), (3, 6), (6, 11)]))


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_every_class_but_that_of_relative_positions_reads_packed(encoder, kind):
    assert reads_packed(encoder(kind)) == (kind != "deberta-v2")
    assert not reads_packed(encoder(kind, packed=False))
