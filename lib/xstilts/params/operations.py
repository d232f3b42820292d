"""How many operations an encoder needs, by formula, from its parameter file alone."""

from xstilts.params.spec import ModelSpec


def pass_flops(model: ModelSpec, pair_tokens: float) -> float:
    """Return the operations of one forward pass for one token of a pair.

    2 a body parameter, and 4 x layers x hidden x length for attention scores and their
    weighted sum. Looking embeddings up and the head cost next to nothing.

    Source: Kaplan et al. 2020 (arXiv 2001.08361), section 2.1.
    """
    length = pair_tokens if model.head == "joint" else pair_tokens / 2
    return 2 * model.body_params + 4 * model.layers * model.shape.hidden * length
