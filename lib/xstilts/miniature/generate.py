"""Items of any kind: labels and operators by quota, drafts by the kind, texts by the languages."""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Protocol, cast

from xstilts.miniature import kinds as _kinds
from xstilts.miniature.concept import concepts
from xstilts.miniature.difficulty import Difficulty
from xstilts.miniature.frame import SPLITS, Draft
from xstilts.miniature.language import LANGUAGES
from xstilts.miniature.world import GenerationError, World

_TRIES = 1500
_PLANS = 10


@dataclass(frozen=True, slots=True)
class Example:
    """One item: `texts` maps a language code to (text_a, text_b), all of the same meaning.

    `operator` names the change that decides the label.
    """

    id: str
    label: str
    operator: str
    texts: Mapping[str, tuple[str, str]]


class Kind(Protocol):
    """What a module in `kinds/` offers."""

    LABELS: tuple[str, ...]

    @staticmethod
    def quota(difficulty: Difficulty) -> Mapping[str, Mapping[str, float]]:
        """Return, for each label, its operators and their shares."""
        ...

    @staticmethod
    def plan(rng: Random, difficulty: Difficulty, label: str, operator: str) -> Any:
        """Return all that is drawn once for an item, before any try, whatever comes of it."""
        ...

    @staticmethod
    def draft(rng: Random, world: World, plan: Any) -> Draft | None:
        """Return an item of this plan, or None if this try led nowhere."""
        ...


def _kind_names() -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(_kinds.__path__)))


KINDS: tuple[str, ...] = _kind_names()


@cache
def kind_of(name: str) -> Kind:
    """Return the module of a kind.

    Raises: ValueError if there is none of this name.
    """
    _check("kind", name, KINDS)
    return cast(Kind, importlib.import_module(f"{_kinds.__name__}.{name}"))


def drafts(
    kind: str, *, lexicon: str, split: str, items: int, seed: int, difficulty: Difficulty
) -> list[tuple[str, str, Draft]]:
    """Return (label, operator, draft) of each item, before any language.

    A smaller set is the beginning of a larger one. Labels differ in number by one at most.

    Raises: ValueError if a name is unknown or `items` negative; GenerationError if no new
    item can be found in a bounded number of tries.
    """
    module = kind_of(kind)
    _check("lexicon", lexicon, ("A", "B"))
    _check("split", split, SPLITS)
    if items < 0:
        raise ValueError(f"items: expected 0 or more, got {items}")
    world = World(concepts(lexicon), split, difficulty)
    name = f"{kind}/{lexicon}/{split}/{seed}"
    quota = module.quota(difficulty)
    counts: dict[str, dict[str, int]] = {label: dict.fromkeys(quota[label], 0) for label in quota}
    seen: set[object] = set()
    made = []
    for index in range(items):
        label = _label(name, index, module.LABELS)
        operator = _most_wanting(quota[label], counts[label])
        counts[label][operator] += 1
        draft = _new(module, Random(f"{name}/{index}"), world, label, operator, seen)
        seen.add(draft.said)
        made.append((label, operator, draft))
    return made


def generate(
    kind: str,
    *,
    lexicon: str,
    split: str,
    items: int,
    seed: int,
    languages: Sequence[str],
    difficulty: Difficulty | None = None,
) -> list[Example]:
    """Return `items` examples, each in all `languages`; the same whatever the languages are.

    Reads nothing but its arguments: equal calls give equal lists in every process.

    Raises: ValueError if a name is unknown or `items` negative; GenerationError if no new
    item can be found in a bounded number of tries.
    """
    for code in languages:
        _check("language", code, tuple(LANGUAGES))
    made = drafts(
        kind,
        lexicon=lexicon,
        split=split,
        items=items,
        seed=seed,
        difficulty=difficulty or Difficulty(),
    )
    return [
        Example(
            id=f"{kind}-{lexicon}-{split}-{seed}-{index:05d}",
            label=label,
            operator=operator,
            texts={code: _texts(code, draft) for code in languages},
        )
        for index, (label, operator, draft) in enumerate(made)
    ]


def _texts(code: str, draft: Draft) -> tuple[str, str]:
    language = LANGUAGES[code]
    return language.say_all(draft.a), language.say_all(draft.b)


def _label(name: str, index: int, labels: tuple[str, ...]) -> str:
    """Return the label of an item: each block of as many items as labels has every label."""
    block = list(labels)
    Random(f"{name}/labels/{index // len(labels)}").shuffle(block)
    return block[index % len(labels)]


def _most_wanting(shares: Mapping[str, float], counts: Mapping[str, int]) -> str:
    """Return the operator that lags farthest behind its share (exact quotas at every size)."""
    total = sum(counts.values()) + 1
    whole = sum(shares.values())
    wanted = [name for name in shares if shares[name] > 0]
    return max(wanted, key=lambda name: shares[name] / whole * total - counts[name])


def _new(
    module: Kind, rng: Random, world: World, label: str, operator: str, seen: set[object]
) -> Draft:
    # A plan is kept for many tries: were it drawn anew in each, what is hard to meet would be
    # rare under the labels that leave it free, and one side would tell the label. The few
    # plans that nothing can meet are given up.
    for _ in range(_PLANS):
        plan = module.plan(rng, world.difficulty, label, operator)
        for _ in range(_TRIES):
            draft = module.draft(rng, world, plan)
            if draft is not None and draft.a != draft.b and draft.said not in seen:
                return draft
    raise GenerationError(
        f"{label}/{operator}: no new item after {_PLANS * _TRIES} tries; "
        "ask for fewer items or an easier difficulty"
    )


def _check(what: str, found: str, allowed: tuple[str, ...]) -> None:
    if found not in allowed:
        raise ValueError(f"{what} '{found}' is unknown; allowed: {', '.join(allowed)}")
