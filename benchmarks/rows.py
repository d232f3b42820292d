"""What is measured: a row an entry, and the bars that the rows were meant to reach."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from xstilts.errors import SpecError, unknown

Kind = Literal["training", "evaluation", "memory"]
Encoder = Literal["e5", "xlmr_base", "xlmr_large", "tiny"]
Against = Literal["none", "defaults", "grouped", "tuned", "sentence_transformers"]
Order = Literal["ours", "by_length"]


@dataclass(frozen=True)
class Row:
    """One comparison. Work is `rounds` times `steps` of `batch` pairs on each side."""

    name: str
    title: str
    kind: Kind
    encoder: Encoder
    layers: int
    against: Against
    head: Literal["joint", "siamese"] = "joint"
    #: "auto": what is faster on this machine; the tuned trainer gets the same
    precision: Literal["auto", "fp32"] = "auto"
    #: the order in which the other side reads the pairs
    order: Order = "ours"
    #: the other side trains on the trimmed vocabulary too
    trimmed: bool = False
    batch: int = 32
    max_tokens: int = 128
    #: steps of a round, rounds, and how many rounds' steps come before the first
    steps: int = 4
    rounds: int = 5
    warm: int = 1
    #: the last of the steps before the first round are profiled
    profiled: int = 2
    #: pairs that are read once; 0: every round reads the same steps * batch pairs
    pairs: int = 0
    #: ours over theirs, and share of the ceiling, that the row was meant to reach
    ratio_bar: float | None = None
    ceiling_bar: float | None = None
    #: evaluation: pairs a language, and whether every language gets a process of its own
    items: int = 24
    processes: bool = False
    #: memory: activations are computed again in the backward pass
    recompute: bool = False
    cuda: bool = False
    needs_data: bool = False


def _grouped(layers: int, ceiling: float | None = None) -> Row:
    return Row(
        f"joint_l{layers:02d}_grouped", f"{layers} layers, all 250,037 rows", "training", "e5",
        layers, "grouped", order="by_length", rounds=3, ratio_bar=2.5, ceiling_bar=ceiling,
    )  # fmt: skip


def _trimmed(layers: int) -> Row:
    return replace(
        _grouped(layers), name=f"trimmed_l{layers:02d}_grouped", trimmed=True, ratio_bar=1.3,
        title=f"{layers} layers, vocabulary trimmed on both sides",
    )  # fmt: skip


def _tuned(row: Row) -> Row:
    """Return the row against a Trainer whose attention is chosen, too."""
    return replace(row, name=row.name.replace("grouped", "tuned"), against="tuned")


def _memory(encoder: Encoder, layers: int, batch: int, recompute: bool) -> Row:
    name = f"memory_{'xlmr' if encoder == 'xlmr_base' else f'l{layers:02d}'}"
    title = "XLM-R base shape" if encoder == "xlmr_base" else f"{layers} layers"
    return Row(
        name + ("_recomputed" if recompute else ""),
        f"{title}, activations {'computed again' if recompute else 'kept'}",
        "memory", encoder, layers, "none", batch=batch, recompute=recompute,
    )  # fmt: skip


_XLMR = Row(
    "xlmr_defaults", "XLM-R base shape, 12 layers of 768, 250,002 rows", "training", "xlmr_base",
    12, "defaults", steps=1, rounds=3, warm=2, profiled=1, ratio_bar=4.0,
)  # fmt: skip
_XLMR_GROUPED = replace(
    _XLMR, name="xlmr_grouped", against="grouped", order="by_length", ratio_bar=1.5
)
_SCORED = Row(
    "evaluation_processes", "XNLI test, a process a language", "evaluation", "e5", 6, "defaults",
    rounds=3, processes=True, ratio_bar=5.0,
)  # fmt: skip
_CUDA = replace(
    _XLMR, name="xlmr_cuda", title="XLM-R base shape on a GPU, batch 128", against="tuned",
    order="by_length", batch=128, steps=10, rounds=5, warm=1, profiled=4, cuda=True,
    ratio_bar=None, ceiling_bar=0.35,
)  # fmt: skip

ROWS: tuple[Row, ...] = (
    Row("joint_l06_defaults", "6 layers, all 250,037 rows", "training", "e5", 6, "defaults",
        steps=2, ratio_bar=6.0),
    Row("joint_l06_defaults_fp32", "6 layers, all 250,037 rows, both in fp32", "training", "e5", 6,
        "defaults", precision="fp32", steps=2, rounds=3),
    *(row for plain in (_grouped(3, 0.45), _grouped(6), _grouped(12, 0.6))
      for row in (plain, _tuned(plain))),
    replace(_tuned(_grouped(6)), name="joint_l06_tuned_same_order", order="ours", ratio_bar=None,
            title="6 layers, all 250,037 rows, both in our order"),
    *(row for plain in map(_trimmed, (3, 6, 12)) for row in (plain, _tuned(plain))),
    _XLMR,
    _XLMR_GROUPED,
    _tuned(_XLMR_GROUPED),
    Row("siamese_l06", "6 layers, each text alone, [u, v, |u - v|]", "training", "e5", 6,
        "sentence_transformers", head="siamese", steps=3),
    Row("pairs_10000", "6 layers, 10,000 pairs, one thread", "training", "e5", 6, "none",
        pairs=10_000, steps=60, rounds=5, needs_data=True),
    _SCORED,
    replace(_SCORED, name="evaluation_one_process", title="XNLI test, both in one process",
            processes=False),
    *(_memory("e5", layers, 32, recompute) for layers in (3, 6, 12) for recompute in (False, True)),
    *(_memory("xlmr_base", 12, 8, recompute) for recompute in (False, True)),
    _CUDA,
    replace(_CUDA, name="xlmr_large_cuda", encoder="xlmr_large", layers=24, ceiling_bar=0.5,
            title="XLM-R large shape on a GPU, batch 128"),
)  # fmt: skip


def choose(names: Sequence[str], rows: Sequence[Row] = ROWS) -> list[Row]:
    """Return the rows of those names, in the order of the table; all if none is named.

    Raises:
        SpecError: no row has that name; the nearest is told.
    """
    allowed = [row.name for row in rows]
    for name in names:
        if name not in allowed:
            raise SpecError(unknown("row", name, allowed, "ROWS"))
    return [row for row in rows if not names or row.name in names]


def quick(row: Row) -> Row:
    """Return the row with one round of a tiny random encoder: it shows that all runs."""
    return replace(
        row, encoder="tiny", layers=2, batch=4, max_tokens=32, rounds=1, warm=1, profiled=1,
        steps=2, items=4, pairs=min(row.pairs, 16), needs_data=False, cuda=False,
    )  # fmt: skip
