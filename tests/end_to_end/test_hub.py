"""A study whose tasks are data sets of the hub, read from a local folder, through to its paper."""

import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import datasets
import pandas as pd
import pytest
import torch
import yaml
from training.conftest import word_tokenizer
from transformers import XLMRobertaConfig, XLMRobertaModel

from end_to_end.place import ROOT, STUDY, Place, succeeded
from xstilts import miniature
from xstilts.encoders.architecture import body_parameters
from xstilts.params import TaskSpec
from xstilts.params.load import parse
from xstilts.tasks import load_items

pytestmark = pytest.mark.slow

INTERMEDIATE, TARGETS = "hub_mnli", ("hub_xnli", "hub_pawsx")
TASKS = (INTERMEDIATE, *TARGETS)
#: data set -> generator, columns beside texts and label, and the names its label numbers have
HUB: dict[str, tuple[str, tuple[str, ...], list[str]]] = {
    "facebook/xnli": ("nli", (), ["entailment", "neutral", "contradiction"]),
    "google-research-datasets/paws-x": ("paraphrase", ("id",), ["0", "1"]),
    "nyu-mll/glue": ("questions", ("idx",), ["not_duplicate", "duplicate"]),
}
WIDTH = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
         "intermediate_size": 24, "max_position_embeddings": 80, "pad_token_id": 1}  # fmt: skip
