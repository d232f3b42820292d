import re

import pytest

pypdf = pytest.importorskip("pypdf")


@pytest.fixture(scope="module")
def document(mini_paper):
    return pypdf.PdfReader(mini_paper.pdf)


@pytest.fixture(scope="module")
def text(document) -> str:
    return "\n".join(page.extract_text() for page in document.pages)


def test_the_document_is_tagged_titled_and_in_a_language(document):
    root = document.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"].lower().startswith("en")
    assert document.metadata.title == "A made-up study: mini"


def test_sections_are_bookmarks(document):
    titles = [entry.title for entry in document.outline if not isinstance(entry, list)]
    assert any("Question" in title for title in titles)
    assert any("References" in title for title in titles)


def test_every_font_is_embedded(document):
    for page in document.pages:
        for font in page["/Resources"]["/Font"].values():
            inner = font.get_object().get("/DescendantFonts", [font])[0].get_object()
            descriptor = inner["/FontDescriptor"].get_object()
            assert any(f"/FontFile{kind}" in descriptor for kind in ("", "2", "3"))


def test_all_scripts_are_text(text):
    assert re.search(r"[\u0400-\u04ff]{4}", text)
    assert re.search(r"[\u4e00-\u9fff]{3}", text)


def test_text_holds_the_numbers_of_the_paper(text, mini_paper):
    for table in ("main", "hypotheses"):
        for row in mini_paper.tables[table].rows[:3]:
            assert row[3].text in text


def test_no_mark_is_left(text):
    assert not re.search(r"[\ue000-\ue002]|\[@|@fig:|@tab:|\bnan\b", text)
