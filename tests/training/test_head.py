import math

import numpy as np
import pytest
import torch

from training.conftest import CPU, random_pairs
from xstilts.training.encode import States, encode
from xstilts.training.head import CENTRED_ON, HEADS, STANDARDISED_ON, make_head

HIDDEN = 6
WIDTHS = {"siamese": 5 * HIDDEN, "aligned": 13 * HIDDEN, "joint": HIDDEN}
#: texts in an order that is not that of their vectors
LENGTHS, ORDER = (4, 1, 7, 2, 5), (2, 0, 4, 1, 3)
SIDES = np.array([[0, 1], [1, 0], [2, 2], [4, 3], [3, 0]])


def states(seed: int = 0) -> States:
    vectors = torch.randn(sum(LENGTHS), HIDDEN, generator=torch.Generator().manual_seed(seed))
    lengths = np.array(LENGTHS)[list(ORDER)]
    starts = np.array([sum(LENGTHS[:place]) for place in ORDER])
    return States(torch.cat([vectors, torch.zeros(1, HIDDEN)]), starts, lengths, sum(LENGTHS))


def tokens(found: States, text: int) -> torch.Tensor:
    start, length = int(found.starts[text]), int(found.lengths[text])
    return found.vectors[start : start + length]


def compared(x, y):
    u, v = x.mean(dim=0), y.mean(dim=0)
    return [u, v, (u - v).abs(), u * v, u - v]


def against(x, y, centre, temperature):
    """Return four summaries of x against its alignment in y, token by token."""
    rows = []
    for one in x:
        a = one - centre
        scores = [math.exp(temperature) * float(a @ (o - centre) / (a.norm() * (o - centre).norm()))
                  for o in y]  # fmt: skip
        weights = [math.exp(s - max(scores)) for s in scores]
        rows.append(sum(w / sum(weights) * o for w, o in zip(weights, y, strict=True)))
    aligned = torch.stack(rows)
    difference = x - aligned
    return [
        difference.abs().mean(dim=0),
        difference.abs().max(dim=0).values,
        (x * aligned).mean(dim=0),
        difference.clamp(min=0).mean(dim=0),
    ]


def by_hand(kind, found, sides, centre, temperature=3.0):
    rows = []
    for pair in sides.tolist():
        x, y = (tokens(found, text) for text in (pair[0], pair[-1]))
        parts = [x.mean(dim=0)] if kind == "joint" else compared(x, y)
        if kind == "aligned":
            parts += against(x, y, centre, temperature) + against(y, x, centre, temperature)
        rows.append(torch.cat(parts))
    return torch.stack(rows)


def sides_of(kind):
    return SIDES[:, :1] if kind == "joint" else SIDES


@pytest.mark.parametrize("kind", HEADS)
def test_features_are_those_of_a_plain_loop_over_pairs(kind):
    found, head = states(), make_head(kind, HIDDEN, 3)
    head.centre.copy_(torch.linspace(-0.3, 0.4, HIDDEN))
    features = head.features(found, sides_of(kind))
    assert features.shape == (len(SIDES), WIDTHS[kind])
    expected = by_hand(kind, found, SIDES, head.centre)
    torch.testing.assert_close(features, expected, atol=1e-5, rtol=1e-5)


def test_the_temperature_of_the_alignment_is_learned():
    found, head = states(), make_head("aligned", HIDDEN, 3)
    with torch.no_grad():
        head.temperature.fill_(0.5)
    expected = by_hand("aligned", found, SIDES, head.centre, temperature=0.5)
    torch.testing.assert_close(head.features(found, SIDES), expected, atol=1e-5, rtol=1e-5)
    head.features(found, SIDES).sum().backward()
    assert head.temperature.grad.abs() > 0


def test_means_are_in_the_order_of_the_texts():
    found = states()
    expected = torch.stack([tokens(found, text).mean(dim=0) for text in range(len(LENGTHS))])
    torch.testing.assert_close(found.means(), expected)


@pytest.mark.parametrize("kind", HEADS)
def test_a_fresh_head_says_nothing(kind):
    head = make_head(kind, HIDDEN, 4)
    assert torch.equal(head(states(), sides_of(kind)), torch.zeros(len(SIDES), 4))


