"""Where the time of a few steps goes, by kind of operation."""

import time
from collections import defaultdict
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

KINDS = (
    "matrix products", "attention", "casts and copies", "elementwise", "embedding table",
    "optimizer", "other",
)  # fmt: skip
#: first match decides; names as the profiler gives them, without "aten::"
_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("optimizer", ("_fused_adam", "_foreach_", "linalg_vector_norm", "Optimizer.")),
    ("embedding table", ("embedding", "zero_", "fill_", "index_add", "_index_put")),
    ("attention", ("bmm", "baddbmm", "_softmax", "softmax", "_scaled_dot_product",
                   "scaled_dot_product", "_flash_attention", "_efficient_attention",
                   "_Attention")),
    ("matrix products", ("mm", "addmm", "linear", "matmul", "mkldnn_linear", "_addmm")),
    ("casts and copies", ("copy_", "_to_copy", "to", "cat", "clone", "contiguous", "index",
                          "gather", "Memcpy", "native_dropout", "index_select")),
    ("elementwise", ("add", "sub", "mul", "div", "gelu", "native_layer_norm", "layer_norm", "sum",
                     "mean", "abs", "neg", "exp", "tanh", "erf", "clamp", "sigmoid", "pow", "sqrt",
                     "where", "masked_fill", "bernoulli", "sign", "sgn", "vecdot", "linalg_vecdot",
                     "_log_softmax", "nll_loss", "rsub", "maximum", "threshold")),
)  # fmt: skip
#: names that a prefix would put in the wrong place
_EXACT = {"to": "casts and copies", "index": "casts and copies", "mm": "matrix products"}


def kind_of(name: str) -> str:
    """Return the kind of an operation by its name in the profile."""
    short = name.removeprefix("aten::")
    if short in _EXACT:
        return _EXACT[short]
    for kind, prefixes in _NAMES:
        if any(short.startswith(prefix) for prefix in prefixes if prefix not in _EXACT):
            return kind
    return "other"


class Profiled:
    """A stretch of steps under torch.profiler, from `start` to `stop`."""

    def __init__(self, device: str, steps: int) -> None:
        self._cuda, self._steps = device == "cuda", steps
        activities = [ProfilerActivity.CPU]
        self._profile = profile(
            activities=[*activities, ProfilerActivity.CUDA] if self._cuda else activities
        )
        self._began = 0.0
        self.facts: dict[str, Any] = {}

    def start(self) -> None:
        self._profile.start()
        self._began = time.perf_counter()

    def stop(self) -> None:
        """End it; `facts` then holds seconds a step and the share of every kind."""
        if self._cuda:
            torch.cuda.synchronize()
        wall = time.perf_counter() - self._began
        self._profile.stop()
        spent: dict[str, float] = defaultdict(float)
        for event in self._profile.key_averages():
            micro = event.self_device_time_total if self._cuda else event.self_cpu_time_total
            spent[kind_of(event.key)] += micro / 1e6
        # on a CPU, what no operation accounts for is Python between them
        spent["other"] += max(0.0, wall - sum(spent.values()))
        whole = sum(spent.values())
        self.facts = {
            "seconds_per_step": round(wall / self._steps, 4),
            "shares": {kind: round(spent[kind] / whole, 4) for kind in KINDS},
        }
