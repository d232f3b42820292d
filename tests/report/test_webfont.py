import pytest

from xstilts.report import RenderError
from xstilts.report.webfont import check_glyphs, embedded_fonts


def test_a_character_without_glyph_is_named_with_its_place():
    with pytest.raises(RenderError, match=r"U\+13080.*the eye"):
        check_glyphs("of the eye \U00013080 of Horus")


def test_scripts_of_the_tasks_have_glyphs():
    check_glyphs("Ελληνικά Русский Việt 中文 日本語 한국어 हिन्दी العربية اردو ไทย − × → ≤ “ ” 10⁻⁴")


def test_text_in_common_scripts_needs_no_font():
    assert embedded_fonts("plain Résumé Привет") == ""


def test_fonts_hold_what_is_needed_and_little_more():
    rules = embedded_fonts("中文 हिन्दी")
    assert rules.count("@font-face") == 2
    assert len(rules) < 60_000


def test_the_same_text_gives_the_same_bytes():
    first = embedded_fonts("中文")
    embedded_fonts("ไทย")
    assert embedded_fonts("文中") == first
