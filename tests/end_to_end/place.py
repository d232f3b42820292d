"""A project in which the smallest study is computed for real, and what tests ask of it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil

ROOT = Path(__file__).parents[2]
STUDY = "smoke"
#: columns of runs.parquet that are measured, not computed
MEASURED = ["seconds", "peak_bytes", "items_per_second", "tokens_per_second", "gemm_flops", "mfu"]
STAGES = ("10_data", "20_encoder", "30_intermediate", "40_target", "50_analysis", "60_paper")
#: seconds that a process may take to notice that its parent is gone
NOTICE_S = 10


@dataclass(frozen=True)
class Place:
    """A project, and the folder of its outputs."""

    root: Path
    outputs: str = "outputs"

    @property
    def study(self) -> Path:
        return self.root / self.outputs / STUDY

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "XSTILTS_DATA"}
        return kept | {"XSTILTS_ROOT": str(self.root), "XSTILTS_CACHE": str(ROOT / ".cache")}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "xstilts.cli", *words, STUDY, "--outputs", self.outputs]

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*(words or ("paper",))), cwd=self.root, capture_output=True, text=True,
            check=False, env=self.environment | environment,
        )  # fmt: skip

    def start(self) -> subprocess.Popen[str]:
        """Start the study in a process group of its own."""
        return subprocess.Popen(
            self.command("paper"), cwd=self.root, text=True, env=self.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def manifests(self) -> dict[str, tuple[str, int]]:
        """Return key and time of change of every manifest, by its cell's name."""
        found = {}
        for path in self.study.rglob("manifest.json"):
            name = str(path.parent.relative_to(self.study))
            found[name] = (json.loads(path.read_text())["key"], path.stat().st_mtime_ns)
        return found

    def processes(self) -> list[psutil.Process]:
        """Return the living processes that work for this place."""
        found = []
        for process in psutil.process_iter():
            try:
                said = " ".join(process.cmdline())
                named = f"outputs={self.outputs}" in said or f"--outputs {self.outputs}" in said
                named = named and process.environ().get("XSTILTS_ROOT") == str(self.root)
                if named and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found


def succeeded(done: subprocess.CompletedProcess[str]) -> bool:
    assert done.returncode == 0, done.stderr
    return True


def is_running(mark: Path) -> bool:
    """Say whether a cell's running.json is of a process that lives."""
    try:
        process = psutil.Process(json.loads(mark.read_text())["process"])
        return process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, psutil.Error):
        return False


def wait_for(said: Callable[[], bool], seconds: float, why: str) -> None:
    end = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < end, why
        time.sleep(0.1)


def assert_same_runs(one: Path, other: Path, count: int) -> None:
    found = sorted(path.relative_to(one) for path in one.rglob("seed-*/predictions.parquet"))
    assert len(found) == count
    for path in found:
        pd.testing.assert_frame_equal(
            pd.read_parquet(one / path), pd.read_parquet(other / path), check_exact=True
        )
        scores = [
            pd.read_parquet(place / path.with_name("runs.parquet")).drop(columns=MEASURED)
            for place in (one, other)
        ]
        pd.testing.assert_frame_equal(*scores, check_exact=True)
