"""Inference: premise and hypothesis; the label is computed from the two frames.

An item starts from a random frame, which is the premise or the hypothesis alike, so that neither
side alone tells the label. The operator makes the other side; then both are pulled apart by
changes that leave the label as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from xstilts.miniature import edit
from xstilts.miniature.difficulty import Difficulty
from xstilts.miniature.frame import Draft, Frame, Surface, Utterance, can_front
from xstilts.miniature.relation import LABELS as _LABELS
from xstilts.miniature.relation import relation
from xstilts.miniature.world import Edit, World, draw_surface

LABELS: tuple[str, ...] = _LABELS

Pair = tuple[Frame, Frame]

# An operator as (premise to hypothesis, hypothesis to premise).
_OPERATORS: Mapping[str, tuple[Edit, Edit]] = {
    "hypernym": (edit.less_noun, edit.more_noun),
    "quantifier_some": (edit.less_quantifier, edit.more_quantifier),
    "modifier_dropped": (edit.less_modifier, edit.more_modifier),
    "hyponym": (edit.more_noun, edit.less_noun),
    "quantifier_exact": (edit.more_quantifier, edit.less_quantifier),
    "modifier_added": (edit.more_modifier, edit.less_modifier),
    "verb": (edit.other_verb, edit.other_verb),
    "other_time": (edit.other_time, edit.other_time),
    "participant": (edit.participant, edit.participant),
    "number": (edit.number, edit.number),
    "adjective": (edit.adjective, edit.adjective),
    "place": (edit.place, edit.place),
    "time": (edit.time, edit.time),
    "antonym": (edit.antonym, edit.antonym),
    "role_swap": (edit.role_swap, edit.role_swap),
}

# Shares of an operator among the items of a label that have no denied sentence.
_SHARES: Mapping[str, Mapping[str, float]] = {
    "entailment": {
        "hypernym": 0.36, "quantifier_some": 0.08, "modifier_dropped": 0.36,
        "voice": 0.12, "fronting": 0.08,
    },
    "neutral": {
        "hyponym": 0.26, "quantifier_exact": 0.06, "modifier_added": 0.4,
        "verb": 0.18, "other_time": 0.1,
    },
    "contradiction": {
        "participant": 0.2, "number": 0.16, "adjective": 0.16, "place": 0.14, "time": 0.14,
        "antonym": 0.08, "role_swap": 0.12,
    },
}  # fmt: skip

# The changes that keep a label, drawn in the proportions in which they are entailments.
_PULLS = {"hypernym": 0.4, "quantifier_some": 0.2, "modifier_dropped": 0.4}

# (premise denied, hypothesis denied): weights by label. Each side is denied equally often under
# every label; the sums of a label differ, hence the factors in `quota`.
_POLARITIES: Mapping[str, Mapping[tuple[bool, bool], float]] = {
    "entailment": {(True, True): 0.08, (False, True): 0.12},
    "neutral": {(True, True): 0.04, (True, False): 0.04, (False, True): 0.16},
    "contradiction": {(True, False): 0.08, (False, True): 0.2},
}
_POLARITY_MEAN = 0.24


def quota(difficulty: Difficulty) -> Mapping[str, Mapping[str, float]]:
    """Return, for each label, its operators and their shares."""
    shares = {}
    for label, operators in _SHARES.items():
        weight = sum(_POLARITIES[label].values()) / _POLARITY_MEAN
        denied = min(1.0, difficulty.negation * weight)
        shares[label] = {name: share * (1 - denied) for name, share in operators.items()}
        shares[label]["negation"] = denied
    return shares


@dataclass(frozen=True, slots=True)
class Plan:
    """What is drawn once for an item.

    `rival` is a contradiction that the first frame must admit, whatever the label becomes: so
    that numbers or persons are not more frequent where they are contradicted. `pulls` are the
    changes after the operator, and whether each is on the premise.
    """

    label: str
    operator: str
    from_premise: bool
    rival: str
    pulls: tuple[tuple[str, bool], ...]
    polarity: tuple[bool, bool]
    surfaces: tuple[Surface, Surface]


def plan(rng: Random, difficulty: Difficulty, label: str, operator: str) -> Plan:
    """Return the item's plan."""
    polarity = (False, False)
    if operator == "negation":
        weights = _POLARITIES[label]
        polarity = rng.choices(list(weights), list(weights.values()))[0]
    # The premise of an entailment says more already; the others get such a change to look alike.
    least = 0 if label == "entailment" else int(rng.random() < difficulty.balance)
    pulls = _pulls(rng, operator, rng.randint(least, difficulty.edits + least))
    rivals = _SHARES["contradiction"]
    rival = rng.choices(list(rivals), list(rivals.values()))[0]
    return Plan(
        label=label,
        operator=operator,
        from_premise=rng.random() < 0.5,
        rival=rival,
        pulls=pulls,
        polarity=polarity,
        surfaces=_surfaces(rng, difficulty, label, operator),
    )


