"""What training an encoder costs on a device, by formula: operations, seconds, bytes.

Everything is computed from the parameter files; no weight is read and no tensor made.
"""

import math
from dataclasses import dataclass

from xstilts.errors import SpecError, unknown
from xstilts.params import ModelSpec
from xstilts.params.method import adapter_params, scoring_flops, training_flops

GIB = 1024**3
#: fp32 weight, fp32 gradient, two fp32 moments of AdamW
BYTES_WEIGHT, BYTES_GRADIENT, BYTES_ADAMW = 4, 4, 8
#: bf16: the copy that autocast keeps of a trained matrix, or LoRA's frozen matrix itself
BYTES_BF16 = 2
#: a step reads the gradient for clipping (4), then AdamW reads and writes weight and moments (28)
BYTES_STEP = 32
#: CUDA context, kernels and what the allocator cannot use; assumed
OVERHEAD = 3 * GIB // 2
#: notebook kernel, imports and reading of inputs; assumed
CELL_START_S = 15.0
#: kernels of a block with adapters over those of one without: PyTorch dispatches 148 operations
#: forward and backward under autocast instead of 72
LORA_KERNELS = 2
#: matrices of a block that adapters stand beside (BERT's classes)
PROJECTIONS = 6
#: below this many pairs a pass, computing activations again beats idle arithmetic units
SMALLEST_PLAIN_BATCH = 4


@dataclass(frozen=True, slots=True)
class Device:
    """What a plan must know of a machine; memory and bandwidth in bytes, rates a second."""

    name: str
    title: str
    memory: int
    peak_flops: float
    mfu: float
    bandwidth: float
    #: seconds that starting the kernels of one block's forward and backward pass takes
    launch: float
    source: str

    @property
    def flops(self) -> float:
        """Operations a second that training is expected to reach."""
        return self.peak_flops * self.mfu


#: both assumed; a single stream of kernels, not compiled
_MFU, _LAUNCH_S = 0.35, 0.6e-3


def _nvidia(name: str, title: str, gib: int, tflops: float, gb_s: float, source: str) -> Device:
    return Device(name, title, gib * GIB, tflops * 1e12, _MFU, gb_s * 1e9, _LAUNCH_S, source)


#: peak: bf16 matrix products, dense, fp32 accumulation
DEVICES: dict[str, Device] = {
    device.name: device
    for device in (
        Device(
            "cpu-2-cores",
            "two CPU cores",
            8 * GIB,
            peak_flops=2 * 60e9,
            mfu=1.0,
            bandwidth=20e9,
            launch=0.0,
            source="60 GFLOP/s a core, sustained; not a data sheet",
        ),
        _nvidia("rtx4090", "GeForce RTX 4090", 24, 165.2, 1008, "NVIDIA Ada whitepaper"),
        _nvidia("a100-40", "A100 40 GB", 40, 312, 1555, "NVIDIA A100 data sheet"),
        _nvidia("a100-80", "A100 80 GB SXM", 80, 312, 2039, "NVIDIA A100 data sheet"),
        _nvidia("h100-80", "H100 80 GB SXM", 80, 989.4, 3350, "NVIDIA H100 data sheet"),
    )
}


def find_device(name: str) -> Device:
    """Return the device of that name. Raises SpecError, naming the nearest."""
    if name not in DEVICES:
        raise SpecError(unknown("device", name, DEVICES, "plan"))
    return DEVICES[name]


