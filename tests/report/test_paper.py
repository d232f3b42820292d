import json
import re
import subprocess
import sys
from types import SimpleNamespace

import made_up
import pandas as pd
import pytest

from xstilts.errors import DataError
from xstilts.report import analysis_folder, render_paper, write_paper
from xstilts.report.folder import paper_folder


def test_the_paper_has_its_files(mini_paper):
    out = mini_paper.html.parent
    assert mini_paper.html.stat().st_size < 10e6
    assert mini_paper.pdf.read_bytes().startswith(b"%PDF")
    for name in mini_paper.figures:
        for ending in ("svg", "png", "csv", "json"):
            assert (out / "figures" / f"{name}.{ending}").stat().st_size > 0


def test_the_same_tables_give_the_same_bytes(smoke, smoke_paper, tmp_path):
    again = render_paper(smoke, tmp_path, study="smoke")
    for path in sorted(smoke_paper.html.parent.rglob("*.*")):
        other = again.html.parent / path.relative_to(smoke_paper.html.parent)
        assert other.read_bytes() == path.read_bytes(), path.name


def test_numbers_of_the_text_are_those_of_the_tables(mini, mini_paper):
    numbers = json.loads(mini_paper.numbers.read_text())
    checked = 0
    for number in numbers.values():
        if number["table"] == "gains.parquet" and number["column"] == "estimate":
            rows = mini.gains
            for column, value in number["row"].items():
                rows = rows[rows[column] == value]
            assert len(rows) == 1
            assert number["value"] == pytest.approx(rows["estimate"].iloc[0])
            checked += 1
    assert checked >= 9


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("smoke", {"layers": (3, 12), "seeds": (0,)}),
        ("mini", {"arms": ("none", "english"), "layers": (3, 6), "hypotheses": False}),
        ("smoke", {"arms": ("none",), "layers": (2,), "hypotheses": False}),
    ],
)
def test_smaller_studies_render_too(kind, options, tmp_path):
    paper = render_paper(made_up.study(kind, **options), tmp_path, study=kind)
    text = paper.html.read_text()
    assert "Reproducibility" in text
    assert ">nan<" not in text


def test_the_paper_of_a_study_in_which_nothing_differs_claims_nothing(tmp_path):
    study = made_up.study("mini", layers=(3, 6))
    for name in ("gains", "slopes", "growths", "hypotheses"):
        table = getattr(study, name).assign(estimate=0.0, low=0.0, high=0.0)
        changed: dict[str, object] = {"resolved": False} if "resolved" in table else {}
        if "verdict" in table:
            changed |= {"verdict": "not resolved", "p": 1.0, "p_holm": 1.0}
        setattr(study, name, table.assign(**changed))
    page = render_paper(study, tmp_path, study="mini").html.read_text()
    text = re.sub("<[^>]*>", "", page)
    assert "is not resolved: 0.0 points" in text
    assert not re.search(r"(more|less) than English ones|\bnan\b", text)


def test_a_study_that_is_scored_in_english_alone_renders(tmp_path):
    study = made_up.study("smoke", layers=(2, 4), seeds=(0, 1), arms=("none",), hypotheses=False)
    for task in study.study["tasks"].values():
        task["test_languages"] = ["en"]
    for name in ("scores", "growths"):
        table = getattr(study, name)
        setattr(study, name, table[table["group"] == "en"])
    for name in ("runs", "baselines", "probes"):
        table = getattr(study, name)
        setattr(study, name, table[table["language"] == "en"])
    study.budgets = study.budgets[study.budgets["group"] == "en"]
    study.gaps, study.fits = study.gaps.iloc[:0], study.fits.iloc[:0]
    study.alignments = study.alignments.iloc[:0]
    paper = render_paper(study, tmp_path, study="smoke")
    text = re.sub("<[^>]*>", "", paper.html.read_text())
    assert re.search(r"accuracy goes from [\d.]+ to [\d.]+ % in English\.", text)


def test_a_real_study_speaks_of_its_sets_and_a_generated_one_of_its_generator(mini_paper, tmp_path):
    paper = render_paper(made_up.study("real", layers=(6,), seeds=(0,)), tmp_path, study="real")
    assert "Official sets." in paper.html.read_text()
    assert "meaning frames" not in paper.html.read_text()
    assert "Official sets." not in mini_paper.html.read_text()
    assert "meaning frames" in mini_paper.html.read_text()


def test_undefined_results_are_dashes(tmp_path):
    tables = made_up.study("smoke", layers=(3, 6))
    tables.hypotheses[["estimate", "low", "high", "p", "p_holm"]] = float("nan")
    tables.hypotheses["verdict"] = "not testable"
    paper = render_paper(tables, tmp_path, study="smoke")
    assert "Not testable in this study" in paper.html.read_text()


def test_hostile_titles_stay_text(tmp_path):
    tables = made_up.study("smoke", layers=(2,), seeds=(0,), hypotheses=False)
    tables.study["study"]["title"] = '<script>alert("x")</script> #strong[a] $x$ \\'
    tables.study["study"]["limits"] = ["<img src=x onerror=y> *not* bold #pagebreak() {{ num }}"]
    html = render_paper(tables, tmp_path, study="smoke").html.read_text()
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "*not* bold #pagebreak() {{ num }}" in html


def test_the_tables_stand_beside_the_paper(tmp_path):
    cell = SimpleNamespace(study="smoke", folder=tmp_path / "outputs" / "smoke" / "paper")
    with pytest.raises(DataError, match="no analysis of study 'smoke'"):
        analysis_folder(cell)
    tables = tmp_path / "outputs" / "smoke" / "analysis"
    tables.mkdir(parents=True)
    (tables / "study.json").write_text("{}")
    assert analysis_folder(cell) == tables


def test_the_paper_is_written_from_the_tables_in_a_folder(
    smoke, smoke_paper, monkeypatch, tmp_path
):
    def load(folder):
        tables = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
        return SimpleNamespace(**tables, study=json.loads((folder / "study.json").read_text()))

    monkeypatch.setitem(sys.modules, "xstilts.analysis", SimpleNamespace(load_analysis=load))
    folder = made_up.write(smoke, tmp_path / "analysis")
    paper = write_paper(folder, tmp_path / "paper", study="smoke")
    assert paper.html.read_bytes() == smoke_paper.html.read_bytes()
    assert paper.pdf.read_bytes() == smoke_paper.pdf.read_bytes()


def test_the_report_imports_no_torch():
    code = "import sys, xstilts.report; print('torch' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "False"


def test_every_template_is_there():
    names = {path.name for path in (paper_folder() / "template").iterdir()}
    assert names == {"paper.css", "paper.html.j2", "paper.js", "paper.typ"}