@pytest.mark.parametrize("kind", HEADS)
def test_two_fresh_heads_are_equal_whatever_the_generator_s_state(kind):
    torch.manual_seed(1)
    first = make_head(kind, HIDDEN, 3).state_dict()
    torch.manual_seed(2)
    second = make_head(kind, HIDDEN, 3).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("kind", HEADS)
def test_a_pair_does_not_depend_on_the_other_pairs_of_its_batch(kind):
    found, sides = states(), sides_of(kind)
    head = make_head(kind, HIDDEN, 3).eval()
    torch.nn.init.normal_(head.linear.weight)
    head.prepare([(found, sides)])
    whole = head(found, sides)
    single = torch.cat([head(found, sides[place : place + 1]) for place in range(len(sides))])
    turned = head(found, sides[::-1]).flip(0)
    torch.testing.assert_close(single, whole, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(turned, whole, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", HEADS)
def test_features_of_the_first_items_are_standardised(classifier, kind):
    pairs = random_pairs(STANDARDISED_ON + 60, sides=1 if kind == "joint" else 2)
    made = classifier(kind)
    made.prepare_head(pairs)
    head = made.head
    states = encode(made.encoder, pairs.texts, np.arange(len(pairs.texts)), CPU)
    features = head.features(states, pairs.sides)
    standard = ((features - head.mean) / head.spread).detach().double()
    first, rest = standard[:STANDARDISED_ON], standard[STANDARDISED_ON:]
    assert first.mean(dim=0).abs().max() < 1e-3
    assert (first.std(dim=0, correction=0) - 1).abs().max() < 1e-3
    assert (rest.std(dim=0, correction=0) - 1).abs().max() > 1e-2


def test_the_centre_is_the_mean_token_of_the_first_items():
    found = [states(seed) for seed in range(3)]
    sides = np.tile(SIDES, (CENTRED_ON // 2 // len(SIDES) + 1, 1))  # two batches are enough
    head = make_head("aligned", HIDDEN, 3)
    head.prepare([(one, sides) for one in found])
    expected = torch.cat([one.vectors[:-1] for one in found[:2]]).mean(dim=0)
    torch.testing.assert_close(head.centre, expected)


def test_a_feature_that_never_changes_does_not_blow_up():
    found = states()
    found.vectors[:-1, 0] = 1.0
    head = make_head("joint", HIDDEN, 3)
    head.prepare([(found, SIDES[:, :1])])
    assert head.spread.min() > 0
    torch.nn.init.ones_(head.linear.weight)
    assert head(found, SIDES[:, :1]).isfinite().all()


@pytest.mark.parametrize("kind", HEADS)
def test_what_standardises_is_kept_but_not_trained(kind):
    head = make_head(kind, HIDDEN, 3)
    assert {"centre", "mean", "spread"} <= set(head.state_dict())
    trained = {name for name, _ in head.named_parameters()}
    expected = {"linear.weight", "linear.bias"} | ({"temperature"} if kind == "aligned" else set())
    assert trained == expected


def test_the_joint_head_reads_one_text_a_pair_and_the_others_two():
    assert {kind: head.sides for kind, head in HEADS.items()} == {
        "siamese": 2, "aligned": 2, "joint": 1
    }  # fmt: skip


def test_pairs_of_any_lengths_are_aligned_as_each_is_alone(classifier):
    """Groups of like length are padded apart; texts of 1 to 60 tokens make several."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 60, 70)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    vectors = torch.randn(starts[-1] + 1, HIDDEN, generator=torch.Generator().manual_seed(0))
    vectors[-1] = 0
    found = States(vectors, starts[:-1], lengths, int(starts[-1]))
    sides = rng.integers(0, 70, (50, 2))
    head = make_head("aligned", HIDDEN, 3)
    head.centre.fill_(0.1)
    whole = head.features(found, sides)
    alone = torch.cat([head.features(found, sides[place : place + 1]) for place in range(50)])
    torch.testing.assert_close(whole, alone, atol=1e-5, rtol=1e-5)
    expected = by_hand("aligned", found, sides, head.centre)
    torch.testing.assert_close(whole, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", ["siamese", "joint"])
def test_heads_that_read_means_need_nothing_else(kind):
    found, head = states(), make_head(kind, HIDDEN, 3)
    assert not head.reads_tokens
    means = States.of_means(found.means())
    torch.testing.assert_close(
        head.features(means, sides_of(kind)), head.features(found, sides_of(kind))
    )
