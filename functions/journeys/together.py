"""Messages that fall together: two sends with nothing between them that surely takes time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from functions.journeys.step import Step
from functions.journeys.steps.send import Send
from functions.journeys.steps.wait_until import WaitUntil


@dataclass(frozen=True)
class Way:
    """How people come to a step: the message behind them since which nothing surely took time,
    and the `wait until` since then that may have passed already."""

    sent: str = ""
    passed: str = ""


Ways = frozenset[Way]
FRESH = Way()


@dataclass(frozen=True, order=True)
class Together:
    """Someone for whom the moment of `wait` has passed gets `first` and `second` at once."""

    wait: str
    first: str
    second: str


def together(steps: list[Step]) -> list[Together]:
    """All pairs of messages that a late person gets at once, by the names of the steps.

    Only where a `wait until` stands between them that may have passed and says no `otherwise`:
    two sends with nothing at all between them are meant.
    """
    found: set[Together] = set()
    _walk(steps, frozenset({FRESH}), found)
    return sorted(found)


def _walk(steps: list[Step], ways: Ways, found: set[Together]) -> Ways:
    """The ways on which people leave these steps; nobody does after an `end`."""
    for step in steps:
        ways = _after(step, ways, found)
    return ways


def _after(step: Step, ways: Ways, found: set[Together]) -> Ways:
    if step.verb == "end":
        return frozenset()
    if not ways:
        return ways
    if isinstance(step, Send):
        found.update(Together(way.passed, way.sent, step.name) for way in ways if way.passed)
        not_sent = _walk(step.if_not_sent, ways, found) if step.if_not_sent else frozenset()
        return not_sent | {Way(sent=step.name)}
    if isinstance(step, WaitUntil) and not step.takes_time():
        if step.otherwise:
            late = _walk(step.otherwise, frozenset({FRESH}), found)
            return late | {FRESH}
        return frozenset(Way(way.sent, step.name) if way.sent else way for way in ways)
    if step.takes_time():
        ways = frozenset({FRESH})
    return _walk_arms(step, ways, found) if step.ways() else ways


def _walk_arms(step: Step, ways: Ways, found: set[Together]) -> Ways:
    """The ways out of all arms; where a step has a single one, that may not be taken."""
    outs = [_walk(arm, ways, found) for _, arm in step.ways()]
    if step.turns():  # its last message meets the first one of the next pass
        outs += [_walk(arm, ways.union(*outs), found) for _, arm in step.ways()]
    alone = ways if len(outs) == 1 else frozenset()
    return alone.union(*outs)


def sentences(steps: list[Step]) -> Iterator[tuple[str, str]]:
    """What to tell the marketer, as (the name of the wait, in words)."""
    for pair in together(steps):
        yield (
            pair.wait,
            f'whoever comes here when that has passed gets "{pair.second}" together with '
            f'"{pair.first}"; write otherwise: to say what then, like [{{end: too late}}]',
        )
