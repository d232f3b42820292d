import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xstilts.training.batch import SLACK, epoch_batches, length_groups

LENGTHS = st.lists(st.integers(1, 90), max_size=120).map(lambda found: np.array(found, dtype=int))


COUNTS = st.integers(0, 200)


@given(COUNTS, st.integers(1, 40), st.integers(0, 9), st.integers(0, 3))
def test_an_epoch_reads_every_pair_once_in_full_batches_but_the_last(pairs, batch, seed, epoch):
    batches = epoch_batches(pairs, batch, seed=seed, epoch=epoch)
    assert len(batches) == -(-pairs // batch)
    assert sorted(place for one in batches for place in one) == list(range(pairs))
    assert all(len(one) == batch for one in batches[:-1])
    assert all(0 < len(one) <= batch for one in batches)


@given(COUNTS, st.integers(1, 40), st.integers(0, 9), st.integers(0, 3))
def test_batches_are_fixed_by_seed_and_epoch(pairs, batch, seed, epoch):
    np.random.seed(seed + epoch)  # noqa: NPY002  the global generator must not matter
    first, again = (epoch_batches(pairs, batch, seed=seed, epoch=epoch) for _ in range(2))
    assert [one.tolist() for one in first] == [one.tolist() for one in again]


def test_batches_differ_between_epochs_and_between_seeds():
    drawn = {
        tuple(np.concatenate(epoch_batches(64, 8, seed=seed, epoch=epoch)))
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(drawn) == 9
    assert tuple(range(64)) not in drawn


def test_companions_change_from_epoch_to_epoch():
    companions = [
        {frozenset(one.tolist()) for one in epoch_batches(600, 6, seed=0, epoch=epoch)}
        for epoch in range(2)
    ]
    assert not companions[0] & companions[1]


@given(LENGTHS, st.booleans())
def test_length_groups_hold_each_text_once_shortest_first(lengths, whole):
    groups = list(length_groups(lengths, whole=whole))
    places = [place for group in groups for place in group]
    assert sorted(places) == list(range(len(lengths)))
    assert (np.diff(lengths[places]) >= 0).all()
    assert all(len(group) for group in groups)
    if whole:
        assert len(groups) == min(1, len(lengths))


@given(LENGTHS)
def test_real_tokens_are_97_percent_of_every_group(lengths):
    for group in length_groups(lengths):
        kept = lengths[group]
        assert len(kept) * kept.max() <= SLACK * kept.sum() + 1e-9
        assert kept.sum() >= 0.97 * len(kept) * kept.max()


def test_texts_of_one_length_are_one_group():
    assert len(list(length_groups(np.array([7] * 50)))) == 1
