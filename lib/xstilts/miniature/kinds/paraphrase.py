"""Paraphrase: "1" the same event in another voice or order, "0" nearly the same words.

The surface change and the frame's shape are drawn before the label, from the same distributions
for both, so that only who did what to whom tells them apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from xstilts.miniature import edit
from xstilts.miniature.difficulty import Difficulty
from xstilts.miniature.frame import Draft, Frame, Surface, Utterance, can_front
from xstilts.miniature.relation import relation
from xstilts.miniature.world import Edit, World, draw_surface

LABELS: tuple[str, ...] = ("0", "1")

_CHANGES: Mapping[str, Edit] = {
    "role_swap": edit.role_swap,
    "adjective_exchange": edit.adjective_exchange,
    "number_exchange": edit.number_exchange,
    "participant": edit.participant,
    "adjective": edit.adjective,
    "place": edit.place,
    "time": edit.time,
    "antonym": edit.antonym,
}
_SWAPS = {"role_swap": 0.6, "adjective_exchange": 0.25, "number_exchange": 0.15}
_SLOTS = {"participant": 0.3, "adjective": 0.15, "place": 0.15, "time": 0.15, "antonym": 0.25}
_SURFACES = {"voice": 0.2, "fronting": 0.6, "voice_fronting": 0.2}


def quota(difficulty: Difficulty) -> Mapping[str, Mapping[str, float]]:
    """Return, for each label, its operators and their shares."""
    swap = difficulty.swap
    changes = {name: share * swap for name, share in _SWAPS.items()}
    changes |= {name: share * (1 - swap) for name, share in _SLOTS.items()}
    return {"0": changes, "1": _SURFACES}


@dataclass(frozen=True, slots=True)
class Plan:
    """What changes if the label is "0", and the two surfaces, whatever the label."""

    label: str
    change: str
    surfaces: tuple[Surface, Surface]
    fronting: bool


def plan(rng: Random, difficulty: Difficulty, label: str, operator: str) -> Plan:
    """Return the item's plan; what `operator` leaves open is drawn from the other label's."""
    shares = quota(difficulty)
    joint = {
        (change, moved): shares["0"][change] * shares["1"][moved]
        for change in shares["0"]
        for moved in shares["1"]
    }
    return plan_from(rng, joint, label, operator)


def plan_from(
    rng: Random, joint: Mapping[tuple[str, str], float], label: str, operator: str
) -> Plan:
    """Return a plan from the joint shares of changes and surfaces, which both labels have."""
    options = [each for each in joint if each[0 if label == "0" else 1] == operator]
    change, moved = rng.choices(options, [joint[each] for each in options])[0]
    return Plan(label, change, _surfaces(rng, moved), "fronting" in moved)


def draft(rng: Random, world: World, plan: Plan) -> Draft | None:
    """Return an item of this plan, or None if this try led nowhere."""
    base = world.draw(rng)
    if plan.fronting and not can_front(base):
        return None
    changed = _CHANGES[plan.change](world, rng, base)
    if changed is None or not world.admits(changed) or not _different(base, changed):
        return None
    second = changed if plan.label == "0" else base
    # Which of the two frames comes first tells nothing.
    pair = (base, second) if rng.random() < 0.5 else (second, base)
    first, other = (Utterance(f, s) for f, s in zip(pair, plan.surfaces, strict=True))
    return Draft((first,), (other,))


def _surfaces(rng: Random, moved: str) -> tuple[Surface, Surface]:
    """Return two surfaces that differ as `moved` says: voice, fronting, or both."""
    first = draw_surface(rng)
    second = first
    if "voice" in moved:
        second = replace(second, passive=not second.passive)
    if "fronting" in moved:
        second = replace(second, fronted=not second.fronted)
    return first, second


def _different(first: Frame, second: Frame) -> bool:
    return "entailment" not in (relation(first, second), relation(second, first))
