"""Parallel sentences on which an encoder's alignment of languages is measured."""

from collections.abc import Sequence
from random import Random

import pandas as pd

from xstilts.tasks.item import as_table

#: events, each with its near miss: the same words, agent and patient exchanged
EVENTS = 60
_SEED, _DRAWS = 7, 100_000


def alignment_items(languages: Sequence[str], events: int = EVENTS) -> pd.DataFrame:
    """Return generated sentences in English (text_a) and each language (text_b).

    Columns of `item.COLUMNS`. Every event is there twice, under the ids <group>-0 and
    <group>-1: as it is, and with the roles of its two participants exchanged, a sentence of
    the same words. Languages that the miniature does not speak are left out.
    """
    from xstilts import miniature  # reads its lexicons when imported: only if asked for

    spoken = [code for code in languages if code in miniature.LANGUAGES and code != "en"]
    rows = []
    for number, pair in enumerate(miniature.near_misses(events, Random(_SEED), _DRAWS)):
        for turn, utterance in enumerate(pair):
            english = miniature.LANGUAGES["en"].say(utterance)
            rows += [
                (f"{number:03d}-{turn}", code, english, miniature.LANGUAGES[code].say(utterance))
                for code in spoken
            ]
    ids, codes, english, said = zip(*rows, strict=True) if rows else ((), (), (), ())
    groups = [name[:3] for name in ids]
    return as_table({
        "id": ids, "language": codes, "text_a": english, "text_b": said,
        "label": [0] * len(ids), "group": groups,
    })  # fmt: skip
