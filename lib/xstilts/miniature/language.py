"""Languages: found in `languages/`, each a data file `<code>.yaml` and a realiser `<code>.py`.

The data file has `name`, `script`, `family`, `order`, optionally `spaces`, `stop`, `question`
(how sentences are joined and end), and a lexicon for every concept in whatever shape the
realiser needs.  The realiser has a function `realise(utterance, lexicon) -> list[Piece]`, and
`answer`, the same for an utterance with `only`, where a short answer is more than its constituent.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from xstilts.miniature.frame import Utterance

_FOLDER = Path(__file__).parent / "languages"

Lexicon = Mapping[str, Any]
Realiser = Callable[[Utterance, Lexicon], "list[Piece]"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A constituent: the slot it tells of ("verb", "agent", "place", ...) and its words.

    `glued` joins it to the piece before without a space (commas, enclitics).
    """

    role: str
    text: str
    glued: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """A language that frames can be said in.

    `code` is ISO 639-1, `script` ISO 15924, `order` the basic word order ("SVO", "SOV").
    """

    code: str
    name: str
    script: str
    family: str
    order: str
    spaces: bool = field(default=True, repr=False)
    stop: str = field(default=".", repr=False)
    question: tuple[str, str] = field(default=("", "?"), repr=False)
    lexicon: Lexicon = field(default_factory=dict, repr=False, compare=False)
    realiser: Realiser | None = field(default=None, repr=False, compare=False)
    answerer: Realiser | None = field(default=None, repr=False, compare=False)

    def pieces(self, utterance: Utterance) -> list[Piece]:
        """Return the constituents of the sentence in their order, without punctuation at the ends.

        Raises: KeyError if the lexicon lacks a form.
        """
        assert self.realiser is not None
        if utterance.only is not None and self.answerer is not None:
            return self.answerer(utterance, self.lexicon)
        said = [piece for piece in self.realiser(utterance, self.lexicon) if piece.text]
        return [piece for piece in said if utterance.only in (None, piece.role)]

    def say(self, utterance: Utterance) -> str:
        """Return the sentence, with capital and punctuation.

        Raises: KeyError if the lexicon lacks a form.
        """
        gap = " " if self.spaces else ""
        words = ""
        for piece in self.pieces(utterance):
            words += piece.text if piece.glued or not words else gap + piece.text
        words = _capital(words, self.code)
        if utterance.asked is None:
            return words + self.stop
        return self.question[0] + words + self.question[1]

    def say_all(self, utterances: tuple[Utterance, ...]) -> str:
        """Return several sentences as one text."""
        return (" " if self.spaces else "").join(self.say(each) for each in utterances)


def _capital(words: str, code: str) -> str:
    # Python upper-cases i to I everywhere; Turkish wants the dotted capital.
    first = "İ" if code == "tr" and words[0] == "i" else words[0].upper()
    return first + words[1:]


def _load(path: Path) -> Language:
    code = path.stem
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    module = importlib.import_module(f"xstilts.miniature.languages.{code}")
    return Language(
        code=code,
        name=data["name"],
        script=data["script"],
        family=data["family"],
        order=data["order"],
        spaces=data.get("spaces", True),
        stop=data.get("stop", "."),
        question=tuple(data.get("question", ("", "?"))),
        lexicon=data,
        realiser=module.realise,
        answerer=getattr(module, "answer", None),
    )


def _discover() -> dict[str, Language]:
    return {path.stem: _load(path) for path in sorted(_FOLDER.glob("*.yaml"))}


LANGUAGES: Mapping[str, Language] = _discover()
