import numpy as np
import pandas as pd
import pytest

from xstilts.training.alignment import ALIGNMENT, RETRIEVAL, align, retrieve
from xstilts.training.text import Pairs, Texts


class Known:
    """Stands for a classifier whose texts have known vectors."""

    def __init__(self, vectors):
        self.vectors = np.asarray(vectors, dtype=np.float32)

    def means(self, texts):
        return self.vectors[: len(texts)].copy()


def pairs(sides, ids, language="de"):
    table = pd.DataFrame({"id": ids, "language": language})
    texts = Texts(np.arange(8), np.zeros(8), np.arange(9))
    return Pairs(texts, np.array(sides), np.zeros(len(ids), dtype=np.int64), table)


def test_perfect_translations_are_retrieved_and_ordered():
    eye = np.eye(4)
    found = align(Known(np.concatenate([eye, eye])), pairs(
        [[0, 4], [1, 5], [2, 6], [3, 7]], ["000-0", "000-1", "001-0", "001-1"]
    )).iloc[0]  # fmt: skip
    assert (found["retrieved"], found["ordered"], found["items"]) == (100.0, 100.0, 4)


def test_exchanged_roles_are_found_out():
    """Each sentence is closest to the near miss: nothing is ordered, nothing retrieved."""
    eye = np.eye(4)
    swapped = eye[[1, 0, 3, 2]]
    found = align(Known(np.concatenate([eye, swapped])), pairs(
        [[0, 4], [1, 5], [2, 6], [3, 7]], ["000-0", "000-1", "001-0", "001-1"]
    )).iloc[0]  # fmt: skip
    assert (found["retrieved"], found["ordered"]) == (0.0, 0.0)


def test_the_order_of_the_rows_does_not_matter():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(8, 5))
    ids, sides = ["000-0", "000-1", "001-0", "001-1"], np.array([[0, 4], [1, 5], [2, 6], [3, 7]])
    one = align(Known(vectors), pairs(sides, ids))
    mixed = [2, 0, 3, 1]
    other = align(Known(vectors), pairs(sides[mixed], [ids[place] for place in mixed]))
    pd.testing.assert_frame_equal(one, other)


def test_retrieval_is_that_of_scikit_learn():
    from sklearn.metrics.pairwise import cosine_similarity

    vectors = np.random.default_rng(3).normal(size=(8, 5))
    found = align(Known(vectors), pairs(
        [[0, 4], [1, 5], [2, 6], [3, 7]], ["000-0", "000-1", "001-0", "001-1"]
    )).iloc[0]  # fmt: skip
    cosines = cosine_similarity(vectors[4:], vectors[:4])
    assert found["retrieved"] == pytest.approx(100 * (cosines.argmax(1) == np.arange(4)).mean())


class Pooled(Known):
    def means_and_firsts(self, texts):
        return self.means(texts), -self.means(texts)


def test_retrieval_in_a_corpus_is_from_english_by_line_as_scikit_learn_finds_it():
    from sklearn.neighbors import NearestNeighbors

    vectors = np.random.default_rng(5).normal(size=(8, 3))
    read = pairs([[0, 4], [1, 5], [2, 6], [3, 7]], ["a", "b", "c", "d"])
    found = retrieve(Pooled(vectors), {("tatoeba", "whole"): read})
    assert list(found.columns) == list(RETRIEVAL)
    assert found["pooling"].tolist() == ["mean", "first"]
    for row, sign in zip(found.itertuples(), (1, -1), strict=True):
        said = NearestNeighbors(n_neighbors=1, metric="cosine").fit(sign * vectors[4:])
        closest = said.kneighbors(sign * vectors[:4], return_distance=False)[:, 0]
        assert row.score == pytest.approx(100 * (closest == np.arange(4)).mean())
        assert row.items == 4


def test_of_two_equal_lines_the_first_alone_counts():
    eye = np.eye(4)
    said = eye[[0, 1, 1, 3]]
    vectors = np.concatenate([eye[[0, 1, 1, 3]], said])
    read = pairs([[0, 4], [1, 5], [2, 6], [3, 7]], ["a", "b", "c", "d"])
    assert retrieve(Pooled(vectors), {("tatoeba", "part"): read})["score"].tolist() == [75.0, 75.0]


def test_a_corpus_for_mining_is_scored_by_f1():
    """Two of four rows are pairs; the other sentences are as close as a pair's, and wrong."""
    eye = np.eye(4)
    read = pairs([[0, 4], [1, 5], [2, 6], [3, 7]], ["a", "b", "c", "d"])
    read.labels[:2] = 1
    found = retrieve(Pooled(np.concatenate([eye, eye])), {("bucc", "part"): read})
    assert found["score"].tolist() == pytest.approx([100 * 2 * 2 / (4 + 2)] * 2)
    assert found["items"].tolist() == [2, 2]


def test_no_corpus_gives_an_empty_table():
    assert list(retrieve(Pooled(np.zeros((0, 2))), {}).columns) == list(RETRIEVAL)


def test_nothing_to_measure_gives_an_empty_table():
    texts = Texts(np.arange(0), np.arange(0), np.arange(1))
    table = pd.DataFrame({"id": [], "language": []})
    empty = Pairs(texts, np.zeros((0, 2), dtype=int), np.zeros(0, dtype=np.int64), table)
    assert list(align(Known(np.zeros((0, 2))), empty).columns) == list(ALIGNMENT)
