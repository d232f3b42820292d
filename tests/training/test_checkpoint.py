import os
import signal
import threading

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from training.conftest import random_pairs
from xstilts.encoders.trim import trim_vocabulary
from xstilts.errors import StoppedError
from xstilts.params import Budget, Optimizer
from xstilts.training.checkpoint import Checkpoint
from xstilts.training.loop import train

RULE = Optimizer(
    learning_rate=1e-3, head_factor=10.0, batch=8, warmup_fraction=0.2, weight_decay=0.1, clip=1.0
)  # fmt: skip
EPOCHS, STEPS = 3, 15


@pytest.fixture(autouse=True)
def often(monkeypatch, request):
    """Save after every step, however long saving takes."""
    if "rarely" not in request.node.name:
        monkeypatch.setattr("xstilts.training.checkpoint.RARELY", 0.0)


class Killed(BaseException):
    pass


def run(made, path, *, key="k", interval=0.0, at=None, act=None, seed=4):
    """Train a fresh classifier; at step `at` call `act`."""
    pairs = random_pairs(40)
    made.prepare_head(pairs)

    def on_step(step, _):
        if step == at:
            act()

    checkpoint = Checkpoint(path, key, interval) if path else None
    budget = Budget(items=40, epochs=EPOCHS)
    return train(made, pairs, budget, RULE, seed=seed, on_step=on_step, checkpoint=checkpoint)


def killed():
    raise Killed


def weights(made):
    return {name: value.clone() for name, value in made.state_dict().items()}


@pytest.mark.parametrize("at", [1, 4, 5, 7, 14])
@pytest.mark.parametrize(("head", "kind"), [("aligned", "bert"), ("siamese", "deberta-v2")])
def test_a_run_that_was_killed_goes_on_bit_by_bit(classifier, tmp_path, head, kind, at):
    """Kill within, at the end and at the start of an epoch; dropout needs the generator's state."""
    whole = classifier(head, kind=kind, dropout=0.2)
    expected = run(whole, None)
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        run(classifier(head, kind=kind, dropout=0.2), path, at=at, act=killed)
    torch.manual_seed(123)
    made = classifier(head, kind=kind, dropout=0.2)
    found = run(made, path)
    assert found.resumed == at
    assert found.curve.equals(expected.curve)
    assert (found.items, found.tokens, found.encoded, found.slots) == (
        expected.items, expected.tokens, expected.encoded, expected.slots
    )  # fmt: skip
    before = weights(whole)
    assert all(torch.equal(value, before[name]) for name, value in weights(made).items())


def test_saving_changes_nothing(classifier, tmp_path):
    plain, saved = classifier(dropout=0.2), classifier(dropout=0.2)
    assert run(plain, None).curve.equals(run(saved, tmp_path / "c.safetensors").curve)
    assert all(torch.equal(value, weights(plain)[name]) for name, value in weights(saved).items())


def test_a_trimmed_vocabulary_goes_on_too(classifier, tmp_path):
    made = classifier()
    trim_vocabulary(made.encoder, range(60))
    path = tmp_path / "c.safetensors"
    with pytest.raises(Killed):
        run(made, path, at=3, act=killed)
    again = classifier()
    trim_vocabulary(again.encoder, range(60))
    assert run(again, path).resumed == 3


def test_sigterm_saves_after_the_step_and_stops(classifier, tmp_path):
    path = tmp_path / "c.safetensors"
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(StoppedError, match="stopped by SIGTERM after step 7 of 15") as stop:
        run(classifier(), path, interval=1e9, at=6,
            act=lambda: os.kill(os.getpid(), signal.SIGTERM))  # fmt: skip
    assert stop.value.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) is before
    made, whole = classifier(), classifier()
    assert run(made, path).resumed == 7
    run(whole, None)
    assert all(torch.equal(value, weights(whole)[name]) for name, value in weights(made).items())


def test_nothing_is_saved_before_the_interval(classifier, tmp_path):
    run(classifier(), tmp_path / "c.safetensors", interval=1e9)
    assert not list(tmp_path.iterdir())


def test_slow_savings_are_made_rarely(classifier, tmp_path, monkeypatch):
    path, saved = tmp_path / "c.safetensors", []
    clock = iter(range(100_000))
    monkeypatch.setattr("xstilts.training.checkpoint.time.monotonic", lambda: float(next(clock)))
    save = Checkpoint._save
    monkeypatch.setattr(
        Checkpoint, "_save", lambda self, *args: (saved.append(1), save(self, *args))
    )
    run(classifier(), path, interval=0.0)
    assert len(saved) == 1  # one took a second by this clock, and a step takes one, too


def test_the_checkpoint_of_another_run_is_not_read(classifier, tmp_path):
    path = tmp_path / "c.safetensors"
    with pytest.raises(Killed):
        run(classifier(), path, key="one", at=5, act=killed)
    made, whole = classifier(), classifier()
    assert run(made, path, key="other", interval=1e9).resumed == 0
    run(whole, None)
    assert all(torch.equal(value, weights(whole)[name]) for name, value in weights(made).items())


@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_a_damaged_file_starts_the_run_again(classifier, tmp_path, damage):
    path = tmp_path / "c.safetensors"
    with pytest.raises(Killed):
        run(classifier(), path, at=5, act=killed)
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "noise": b"x" * 4096, "empty": b""}[damage])
    assert run(classifier(), path, interval=1e9).resumed == 0


def test_the_file_holds_no_frozen_weights_and_its_key(classifier, tmp_path):
    path = tmp_path / "c.safetensors"
    made = classifier()
    made.encoder.embeddings.requires_grad_(False)
    with pytest.raises(Killed):
        run(made, path, key="this", at=2, act=killed)
    names = set(load_file(path))
    assert "weight.head.mean" in names
    assert not any("embeddings" in name for name in names if name.startswith("weight."))
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["key"] == "this"
    again = classifier()
    again.encoder.embeddings.requires_grad_(False)
    assert run(again, path, key="this").resumed == 2


def test_a_finished_run_drops_its_file(classifier, tmp_path):
    path = tmp_path / "c.safetensors"
    run(classifier(), path)
    assert path.is_file()
    Checkpoint(path, "k").drop()
    Checkpoint(path, "k").drop()
    assert not path.exists()


def test_a_thread_trains_without_the_signal(classifier, tmp_path):
    done = []
    worker = threading.Thread(
        target=lambda: done.append(run(classifier(), tmp_path / "c.safetensors").steps)
    )
    worker.start()
    worker.join()
    assert done == [STEPS]
