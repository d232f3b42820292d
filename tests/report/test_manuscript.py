import pytest

from xstilts.report import RenderError
from xstilts.report.bibliography import read_bibliography
from xstilts.report.evidence import evidence_of
from xstilts.report.figures import all_figures
from xstilts.report.folder import paper_folder
from xstilts.report.manuscript import escaped, pieces, read_manuscript
from xstilts.report.numbers import Numbers
from xstilts.report.tables import all_tables


@pytest.fixture(scope="module")
def parts(smoke):
    library = read_bibliography(paper_folder() / "references.bib")
    return evidence_of(smoke), all_figures(smoke), all_tables(smoke), library


def read(folder, parts, text: str):
    evidence, figures, tables, library = parts
    (folder / "00_abstract.md.j2").write_text("Short.")
    (folder / "10_first.md.j2").write_text(text)
    return read_manuscript(folder, evidence, Numbers(evidence), figures, tables, library)


def test_text_is_cut_into_numbers_citations_and_references():
    found = [(piece.kind, piece.target, piece.targets) for piece in
             pieces("See @fig:design, @phang2020 and [@hu2020; @phang2018].")]  # fmt: skip
    assert found == [
        ("text", "", ()), ("fig", "design", ()), ("text", "", ()), ("named", "", ("phang2020",)),
        ("text", "", ()), ("cite", "", ("hu2020", "phang2018")), ("text", "", ()),
    ]  # fmt: skip


def test_figures_and_tables_are_numbered_as_they_are_placed(parts, tmp_path):
    manuscript = read(
        tmp_path, parts,
        "## First\n\nAs @fig:design.\n\n```figure\nscore_by_size\n```\n\n```figure\ndesign\n```\n",
    )  # fmt: skip
    assert manuscript.label("fig", "design") == "Figure 2"
    assert manuscript.label("sec", "first") == "Section 1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("## A\n\n{{ num('count/seedz') }}", "count/seeds"),
        ("## A\n\n```figure\nscore_by_siz\n```", "score_by_size"),
        ("## A\n\n```table\nmian\n```", "main"),
        ("## A\n\nSee @fig:design.", "not placed"),
        ("## A\n\nSee @sec:frist.", "first"),
        ("## A\n\n@phang2021 says", "phang2020"),
        ("## A\n\n{{ nothing }}", "nothing"),
        ("## A\n\n{% if %}", "10_first.md.j2:3"),
        ("No heading", "heading"),
    ],
)
def test_what_is_missing_stops_the_paper_and_is_named(parts, tmp_path, text, told):
    with pytest.raises(RenderError, match=told):
        read(tmp_path, parts, text)


def test_only_cited_references_are_listed_by_author(parts, tmp_path):
    manuscript = read(tmp_path, parts, "## A\n\n@phang2020 after [@hu2020; @chen2017].")
    assert list(manuscript.references) == ["chen2017", "hu2020", "phang2020"]


def test_text_from_parameters_is_not_markup(parts, tmp_path):
    evidence = parts[0]
    shown = escaped("50 % of *all* [x](y) <b> @phang2020")
    manuscript = read(tmp_path, parts, f"## A\n\n{shown}")
    inline = manuscript.sections[0].blocks[0].children[0]
    assert {node.type for node in inline.children} == {"text"}
    assert evidence.name == "smoke"


def test_an_empty_section_is_left_out(parts, tmp_path):
    (tmp_path / "90_more.md.j2").write_text("{% if false %}## More{% endif %}")
    assert [section.id for section in read(tmp_path, parts, "## A").sections] == ["first"]
