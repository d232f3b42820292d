import json

import numpy as np
import pytest
import torch
import yaml
from transformers import AutoModel, AutoTokenizer

from training.conftest import change_study, end_cell, forget_keys, middle_cell
from xstilts.encoders.architecture import word_embedding
from xstilts.encoders.folder import open_encoder
from xstilts.errors import EncoderError
from xstilts.files import file_digest
from xstilts.results.manifest import run_is_done
from xstilts.tasks import load_task_data
from xstilts.training import run as module
from xstilts.training.run import Stage, run_seed
from xstilts.training.text import encode_pairs


def prepared(cell):
    return next(one for one in cell.inputs if one.stage == "20_encoder").folder / "encoder"


def weights(folder):
    return dict(AutoModel.from_pretrained(folder, add_pooling_layer=False).named_parameters())


@pytest.mark.parametrize("head", ["siamese", "aligned"])
def test_an_intermediate_run_leaves_an_ordinary_encoder_with_the_whole_vocabulary(project, head):
    cell = middle_cell(head)
    run_seed(Stage.of(cell), 0)
    folder = cell.folder / "seed-0" / "encoder"
    before, after = weights(prepared(cell)), weights(folder)
    assert {name: p.shape for name, p in after.items()} == {n: p.shape for n, p in before.items()}
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert len(tokenizer) == word_embedding(open_encoder(folder)).num_embeddings
    assert (folder / "tokenizer.json").read_bytes() == (
        prepared(cell) / "tokenizer.json"
    ).read_bytes()
    assert tokenizer("unread3")["input_ids"][1] > 3


def test_only_rows_of_texts_that_were_read_are_trained(project):
    cell = middle_cell("siamese", "english")
    stage = Stage.of(cell)
    run_seed(stage, 0)
    folder = cell.folder / "seed-0" / "encoder"
    name = "embeddings.word_embeddings.weight"
    before, after = weights(prepared(cell))[name], weights(folder)[name]
    moved = set((before != after).any(dim=1).nonzero().flatten().tolist())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    read = encode_pairs(tokenizer, stage.training_table(0), "siamese", stage.model.max_tokens)
    assert len(moved) > 10
    assert moved <= set(read.texts.ids.tolist())


@pytest.mark.parametrize("head", ["aligned", "joint", "siamese"])
def test_frozen_layers_stay_as_they_were_and_the_rest_is_trained(project, head):
    path = project / f"params/models/{head}.yaml"
    whole = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(whole | {"frozen_layers": 1, "dropout": 0.0}))
    forget_keys()
    cell = middle_cell(head)
    facts = run_seed(Stage.of(cell), 0)
    assert facts["method"] == "upper 1"
    before, after = weights(prepared(cell)), weights(cell.folder / "seed-0" / "encoder")
    assert before.keys() == after.keys()
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed
    assert {name.rsplit("layer.", 1)[-1][0] for name in changed} == {"1"}


def test_runs_share_what_frozen_layers_make_of_a_text(project):
    path = project / "params/models/aligned.yaml"
    whole = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(whole | {"frozen_layers": 1, "dropout": 0.0}))
    forget_keys()
    store = project / "outputs/tiny/frozen/aligned"
    run_seed(Stage.of(middle_cell("aligned")), 0)
    run_seed(Stage.of(end_cell("aligned")), 0)
    kept = {path.name: path.stat().st_mtime_ns for path in store.iterdir()}
    assert len(kept) >= 2  # the test set, the training items; alignment where it is spoken
    again = run_seed(Stage.of(end_cell("aligned", start="questions-multilingual")), 0)
    assert {path.name: path.stat().st_mtime_ns for path in store.iterdir()} == kept
    assert again["arm"] == "multilingual"


def test_a_target_run_starts_from_the_encoder_of_its_intermediate_run(project, monkeypatch):
    run_seed(Stage.of(middle_cell()), 1)
    cell = end_cell(start="questions-multilingual")
    stage = Stage.of(cell)
    assert stage.start_folder(1) == middle_cell().folder / "seed-1" / "encoder"
    opened = []

    def watched(folder, **options):
        opened.append(folder)
        return open_encoder(folder, **options)

    monkeypatch.setattr(module, "open_encoder", watched)
    after = run_seed(stage, 1)
    assert opened == [stage.start_folder(1)]
    assert (after["arm"], after["intermediate"], after["stage"]) == (
        "multilingual", "questions", "target"
    )  # fmt: skip
    assert not (cell.folder / "seed-1" / "encoder").exists()


def test_the_baseline_starts_from_the_pretrained_encoder(project):
    stage = Stage.of(end_cell())
    assert stage.start_folder(0) == stage.start_folder(1) == prepared(stage.cell)
    facts = run_seed(stage, 0)
    assert (facts["arm"], facts["intermediate"]) == ("none", "none")


def test_what_a_run_starts_from_decides_its_answers(project):
    run_seed(Stage.of(middle_cell()), 0)
    files = []
    for start in ("none", "questions-multilingual"):
        cell = end_cell(start=start)
        run_seed(Stage.of(cell), 0)
        files.append((cell.folder / "seed-0" / "curve.parquet").read_bytes())
    assert files[0] != files[1]


