"""How many state transitions a run is billed at most, and what they cost."""

from collections.abc import Iterator
from typing import Any

from functions.journeys.flow import GO_ON, compile_journey
from functions.journeys.journey import Journey

# AWS price list of 2025-08-28, Step Functions Standard; the same in Virginia and Frankfurt.
DOLLARS_PER_MILLION = 25.0

States = dict[str, dict[str, Any]]


def transitions(journey: Journey, again: int = 1) -> int:
    """An upper bound of the transitions of one run that AWS bills when nothing is retried: the
    start, and each state that is entered.

    What leads back counts as often as the step says that makes it (`Step.turns`). Where no step
    does, it is a held message, or a date that moved or is years away: each counts `again` times.
    """
    turns = {head: most for step in journey.every_step() for head, most in step.turns().items()}
    definition = compile_journey(journey, "bound")
    return most_states(definition["StartAt"], definition["States"], turns, again) + 1


def dollars(transitions: int, runs: int = 1000) -> float:
    """What Step Functions costs for so many runs of so many transitions each."""
    return transitions * runs * DOLLARS_PER_MILLION / 1_000_000


def most_states(start: str, states: States, turns: dict[str, int], again: int) -> int:
    """The most states that a way from `start` to an end enters, when each cycle is gone `turns`
    times, by the state that it leads back to, or else `again` times."""
    # What goes on in a new execution is counted there, where it takes two states more.
    ways = {
        name: tuple(way for way in targets(state) if way != GO_ON) for name, state in states.items()
    }
    order, back = _in_order(start, ways)
    weights = dict.fromkeys(order, 1)
    # Smaller cycles first: they are part of the larger ones around them.
    for tail, head in sorted(back, key=lambda edge: (len(_cycle(edge, ways)), edge)):
        turn = _longest(order, ways, back, weights, head)[tail]
        weights[head] += turns.get(head, again) * turn
    longest = _longest(order, ways, back, weights, start)
    return max(length for name, length in longest.items() if not ways[name])


def targets(state: dict[str, Any]) -> Iterator[str]:
    """The states to which a state may lead."""
    for way in (*state.get("Choices", ()), *state.get("Catch", ()), state):
        yield from (way[word] for word in ("Next", "Default") if word in way)


Edge = tuple[str, str]


def _in_order(start: str, ways: dict[str, tuple[str, ...]]) -> tuple[list[str], set[Edge]]:
    """The states that can be reached, each before those it leads to, and what leads back."""
    left: list[str] = []
    back: set[Edge] = set()
    open_: dict[str, Iterator[str]] = {start: iter(ways[start])}
    while open_:  # a stack, because a journey may have more states than Python nests calls
        name = next(reversed(open_))
        following = next(open_[name], None)
        if following is None:
            del open_[name]
            left.append(name)
        elif following in open_:
            back.add((name, following))
        elif following not in left:
            open_[following] = iter(ways[following])
    return left[::-1], back


def _cycle(edge: Edge, ways: dict[str, tuple[str, ...]]) -> set[str]:
    """The states of the cycle that this way back closes."""
    tail, head = edge
    found, todo = {head}, [tail]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [before for before, after in ways.items() if name in after]
    return found


def _longest(
    order: list[str],
    ways: dict[str, tuple[str, ...]],
    back: set[Edge],
    weights: dict[str, int],
    start: str,
) -> dict[str, int]:
    """The most states on a way from `start` to each state, both counted, without going back."""
    longest = {start: weights[start]}
    for name in order:
        if name in longest:
            for following in ways[name]:
                if (name, following) not in back:
                    length = longest[name] + weights[following]
                    longest[following] = max(longest.get(following, 0), length)
    return longest
