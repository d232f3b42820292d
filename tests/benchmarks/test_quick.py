"""The whole command on a tiny random encoder."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = ["joint_l06_defaults_fp32", "memory_l03", "xlmr_cuda"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("accelerate") is None, reason="accelerate is not installed")
def test_quick_rows_are_measured_and_written(tmp_path):
    rows = [*ROWS, "siamese_l06"] if find_spec("sentence_transformers") else ROWS
    command = [sys.executable, "-m", "benchmarks", "--quick", "--rows", ",".join(rows),
               "--out", str(tmp_path)]  # fmt: skip
    bare = {name: value for name, value in os.environ.items() if name != "XSTILTS_DATA"}
    done = subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "benchmarks" / "results.json").read_text())["rows"]
    assert {name: one["status"] for name, one in found.items()} == dict.fromkeys(rows, "measured")
    for name in set(rows) & {"joint_l06_defaults_fp32", "siamese_l06"}:
        ours, theirs = (found[name][side]["losses"] for side in ("ours", "theirs"))
        assert ours == pytest.approx(theirs, abs=1e-5)
        assert (tmp_path / "benchmarks" / f"{name}.svg").is_file()
    document = (tmp_path / "benchmarks.md").read_text()
    assert all(found[name]["row"]["title"].split(",")[0] in document for name in rows)
