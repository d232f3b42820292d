import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from transformers import get_linear_schedule_with_warmup

from training.conftest import CPU, random_pairs, random_texts
from xstilts.encoders.architecture import ARCHITECTURES, word_embedding
from xstilts.encoders.trim import trim_vocabulary
from xstilts.params import Budget, Optimizer
from xstilts.training.batch import epoch_batches
from xstilts.training.head import make_head
from xstilts.training.loop import POINTS, make_optimizer, rate_factor, set_rates, train
from xstilts.training.model import PairClassifier
from xstilts.training.text import Pairs

RULE = Optimizer(
    learning_rate=1e-3, head_factor=10.0, batch=8, warmup_fraction=0.2, weight_decay=0.1, clip=1.0
)  # fmt: skip


def changed(**values):
    return RULE.model_copy(update=values)


def fitted(made, pairs, *, epochs=1, rule=RULE, seed=0, **options):
    made.prepare_head(pairs)
    return train(made, pairs, Budget(items=len(pairs), epochs=epochs), rule, seed=seed, **options)


def weights(made):
    return {name: value.clone() for name, value in made.state_dict().items()}


def equal(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


# ---- learning rate ------------------------------------------------------------------------


@given(st.integers(1, 60), st.floats(0, 0.99))
def test_the_rate_is_that_of_transformers_but_for_the_lost_first_step(steps, fraction):
    warmup = math.ceil(fraction * steps)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(()))], lr=1.0)
    theirs = get_linear_schedule_with_warmup(optimizer, warmup, steps).lr_lambdas[0]
    for step in range(steps):
        # where no step is left to decay in, theirs ends before the peak
        peak = step + 1 == warmup
        expected = 1.0 if peak else theirs(step + 1) if step < warmup else theirs(step)
        assert rate_factor(step, steps, fraction) == pytest.approx(expected)


@given(st.integers(1, 60), st.floats(0, 0.99))
def test_no_step_is_lost_to_a_rate_of_zero_and_none_exceeds_the_peak(steps, fraction):
    rates = [rate_factor(step, steps, fraction) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)
    assert max(rates) == 1
    top = rates.index(1)
    assert rates == sorted(rates[: top + 1]) + sorted(rates[top + 1 :], reverse=True)


def test_each_step_takes_its_rate_in_every_group(classifier, monkeypatch):
    taken = []
    step = torch.optim.AdamW.step

    def watched(self, *args, **kwargs):
        taken.append([group["lr"] for group in self.param_groups])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    fitted(classifier(), random_pairs(40), epochs=2)
    factors = [rate_factor(step, 10, 0.2) for step in range(10)]
    np.testing.assert_allclose(taken, np.outer(factors, [1e-3, 1e-3, 1e-2]))


# ---- parameter groups ---------------------------------------------------------------------


@pytest.mark.parametrize("head", ["siamese", "aligned", "joint"])
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_matrices_of_the_blocks_decay_and_nothing_else(classifier, kind, head):
    made = classifier(head, kind=kind)
    groups = make_optimizer(made, RULE).param_groups
    place = {id(p): number for number, group in enumerate(groups) for p in group["params"]}
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0, 0.0]
    assert [group["lr"] for group in groups] == [1e-3, 1e-3, 1e-2]
    assert len(place) == sum(len(group["params"]) for group in groups)  # none twice
    assert set(place) == {id(parameter) for parameter in made.parameters()}
    assert {place[id(parameter)] for parameter in made.head.parameters()} == {2}
    for module in made.encoder.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, nn.Linear) and name == "weight":
                assert place[id(parameter)] == 0
            elif isinstance(module, nn.LayerNorm) or name == "bias":
                assert place[id(parameter)] == 1
    assert place[id(word_embedding(made.encoder).weight)] == 1


def test_positions_and_segments_do_not_decay(classifier):
    made = classifier(kind="bert")
    decayed = {id(parameter) for parameter in make_optimizer(made, RULE).param_groups[0]["params"]}
    inside = dict(made.encoder.embeddings.named_parameters())
    assert len(inside) == 5
    assert not decayed & {id(parameter) for parameter in inside.values()}


# ---- what training gives ------------------------------------------------------------------


