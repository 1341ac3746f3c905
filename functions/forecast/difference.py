"""What is different between two forecasts of the same people, in counts that can be added up."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import reduce
from itertools import zip_longest
from typing import Literal, TypeVar

import msgspec

from functions.forecast.log import Log
from functions.forecast.shape import Shape
from functions.forecast.sums import plus
from functions.journeys.run import Run, Task
from functions.tracking.message import Message

SAME_TIME = timedelta(minutes=1)
MOST_EXAMPLES = 3  # of each kind of change of a message
UNDER_WAY = "under way"

Kind = Literal["gained", "lost", "within", "beyond", "earlier", "later", "reworded"]
Names = frozenset[tuple[str, str]] | None  # journey and message; None: any
T = TypeVar("T")


class MessageChange(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A message on a channel: how many it gained and lost, how many go `earlier` or `later` than
    before (by so many seconds in all), and of how many the subject or text message reads otherwise.

    Of those that go in one of both only, some are not lost: their run is still under way at the end
    of the other. `beyond` would go after it now, `within` went after it before.
    """

    gained: int = 0
    lost: int = 0
    within: int = 0
    beyond: int = 0
    earlier: int = 0
    later: int = 0
    seconds_earlier: int = 0
    seconds_later: int = 0
    reworded: int = 0

    @property
    def more(self) -> int:
        """By how many more go (fewer: less than nothing)."""
        return self.gained + self.within - self.lost - self.beyond