@dataclass(frozen=True, slots=True)
class Work:
    """Training or evaluation of any number of runs."""

    tokens: int = 0
    steps: int = 0
    flops: float = 0.0
    #: read and written by the optimizer
    step_bytes: float = 0.0
    #: passes forward and backward through a block, or as many kernels
    block_passes: int = 0

    def __add__(self, other: "Work") -> "Work":
        return Work(
            self.tokens + other.tokens,
            self.steps + other.steps,
            self.flops + other.flops,
            self.step_bytes + other.step_bytes,
            self.block_passes + other.block_passes,
        )

    def __mul__(self, times: int) -> "Work":
        return Work(
            self.tokens * times,
            self.steps * times,
            self.flops * times,
            self.step_bytes * times,
            self.block_passes * times,
        )

    def seconds(self, device: Device) -> float:
        """Return the time of arithmetic, or of starting kernels where that is longer, plus
        that of the optimizer's traffic, which no arithmetic hides.
        """
        passes = max(self.flops / device.flops, self.block_passes * device.launch)
        return passes + self.step_bytes / device.bandwidth


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on the device at the peak of training, and how the batch is cut to get there."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    evaluation: int
    micro_batch: int
    recompute: bool

    @property
    def training(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.activations + OVERHEAD


def held_parameters(model: ModelSpec) -> int:
    """Return the parameters on the device before adapters, which are also those of a checkpoint.

    A wheel restores only the embedding rows that a study reads, a few thousand: they are
    left out. For other sources all rows count, an upper bound where a vocabulary is trimmed.
    """
    return model.body_params if model.source.kind == "wheel" else model.total_params


def trained_parameters(model: ModelSpec) -> int:
    """Return the parameters that gradients exist for: all held, the upper blocks, or adapters."""
    if model.method == "lora":
        return adapter_params(model)
    if model.frozen_layers:
        return model.body_params * (model.layers - model.frozen_layers) // model.layers
    return held_parameters(model)


def pair_tokens(model: ModelSpec, mean_tokens: int) -> int:
    """Return the tokens of a mean pair as the model cuts it."""
    texts = 1 if model.head == "joint" else 2
    return min(mean_tokens, texts * model.max_tokens)


def training(
    model: ModelSpec, *, items: int, epochs: int, batch: int, mean_tokens: int, need: Memory
) -> Work:
    """Return the work of one training run by the model's method.

    Args:
        model: the encoder.
        items: pairs in an epoch.
        epochs: times that each pair is read.
        batch: pairs a step.
        mean_tokens: tokens of a mean pair, special ones included.
        need: how the batch is cut, from `fit`.
    """
    length = pair_tokens(model, mean_tokens)
    tokens = items * epochs * length
    steps = epochs * math.ceil(items / batch)
    kernels = LORA_KERNELS if model.method == "lora" else 1
    upper = model.layers - model.frozen_layers
    return Work(
        tokens,
        steps,
        flops=tokens * training_flops(model, length, recompute=need.recompute),
        step_bytes=float(steps * BYTES_STEP * trained_parameters(model)),
        block_passes=steps * math.ceil(batch / need.micro_batch) * upper * kernels,
    )


def evaluation(model: ModelSpec, *, items: int, mean_tokens: int) -> Work:
    """Return the work of scoring `items` pairs (items times languages) once."""
    length = pair_tokens(model, mean_tokens)
    return Work(tokens=items * length, flops=items * length * scoring_flops(model, length))


def activation_bytes(model: ModelSpec, pairs: int, *, recompute: bool) -> int:
    """Return what the backward pass needs of the forward pass, `pairs` of full length.

    Bytes a token and block with fused attention: 24 hidden + 4 feed-forward under 16-bit
    autocast (norms stay in fp32), 32 hidden + 8 feed-forward in fp32, and two masks of
    hidden bytes where there is dropout; an adapter keeps its narrow product. Recomputing
    keeps the fp32 input of every block and the rest of one. Counted on the tensors that
    autograd keeps for XLM-R's classes; relative attention and gated feed-forward keep more.
    """
    texts = 1 if model.head == "joint" else 2
    hidden, wide = model.shape.hidden, model.shape.feed_forward
    block = 32 * hidden + 8 * wide if model.precision == "fp32" else 24 * hidden + 4 * wide
    block += 2 * hidden if model.dropout else 0
    if model.method == "lora":
        block += PROJECTIONS * model.lora_rank * (4 if model.precision == "fp32" else BYTES_BF16)
    layers = model.layers - model.frozen_layers  # frozen blocks keep nothing
    kept = 4 * hidden * layers + block if recompute else block * layers
    return pairs * texts * model.max_tokens * kept


def weight_bytes(model: ModelSpec) -> int:
    """Return the bytes of all weights on the device, with the copies that autocast makes.

    Under 16-bit autocast a GPU holds LoRA's frozen matrices in bf16 alone; embeddings stay in
    fp32.
    """
    held, adapters = BYTES_WEIGHT * held_parameters(model), adapter_params(model)
    if model.precision == "fp32":
        return held + BYTES_WEIGHT * adapters
    if model.method == "full":
        return held + BYTES_BF16 * model.body_params
    narrowed = (BYTES_WEIGHT - BYTES_BF16) * model.body_params
    return held - narrowed + (BYTES_WEIGHT + BYTES_BF16) * adapters


def memory(model: ModelSpec, *, batch: int, micro_batch: int, recompute: bool) -> Memory:
    """Return the bytes of training by the model's method.

    Evaluation reads `batch` pairs at once.
    """
    trained, weights = trained_parameters(model), weight_bytes(model)
    one_block = activation_bytes(model, batch, recompute=False) // model.layers
    return Memory(
        weights=weights,
        gradients=BYTES_GRADIENT * trained,
        optimizer=BYTES_ADAMW * trained,
        activations=activation_bytes(model, micro_batch, recompute=recompute),
        evaluation=weights + one_block,
        micro_batch=micro_batch,
        recompute=recompute,
    )


def fit(model: ModelSpec, device: Device, batch: int) -> Memory:
    """Return the cheapest way to train with `batch` pairs a step that fits the device.

    Halves the micro-batch, then recomputes activations; the step stays the same. When
    nothing fits, the smallest way is returned: one pair at a time, recomputed.
    """
    halves = [batch >> shift for shift in range(batch.bit_length())]
    plain = [size for size in halves if size >= min(batch, SMALLEST_PLAIN_BATCH)]
    ways = [*((size, False) for size in plain), *((size, True) for size in halves)]
    for micro_batch, recompute in ways:
        need = memory(model, batch=batch, micro_batch=micro_batch, recompute=recompute)
        if need.training <= device.memory:
            break
    return need


def lora_bytes(model: ModelSpec) -> int:
    """Return the smallest memory of training `model` by LoRA: one pair at a time, recomputed."""
    adapted = model.model_copy(update={"method": "lora"})
    return memory(adapted, batch=1, micro_batch=1, recompute=True).training


def remedies(model: ModelSpec, device: Device, need: Memory) -> list[str]:
    """Return what would make a model fit that does not, shortest way first."""
    found = []
    if model.method == "full" and (adapters := lora_bytes(model)) <= device.memory:
        found.append(f"LoRA, `method: lora` (about {adapters / GIB:.0f} GiB)")
    states = need.weights + need.gradients + need.optimizer
    room = device.memory - need.activations - OVERHEAD
    if room > 0:
        found.append(f"sharding over {math.ceil(states / room)} such devices")
    larger = [
        name
        for name, other in DEVICES.items()
        if other.memory > device.memory and need.training <= other.memory
    ]
    if larger:
        found.append(f"another device ({', '.join(larger)})")
    return found
