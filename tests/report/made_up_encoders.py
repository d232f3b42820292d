"""What a made-up study's encoders bring along: translations found, and how near they lie."""

from types import SimpleNamespace

import pandas as pd

from xstilts.analysis.beside import DEEPER
from xstilts.analysis.origin import ALIGNMENTS, RETRIEVALS


def starts(world: SimpleNamespace) -> list[tuple[str, str]]:
    arms = [arm for arm in world.spec["arms"] if arm != "none"]
    return [("none", "none"), *((t, a) for t in world.spec["intermediates"] for a in arms)]


def retrievals(world: SimpleNamespace) -> pd.DataFrame:
    """Return retrieval in two corpora, for studies on official files alone."""
    rows = []
    for name, spec in world.models.items() if world.spec["corpora"] else ():
        for start in starts(world):
            seeds = [-1] if start[1] == "none" else world.spec["seeds"]
            samples = ("whole", "part") if start[1] == "none" else ("part",)
            rows += [
                [name, *start, seed, corpus, sample, code, pooling,
                 level + spec["layers"] + (pooling == "mean"), 200]
                for seed in seeds
                for corpus, code, level in (
                    ("tatoeba", "de", 30.0), ("tatoeba", "fi", 30.0), ("bucc", "zh", 10.0)
                )
                for sample in samples
                for pooling in ("mean", "first")
            ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(RETRIEVALS)).astype(RETRIEVALS)


def deeper(world: SimpleNamespace) -> pd.DataFrame:
    """Return retrieval of an encoder of twelve layers that another study has."""
    rows = [
        ["made_whole", "made", 12, 21_294_720, "made_l12", "none", "none", -1,
         corpus, "whole", code, pooling, 80.0 + (pooling == "mean"), 200]
        for corpus, code in (("tatoeba", "de"), ("bucc", "zh")) if world.spec["corpora"]
        for pooling in ("mean", "first")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(DEEPER)).astype(DEEPER)


def alignments(world: SimpleNamespace) -> pd.DataFrame:
    languages = [code for code in world.tasks[world.spec["targets"][0]]["test_languages"]
                 if code != "en"]  # fmt: skip
    rows = []
    for name, spec in world.models.items():
        for start in starts(world):
            seeds = [-1] if start[1] == "none" else world.spec["seeds"]
            lift = {"none": 0, "english": 1, "multilingual": 4, "shuffled": 2}[start[1]]
            level = 50 + 2 * spec["layers"] + lift + len(start[0]) % 3
            rows += [
                [name, *start, seed, code, level, level + 10.0, 120]
                for seed in seeds
                for code in languages
            ]
    return pd.DataFrame(rows, columns=list(ALIGNMENTS)).astype(ALIGNMENTS)
