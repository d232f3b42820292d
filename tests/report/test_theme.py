import pytest
from matplotlib.figure import Figure as Canvas

from xstilts.report.theme import (
    ARMS,
    CONTRASTS,
    RenderError,
    font_files,
    log_sizes,
    themed,
    to_png,
    to_svg,
)


def _drawing(text: str) -> Canvas:
    canvas = Canvas(figsize=(2, 1))
    canvas.text(0.1, 0.5, text)
    return canvas


def test_every_script_of_the_tasks_has_a_glyph():
    with themed():
        to_svg(
            _drawing(
                "English Ελληνικά Русский Tiếng Việt 中文 日本語 한국어 हिन्दी العربية اردو ไทย"
            )
        )


def test_a_missing_glyph_is_an_error():
    with pytest.raises(RenderError, match="missing"), themed():
        to_svg(_drawing("\U00013080"))


def test_the_same_drawing_gives_the_same_bytes():
    def drawn() -> tuple[str, bytes]:
        with themed():
            canvas = _drawing("same")
            return to_svg(canvas), to_png(canvas)

    assert drawn() == drawn()


def test_svg_text_is_outlines_so_that_viewers_need_no_font():
    with themed():
        assert "<text" not in to_svg(_drawing("outlines"))


@pytest.mark.parametrize("styles", [ARMS, CONTRASTS])
def test_arms_differ_in_colour_marker_and_line(styles):
    for part in ("colour", "marker", "line", "label"):
        assert len({str(getattr(style, part)) for style in styles.values()}) == len(styles)


def test_fonts_are_upright_files_that_exist():
    files = font_files()
    assert all(path.is_file() and "Italic" not in path.name for path in files)
    assert files[0].name.startswith("NotoSans[")


def test_labels_of_sizes_that_would_touch_are_left_out_but_the_ends_stay():
    sizes = {"3.5M": 3_500_000, "5.3M": 5_300_000, "7.1M": 7_100_000, "8.9M": 8_900_000,
             "10.6M": 10_600_000, "14.2M": 14_200_000}  # fmt: skip
    shown = {}
    for columns in (1, 5):
        canvas = Canvas(figsize=(6.85, 2))
        axes = canvas.subplots(1, columns, squeeze=False)[0, 0]
        log_sizes(axes, sizes)
        assert len(axes.get_xticks()) == 6
        shown[columns] = [label.get_text() for label in axes.get_xticklabels() if label.get_text()]
    assert shown[1] == list(sizes)
    assert len(shown[5]) < 6
    assert (shown[5][0], shown[5][-1]) == ("3.5M", "14.2M")
