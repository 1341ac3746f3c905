"""The way of a run over the steps of its journey, read from the states of its machine."""

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest

from functions.forecast.log import Seen
from functions.forecast.shape import Map
from functions.journeys.flow import GO_ON


def visits(journey: Map, seen: Sequence[Seen]) -> list[tuple[str, datetime]]:
    """The steps that a run came to and when, read from the states of its machine in their order.
    A step that it came to again in the next pass of a loop stands there again, the loop itself
    once."""
    found: list[tuple[str, datetime]] = []
    kept, last = 0, ""
    for one, following in zip_longest(seen, (later.state for later in seen[1:])):
        if one.state == GO_ON:
            del found[kept:]  # the new execution began where its run does not stand
            last = found[-1][0] if found else ""
            continue
        if one.state in journey.passes:
            last = ""  # even where the loop has one step alone
            continue
        steps = journey.states.get(one.state, ())
        if following in journey.before.get(one.state, ()):
            steps = steps[:1]
        kept = len(found)
        for step in steps:
            if step != last:
                found.append((step, one.time))
                last = step
    return found
