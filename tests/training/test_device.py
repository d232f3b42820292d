import json
from types import SimpleNamespace

import pytest
import torch
from params.conftest import MODEL

from xstilts.files import read_json, write_json
from xstilts.params import ModelSpec
from xstilts.training import device
from xstilts.training.device import WORTH, Device, measure_precision, open_device

CPU = torch.device("cpu")


def spec(**changes) -> ModelSpec:
    return ModelSpec.model_validate_json(json.dumps(MODEL | changes))


@pytest.fixture
def record(tmp_path):
    return tmp_path / "outputs" / "study" / "precision.json"


@pytest.fixture
def measured(monkeypatch):
    """Return the list of models that were measured; every measurement gives bf16."""
    asked = []

    def measure(where, model):
        asked.append(model)
        return {"precision": "bf16"}

    monkeypatch.setattr(device, "measure_precision", measure)
    return asked


def test_precision_is_measured_once_and_then_kept(record, measured, monkeypatch):
    assert open_device(record, spec()).precision == "bf16"
    monkeypatch.setattr(device, "measure_precision", lambda *_: {"precision": "fp32"})
    assert open_device(record, spec(layers=2)).precision == "bf16"
    assert read_json(record) == {"precision": "bf16"}
    assert measured == [spec()]


def test_a_record_of_an_earlier_session_is_kept(record, measured):
    write_json(record, {"precision": "fp32"})
    assert open_device(record, spec()).precision == "fp32"
    assert measured == []


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_model_s_own_precision_wins(record, measured, precision):
    write_json(record, {"precision": "bf16" if precision == "fp32" else "fp32"})
    assert open_device(record, spec(precision=precision)).precision == precision
    assert measured == []


def test_a_model_with_its_own_precision_leaves_no_record(record, measured):
    open_device(record, spec(precision="bf16"))
    assert not record.exists()


def test_one_thread_computes(record):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        open_device(record, spec(precision="fp32"))
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(("ratio", "chosen"), [(WORTH + 0.01, "bf16"), (WORTH - 0.01, "fp32"),
                                               (0.5, "fp32"), (3.0, "bf16")])  # fmt: skip
def test_bf16_is_taken_if_it_is_worth_it(monkeypatch, ratio, chosen):
    now, even = [0.0], [True]

    def clock():
        # read before and after each product, fp32 and bf16 in turn
        reads[0] += 1
        if reads[0] % 2 == 0:
            now[0] += ratio if even[0] else 1.0
            even[0] = not even[0]
        return now[0]

    reads = [0]
    monkeypatch.setattr(device, "time", SimpleNamespace(perf_counter=clock))
    found = measure_precision(CPU, spec())
    assert found["precision"] == chosen
    assert found["device"] == "cpu"
    expected = {"fp32": 1e3 * ratio, "bf16": 1e3}
    assert found["milliseconds"] == pytest.approx(expected, rel=1e-3)


def test_the_measurement_multiplies_in_both_precisions(monkeypatch):
    seen = []
    linear = torch.nn.functional.linear

    def watched(x, weight, bias=None):
        out = linear(x, weight, bias)
        seen.append((tuple(weight.shape), out.dtype))
        return out

    monkeypatch.setattr(torch.nn.functional, "linear", watched)
    found = measure_precision(CPU, spec())
    assert set(seen) == {
        (shape, dtype) for shape in ((16, 8), (8, 16)) for dtype in (torch.float32, torch.bfloat16)
    }
    assert all(value > 0 for value in found["milliseconds"].values())


def test_autocast_multiplies_in_bf16():
    with Device(CPU, "cpu", "bf16").autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_the_most_memory_of_the_process_is_told_in_bytes():
    told = Device(CPU, "cpu", "fp32").peak_bytes()
    assert 50e6 < told < 1e12
    block = torch.ones(told // 4 // 4)  # a quarter more
    assert Device(CPU, "cpu", "fp32").peak_bytes() >= told
    del block


@pytest.mark.gpu
def test_a_gpu_is_taken_where_there_is_one(record):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    found = open_device(record, spec())
    assert found.is_cuda
    assert found.title == torch.cuda.get_device_name(0)
