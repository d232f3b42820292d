"""An embedded benchmark: meaning frames, said in many languages, with computed labels.

Nothing here reads or writes a file outside the package. docs/minixtreme.md holds the conventions.
"""

from xstilts.miniature.difficulty import Difficulty
from xstilts.miniature.generate import KINDS, Example, drafts, generate, kind_of
from xstilts.miniature.language import LANGUAGES, Language, Piece
from xstilts.miniature.near_miss import near_misses
from xstilts.miniature.world import GenerationError

__all__ = [
    "KINDS",
    "LANGUAGES",
    "Difficulty",
    "Example",
    "GenerationError",
    "Language",
    "Piece",
    "drafts",
    "generate",
    "kind_of",
    "near_misses",
]
