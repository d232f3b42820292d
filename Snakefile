"""The grid of a study as a DAG: one rule a stage notebook, and nothing else.

`make paper` runs it (lib/xstilts/engine.py). The output of a rule is the manifest of a cell; its key
covers parameters, inputs and the code that the stage imports, so that any edit that could change
a result makes the cell stale, and no other.
"""

import shutil
import sys

from xstilts.params import cells, find_cell, load_study
from xstilts.results.key import cell_key
from xstilts.results.manifest import is_done

STUDY, OUTPUTS = config["study"], config.get("outputs", "outputs")
load_study(STUDY)
FOLDER = f"{OUTPUTS}/{STUDY}"
# A cell ends when its parent does, also if that was killed while the cell was still starting.
RUN = f"XSTILTS_PARENT=$PPID exec {sys.executable} -m xstilts.cell"
WHERE = f"study={STUDY} outputs={OUTPUTS}"
GPU = int(shutil.which("nvidia-smi") is not None)


def cell(stage):
    return lambda wildcards: find_cell(stage, STUDY, OUTPUTS, **dict(wildcards.items()))


def inputs(stage):
    """Return the manifests that a cell of the stage needs: their keys count, not their times.

    A cell that is done needs none: of one restored from records, the inputs may be still to come.
    """

    def needed(wildcards):
        chosen = cell(stage)(wildcards)
        read = () if is_done(chosen) else chosen.inputs
        return [ancient(f"{FOLDER}/{one.name}/manifest.json") for one in read]

    return needed


def key(stage):
    return lambda wildcards: cell_key(cell(stage)(wildcards))


wildcard_constraints:
    task=r"[a-z0-9_.@]+",
    model=r"[a-z0-9_.]+",
    arm=r"[a-z]+",
    start=r"[a-z0-9_.-]+",


rule all:
    input:
        # all of them, not the paper alone: one that is missing is computed even if no other is
        [f"{FOLDER}/{one.name}/manifest.json" for one in cells(STUDY, OUTPUTS)],


rule data:
    output:
        FOLDER + "/data/{task}/manifest.json",
    params:
        key=key("10_data"),
    shell:
        f"{RUN} 10_data {WHERE} task={{wildcards.task}}"


rule encoder:
    input:
        inputs("20_encoder"),
    output:
        FOLDER + "/encoders/{model}/manifest.json",
    params:
        key=key("20_encoder"),
    shell:
        f"{RUN} 20_encoder {WHERE} model={{wildcards.model}}"


rule intermediate:
    input:
        inputs("30_intermediate"),
    output:
        FOLDER + "/intermediate/{model}/{task}/{arm}/manifest.json",
    params:
        key=key("30_intermediate"),
    resources:
        gpu=GPU,
    shell:
        f"{RUN} 30_intermediate {WHERE} model={{wildcards.model}} task={{wildcards.task}}"
        " arm={wildcards.arm}"


rule target:
    input:
        inputs("40_target"),
    output:
        FOLDER + "/targets/{model}/{start}/{task}/manifest.json",
    params:
        key=key("40_target"),
    resources:
        gpu=GPU,
    shell:
        f"{RUN} 40_target {WHERE} model={{wildcards.model}} start={{wildcards.start}}"
        " task={wildcards.task}"


rule analysis:
    input:
        inputs("50_analysis"),
    output:
        FOLDER + "/analysis/manifest.json",
    params:
        key=key("50_analysis"),
    shell:
        f"{RUN} 50_analysis {WHERE}"


rule paper:
    input:
        inputs("60_paper"),
    output:
        FOLDER + "/paper/manifest.json",
    params:
        key=key("60_paper"),
    shell:
        f"{RUN} 60_paper {WHERE}"
