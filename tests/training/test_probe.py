import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from tasks.test_corpus import write_corpus
from tasks.test_mining import write_mining

from training.conftest import change_study, middle_cell
from xstilts.encoders.prepare import prepare_encoder
from xstilts.params import find_cell
from xstilts.training.alignment import ALIGNMENT, RETRIEVAL
from xstilts.training.probe import INVERSE_PENALTY, PROBE, _regress, examine
from xstilts.training.run import Stage, run_seed


def encoder_cell(head):
    return find_cell("20_encoder", "tiny", model=head)


@pytest.mark.parametrize("head", ["siamese", "aligned", "joint"])
def test_an_encoder_is_probed_on_every_target_with_its_own_head(project, head):
    cell = encoder_cell(head)
    found = examine(cell)
    assert list(found.probe.columns) == list(PROBE)
    assert list(found.alignment.columns) == list(ALIGNMENT)
    assert set(found.probe["target"]) == {"nli"}
    assert list(found.probe["language"]) == ["de", "en", "zh"]
    assert found.probe["score"].between(0, 100).all()
    assert set(found.alignment["language"]) == {"de", "zh"}
    assert found.retrieval.empty
    for name in ("probe", "alignment", "retrieval"):
        table = getattr(found, name)
        pd.testing.assert_frame_equal(pd.read_parquet(cell.folder / f"{name}.parquet"), table)


def test_corpora_of_the_study_are_retrieved_in_before_and_after_training(project, monkeypatch):
    write_corpus(project, monkeypatch, lines=30)
    change_study(project, corpora=["made"])
    prepare_encoder(encoder_cell("siamese"))
    found = examine(encoder_cell("siamese"))
    counts = found.retrieval.groupby(["sample", "pooling"])["items"].unique().to_dict()
    assert {key: list(value) for key, value in counts.items()} == {
        ("whole", "mean"): [30], ("whole", "first"): [30],
        ("part", "mean"): [9], ("part", "first"): [9],
    }  # fmt: skip
    assert {"made, first", "made, mean"} <= set(found.alignment_table.columns)
    cell = middle_cell("siamese")
    run_seed(Stage.of(cell), 0)
    after = pd.read_parquet(cell.folder / "seed-0" / "retrieval.parquet")
    assert list(after.columns) == list(RETRIEVAL)
    assert set(after["sample"]) == {"part"}
    assert set(after["language"]) == {"de", "zh"}


def test_a_corpus_for_mining_is_scored_by_f1_before_and_after_training(project, monkeypatch):
    write_mining(project, monkeypatch)
    change_study(project, corpora=["mined"])
    prepare_encoder(encoder_cell("siamese"))
    found = examine(encoder_cell("siamese"))
    assert set(found.retrieval["items"]) == {3}
    assert set(found.retrieval["sample"]) == {"whole", "part"}
    assert {"mined, F1, first", "mined, F1, mean"} <= set(found.alignment_table.columns)
    cell = middle_cell("siamese")
    run_seed(Stage.of(cell), 0)
    after = pd.read_parquet(cell.folder / "seed-0" / "retrieval.parquet")
    assert list(after["items"]) == [3, 3]
    assert after["score"].between(0, 100).all()


def test_equal_encoders_give_equal_tables(project):
    one, other = (examine(encoder_cell("siamese")) for _ in range(2))
    pd.testing.assert_frame_equal(one.probe, other.probe)
    pd.testing.assert_frame_equal(one.alignment, other.alignment)


def test_the_regression_is_that_of_scikit_learn_on_the_features(project):
    class Known:
        def features(self, pairs):
            return pairs.table

    class Made:
        def __init__(self, seed):
            rng = np.random.default_rng(seed)
            self.table = rng.normal(size=(600, 7))
            self.labels = (self.table[:, 0] > 0).astype(int)

    train, test = Made(0), Made(1)
    expected = LogisticRegression(C=INVERSE_PENALTY, max_iter=500).fit(train.table, train.labels)
    answers = _regress(Known(), train, test)
    assert (answers == expected.predict(test.table)).all()
    assert (answers == test.labels).mean() > 0.8


def test_an_intermediate_run_leaves_the_alignment_of_its_encoder(project):
    cell = middle_cell("siamese")
    run_seed(Stage.of(cell), 0)
    table = pd.read_parquet(cell.folder / "seed-0" / "alignment.parquet")
    assert list(table.columns) == list(ALIGNMENT)
    before = examine(encoder_cell("siamese")).alignment
    assert list(table["language"]) == list(before["language"])
    assert not table["retrieved"].equals(before["retrieved"])


def test_the_arm_of_control_trains_as_any_other(project):
    change_study(project, arms=["none", "english", "multilingual", "shuffled"])
    cell = middle_cell("siamese", "shuffled")
    facts = run_seed(Stage.of(cell), 0)
    runs = pd.read_parquet(cell.folder / "seed-0" / "runs.parquet")
    assert facts["arm"] == "shuffled"
    seen = runs.set_index("language")["seen_in_intermediate"]
    assert seen.to_dict() == {"de": True, "en": True, "zh": False}