def _pulls(rng: Random, operator: str, count: int) -> tuple[tuple[str, bool], ...]:
    """Return `count` pulls and whether each is on the premise."""
    # A frame has two participants: a second change of their nouns or quantifiers hardly fits.
    used = {
        "quantifier_some": operator in ("quantifier_some", "quantifier_exact", "number"),
        "hypernym": operator in ("hypernym", "hyponym", "role_swap"),
        "modifier_dropped": False,
    }
    pulls = []
    for _ in range(count):
        names = [name for name in _PULLS if not used[name]]
        name = rng.choices(names, [_PULLS[name] for name in names])[0]
        used[name] = name != "modifier_dropped"
        pulls.append((name, rng.random() < 0.5))
    return tuple(pulls)


def draft(rng: Random, world: World, plan: Plan) -> Draft | None:
    """Return an item of this plan, or None if this try led nowhere."""
    if plan.operator in ("voice", "fronting"):
        frame = world.draw(rng)
        pair: Pair | None = (frame, frame) if _has_rival(rng, world, plan, frame) else None
        if plan.operator == "fronting" and not can_front(frame):
            return None
    elif plan.operator == "negation":
        pair = _denied(rng, world, plan)
    else:
        pair = _affirmed(rng, world, plan)
    if pair is None or not all(world.admits(frame) for frame in pair):
        return None
    if relation(*pair) != plan.label:
        return None
    first, second = (Utterance(f, s) for f, s in zip(pair, plan.surfaces, strict=True))
    return Draft((first,), (second,))


def _affirmed(rng: Random, world: World, plan: Plan) -> Pair | None:
    forward, backward = _OPERATORS[plan.operator]
    base = world.draw(rng)
    if not _has_rival(rng, world, plan, base):
        return None
    premise: Frame | None = base
    hypothesis: Frame | None = base
    if plan.from_premise:
        hypothesis = forward(world, rng, base)
    else:
        premise = backward(world, rng, base)
    # The premise comes to say more in further slots, which leaves every label as it is.
    for name, on_premise in plan.pulls:
        less, more = _OPERATORS[name]
        if on_premise and premise is not None:
            premise = more(world, rng, premise)
        elif hypothesis is not None:
            hypothesis = less(world, rng, hypothesis)
    return None if premise is None or hypothesis is None else (premise, hypothesis)


def _has_rival(rng: Random, world: World, plan: Plan, base: Frame) -> bool:
    """Return whether the plan's rival could have contradicted this frame."""
    if plan.label == "contradiction":
        return True  # its own operator sees to it
    rival = _OPERATORS[plan.rival][0](world, rng, base)
    return rival is not None and world.admits(rival) and relation(base, rival) == "contradiction"


def _denied(rng: Random, world: World, plan: Plan) -> Pair | None:
    base = world.draw(rng, lambda frame: not (frame.agent.plural or frame.patient.plural))
    change = rng.choice(
        (_same, edit.antonym, edit.place, edit.time, edit.other_verb, _less_scene, _more_scene)
    )
    other = change(world, rng, base)
    if other is None:
        return None
    frames = (base, other) if plan.from_premise else (other, base)
    premise, hypothesis = (
        replace(frame, negated=denied) for frame, denied in zip(frames, plan.polarity, strict=True)
    )
    return None if premise == hypothesis else (premise, hypothesis)


def _same(world: World, rng: Random, frame: Frame) -> Frame | None:
    return frame


def _less_scene(world: World, rng: Random, frame: Frame) -> Frame | None:
    changed = edit.less_modifier(world, rng, frame)
    return changed if changed and _participants(changed) == _participants(frame) else None


def _more_scene(world: World, rng: Random, frame: Frame) -> Frame | None:
    changed = edit.more_modifier(world, rng, frame)
    return changed if changed and _participants(changed) == _participants(frame) else None


def _participants(frame: Frame) -> tuple[object, object]:
    return frame.agent, frame.patient


def _surfaces(
    rng: Random, difficulty: Difficulty, label: str, operator: str
) -> tuple[Surface, Surface]:
    first = draw_surface(rng)
    if operator == "voice":
        return first, replace(first, passive=not first.passive)
    if operator == "fronting":
        return first, replace(first, fronted=not first.fronted)
    same = difficulty.same_surface
    if label == "entailment":
        # Voice and fronting items always differ; the rest makes up for them.
        shares = quota(difficulty)[label]
        same = min(1.0, same / (1 - shares["voice"] - shares["fronting"]))
    return first, first if rng.random() < same else draw_surface(rng)
