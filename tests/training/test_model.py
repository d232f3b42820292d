import numpy as np
import pandas as pd
import pytest
import torch

from training.conftest import CPU, random_pairs, random_texts
from xstilts.encoders.architecture import word_embedding
from xstilts.training.encode import encode
from xstilts.training.text import Pairs


def count_tokens(model):
    """Return a list that gets the tokens of every pass through the encoder."""
    seen = []
    word_embedding(model).register_forward_hook(
        lambda _, inputs, __: seen.append(inputs[0].numel())
    )
    return seen


def ready(classifier, pairs, **options):
    made = classifier(**options)
    made.prepare_head(pairs)
    generator = torch.Generator().manual_seed(4)
    torch.nn.init.normal_(made.head.linear.weight, std=0.1, generator=generator)
    return made.eval()


def repeated(count=40):
    """Return pairs that set one premise against many hypotheses, and all against themselves."""
    texts = random_texts([9, 4, 4, 6, 11])
    sides = np.array([[0, place % 5] for place in range(count)])
    return Pairs(texts, sides, np.zeros(count, dtype=np.int64), pd.DataFrame())


def test_a_text_that_many_pairs_share_is_encoded_once(classifier):
    pairs = repeated()
    made = ready(classifier, pairs)
    seen = count_tokens(made.encoder)
    made.logits(pairs, np.arange(len(pairs)))
    assert sum(seen) == pairs.texts.lengths.sum() == 34
    assert pairs.lengths.sum() > 10 * 34


def test_a_text_that_no_pair_of_the_step_reads_is_not_encoded(classifier):
    pairs = repeated()
    made = ready(classifier, pairs)
    seen = count_tokens(made.encoder)
    made.logits(pairs, np.array([0, 1, 5]))  # texts 0 and 1
    assert 9 + 4 <= sum(seen) < 34


def test_neighbours_in_scoring_share_their_texts(classifier, monkeypatch):
    """Pairs are answered by their first text, so that a premise is encoded once."""
    monkeypatch.setattr("xstilts.training.model.BLOCK", 4)
    texts = random_texts([36, 5, 5, 5, 5, 36])
    sides = np.array([[premise, 1 + place] for place in range(4) for premise in (0, 5)])
    pairs = Pairs(texts, sides, np.zeros(8, dtype=np.int64), pd.DataFrame())
    made = ready(classifier, pairs, head="aligned")
    seen = count_tokens(made.encoder)
    made.probabilities(pairs)
    # two blocks of one premise and four hypotheses each
    assert sum(seen) == 2 * (36 + 4 * 5)


@pytest.mark.parametrize("head", ["siamese", "joint"])
def test_heads_that_read_means_have_every_text_of_a_test_set_encoded_once(
    classifier, head, monkeypatch
):
    monkeypatch.setattr("xstilts.training.model.BLOCK", 4)
    pairs = random_pairs(50, sides=1 if head == "joint" else 2)
    made = ready(classifier, pairs, head=head)
    seen = count_tokens(made.encoder)
    made.probabilities(pairs)
    read = np.unique(pairs.sides)
    assert sum(seen) == pairs.texts.lengths[read].sum() < pairs.lengths.sum()
    assert len(seen) > 2


@pytest.mark.parametrize("head", ["siamese", "aligned", "joint"])
@pytest.mark.parametrize("kind", ["xlm-roberta", "deberta-v2"])
def test_probabilities_are_in_the_order_of_the_pairs_and_sum_to_one(
    classifier, head, kind, monkeypatch
):
    monkeypatch.setattr("xstilts.training.model.BLOCK", 7)
    pairs = random_pairs(30, sides=1 if head == "joint" else 2)
    made = ready(classifier, pairs, head=head, kind=kind)
    found = made.probabilities(pairs)
    assert found.dtype == np.float32
    assert found.shape == (30, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    with torch.no_grad():
        single = torch.cat([made.logits(pairs, np.array([place])) for place in range(30)])
    np.testing.assert_allclose(found, single.softmax(dim=1).numpy(), atol=1e-5)
    assert np.ptp(found, axis=0).max() > 0.01


def test_scoring_is_without_dropout_and_leaves_the_model_as_it_is(classifier):
    pairs = random_pairs(20)
    made = ready(classifier, pairs, dropout=0.5)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    made.train()
    first = made.probabilities(pairs)
    assert not made.training
    np.testing.assert_array_equal(made.probabilities(pairs), first)
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())


def test_an_empty_test_set_has_no_probabilities(classifier):
    pairs = random_pairs(20)
    empty = Pairs(pairs.texts, pairs.sides[:0], pairs.labels[:0], pd.DataFrame())
    assert classifier().probabilities(empty).shape == (0, 3)


def test_the_head_is_prepared_without_dropout(classifier):
    pairs = random_pairs(40)
    calm, noisy = classifier(), classifier(dropout=0.5)
    noisy.train()
    for made in (calm, noisy):
        made.prepare_head(pairs)
    torch.testing.assert_close(calm.head.mean, noisy.head.mean)
    torch.testing.assert_close(calm.head.spread, noisy.head.spread)


def test_preparing_a_head_trains_nothing(classifier):
    made = classifier()
    before = [value.clone() for value in made.parameters()]
    made.prepare_head(random_pairs(20))
    assert all(torch.equal(a, b) for a, b in zip(before, made.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in made.parameters())


def test_joint_features_are_means_of_the_sequence(classifier):
    pairs = random_pairs(6, sides=1)
    made = classifier("joint")
    places = np.arange(len(pairs.texts))
    states = encode(made.encoder, pairs.texts, places, CPU)
    found = made.head.features(states, pairs.sides)
    for row, (text,) in zip(found, pairs.sides, strict=True):
        start, length = int(states.starts[text]), int(states.lengths[text])
        torch.testing.assert_close(row, states.vectors[start : start + length].mean(dim=0))


def test_means_and_firsts_are_those_of_each_text_alone(classifier):
    model, texts = classifier(), random_texts([7, 3, 11, 5])
    means, firsts = model.means_and_firsts(texts)
    np.testing.assert_array_equal(means, model.means(texts))
    for place in range(len(texts)):
        states = encode(model.encoder, texts, np.array([place]), CPU)
        vectors = states.vectors[:-1].detach().numpy()
        np.testing.assert_allclose(means[place], vectors.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(firsts[place], vectors[0], atol=1e-5)