class JourneyChange(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A journey: runs that begin only after the change (`entered`) or began only before it
    (`stayed_out`); of the others, how they end now, by `BEFORE → AFTER`; tasks gained and lost."""

    entered: int = 0
    stayed_out: int = 0
    outcomes: dict[str, int] = {}
    tasks_gained: int = 0
    tasks_lost: int = 0


class Example(msgspec.Struct, frozen=True):
    """A person (by key) who stands for others: what changes for them in which message, and when."""

    message: str
    kind: Kind
    person: str
    before: datetime | None
    after: datetime | None


class Difference(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Of `people` looked at, for `concerned` something changes that they or we would notice.

    `messages` by `JOURNEY/MESSAGE/CHANNEL`, `journeys` by name; what did not change stands in
    neither. `examples` are a few of each kind, those with the least keys.
    """

    people: int = 0
    concerned: int = 0
    messages: dict[str, MessageChange] = {}
    journeys: dict[str, JourneyChange] = {}
    examples: tuple[Example, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether all is as before."""
        return not self.messages and not self.journeys


def difference(
    before: Log, after: Log, names_before: Names = None, names_after: Names = None
) -> Difference:
    """What is different between two logs of the same people, of one shard or of all. The names are
    those that the version's journeys have (`names_in`): what it does not have cannot go later."""
    return _Comparing(before, after, names_before, names_after).told()


def names_in(shape: Shape) -> Names:
    """The messages of journeys, with the journey of each."""
    found = shape.journeys.items()
    return frozenset((name, one.message) for name, map_ in found for one in map_.stations)


def add(one: Difference, other: Difference) -> Difference:
    """Two differences of different people as one, the same in whatever order they are added."""
    return plus(one, other, _few)


def together(differences: Iterable[Difference]) -> Difference:
    """All of them as one."""
    return reduce(add, differences, Difference())


def _place(one: Example) -> tuple[str, str, str, str]:
    return one.message, one.kind, one.person, f"{one.before} {one.after}"


def _few(examples: Iterable[Example]) -> tuple[Example, ...]:
    kept: list[Example] = []
    alike: dict[tuple[str, str], int] = defaultdict(int)
    for one in sorted(examples, key=_place):
        alike[one.message, one.kind] += 1
        if alike[one.message, one.kind] <= MOST_EXAMPLES:
            kept.append(one)
    return tuple(kept)


class _Comparing:
    """Two logs on their way to a difference."""

    def __init__(self, before: Log, after: Log, has: Names, will_have: Names) -> None:
        self._before, self._after = before, after
        self._has, self._will_have = has, will_have
        self._found = Difference(people=max(before.people, after.people))
        self._open_before, self._open_after = _open(before.runs), _open(after.runs)
        self._concerned: set[str] = set()
        self._examples: list[Example] = []

    def told(self) -> Difference:
        """All that is different."""
        before, after = _went(self._before.messages), _went(self._after.messages)
        for key in sorted(before.keys() | after.keys()):
            for old, new in zip_longest(before.get(key, ()), after.get(key, ())):
                self._message(old, new)
        self._runs()
        self._tasks()
        self._found.concerned = len(self._concerned)
        # Nobody can look up whoever is made up.
        made_up = self._after.newcomers
        self._found.examples = _few(one for one in self._examples if one.person not in made_up)
        return self._found

    def _message(self, old: Message | None, new: Message | None) -> None:
        row = new or old
        if row is None:
            return
        if old and new and old.channel != new.channel:  # lost on one way, gained on another
            self._message(old, None)
            return self._message(None, new)
        for kind in self._kinds(old, new):
            name = f"{row.journey}/{row.message}/{row.channel}"
            change = self._found.messages.setdefault(name, MessageChange())
            setattr(change, kind, getattr(change, kind) + 1)
            if old and new and kind in ("earlier", "later"):
                by = round(abs((_time(new) - _time(old)).total_seconds()))
                field = f"seconds_{kind}"
                setattr(change, field, getattr(change, field) + by)
            times = (_time(old) if old else None, _time(new) if new else None)
            self._examples.append(Example(name, kind, row.person, *times))
            self._concerned.add(row.person)

    def _kinds(self, old: Message | None, new: Message | None) -> Iterator[Kind]:
        if old is None and new:
            came_later = new.run_id in self._open_before and _is_in(self._has, new)
            yield "within" if came_later else "gained"
        elif new is None and old:
            will_come = old.run_id in self._open_after and _is_in(self._will_have, old)
            yield "beyond" if will_come else "lost"
        elif old and new:
            moved = _time(new) - _time(old)
            if abs(moved) >= SAME_TIME:
                yield "later" if moved > timedelta() else "earlier"
            if old.subject != new.subject:
                yield "reworded"

    def _journey(self, name: str) -> JourneyChange:
        return self._found.journeys.setdefault(name, JourneyChange())

    def _runs(self) -> None:
        before = {run.run_id: run for run in self._before.runs}
        after = {run.run_id: run for run in self._after.runs}
        for run_id in before.keys() | after.keys():
            old, new = before.get(run_id), after.get(run_id)
            run = new or old
            if run is None or (old and new and _end(old) == _end(new)):
                continue
            self._concerned.add(run.person)
            change = self._journey(run.journey)
            if old is None:
                change.entered += 1
            elif new is None:
                change.stayed_out += 1
            else:
                way = f"{_end(old)} → {_end(new)}"
                change.outcomes[way] = change.outcomes.get(way, 0) + 1

    def _tasks(self) -> None:
        before, after = _given(self._before.tasks), _given(self._after.tasks)
        for key in before.keys() | after.keys():
            more = after.get(key, 0) - before.get(key, 0)
            if not more:
                continue
            person, journey, _, _ = key
            self._concerned.add(person)
            change = self._journey(journey)
            change.tasks_gained += max(more, 0)
            change.tasks_lost += max(-more, 0)


def _went(rows: Iterable[Message]) -> dict[tuple[str, str, str], list[Message]]:
    """The messages that went, by run and name: a step may be called otherwise now, or stand
    elsewhere; of several of one name in a run the first is compared with the first."""
    found: dict[tuple[str, str, str], list[Message]] = defaultdict(list)
    for row in rows:
        if row.claimed and row.state in ("sent", "unknown"):
            found[row.person, row.run_id, row.message].append(row)
    for alike in found.values():
        alike.sort(key=lambda row: (_time(row), row.step, row.iteration))
    return found


def _is_in(names: Names, row: Message) -> bool:
    return names is None or (row.journey, row.message) in names


def _open(runs: Iterable[Run]) -> set[str]:
    return {run.run_id for run in runs if run.status == "open"}


def _time(row: Message) -> datetime:
    assert row.claimed
    return row.claimed


def _end(run: Run) -> str:
    return run.outcome if run.status == "ended" else UNDER_WAY


def _given(tasks: Iterable[Task]) -> dict[tuple[str, str, str, str], int]:
    found: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for task in tasks:
        found[task.person, task.journey, task.run_id, task.text] += 1
    return found
