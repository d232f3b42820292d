"""Fonts for the HTML paper: only the glyphs that it needs beyond what every viewer has."""

import base64
import io
from functools import lru_cache
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from xstilts.report.theme import FONTS, RenderError, font_files

#: Latin with its extensions, Greek, Cyrillic and punctuation: in every viewer's own fonts
_COMMON = (range(0x0000, 0x0530), range(0x1E00, 0x2070))


@lru_cache
def glyphs(path: Path) -> frozenset[int]:
    """Return the code points that a font file has a glyph for."""
    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap())


def check_glyphs(text: str, *more: frozenset[int]) -> None:
    """Make sure that a font of the report has a glyph for every character of `text`.

    Args:
        text: what is printed.
        more: code points of fonts beside those of the font wheels.

    Raises:
        RenderError: no font has the character; the first such one is named.
    """
    known = frozenset().union(*(glyphs(path) for path in font_files()), *more)
    for character in sorted(set(text) - {"\n", "\t"}):
        if ord(character) not in known:
            near = text[max(text.index(character) - 15, 0) :][:30].replace("\n", " ")
            code = f"U+{ord(character):04X}"
            raise RenderError(f"no font has a glyph for '{character}' ({code}), in “{near}”")


def embedded_fonts(text: str) -> str:
    """Return @font-face rules with the glyphs of `text` outside the common scripts.

    The same text gives the same bytes. Nothing to embed gives "".
    """
    needed = {ord(c) for c in text if not any(ord(c) in common for common in _COMMON)}
    rules = []
    for path, family in zip(font_files(), FONTS.values(), strict=True):
        own = needed & glyphs(path)
        if own:
            rules.append(_rule(path, family, frozenset(own)))
            needed -= own
    return "\n".join(rules)


@lru_cache
def _rule(path: Path, family: str, codes: frozenset[int]) -> str:
    options = Options(flavor="woff", recalc_timestamp=False, layout_features=["*"])
    options.drop_tables += ["fvar", "gvar", "avar", "HVAR", "MVAR", "STAT"]
    font = TTFont(path, recalcTimestamp=False)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    font.flavor = "woff"
    written = io.BytesIO()
    font.save(written)
    data = base64.b64encode(written.getvalue()).decode()
    return (
        f'@font-face {{ font-family: "{family}"; '
        f'src: url("data:font/woff;base64,{data}") format("woff"); }}'
    )
