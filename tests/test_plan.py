import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import synthetic
import yaml

from xstilts import plan as module
from xstilts.cost import CELL_START_S, DEVICES, GIB
from xstilts.errors import ResourceError, SpecError
from xstilts.params import cells, load_model, load_study, load_task
from xstilts.plan import plan, plan_json, refuse_unfit
from xstilts.plan_disk import PREDICTION_BYTES
from xstilts.plan_table import plan_text

H100 = DEVICES["h100-80"]
TASK = {
    "title": "made for a test",
    "kind": "nli",
    "skill": "nli",
    "labels": ["yes", "no"],
    "source": {"kind": "files"},
    "train_languages": ["de", "en"],
    "test_languages": ["de", "en", "fr"],
    "train_items": 1000,
    "test_items": 100,
    "mean_tokens": 50,
}
MODEL = {
    "family": "test",
    "source": {"kind": "hub", "id": "some/encoder", "revision": "main"},
    "layers": 2,
    "head": "joint",
    "dropout": 0.1,
    "max_tokens": 64,
    "licence": "MIT",
}
SHAPE = {"layers": 2, "hidden": 64, "feed_forward": 256, "vocabulary": 1000}
STUDY = {
    "title": "two models, two intermediate tasks, two targets, three seeds",
    "models": ["small", "large"],
    "arms": ["none", "english", "multilingual"],
    "intermediates": ["middle_a", "middle_b"],
    "targets": ["end_a", "end_b"],
    "seeds": [0, 1, 2],
    "intermediate_budget": {"items": 800, "epochs": 2},
    "target_budget": {"items": 400, "epochs": 1},
    "optimizer": {
        "learning_rate": 1.0e-5,
        "head_factor": 1.0,
        "batch": 16,
        "warmup_fraction": 0.1,
        "weight_decay": 0.0,
        "clip": 1.0,
    },
}


