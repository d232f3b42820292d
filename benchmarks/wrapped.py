"""The project's encoder and head in the form that transformers' Trainer trains."""

import torch
from torch import Tensor, nn

from xstilts.training.model import PairClassifier


class PairModel(nn.Module):
    """Mean token vector of a joint pair, standardised, through one linear layer.

    The same function as a `PairClassifier` with the joint head, on padded input, with the
    same weights: encoder and linear layer are the classifier's own.
    """

    def __init__(self, classifier: PairClassifier) -> None:
        super().__init__()
        self.encoder = classifier.encoder
        self.linear = classifier.head.linear
        self.register_buffer("mean", classifier.head.mean.clone())
        self.register_buffer("spread", classifier.head.spread.clone())

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return logits, (pairs, labels), and the mean cross-entropy where labels are given."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0].float()
        with torch.autocast(states.device.type, enabled=False):
            real = attention_mask[:, :, None].to(states.dtype)
            means = (states * real).sum(dim=1) / real.sum(dim=1)
            logits = self.linear((means - self.mean) / self.spread)
            if labels is None:
                return {"logits": logits}
            return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


class StandardisedLinear(nn.Linear):
    """A linear layer on standardised features, zero at the start, as the project's heads have."""

    def __init__(self, mean: Tensor, spread: Tensor, labels: int) -> None:
        super().__init__(len(mean), labels)
        self.register_buffer("mean", mean.clone())
        self.register_buffer("spread", spread.clone())
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits of unstandardised features."""
        return super().forward((features - self.mean) / self.spread)
