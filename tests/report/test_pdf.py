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


def test_numbers_lead_to_the_rows_of_their_runs(document):
    starts = [at for at, page in enumerate(document.pages)
              if "The runs behind the numbers" in page.extract_text()]  # fmt: skip
    places = {page.indirect_reference.idnum: at for at, page in enumerate(document.pages)}
    links = [link.get_object()["/Dest"].get_object() for page in document.pages
             for link in page.get("/Annots", []) if "/Dest" in link.get_object()]  # fmt: skip
    rows = [dest for dest in links
            if isinstance(dest, list) and places[dest[0].idnum] >= starts[-1]]  # fmt: skip
    assert len(rows) > 50
    assert len({(dest[0].idnum, float(dest[3])) for dest in rows}) > 5  # rows, not the table
