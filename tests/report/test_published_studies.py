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
#: bytes that one published study may take
LARGEST = 30_000_000


@pytest.fixture(params=STUDIES)
def study(request: pytest.FixtureRequest) -> str:
    return request.param


def test_there_are_published_studies():
    assert "real" in STUDIES


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
    assert {path.name for path in files} >= {"paper.html", "paper.pdf", "predictions.parquet"}
