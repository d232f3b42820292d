"""Question pairs: "1" the same question asked in another way, "0" another question.

As in `paraphrase`, shape and surface are drawn before the label. What is asked is hidden in the
frame (a bare hypernym, or no place or time), so that a frame holds exactly what is said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from xstilts.miniature import edit
from xstilts.miniature.difficulty import Difficulty
from xstilts.miniature.frame import Draft, Frame, NounPhrase, Slot, Utterance, can_front, split_of
from xstilts.miniature.kinds.paraphrase import Plan as PairPlan
from xstilts.miniature.kinds.paraphrase import plan_from
from xstilts.miniature.world import Edit, World, swapped

LABELS: tuple[str, ...] = ("0", "1")

Query = tuple[Frame, Slot]

_ASKED: tuple[Slot, ...] = ("agent", "patient", "place", "time")

_THINGS = ("vehicle", "garment")

_CHANGES: Mapping[str, Edit] = {
    "participant": edit.participant,
    "adjective": edit.adjective,
    "number": edit.number,
    "antonym": edit.antonym,
    "place": edit.place,
    "time": edit.time,
}
_SLOTS = {
    "slot": 0.3, "participant": 0.2, "antonym": 0.2, "adjective": 0.1, "number": 0.05,
    "place": 0.1, "time": 0.05,
}  # fmt: skip
_SURFACES = {"voice": 0.6, "fronting": 0.15, "voice_fronting": 0.25}


def quota(difficulty: Difficulty) -> Mapping[str, Mapping[str, float]]:
    """Return, for each label, its operators and their shares."""
    changes = {name: share * (1 - difficulty.swap) for name, share in _SLOTS.items()}
    return {"0": {"role_swap": difficulty.swap, **changes}, "1": _SURFACES}


@dataclass(frozen=True, slots=True)
class Plan:
    """A pair's plan and the slot that the base question asks for."""

    pair: PairPlan
    asked: Slot


def plan(rng: Random, difficulty: Difficulty, label: str, operator: str) -> Plan:
    """Return the item's plan; what `operator` leaves open is drawn from the other label's."""
    pair = plan_from(rng, _joint(difficulty), label, operator)
    open_slots: dict[str, tuple[Slot, ...]] = {
        "slot": ("place", "time"),
        # With a participant hidden, too few pairs of cores share a split.
        "participant": ("place", "time"),
        "place": ("agent", "patient", "time"),
        "time": ("agent", "patient", "place"),
    }
    return Plan(pair, rng.choice(open_slots.get(pair.change, _ASKED)))


def _joint(difficulty: Difficulty) -> dict[tuple[str, str], float]:
    """Return the joint shares of changes and surfaces.

    A question that hides both place and time has nothing to front, so that "slot" goes with
    voice alone and the other changes with less of it.
    """
    shares = quota(difficulty)
    slot = shares["0"]["slot"]
    moves = {**_SURFACES, "voice": _SURFACES["voice"] - slot}
    joint = {
        (change, moved): share * moves[moved] / (1 - slot)
        for change, share in shares["0"].items()
        for moved in moves
        if change != "slot"
    }
    return {("slot", "voice"): slot, **joint}


def draft(rng: Random, world: World, plan: Plan) -> Draft | None:
    """Return an item of this plan, or None if this try led nowhere."""
    label, change = plan.pair.label, plan.pair.change
    base = _query(rng, world, change, plan.asked)
    changed = None if base is None else _changed(rng, world, base, change)
    if base is None or changed is None or changed == base:
        return None
    if not all(_admitted(world, query) for query in (base, changed)):
        return None
    if plan.pair.fronting and not all(can_front(query[0]) for query in (base, changed)):
        return None
    second = changed if label == "0" else base
    pair = (base, second) if rng.random() < 0.5 else (second, base)
    first, other = (
        Utterance(frame, surface, asked)
        for (frame, asked), surface in zip(pair, plan.pair.surfaces, strict=True)
    )
    return Draft((first,), (other,))


def _query(rng: Random, world: World, change: str, asked: Slot) -> Query | None:
    frame = world.draw_any(rng)
    if change == "slot":
        return replace(frame, place=None, time=None), asked
    # Languages differ in asking for an animal as for a person or as for a thing.
    hiding = getattr(frame, asked) if asked in ("agent", "patient") else None
    if hiding is not None and world.concepts.nouns[hiding.noun].kind == "animal":
        return None
    return hidden(world, frame, asked), asked


def hidden(world: World, frame: Frame, asked: Slot) -> Frame:
    """Return the frame without what is asked."""
    if asked in ("place", "time"):
        return replace(frame, **{asked: None})
    phrase: NounPhrase = getattr(frame, asked)
    kind = world.concepts.nouns[phrase.noun].kind
    if kind not in ("person", "animal"):
        # All things are asked for by one word, so that they have one frame (and one split).
        kind = next(noun for noun in world.concepts.nouns if noun in _THINGS)
    return replace(frame, **{asked: NounPhrase(kind)})


def _changed(rng: Random, world: World, query: Query, change: str) -> Query | None:
    frame, asked = query
    if change == "slot":
        return frame, "time" if asked == "place" else "place"
    if change == "role_swap":
        other: dict[Slot, Slot] = {"agent": "patient", "patient": "agent"}
        return swapped(frame), other.get(asked, asked)
    changed = _CHANGES[change](world, rng, frame)
    if changed is None or hidden(world, changed, asked) != changed:
        return None
    return changed, asked


def _admitted(world: World, query: Query) -> bool:
    """Return whether the question may be asked: of this split, and its verb suits its nouns."""
    frame, asked = query
    if asked in ("place", "time"):
        return world.admits(frame)
    return world.suits(frame) and split_of(frame) == world.split
