"""How hard a generated set is: a few named numbers."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Difficulty:
    """Named numbers that shape the items; all are shares or probabilities except `edits`.

    Raises: ValueError if a number is out of its range.
    """

    # The most changes beside the decisive one; each makes the premise say more, so that the
    # label stands.  0 is easier and leaves overlap a better shortcut.
    edits: int = 1
    # How often a neutral or contradictory item gets one such change more, so that its premise
    # says more as an entailment's does; below 1 is easier and one side alone tells more (NLI).
    balance: float = 1.0
    # How often both sides choose the same voice and fronting (NLI).
    same_surface: float = 0.5
    # The share of negatives made of the very same words (paraphrase, questions).
    swap: float = 0.7
    # The share of NLI items with a denied sentence.
    negation: float = 0.2
    # How often a participant is several individuals.
    plural: float = 0.2
    # How often a participant is named by its hypernym ("the animal").
    hypernyms: float = 0.25
    # How often an optional slot (an adjective, place or time) is filled.
    modifiers: float = 0.4

    def __post_init__(self) -> None:
        if not 0 <= self.edits <= 3:
            raise ValueError(f"edits: expected 0 to 3, got {self.edits}")
        for name in (each.name for each in fields(self) if each.name != "edits"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected 0 to 1, got {getattr(self, name)}")
