"""What may be written in paper/claims.yaml: a claim of the literature and what decides it."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from xstilts.params.load import parse, project_root, read_yaml
from xstilts.params.spec import Contrast, Kind, Strict


class ClaimSpec(Strict):
    """A claim, the reference that makes it, and the rule by which a study decides it."""

    says: str
    reference: str = Field(description="key in paper/references.bib")
    decided_by: str = Field(description="the contrast in words")
    rule: Literal["above", "not_above", "zero", "retrieval", "never"]
    reason: str = Field(default="", description="of `never`: why no study here can decide it")
    margin: float = Field(default=0.0, ge=0, description="points around zero that count as zero")
    contrast: Contrast | None = None
    group: Literal["en", "other", "all"] = "other"
    kinds: tuple[Kind, ...] = Field(default=(), description="of intermediate tasks, each needed")
    intermediates: tuple[str, ...] = Field(default=(), description="tasks, each needed")
    targets: tuple[str, ...] = Field(default=(), description="titles of targets, each needed")

    @model_validator(mode="after")
    def _consistent(self) -> "ClaimSpec":
        if self.rule in ("above", "not_above", "zero") and self.contrast is None:
            raise ValueError(f"key 'contrast' is missing; `rule: {self.rule}` needs it")
        if (self.rule == "never") != bool(self.reason):
            raise ValueError("reason: goes with `rule: never`, and with nothing else")
        if self.rule == "zero" and not self.margin:
            raise ValueError("margin: 0 points; `rule: zero` needs more")
        return self


def claims_file() -> Path:
    """Return paper/claims.yaml; a project root without a paper (tests) uses this code's."""
    own = project_root() / "paper" / "claims.yaml"
    return own if own.is_file() else Path(__file__).resolve().parents[3] / "paper" / "claims.yaml"


def read_claims(path: Path) -> dict[str, ClaimSpec]:
    """Return the claims of a file by name, in its order.

    Raises:
        SpecError: the file is missing, no YAML, or a claim is wrong.
    """
    return {name: parse(ClaimSpec, values, f"{path.name}: {name}")
            for name, values in read_yaml(path).items()}  # fmt: skip
