import pytest

from xstilts.report import RenderError
from xstilts.report.bibliography import read_bibliography
from xstilts.report.folder import paper_folder

ENTRY = """@inproceedings{phang2020,
  author = {Phang, Jason and Calixto, Iacer and Htut, Phu Mon},
  title = {English {STILTs} Too},
  booktitle = {Proceedings of AACL},
  year = {2020},
  eprint = {2005.13013},
}
"""


def test_an_entry_is_cited_by_author_and_year(tmp_path):
    (tmp_path / "a.bib").write_text(ENTRY)
    reference = read_bibliography(tmp_path / "a.bib")["phang2020"]
    assert (reference.names, reference.year) == ("Phang et al.", "2020")
    assert reference.title == "English STILTs Too"
    assert reference.listed_authors == "Jason Phang, Iacer Calixto and Phu Mon Htut"
    assert reference.url == "https://arxiv.org/abs/2005.13013"


def test_two_authors_are_both_named(tmp_path):
    (tmp_path / "a.bib").write_text(ENTRY.replace(" and Htut, Phu Mon", ""))
    assert read_bibliography(tmp_path / "a.bib")["phang2020"].names == "Phang and Calixto"


def test_an_entry_without_year_is_refused(tmp_path):
    (tmp_path / "a.bib").write_text(ENTRY.replace("  year = {2020},\n", ""))
    with pytest.raises(RenderError, match=r"phang2020.*year"):
        read_bibliography(tmp_path / "a.bib")


def test_every_reference_of_the_paper_can_be_found_by_its_reader():
    references = read_bibliography(paper_folder() / "references.bib")
    assert len(references) > 15
    assert all(reference.url.startswith("https://") for reference in references.values())
