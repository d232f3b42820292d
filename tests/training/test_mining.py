import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.training import mining
from xstilts.training.mining import best_f1, match, mine

SCORES = st.sampled_from([0.1, 0.2, 0.3, 0.5])


def unit(vectors):
    vectors = np.asarray(vectors, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def best_by_trying(scored, pairs):
    """Return the best F1 over every threshold, from precision and recall."""
    best = 0.0
    for threshold in [score for score, _ in scored]:
        mined = [right for score, right in scored if score >= threshold]
        if sum(mined):
            precision, recall = sum(mined) / len(mined), sum(mined) / pairs
            best = max(best, 2 * precision * recall / (precision + recall))
    return best


def margins_by_trying(cosines):
    """Return {(row, column): margin} of each sentence with the best of its four closest."""
    rows, columns = cosines.shape
    near = [sorted(range(columns), key=lambda one: -cosines[row, one])[:4] for row in range(rows)]
    far = [sorted(range(rows), key=lambda one: -cosines[one, column])[:4]
           for column in range(columns)]  # fmt: skip

    def margin(row, column):
        mine = np.mean([cosines[row, one] for one in near[row]])
        theirs = np.mean([cosines[one, column] for one in far[column]])
        return cosines[row, column] / ((mine + theirs) / 2)

    found = {}
    for row in range(rows):
        best = max(near[row], key=lambda column: margin(row, column))
        found[row, best] = margin(row, best)
    for column in range(columns):
        best = max(far[column], key=lambda row: margin(row, column))
        found[best, column] = margin(best, column)
    return found


def matched_by_trying(cosines):
    """Return {(row, column): margin} by looking for the highest candidate again and again."""
    left, taken = margins_by_trying(cosines), {}
    while left:
        best = max(left, key=lambda pair: left[pair])
        taken[best] = left[best]
        left = {pair: value for pair, value in left.items()
                if pair[0] != best[0] and pair[1] != best[1]}  # fmt: skip
    return taken


@given(st.lists(st.tuples(SCORES, st.booleans()), min_size=1, max_size=12), st.integers(0, 4))
def test_the_best_f1_is_that_of_trying_every_threshold(scored, missed):
    pairs = sum(right for _, right in scored) + missed
    if not pairs:
        return
    scored = sorted(scored, key=lambda one: -one[0])
    scores, right = (np.array(column) for column in zip(*scored, strict=True))
    assert best_f1(scores, right, pairs) == pytest.approx(best_by_trying(scored, pairs))


@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 9), st.integers(1, 5))
def test_pairs_are_those_of_trying_whatever_the_block(seed, english, said, block):
    rng = np.random.default_rng(seed)
    one, other = (unit(1 + rng.random(size=(count, 4))) for count in (english, said))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mining, "BLOCK", block)
        places, margins = match(one, other)
    expected = matched_by_trying(one.astype(np.float64) @ other.T.astype(np.float64))
    found = dict(zip(map(tuple, places.tolist()), margins.tolist(), strict=True))
    assert found == pytest.approx(expected, abs=1e-6)
    assert (np.diff(margins) <= 0).all()


@given(st.integers(0, 10_000), st.integers(2, 8))
def test_f1_is_that_of_trying(seed, count):
    rng = np.random.default_rng(seed)
    vectors = unit(1 + rng.random(size=(2 * count, 3)))
    sides = np.stack([np.arange(count), count + np.arange(count)], axis=1)
    labels = (np.arange(count) < count // 2).astype(int)
    wide = vectors.astype(np.float64)
    taken = matched_by_trying(wide[:count] @ wide[count:].T)
    scored = [(margin, row == column and bool(labels[row]))
              for (row, column), margin in taken.items()]  # fmt: skip
    expected = 100 * best_by_trying(scored, count // 2)
    assert mine(vectors, sides, labels) == (pytest.approx(expected), count // 2)


def test_equal_scores_are_mined_together():
    """No threshold takes the right one of the first two alone, whichever stands first."""
    for right in ([True, False], [False, True]):
        assert best_f1(np.array([0.9, 0.9]), np.array(right), 1) == pytest.approx(2 / 3)


def test_a_pair_found_nowhere_gives_nothing_and_all_found_give_everything():
    eye = np.eye(6)[:3]
    sides, labels = np.array([[0, 3], [1, 4], [2, 5]]), np.array([1, 1, 0])
    assert mine(unit([*eye, *eye[[1, 2, 0]]]), sides, labels) == (0.0, 2)
    apart = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    lone = [[1, 0, 0], [0, 1, 0], [1, 1, 1]]
    assert mine(unit([*apart, *lone]), sides, labels) == (100.0, 2)


def test_a_sentence_is_in_one_pair_at_most():
    """The second English sentence is closest to a sentence that the first is closer to."""
    places, margins = match(unit([[1, 0], [1, 1]]), unit([[1, 0.1]]))
    assert places.tolist() == [[0, 0]]
    assert len(margins) == 1


def test_rows_that_repeat_a_sentence_change_nothing():
    vectors = unit(1 + np.random.default_rng(1).random(size=(8, 3)))
    sides, labels = np.array([[0, 4], [1, 5], [2, 6], [3, 7]]), np.array([1, 1, 0, 0])
    again = np.concatenate([sides, [[0, 7], [2, 4]]])
    longer = np.concatenate([labels, [0, 0]])
    assert mine(vectors, again, longer) == mine(vectors, sides, labels)
