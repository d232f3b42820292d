"""The project's own corpora on the official files, counted and checked; no text is kept here."""

import os

import pytest

from xstilts.tasks.corpus import corpus_items

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif("XSTILTS_DATA" not in os.environ, reason="XSTILTS_DATA names no folder"),
]


def test_bucc_has_its_published_counts_and_a_part_with_every_pair():
    whole, part = corpus_items("bucc"), corpus_items("bucc", "part")
    assert len(whole) == 13_589
    assert whole["label"].sum() == part["label"].sum() == 257
    assert len(part) == 1_000
    for side in ("text_a", "text_b"):
        assert set(part[side]) <= set(whole[side])
        assert whole[whole["label"] == 1][side].is_unique
