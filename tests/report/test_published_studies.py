"""What is committed: numbers are those of the tables, scores those of the predictions."""

import json
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from xstilts.analysis import load_analysis
from xstilts.report.evidence import evidence_of
from xstilts.report.folder import paper_folder
from xstilts.report.numbers import Numbers
from xstilts.report.published import published_numbers

PUBLISHED = Path(__file__).parents[2] / "outputs" / "published"
STUDIES = sorted(path.parent.parent.name for path in PUBLISHED.glob("*/analysis/study.json"))
#: those with a paper; of a study beside another one the tables suffice, which that one reads
TYPESET = sorted(path.parent.name for path in PUBLISHED.glob("*/paper"))
#: bytes that one published study may take
LARGEST = 30_000_000


@pytest.fixture(params=STUDIES)
def study(request: pytest.FixtureRequest) -> str:
    return request.param


def test_there_are_published_studies():
    assert {"real", "full"} <= set(TYPESET)
    assert set(TYPESET) <= set(STUDIES)


def test_every_study_without_a_paper_is_beside_one_that_has_it():
    named = {
        name for study in TYPESET
        for key in ("beside", "batches")
        for name in json.loads(
            (PUBLISHED / study / "analysis/study.json").read_text()
        )["study"].get(key, [])
    }  # fmt: skip
    assert set(STUDIES) - set(TYPESET) <= named


@pytest.mark.parametrize("study", TYPESET)
def test_numbers_of_the_paper_are_those_of_the_tables(study: str):
    analysis = load_analysis(PUBLISHED / study / "analysis")
    printed = published_numbers(paper_folder() / "published.yaml")
    numbers = Numbers(evidence_of(analysis, study), printed)
    committed = json.loads((PUBLISHED / study / "paper" / "numbers.json").read_text())
    assert len(committed) > 20
    for key in committed:
        numbers(key)
    assert json.loads(json.dumps(numbers.as_json())) == committed


def test_scores_are_those_of_the_predictions(study: str):
    analysis = load_analysis(PUBLISHED / study / "analysis")
    keys = ["run", "language"]
    scores = analysis.runs.set_index(keys)["score"]
    found = {
        key: 100 * accuracy_score(rows["label"], rows["prediction"])
        for key, rows in analysis.predictions.groupby(keys, observed=True)
    }
    assert len(found) == len(scores)
    computed = pd.Series(found).reindex(scores.index)
    assert (computed - scores).abs().max() < 1e-9


def test_a_published_study_is_small(study: str):
    files = [path for path in (PUBLISHED / study).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LARGEST
    wanted = {"paper.html", "paper.pdf"} if study in TYPESET else set()
    assert {path.name for path in files} >= {"predictions.parquet", *wanted}
