"""What may be written in `params/corpora/`."""

from typing import Literal

from pydantic import Field, model_validator

from xstilts.params.spec import Language, Strict


class CorpusSpec(Strict):
    """params/corpora/*.yaml: sentences in files, on which an encoder is measured untrained.

    `translations`: line i of two files, whether the encoder finds the translations. `mining`:
    lines `id TAB sentence` of two files most of which have no translation, and `gold`, lines
    `id TAB English id`: whether it finds the pairs that are translations.
    """

    title: str
    kind: Literal["translations", "mining"] = "translations"
    path: str = Field(description="relative to the data folder; `{code}` stands for the language")
    english: str = Field(description="the file with the English sentences, likewise")
    gold: str | None = Field(default=None, description="the file with the pairs, for `mining`")
    languages: dict[Language, str] = Field(min_length=1, description="language -> `{code}`")
    sentences: int | None = Field(
        default=None, gt=1, description="a side at most, before any training; none: all"
    )
    after_training: int = Field(gt=1, description="a side at most, after every seed of an arm")

    @model_validator(mode="after")
    def _consistent(self) -> "CorpusSpec":
        if self.kind == "mining" and self.gold is None:
            raise ValueError("key 'gold' is missing; `kind: mining` needs it")
        if self.kind == "translations" and self.gold is not None:
            raise ValueError(f"gold: {self.gold} means nothing without `kind: mining`")
        return self