@pytest.mark.parametrize(("head", "kind"), [("siamese", "xlm-roberta"), ("aligned", "deberta-v2")])
def test_the_same_seed_gives_the_same_weights_bit_by_bit(classifier, head, kind):
    pairs = random_pairs(30)
    made = [classifier(head, kind=kind, dropout=0.1) for _ in range(3)]
    for number, one in enumerate(made):
        torch.manual_seed(100 + number)  # the generator's state before must not matter
        fitted(one, pairs, seed=number // 2)
    first, same, other = map(weights, made)
    assert equal(first, same)
    assert not equal(first, other)


@pytest.mark.parametrize("head", ["siamese", "aligned", "joint"])
def test_a_task_that_one_word_decides_is_learned(classifier, head):
    rng = np.random.default_rng(0)
    sides = 1 if head == "joint" else 2
    texts = random_texts([6] * 96)
    labels = rng.integers(0, 2, 48)
    places = np.arange(48 * sides).reshape(48, sides)
    texts.ids[texts.ids < 6] = 6
    texts.ids[texts.starts[places[:, -1]] + 2] = 4 + labels
    pairs = Pairs(texts, places, labels, pd.DataFrame())
    made = classifier(head, labels=2)
    trained = fitted(made, pairs, epochs=6)
    assert (made.probabilities(pairs).argmax(axis=1) == labels).mean() > 0.95
    assert trained.curve["loss"].iloc[-1] < 0.3 < math.log(2) / 2 + 0.3
    assert trained.curve["loss"].iloc[0] > 0.5


def test_a_task_without_rule_is_not_answered_by_a_fresh_model(classifier):
    pairs = random_pairs(30)
    made = classifier()
    made.prepare_head(pairs)
    np.testing.assert_allclose(made.probabilities(pairs), 1 / 3, atol=1e-6)


@pytest.mark.parametrize("clip", [0.1, 1e9])
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_a_trimmed_vocabulary_trains_the_same_weights(classifier, kind, clip):
    pairs = random_pairs(24)
    pairs.texts.ids[:] = 4 + pairs.texts.ids % 20
    whole, made = (classifier("aligned", kind=kind, dropout=0.1) for _ in range(2))
    before = word_embedding(whole.encoder).weight.detach().clone()
    trimmed = trim_vocabulary(made.encoder, np.unique(pairs.texts.ids).tolist())
    assert word_embedding(made.encoder).num_embeddings < 30
    fitted(whole, pairs, epochs=2, rule=changed(clip=clip))
    fitted(made, pairs.renumbered(trimmed.remap), epochs=2, rule=changed(clip=clip))
    trimmed.restore(made.encoder)
    expected = weights(whole)
    assert not torch.equal(word_embedding(made.encoder).weight, before)
    for name, found in weights(made).items():
        torch.testing.assert_close(found, expected[name], atol=1e-6, rtol=0, msg=name)


def test_rows_that_no_batch_reads_stay_as_they_are(classifier):
    pairs = random_pairs(24)
    pairs.texts.ids[:] = 4 + pairs.texts.ids % 20
    made = classifier()
    before = word_embedding(made.encoder).weight.detach().clone()
    fitted(made, pairs)
    moved = (word_embedding(made.encoder).weight != before).any(dim=1).nonzero().flatten()
    assert set(moved.tolist()) <= set(pairs.texts.ids.tolist())
    assert len(moved) > 10


# ---- an independent implementation --------------------------------------------------------


def plain_features(model, pairs, places, sides):
    """Return siamese features of padded batches as a reader of the paper would write them."""
    means = []
    for side in range(sides):
        rows = [
            torch.from_numpy(pairs.texts.ids[pairs.texts.starts[t] : pairs.texts.starts[t + 1]])
            for t in pairs.sides[places, side]
        ]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=1)
        mask = (ids != 1).long()
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state
        real = mask[:, :, None].float()
        means.append((states * real).sum(dim=1) / real.sum(dim=1))
    if sides == 1:
        return means[0]
    u, v = means
    return torch.cat([u, v, (u - v).abs(), u * v, u - v], dim=1)


def plain_training(model, pairs, rule, seed, sides):
    """Return the loss of each step of an epoch: a padded model and AdamW, nothing shared."""
    model.eval()
    with torch.no_grad():
        features = plain_features(model, pairs, np.arange(len(pairs)), sides)
    mean, spread = features.mean(dim=0), features.std(dim=0, correction=0)
    head = nn.Linear(features.shape[1], 3)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    named = list(model.named_parameters())
    plain = [p for n, p in named if p.ndim == 1 or "embeddings" in n]
    decayed = [p for n, p in named if p.ndim > 1 and "embeddings" not in n]
    rate = rule.learning_rate
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": rule.weight_decay, "lr": rate},
         {"params": plain, "weight_decay": 0.0, "lr": rate},
         {"params": head.parameters(), "weight_decay": 0.0, "lr": rate * rule.head_factor}],
        fused=False, foreach=False,
    )  # fmt: skip
    batches = epoch_batches(len(pairs), rule.batch, seed=seed, epoch=0)
    warmup = math.ceil(rule.warmup_fraction * len(batches))
    schedule = get_linear_schedule_with_warmup(optimizer, warmup, len(batches))
    if warmup:
        optimizer.step()
        schedule.step()  # the step at a rate of zero
    losses = []
    for places in batches:
        standard = (plain_features(model, pairs, places, sides) - mean) / spread
        loss = nn.functional.cross_entropy(head(standard), torch.from_numpy(pairs.labels[places]))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([*model.parameters(), *head.parameters()], rule.clip)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(("head", "sides"), [("siamese", 2), ("joint", 1)])