def forget() -> None:
    for cached in (cells, load_model, load_study, load_task):
        cached.cache_clear()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the root of a project with the study `made` and room on its disk."""
    small = {**SHAPE, "body_params": 100_000, "total_params": 164_000}
    large = {**SHAPE, "body_params": 1_000_000, "total_params": 1_064_000}
    files = {f"tasks/{name}": TASK for name in ("middle_a", "middle_b", "end_a", "end_b")}
    files |= {"models/small": {**MODEL, "shape": small}, "models/large": {**MODEL, "shape": large}}
    for name, values in {**files, "studies/made": STUDY}.items():
        path = tmp_path / "params" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(values))
    monkeypatch.setenv("XSTILTS_ROOT", str(tmp_path))
    monkeypatch.setattr(module, "_disk_free", lambda _folder: 10**12)
    forget()
    yield tmp_path
    forget()


def finish(cell) -> None:
    cell.folder.mkdir(parents=True)
    cell.manifest.write_text("{}")


def test_cells_and_runs_are_counted_by_stage(project):
    planned = plan("made", H100)
    counts = {s.stage: (s.cells, s.runs, s.done) for s in planned.stages}
    starts = 1 + 2 * 2
    assert counts == {
        "10_data": (4, 0, 0),
        "20_encoder": (2, 0, 0),
        "30_intermediate": (2 * 2 * 2, 2 * 2 * 2 * 3, 0),
        "40_target": (2 * starts * 2, 2 * starts * 2 * 3, 0),
        "50_analysis": (1, 0, 0),
        "60_paper": (1, 0, 0),
    }


def test_sharing_is_what_a_pipeline_for_each_pair_would_repeat(project):
    planned = plan("made", H100)
    runs = sum(stage.runs for stage in planned.stages)
    models, middles, ends, arms, seeds = 2, 2, 2, 2, 3
    alone = models * middles * ends * seeds * (1 + arms * 2)  # baseline, and two steps an arm
    assert runs + planned.runs_saved == alone


def test_a_finished_cell_is_counted_and_costs_nothing_more(project):
    before = plan("made", H100)
    done = next(cell for cell in cells("made") if cell.stage == "30_intermediate")
    finish(done)
    after = plan("made", H100)
    assert next(s.done for s in after.stages if s.stage == "30_intermediate") == 1
    assert after.hours == pytest.approx(before.hours)
    assert after.hours_left < after.hours
    seeds, weights = 3, 4 * load_model(done["model"]).total_params
    predictions = 3 * 100 * 3 * (PREDICTION_BYTES + 2 * 2)
    assert before.disk_needed - after.disk_needed == seeds * weights + predictions


def test_tokens_and_hours_follow_from_items_epochs_and_seeds(project):
    small = next(m for m in plan("made", H100).models if m.name == "small")
    middle, end = 4 * 3 * 800 * 2 * 50, 10 * 3 * 400 * 50
    assert small.train_tokens == middle + end
    forward = 2 * 100_000 + 4 * 2 * 64 * 50
    assert small.train_flops == pytest.approx(3 * forward * small.train_tokens)
    assert small.evaluation_flops == pytest.approx(forward * (4 + 10) * 3 * 300 * 50)
    assert small.hours > (4 + 10) * CELL_START_S / 3600
    assert small.runs == (4 + 10) * 3


def test_disk_holds_download_encoder_checkpoints_and_predictions(project):
    disk = next(m for m in plan("made", H100).models if m.name == "large").disk
    assert disk.download == disk.encoder == 4 * 1_064_000
    assert disk.intermediates == 4 * 3 * 4 * 1_064_000
    assert disk.total == disk.download * 2 + disk.intermediates + disk.predictions


def test_a_study_that_fits_is_not_refused(project):
    planned = plan("made", H100)
    assert planned.refusals == ()
    refuse_unfit(planned)


def test_disk_holds_what_frozen_layers_make_of_the_texts_of_targets(project):
    path = project / "params/models/large.yaml"
    whole = next(m for m in plan("made", H100).models if m.name == "large").disk
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"frozen_layers": 1}))
    synthetic.forget()
    disk = next(m for m in plan("made", H100).models if m.name == "large").disk
    study, model = load_study("made"), load_model("large")
    pairs = sum(
        len(study.seeds) * study.budget(name, "target").items
        + load_task(name).test_items * len(load_task(name).test_languages)
        for name in study.targets
    )
    length = load_task(study.targets[0]).mean_tokens
    assert whole.frozen == 0
    assert 0 < disk.frozen <= 4 * pairs * length * model.shape.hidden
    assert disk.total == whole.total + disk.frozen


def test_a_full_disk_refuses_and_still_prints(project, monkeypatch):
    monkeypatch.setattr(module, "_disk_free", lambda _folder: 1_000_000)
    planned = plan("made", H100)
    assert "GB free" in plan_text(planned)
    with pytest.raises(ResourceError, match=r"disk: .* GB needed, 0\.0 GB free at ") as caught:
        refuse_unfit(planned)
    assert caught.value.exit_code == 4


def test_an_unknown_study_is_a_fault_of_the_parameters(project):
    with pytest.raises(SpecError, match="Did you mean 'made'"):
        plan("mde", H100)


@pytest.mark.parametrize(
    ("device", "refused"),
    [("rtx4090", ["xlmr_xl", "xlmr_xxl"]), ("a100-40", ["xlmr_xl"])],
)
def test_models_of_xtreme_that_no_batch_makes_fit_are_named(monkeypatch, device, refused):
    monkeypatch.setattr(module, "_disk_free", lambda _folder: 10**15)
    planned = plan("xtreme", DEVICES[device])
    assert [m.name for m in planned.models if not m.fits] == refused
    text = plan_text(planned)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert all(m.name in text for m in planned.models)
    with pytest.raises(ResourceError) as caught:
        refuse_unfit(planned)
    message = str(caught.value)
    assert "\n" not in message
    for name in refused:
        need = next(m.memory.training for m in planned.models if m.name == name)
        method = "LoRA r=16" if name == "xlmr_xxl" else "full"
        assert f"{name} needs {need / GIB:.1f} GiB ({method}, one pair at a time" in message
    assert f"the device has {DEVICES[device].memory / GIB:.1f} GiB" in message
    assert "LoRA" in message
    assert "sharding" in message


def test_the_method_and_what_it_trains_stand_beside_each_model(monkeypatch):
    monkeypatch.setattr(module, "_disk_free", lambda _folder: 10**15)
    planned = plan("xtreme", H100)
    refuse_unfit(planned)
    models = {m.name: m for m in planned.models}
    assert models["xlmr_xl"].method == "full"
    assert models["xlmr_xl"].trained_params == models["xlmr_xl"].total_params
    largest = models["xlmr_xxl"]
    assert largest.method == "LoRA r=16"
    assert largest.trained_params < 0.01 * largest.body_params
    assert largest.disk.encoder == 4 * largest.total_params
    rows = [line for line in plan_text(planned).splitlines() if line.startswith("xlmr_xxl")]
    assert rows[0].split()[1:3] == ["LoRA", "r=16"]
    assert f" {largest.trained_params / 1e6:,.1f} " in rows[1]


def test_xtreme_has_the_arms_sizes_tasks_and_seeds_of_the_question():
    spec = load_study("xtreme")
    assert spec.models == ("xlmr_base", "xlmr_large", "xlmr_xl", "xlmr_xxl")
    assert set(spec.arms) == {"none", "english", "multilingual"}
    assert len(spec.seeds) == 5
    assert {h.contrast for h in spec.hypotheses} == {
        "english-none", "multilingual-none", "multilingual-english",
    }  # fmt: skip
    assert [load_task(t).skill for t in spec.targets] == ["nli", "paraphrase"]


def test_the_text_fits_a_terminal_and_the_json_is_plain(project):
    planned = plan("made", H100)
    assert max(len(line) for line in plan_text(planned).splitlines()) <= 100
    values = json.loads(json.dumps(plan_json(planned)))
    assert values["hours"] == planned.hours
    assert values["models"][0]["memory"]["training"] == planned.models[0].memory.training
    assert values["models"][0]["disk"]["total"] == planned.models[0].disk.total


def test_planning_imports_nothing_that_loads_weights():
    code = (
        "import sys; from xstilts.plan import plan; from xstilts.cost import DEVICES\n"
        "from xstilts.plan_table import plan_text\n"
        "plan_text(plan('xtreme', DEVICES['h100-80']))\n"
        "heavy = {'torch', 'transformers', 'datasets', 'huggingface_hub', 'pandas'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