@pytest.mark.parametrize("head", ["siamese", "joint"])
def test_a_run_repeated_in_a_fresh_folder_is_the_same_bit_by_bit(project, head):
    cell = middle_cell(head)
    found = []
    for state in (1, 2):
        torch.manual_seed(state)
        np.random.seed(state)  # noqa: NPY002  global generators must not matter
        run_seed(Stage.of(cell), 0)
        folder = cell.folder / "seed-0"
        found.append(
            [
                file_digest(folder / name)
                for name in ("predictions.parquet", "curve.parquet", "encoder/model.safetensors")
            ]
        )
        folder.rename(folder.with_name(f"before-{state}"))  # fmt: skip
    assert found[0] == found[1]


def test_another_seed_gives_another_encoder(project):
    cell = middle_cell()
    for seed in (0, 1):
        run_seed(Stage.of(cell), seed)
    digests = {
        file_digest(cell.folder / f"seed-{seed}" / "encoder/model.safetensors") for seed in (0, 1)
    }
    assert len(digests) == 2


def test_arms_train_on_the_same_items_in_other_languages(project):
    tables = {arm: Stage.of(middle_cell(arm=arm)).training_table(0)
              for arm in ("english", "multilingual")}  # fmt: skip
    assert tables["english"]["id"].tolist() == tables["multilingual"]["id"].tolist()
    assert set(tables["english"]["language"]) == {"en"}
    assert set(tables["multilingual"]["language"]) == {"de", "en"}
    assert len(tables["english"]) == 16


def test_a_target_is_trained_in_english(project):
    stage = Stage.of(end_cell())
    assert set(stage.training_table(0)["language"]) == {"en"}
    other = stage.training_table(1)["id"].tolist()
    assert stage.training_table(0)["id"].tolist() != other


def test_facts_count_what_was_read(project):
    cell = end_cell()
    stage = Stage.of(cell)
    facts = run_seed(stage, 0)
    tokenizer = AutoTokenizer.from_pretrained(prepared(cell))
    table = stage.training_table(0)
    tokens = sum(len(tokenizer(t, truncation=True, max_length=40)["input_ids"])
                 for side in ("text_a", "text_b") for t in table[side])  # fmt: skip
    assert facts["tokens"] == 2 * tokens  # epochs
    assert facts["steps"] == 2 * 4  # 16 items in batches of 5
    assert facts["train_items"] == 32
    assert facts["items_per_second"] == pytest.approx(32 / facts["seconds"], rel=0.05)
    assert json.loads((cell.folder / "seed-0" / "run.json").read_text())["tokens"] == 2 * tokens


def test_progress_goes_from_training_to_scoring(project):
    said = []
    run_seed(Stage.of(end_cell()), 0, lambda share, doing: said.append((share, doing)))
    shares = [share for share, _ in said]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1
    assert said[0][1] == "seed 0, step 1 of 8"
    assert said[-1][1] == "seed 0, scoring"


def test_a_task_without_a_test_set_is_trained_on_only(project):
    path = project / "params/tasks/questions.yaml"
    values = yaml.safe_load(path.read_text()) | {"test_languages": [], "test_items": 0}
    path.write_text(yaml.safe_dump(values))
    forget_keys()
    cell = middle_cell()
    data = load_task_data(cell.inputs[0])
    data.test.iloc[:0].to_parquet(cell.inputs[0].folder / "test.parquet", index=False)
    run_seed(Stage.of(cell), 0)
    names = {one.name for one in (cell.folder / "seed-0").iterdir()}
    assert names == {
        "alignment.parquet", "curve.parquet", "encoder", "retrieval.parquet", "run.json"
    }  # fmt: skip


def test_a_run_that_is_killed_while_it_is_written_is_not_done(project, monkeypatch):
    """What an earlier run left under its key must not vouch for another encoder."""
    cell = middle_cell()
    run_seed(Stage.of(cell), 0)
    change_study(project, intermediate_budget={"items": 8, "epochs": 1})

    def killed(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write_run", killed)
    with pytest.raises(KeyboardInterrupt):
        run_seed(Stage.of(middle_cell()), 0)
    change_study(project, intermediate_budget={"items": 16, "epochs": 2})
    assert not run_is_done(middle_cell(), 0)


def test_longer_texts_than_the_encoder_reads_are_refused(project):
    path = project / "params/models/siamese.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"max_tokens": 200}))
    forget_keys()
    with pytest.raises(EncoderError, match="max_tokens: 200 asked; allowed: up to 78"):
        run_seed(Stage.of(end_cell()), 0)


def test_the_precision_of_a_study_is_recorded_in_its_folder(project):
    path = project / "params/models/siamese.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"precision": "auto"}))
    forget_keys()
    for cell in (middle_cell(), end_cell()):
        Stage.of(cell)
    assert [str(p.relative_to(project)) for p in project.rglob("precision.json")] == [
        "outputs/tiny/precision.json"
    ]