@pytest.mark.parametrize("clip", [0.05, 100.0])
def test_three_steps_are_those_of_an_independent_implementation(
    classifier, encoder, head, sides, clip
):
    pairs = random_pairs(24, sides=sides)
    rule = changed(warmup_fraction=0.5, clip=clip, learning_rate=3e-4)
    made = classifier(head)
    made.head.dropout.p = 0.0
    found = fitted(made, pairs, rule=rule, seed=3).curve["loss"].tolist()
    model = encoder(packed=False)
    expected = plain_training(model, pairs, rule, 3, sides)
    assert len(found) == 3
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert found[0] == pytest.approx(math.log(3), abs=1e-6)
    assert abs(found[1] - found[2]) > 1e-3


# ---- the record ---------------------------------------------------------------------------


@pytest.mark.parametrize(("pairs", "epochs", "batch"), [(40, 5, 3), (12, 1, 5), (8, 2, 8)])
def test_the_curve_has_at_most_sixteen_points_and_ends_with_the_last_item(
    classifier, pairs, epochs, batch
):
    said = []
    trained = fitted(
        classifier(), random_pairs(pairs), epochs=epochs, rule=changed(batch=batch),
        on_step=lambda step, steps: said.append((step, steps)),
    )  # fmt: skip
    steps = epochs * math.ceil(pairs / batch)
    curve = trained.curve
    assert list(curve.columns) == ["step", "items", "loss", "accuracy"]
    assert len(curve) == min(POINTS, steps)
    assert curve["step"].is_monotonic_increasing
    assert curve["step"].is_unique
    assert (curve["step"].iloc[-1], curve["items"].iloc[-1]) == (steps, epochs * pairs)
    assert curve["accuracy"].between(0, 100).all()
    assert (trained.steps, trained.items) == (steps, epochs * pairs)
    assert said == [(step, steps) for step in range(1, steps + 1)]
    assert trained.seconds > 0


def test_a_point_is_the_mean_over_the_steps_since_the_one_before(classifier, monkeypatch):
    made, pairs = classifier(), random_pairs(40)
    losses = []
    cross_entropy = nn.functional.cross_entropy

    def watched(logits, labels, reduction):
        loss = cross_entropy(logits, labels, reduction=reduction)
        right = (logits.argmax(dim=1) == labels).float().mean().item()
        losses.append((loss.item() / len(labels), right))
        return loss

    monkeypatch.setattr(nn.functional, "cross_entropy", watched)
    curve = fitted(made, pairs, epochs=8, rule=changed(batch=10)).curve
    assert len(losses) == 32
    by_hand = np.array(losses).reshape(16, 2, 2).mean(axis=1)
    np.testing.assert_allclose(curve[["loss", "accuracy"]], by_hand * [1, 100], rtol=1e-5)


def test_tokens_are_those_of_the_pairs_times_the_epochs(classifier):
    pairs = random_pairs(17)
    expected = 3 * sum(pairs.texts.lengths[text] for pair in pairs.sides for text in pair)
    assert fitted(classifier(), pairs, epochs=3).tokens == expected


def test_a_loss_that_is_no_number_stops_training(classifier):
    made = classifier()
    made.prepare_head(pairs := random_pairs(20))
    with torch.no_grad():
        made.head.linear.bias[0] = float("nan")
    with pytest.raises(FloatingPointError, match="the loss is nan at step 1"):
        train(made, pairs, Budget(items=20, epochs=1), RULE, seed=0)


def test_gradients_are_clipped_at_the_norm_over_encoder_and_head(classifier, monkeypatch):
    norms = []
    step = torch.optim.AdamW.step

    def watched(self, *args, **kwargs):
        grads = [p.grad for g in self.param_groups for p in g["params"] if p.grad is not None]
        norms.append(float(torch.stack([grad.norm() for grad in grads]).norm()))
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    fitted(classifier(), random_pairs(24), rule=changed(clip=0.01))
    np.testing.assert_allclose(norms, 0.01, rtol=1e-3)
    norms.clear()
    fitted(classifier(), random_pairs(24), rule=changed(clip=1e6))
    assert min(norms) > 0.02


def test_training_is_with_dropout(encoder):
    pairs = random_pairs(24)
    curves = []
    for dropout in (0.0, 0.5):
        made = PairClassifier(encoder(dropout=dropout), make_head("siamese", 32, 3), CPU)
        curves.append(fitted(made, pairs).curve["loss"].to_numpy())
    assert curves[0][0] == pytest.approx(curves[1][0])  # the head says nothing yet
    assert abs(curves[0][-1] - curves[1][-1]) > 1e-4


def test_rates_are_set_from_the_peak_and_not_from_the_last_rate():
    optimizer = SimpleNamespace(param_groups=[{"peak": 2.0, "lr": 0.0}, {"peak": 4.0, "lr": 9.0}])
    set_rates(optimizer, 0.5)
    set_rates(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 1.0]
