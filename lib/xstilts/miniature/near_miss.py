"""Events and their near misses: the same words, the two participants in each other's role."""

from random import Random

from xstilts.miniature.concept import concepts
from xstilts.miniature.difficulty import Difficulty
from xstilts.miniature.frame import Frame, Surface, Utterance
from xstilts.miniature.world import GenerationError, World, swapped


def near_misses(events: int, rng: Random, draws: int) -> list[tuple[Utterance, Utterance]]:
    """Return events of either lexicon half as active sentences, each with its roles exchanged.

    No event is the exchange of another.

    Raises: GenerationError if `draws` random frames hold too few events.
    """
    world = World(concepts(), "test", Difficulty(plural=0.0, hypernyms=0.0))
    seen: set[Frame] = set()
    found = []
    for _ in range(draws):
        frame = world.draw_any(rng)
        other = swapped(frame)
        if frame in seen or not (world.admits(frame) and world.admits(other)):
            continue
        seen |= {frame, other}
        found.append((Utterance(frame, Surface()), Utterance(other, Surface())))
        if len(found) == events:
            return found
    raise GenerationError(f"{len(found)} of {events} events after {draws} draws")
