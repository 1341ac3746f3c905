"""The hold-out group: a lasting part of a journey's people who get none of its marketing."""

from functions.journeys.journey import Journey
from functions.journeys.steps.split import arm_of
from functions.segments.phrases import WHOLE


def is_held_out(journey: Journey, person: str) -> bool:
    """Whether the person (their key) belongs to the journey's hold-out group.

    A hash, as for a split, and so the same each time they enter, with nothing to remember.
    """
    if not journey.hold_out:
        return False
    # No split can be called so: who is held out here goes any way of a split of the same name.
    name = f"hold out/{journey.name}"
    shares = {"held out": journey.hold_out, "others": WHOLE - journey.hold_out}
    return arm_of(person, name, shares) == "held out"
