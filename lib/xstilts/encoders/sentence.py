"""The sentences, in ten languages, on which a prepared encoder is checked."""

from functools import lru_cache
from pathlib import Path

from xstilts.params.load import read_yaml

SENTENCES = Path(__file__).with_name("sentences.yaml")


@lru_cache
def load_sentences() -> tuple[dict[str, str], ...]:
    """Return the sentences, each a mapping of language to text, English first."""
    return tuple(read_yaml(SENTENCES)["sentences"])
