"""Edits: each changes one slot of a frame, or None where it does not apply.

`more_*` make a frame say more and `less_*` less; the others exchange like for like.
"""

from dataclasses import replace
from random import Random

from xstilts.miniature.frame import NUMBERS, Frame, NounPhrase
from xstilts.miniature.world import Edit, World, pick, swapped, with_participant

ROLES = ("agent", "patient")


def _role(rng: Random, frame: Frame, *fits: bool) -> tuple[str, NounPhrase] | None:
    role = pick(rng, [role for role, fit in zip(ROLES, fits, strict=True) if fit])
    return None if role is None else (role, getattr(frame, role))


def less_noun(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Put a hypernym for a noun."""
    nouns = world.concepts.nouns
    parents = [nouns[getattr(frame, role).noun].parent for role in ROLES]
    found = _role(rng, frame, *(parent is not None for parent in parents))
    if found is None:
        return None
    return with_participant(frame, found[0], noun=nouns[found[1].noun].parent)


def more_noun(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Put a hyponym for a hypernym."""
    nouns = world.concepts.nouns
    found = _role(rng, frame, *(nouns[getattr(frame, role).noun].parent is None for role in ROLES))
    if found is None:
        return None
    return with_participant(frame, found[0], noun=pick(rng, world.concepts.leaves(found[1].noun)))


def less_quantifier(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Put "some" for a number or "all"."""
    exact = (*NUMBERS, "all")
    found = _role(rng, frame, *(getattr(frame, role).quantifier in exact for role in ROLES))
    return None if found is None else with_participant(frame, found[0], quantifier="some")


def more_quantifier(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Put a number or "all" for "some"."""
    found = _role(rng, frame, *(getattr(frame, role).quantifier == "some" for role in ROLES))
    if found is None:
        return None
    return with_participant(frame, found[0], quantifier=rng.choice((*NUMBERS, "all")))


def less_modifier(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Drop an adjective, the place or the time."""
    return pick(rng, [f for f in _without(frame) if f != frame])


def _without(frame: Frame) -> list[Frame]:
    return [
        with_participant(frame, "agent", adjective=None),
        with_participant(frame, "patient", adjective=None),
        replace(frame, place=None),
        replace(frame, time=None),
    ]


def more_modifier(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Add an adjective, a place or a time where there is none."""
    options = []
    for role in ROLES:
        phrase = getattr(frame, role)
        if phrase.adjective is None:
            kind = world.concepts.nouns[phrase.noun].kind
            adjective = pick(rng, world.concepts.suiting(kind))
            options.append(with_participant(frame, role, adjective=adjective))
    if frame.place is None:
        options.append(replace(frame, place=pick(rng, world.concepts.places)))
    if frame.time is None:
        options.append(replace(frame, time=pick(rng, list(world.concepts.times))))
    return pick(rng, options)


def participant(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Put another noun of the same kind."""
    nouns = world.concepts.nouns
    is_leaf = [nouns[getattr(frame, role).noun].parent is not None for role in ROLES]
    found = _role(rng, frame, *is_leaf)
    if found is None:
        return None
    role, phrase = found
    used = (frame.agent.noun, frame.patient.noun)
    siblings = world.concepts.leaves(nouns[phrase.noun].kind)
    noun = pick(rng, [sibling for sibling in siblings if sibling not in used])
    return None if noun is None else with_participant(frame, role, noun=noun)


def number(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Put another number, or a number for one individual and the reverse."""
    counted = ("the", *NUMBERS)
    found = _role(rng, frame, *(getattr(frame, role).quantifier in NUMBERS for role in ROLES))
    if found is None:
        return None
    role, phrase = found
    other = rng.choice([each for each in counted if each != phrase.quantifier])
    return with_participant(frame, role, quantifier=other)


def adjective(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Put another adjective of the same dimension."""
    found = _role(rng, frame, *(getattr(frame, role).adjective is not None for role in ROLES))
    if found is None:
        return None
    role, phrase = found
    adjectives = world.concepts.adjectives
    dimension = adjectives[phrase.adjective].dimension
    others = [
        name
        for name in world.concepts.suiting(world.concepts.nouns[phrase.noun].kind)
        if name != phrase.adjective and adjectives[name].dimension == dimension
    ]
    other = pick(rng, others)
    return None if other is None else with_participant(frame, role, adjective=other)


def place(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Put another place."""
    if frame.place is None:
        return None
    return replace(frame, place=rng.choice([p for p in world.concepts.places if p != frame.place]))


def time(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Put another time of the same kind, which excludes the first."""
    return _time(world, rng, frame, alike=True)


def other_time(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Put a part of the day for a weekday or the reverse, which does not exclude the first."""
    return _time(world, rng, frame, alike=False)


def _time(world: World, rng: Random, frame: Frame, alike: bool) -> Frame | None:
    if frame.time is None:
        return None
    times = world.concepts.times
    kind = times[frame.time]
    options = [t for t in times if t != frame.time and (times[t] == kind) == alike]
    return replace(frame, time=rng.choice(options))


def antonym(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Put the opposite verb."""
    opposite = world.concepts.verbs[frame.verb].opposite
    return None if opposite is None else replace(frame, verb=opposite)


def other_verb(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Put a verb that has nothing to do with this one."""
    verb = world.concepts.verbs[frame.verb]
    barred = (verb.name, verb.opposite, *verb.excludes)
    options = []
    for name in world.concepts.verbs:
        changed = replace(frame, verb=name)
        if name not in barred and world.admits(changed):
            options.append(changed)
    return pick(rng, options)


def role_swap(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Exchange agent and patient."""
    return swapped(frame)


def deny(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Reverse the polarity."""
    return replace(frame, negated=not frame.negated)


def adjective_exchange(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Exchange the adjectives of agent and patient, where both have one and they differ."""
    first, second = frame.agent.adjective, frame.patient.adjective
    if first is None or second is None or first == second:
        return None
    changed = with_participant(frame, "agent", adjective=second)
    return with_participant(changed, "patient", adjective=first)


def number_exchange(world: World, rng: Random, frame: Frame) -> Frame | None:
    """Exchange the quantifiers of agent and patient, where they differ."""
    first, second = frame.agent.quantifier, frame.patient.quantifier
    if first == second:
        return None
    changed = with_participant(frame, "agent", quantifier=second)
    return with_participant(changed, "patient", quantifier=first)


def chain(world: World, rng: Random, frame: Frame, *edits: Edit) -> Frame | None:
    """Return the frame after all edits, None if one does not apply."""
    changed: Frame | None = frame
    for edit in edits:
        changed = edit(world, rng, changed) if changed is not None else None
    return changed