ROWS, TRAINED, SCORED = {"train": 72}, 48, 12


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a project whose study `smoke` is of hub tasks, computed without network."""
    root = tmp_path_factory.mktemp("hub")
    for name in ("Snakefile", "paper", "lib"):
        (root / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "notebooks", root / "notebooks")
    words = sorted({word for name in (*TASKS, "hub_qqp") for word in write_task(root, name)})
    write_yaml(root, "models/tiny", write_encoder(root, words))
    study = yaml.safe_load((ROOT / f"params/studies/{STUDY}.yaml").read_text())
    budget = {"items": 32, "epochs": 1}
    changes = {"models": ["tiny"], "arms": ["none", "multilingual"],
               "intermediates": [INTERMEDIATE], "targets": list(TARGETS),
               "intermediate_budget": budget, "target_budget": budget}  # fmt: skip
    write_yaml(root, f"studies/{STUDY}", study | changes)
    made = Place(root)
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    assert succeeded(made.run("paper", XSTILTS_DATA=str(root / "data"), **offline))
    return made


def write_yaml(root: Path, name: str, values: dict[str, Any]) -> None:
    path = root / "params" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(values))


def write_task(root: Path, name: str) -> set[str]:
    """Write a copy of a task's file, and what its source names; return the words of its texts.

    The source stays as it is; languages are those that the miniature speaks.
    """
    task = yaml.safe_load((ROOT / f"params/tasks/{name}.yaml").read_text())
    for key in ("train_languages", "test_languages"):
        task[key] = [code for code in task[key] if code in miniature.LANGUAGES]
    write_yaml(root, f"tasks/{name}", task | {"train_items": TRAINED, "test_items": SCORED})
    words: set[str] = set()
    for part in ("train", "test"):
        for language in task[f"{part}_languages"]:
            words |= write_split(root / "data" / "hub", task["source"][part], language)
    return words


def write_split(hub: Path, split: dict[str, Any], language: str) -> set[str]:
    """Write one split of one configuration as `datasets` does; return the words of its texts."""
    generator, more, names = HUB[split["id"]]
    examples = miniature.generate(
        generator, lexicon="B" if split["split"] == "validation" else "A",
        split="train" if split["split"] == "train" else "test",
        items=ROWS.get(split["split"], SCORED), languages=(language,),
        seed=zlib.crc32(f"{split['id']}{split['split']}".encode()) % 1000,
    )  # fmt: skip
    side_a, side_b, label = split["columns"]
    numbers = [names.index(one.label) if generator == "nli" else int(one.label) for one in examples]
    rows: dict[str, list[Any]] = {name: list(range(len(examples))) for name in more}
    rows |= {side_a: [one.texts[language][0] for one in examples],
             side_b: [one.texts[language][1] for one in examples], label: numbers}  # fmt: skip
    if generator == "paraphrase" and language == "de" and split["split"] == "train":
        rows[side_b][0], rows[label][0] = "NS", 0  # as the data set marks an untranslated row
    features = datasets.Features(
        {name: datasets.Value("int32") for name in more}
        | {side_a: datasets.Value("string"), side_b: datasets.Value("string")}
        | {label: datasets.ClassLabel(names=names)}
    )
    folder = hub / split["id"] / split["config"].replace("{language}", language)
    folder.mkdir(parents=True, exist_ok=True)
    table = datasets.Dataset.from_dict(rows, features=features)
    table.to_parquet(folder / f"{split['split']}-00000-of-00001.parquet")
    return {word for side in (side_a, side_b) for text in rows[side] for word in text.split()}


def write_encoder(root: Path, words: list[str]) -> dict[str, Any]:
    """Write an encoder of random weights and whole words; return its parameter file."""
    torch.manual_seed(3)
    config = XLMRobertaConfig(**WIDTH, vocab_size=len(words) + 4, type_vocab_size=1)
    model = XLMRobertaModel(config, add_pooling_layer=False)
    model.save_pretrained(root / "tiny")
    word_tokenizer(words).save_pretrained(root / "tiny")
    total = sum(one.numel() for one in model.parameters())
    shape = {"layers": 2, "hidden": 16, "feed_forward": 24, "vocabulary": len(words) + 4,
             "body_params": body_parameters(model), "total_params": total}  # fmt: skip
    return {"family": "tiny", "source": {"kind": "folder", "path": "tiny"}, "shape": shape,
            "layers": 2, "head": "aligned", "dropout": 0.0, "max_tokens": 40,
            "precision": "fp32", "licence": "MIT"}  # fmt: skip


def spec(place: Place, task: str) -> dict[str, Any]:
    return yaml.safe_load((place.root / f"params/tasks/{task}.yaml").read_text())


def test_every_target_is_scored_in_every_language_after_every_start(place):
    runs = pd.read_parquet(place.study / "analysis/runs.parquet")
    for target in TARGETS:
        found = runs[(runs["stage"] == "target") & (runs["target"] == target)]
        languages = spec(place, target)["test_languages"]
        assert len(languages) >= 6
        starts = found.groupby(["intermediate", "arm"])["language"].apply(sorted)
        assert len(starts) == 2
        assert all(one == languages for one in starts)
        assert found["items"].eq(SCORED).all()
        assert found["score"].between(0, 100).all()


@pytest.mark.parametrize("task", TASKS)
def test_the_audit_names_the_files_and_counts_their_rows(place, task):
    report = json.loads((place.study / f"data/{task}/audit.json").read_text())
    source, expected = spec(place, task)["source"], set()
    for part in ("train", "test"):
        for language in spec(place, task)[f"{part}_languages"]:
            config = source[part]["config"].replace("{language}", language)
            file = f"{source[part]['split']}-00000-of-00001.parquet"
            expected.add(f"hub/{source[part]['id']}/{config}/{file}")
    assert set(report["files"]) == expected
    rows = pd.DataFrame(report["rows"])
    assert rows.query("split == 'train'")["rows"].eq(ROWS["train"]).all()
    assert rows.query("split == 'train'")["items"].eq(TRAINED).all()
    marked = 1 if task == "hub_pawsx" else 0
    assert rows.query("split == 'train'")["dropped_marked"].eq(marked).all()


def test_a_data_set_in_english_alone_reads_the_names_of_its_labels(place):
    task = parse(TaskSpec, spec(place, "hub_qqp"), "hub_qqp.yaml")
    data = load_items("hub_qqp", task, place.root / "data")
    assert set(data.report["files"]) == {
        f"hub/nyu-mll/glue/qqp/{part}-00000-of-00001.parquet" for part in ("train", "validation")
    }
    assert set(data.train["label"]) == {0, 1}
    assert len(data.test) == SCORED


def test_the_paper_is_typeset_with_the_titles_of_the_tasks(place):
    html = (place.study / "paper/paper.html").read_text()
    for task in TASKS:
        assert spec(place, task)["title"] in html
    assert (place.study / "paper/paper.pdf").read_bytes().startswith(b"%PDF-")
