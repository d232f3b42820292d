"""Sentence selection: does the sentence answer the question? "1" it does, "0" it does not.

Question and sentence are of one frame, or of two that differ in one slot or in who did it to
whom. As in `paraphrase`, change and surfaces are drawn before the label, and which of the two
frames is asked about is drawn at random.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from xstilts.miniature import edit
from xstilts.miniature.difficulty import Difficulty
from xstilts.miniature.frame import Draft, Frame, Slot, Surface, Utterance, split_of
from xstilts.miniature.kinds.questions import hidden
from xstilts.miniature.world import Edit, World, draw_surface

LABELS: tuple[str, ...] = ("0", "1")

_CHANGES: Mapping[str, Edit] = {
    "role_swap": edit.role_swap,
    "participant": edit.participant,
    "adjective": edit.adjective,
    "antonym": edit.antonym,
    "place": edit.place,
    "time": edit.time,
}
# Of the changes that are no exchange of roles; "slot": what is asked is not said.
_SLOTS = {
    "slot": 0.35, "participant": 0.2, "antonym": 0.2, "adjective": 0.1, "place": 0.08, "time": 0.07,
}  # fmt: skip
_ASKED = {"agent": 0.3, "patient": 0.25, "place": 0.25, "time": 0.2}
_OTHER: Mapping[Slot, Slot] = {"place": "time", "time": "place"}


def quota(difficulty: Difficulty) -> Mapping[str, Mapping[str, float]]:
    """Return, for each label, its operators and their shares: what differs, what is asked."""
    joint = _joint(difficulty)
    sums: dict[str, dict[str, float]] = {"0": {}, "1": {}}
    for names, share in joint.items():
        for label, name in zip(("0", "1"), names, strict=True):
            sums[label][name] = sums[label].get(name, 0.0) + share
    return sums


@dataclass(frozen=True, slots=True)
class Plan:
    """What differs if the label is "0", what is asked, and how both are said."""

    label: str
    change: str
    asked: Slot
    surfaces: tuple[Surface, Surface]


def plan(rng: Random, difficulty: Difficulty, label: str, operator: str) -> Plan:
    """Return the item's plan; what `operator` leaves open is drawn from the other label's."""
    joint = _joint(difficulty)
    options = [each for each in joint if each[0 if label == "0" else 1] == operator]
    change, asked = rng.choices(options, [joint[each] for each in options])[0]
    return Plan(label, change, asked, (draw_surface(rng), draw_surface(rng)))


def _joint(difficulty: Difficulty) -> dict[tuple[str, Slot], float]:
    """Return the joint shares of what differs and what is asked: only a scene can be left out."""
    slots = {name: share * (1 - difficulty.swap) for name, share in _SLOTS.items()}
    joint = {
        (change, asked): share * of_asked
        for change, share in {"role_swap": difficulty.swap, **slots}.items()
        for asked, of_asked in _ASKED.items()
        if (change != "slot" or asked in _OTHER) and change != asked
    }
    whole = sum(joint.values())
    return {names: share / whole for names, share in joint.items()}  # type: ignore[misc]


def draft(rng: Random, world: World, plan: Plan) -> Draft | None:
    """Return an item of this plan, or None if this try led nowhere."""
    base = _base(rng, world, plan)
    if base is None:
        return None
    if plan.change == "slot":
        question, sentence = base, base
        asked = plan.asked if plan.label == "1" else _OTHER[plan.asked]
    else:
        changed = _CHANGES[plan.change](world, rng, base)
        asked = plan.asked
        if changed is None or not world.admits(changed):
            return None
        if hidden(world, changed, asked) == hidden(world, base, asked):
            return None
        second = changed if plan.label == "0" else base
        question, sentence = (base, second) if rng.random() < 0.5 else (second, base)
    asking = hidden(world, question, asked)
    if not _may_be_asked(world, asking, asked) or not world.admits(sentence):
        return None
    first = Utterance(asking, plan.surfaces[0], asked)
    return Draft((first,), (Utterance(sentence, plan.surfaces[1]),))


def _base(rng: Random, world: World, plan: Plan) -> Frame | None:
    """Return a frame that says what is asked; of place and time that alone where one is hidden."""
    frame = world.draw_any(rng)
    slot = plan.asked
    if slot == "place" or (plan.change == "slot" and slot == "time"):
        frame = replace(frame, place=None, time=None)
    if slot == "place":
        frame = replace(frame, place=rng.choice(world.concepts.places))
    if slot == "time":
        frame = replace(frame, time=rng.choice(list(world.concepts.times)))
    if slot == "place" and plan.change != "slot" and rng.random() < world.difficulty.modifiers:
        frame = replace(frame, time=rng.choice(list(world.concepts.times)))
    if slot in ("agent", "patient"):
        noun = getattr(frame, slot).noun
        # Languages differ in asking for an animal as for a person or as for a thing.
        if world.concepts.nouns[noun].kind == "animal":
            return None
    return frame if world.admits(frame) else None


def _may_be_asked(world: World, frame: Frame, asked: Slot) -> bool:
    """Return whether the question may be asked: of this split, and its verb suits its nouns."""
    if asked in _OTHER:
        return world.admits(frame)
    return world.suits(frame) and split_of(frame) == world.split
