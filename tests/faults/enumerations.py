"""What is enumerated and not sampled: every crash point, pairs of them, every order of two."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

from tests.faults.races import RACES, meetings
from tests.faults.scenarios import (
    SCENARIOS,
    Crashes,
    Point,
    calls_of,
    different_points,
    operations_of,
    play,
    points,
)

OTHER_FAULTS = ("error", "lost answer", "own conflict", "hang")
SHORT = ("entry", "send", "exit")  # in which pairs are tried


@dataclass(frozen=True)
class Job:
    """Some of what is enumerated: all crashes of a scenario, pairs with a first one, a race."""

    what: str
    name: str
    number: int = 0


@dataclass
class Enumerated:
    """How much was tried, by what it was, and what broke a rule."""

    tried: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


@cache
def _calls(name: str) -> tuple[str, ...]:
    return tuple(calls_of(operations_of(name)))


def jobs() -> list[Job]:
    """All that is to be done, in parts of some seconds."""
    found = [Job("races", name) for name in RACES]
    for name in SCENARIOS:
        found.append(Job("crash points", name))
        found.append(Job("other faults", name))
    for name in SHORT:
        firsts = len(list(different_points(list(_calls(name)))))
        found += [Job("pairs of crashes", name, number) for number in range(firsts)]
    return found


def do(job: Job) -> Enumerated:
    """Try all of a job."""
    found = Enumerated()
    for words, problems in TRIALS[job.what](job):
        found.tried[job.what] += 1
        if problems:
            found.broken.append(f"{job.what} of {job.name}: {words}: {problems[0]}")
    return found


Tried = Iterator[tuple[str, list[str]]]


def _crash(name: str, *chosen: Point) -> tuple[str, list[str]]:
    calls = _calls(name)
    words = [f"{point.kind} {calls[point.number - 1]}" for point in chosen[:1]]
    words += [f"{point.kind} call {point.number}" for point in chosen[1:]]
    return ", then ".join(words), play(operations_of(name), Crashes(*chosen).plant).problems


def _points(job: Job) -> Tried:
    for point in points(list(_calls(job.name))):
        yield _crash(job.name, point)


def _others(job: Job) -> Tried:
    for number in range(1, len(_calls(job.name)) + 1):
        for kind in OTHER_FAULTS:
            yield _crash(job.name, Point(number, kind))


def _pairs(job: Job) -> Tried:
    """The second one strikes the recovery from the first, so it is counted in the new calls."""
    first = list(different_points(list(_calls(job.name))))[job.number]
    crashes = Crashes(first)
    play(operations_of(job.name), crashes.plant)
    for second in different_points(crashes.calls):
        if second.number > first.number:
            yield _crash(job.name, first, second)


def _races(job: Job) -> Tried:
    for meeting, trial in meetings(RACES[job.name], both_stop=True):
        words = f"{meeting.first} makes {meeting.until} calls, the other {meeting.meanwhile}"
        yield words, trial.problems


TRIALS: dict[str, Callable[[Job], Tried]] = {
    "races": _races,
    "crash points": _points,
    "other faults": _others,
    "pairs of crashes": _pairs,
}
