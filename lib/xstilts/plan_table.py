"""The plan of a study as tables for a terminal."""

from collections.abc import Sequence

from xstilts.cost import CELL_START_S, GIB
from xstilts.plan import Plan

#: columns of words, set to the left
WORDS = ("shared", "method", "fits")


def plan_text(planned: Plan) -> str:
    """Return the plan as tables that fit 100 columns, memory in GiB, disk in GB."""
    parts = (_head, _stages, _costs, _memory, _disk)
    return "\n\n".join(part(planned) for part in parts)


def _head(planned: Plan) -> str:
    device = planned.device
    launch = f", at least {device.launch * 1e3:.1f} ms a block and step" if device.launch else ""
    return (
        f"study {planned.study} on {device.name} ({device.title})\n"
        f"{device.peak_flops / 1e12:.4g} TFLOP/s and {device.bandwidth / 1e9:,.0f} GB/s "
        f"({device.source})\n"
        f"assumed: {device.mfu:.0%} of the operations reached{launch}, "
        f"{CELL_START_S:.0f} s to start a cell"
    )


def table_text(rows: Sequence[Sequence[str]]) -> str:
    """Return aligned columns under the names in the first row."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    pad = [str.ljust if i == 0 or n in WORDS else str.rjust for i, n in enumerate(rows[0])]
    lines = ("  ".join(p(v, w) for p, v, w in zip(pad, row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _stages(planned: Plan) -> str:
    rows = [["stage", "cells", "runs", "done", "shared"]]
    rows += [
        [s.stage, str(s.cells), str(s.runs) if s.runs else "", str(s.done), s.shared]
        for s in planned.stages
    ]
    total = sum(stage.runs for stage in planned.stages)
    saved = f"sharing saves {planned.runs_saved} more"
    return f"{table_text(rows)}\n{total} runs (one seed each); {saved}"


def _costs(planned: Plan) -> str:
    names = ["model", "method", "body M", "total M", "runs", "tokens M", "train PFLOP",
             "score PFLOP"]  # fmt: skip
    rows = [[*names, "hours", "left"]]
    absent = [m.name for m in planned.models if not m.fits]
    for m in planned.models:
        params = (f"{m.body_params / 1e6:,.1f}", f"{m.total_params / 1e6:,.1f}")
        flops = (f"{m.train_flops / 1e15:,.1f}", f"{m.evaluation_flops / 1e15:,.1f}")
        hours = (f"{m.hours:,.1f}", f"{m.hours_left:,.1f}")
        tokens = f"{m.train_tokens / 1e6:,.1f}"
        rows.append([m.name, m.method, *params, str(m.runs), tokens, *flops, *hours])
    return (
        f"{table_text(rows)}\n{planned.hours:,.1f} hours of one device, "
        f"{planned.hours_left:,.1f} left; an estimate, not a measurement"
        + (f"\nas if it fitted: {', '.join(absent)}" if absent else "")
    )


def _memory(planned: Plan) -> str:
    names = ["memory GiB", "trained M", "weights", "gradients", "AdamW", "activations", "peak",
             "scoring"]  # fmt: skip
    rows = [[*names, "pairs a pass", "fits"]]
    for m in planned.models:
        need = m.memory
        sizes = (need.weights, need.gradients, need.optimizer, need.activations, need.training)
        shown = [f"{size / GIB:.1f}" for size in (*sizes, need.evaluation)]
        recomputed = ", recomputed" if need.recompute else ""
        fits = "yes" if m.fits else "NO"
        shown.insert(0, f"{m.trained_params / 1e6:,.1f}")
        rows.append([m.name, *shown, f"{need.micro_batch}{recomputed}", fits])
    return f"{table_text(rows)}\n{planned.device.memory / GIB:.1f} GiB on the device"


def _disk(planned: Plan) -> str:
    rows = [["GB on disk", "download", "encoder", "intermediates", "predictions", "frozen", "sum"]]
    for m in planned.models:
        disk = m.disk
        sizes = (disk.download, disk.encoder, disk.intermediates, disk.predictions, disk.frozen,
                 disk.total)  # fmt: skip
        rows.append([m.name, *(f"{size / 1e9:,.1f}" for size in sizes)])
    return (
        f"{table_text(rows)}\n{planned.disk_needed / 1e9:,.1f} GB still to write, "
        f"{planned.disk_free / 1e9:,.1f} GB free"
    )
