"""What a log comes to, in counts that can be added up: never a row for each person."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from functions.forecast.credit import Order, credited, orders_in
from functions.forecast.log import Log, Seen
from functions.forecast.shape import Map, Shape
from functions.forecast.sums import plus
from functions.forecast.times import Bucket, note
from functions.forecast.way import visits
from functions.journeys.flow import FINISHED
from functions.journeys.run import Run
from functions.segments import limit_words
from functions.tracking.message import Message

WEEK = timedelta(days=7)
MOST_EXAMPLES = 5
LONGEST_REASON = 120  # letters
SOON = timedelta(minutes=1)  # what went within it did not wait
QUARTER = 900  # seconds; no time zone changes its day at another moment
END = ""  # the journey's end, as a way on from a step

_GONE = re.compile(r"(?<=: )[0-9]+ of (?=[0-9]+ in )")
_RANKED = re.compile(", [0-9]+ of a higher rank waiting")
Counts = dict[str, int]
T = TypeVar("T")


class StepTally(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A step: how often a run came to it, each pass of a loop counted. Then it went `on` to
    another step (END: to the journey's end), `left` the journey with that outcome, or is still
    `there`. `times` are the buckets of how long they were at it (`functions.forecast.times`)."""

    came: int = 0
    on: Counts = {}
    left: Counts = {}
    there: int = 0
    times: dict[int, Bucket] = {}


class MessageTally(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A message on a channel: how many by day and state, and the reasons by state. `waited` are
    those that went later than they could have, by what for. `opened` and `clicked` are people's;
    `orders` and `revenue` (by currency) followed it (`functions.forecast.credit`)."""

    days: dict[str, Counts] = {}
    why: dict[str, Counts] = {}
    waited: Counts = {}
    opened: int = 0
    clicked: int = 0
    orders: int = 0
    revenue: dict[str, Decimal] = {}

    def count(self, state: str) -> int:
        """How many came to that state."""
        return sum(states.get(state, 0) for states in self.days.values())

    @property
    def sent(self) -> int:
        """How many went, as far as anybody knows."""
        return self.count("sent") + self.count("unknown")

    @property
    def wanted(self) -> int:
        """All of them, those not sent included."""
        return sum(sum(states.values()) for states in self.days.values())


class JourneyTally(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A journey: who entered by day (held out, or not), how many people that were, how their runs
    ended ("" is under way), what happened at its steps, its messages by `MESSAGE/CHANNEL`, tasks by
    day and owner, and what is billed: `transitions` with the starts, `calls` of run_step, `waits`
    registered for an event, `texts` parts of text messages by country. `newcomers` are those of the
    people who come new. `kept_out` has why people
    did not enter, as far as a log tells; `before` how many entered in the 90 days before, 0 also
    where nobody knows."""

    entered: Counts = {}
    before: int = 0
    people: int = 0
    newcomers: int = 0
    held_out: int = 0
    goals: int = 0
    kept_out: Counts = {}
    outcomes: Counts = {}
    steps: dict[str, StepTally] = {}
    messages: dict[str, MessageTally] = {}
    tasks: dict[str, Counts] = {}
    texts: Counts = {}
    transitions: int = 0
    calls: int = 0
    waits: int = 0

    @property
    def runs(self) -> int:
        """How many began."""
        return sum(self.entered.values())


class Example(msgspec.Struct, frozen=True, order=True):
    """A person, by key, who stands for others, and how many messages they would get in a week."""

    messages: int
    person: str


class Tally(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a log comes to. `minutes` has messages sent by channel and minute since 1970. `busiest`
    has how many people get at most so many messages in any seven days, `examples` those with the
    most. `orders` and `revenue` are all, whatever they followed. Days are the shape's zone's.
    `newcomers` are those of the people who come new."""

    people: int = 0
    newcomers: int = 0
    journeys: dict[str, JourneyTally] = {}
    minutes: dict[str, dict[int, int]] = {}
    busiest: dict[int, int] = {}
    examples: tuple[Example, ...] = ()
    orders: int = 0
    revenue: dict[str, Decimal] = {}


def tally(log: Log, shape: Shape) -> Tally:
    """What a log comes to: of one shard, or of everybody."""
    return _Tallying(log, shape).told()


def add(one: Tally, other: Tally) -> Tally:
    """Two tallies of different people as one, the same in whatever order they are added."""
    return plus(one, other, _most)


def together(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    return reduce(add, tallies, Tally())


def _most(examples: Iterable[Example]) -> tuple[Example, ...]:
    """Those with the most messages, by their keys where they have as many."""
    return tuple(sorted(examples, key=lambda one: (-one.messages, one.person))[:MOST_EXAMPLES])


def days_in(zone: str) -> Callable[[datetime], str]:
    """A function that tells the day of a moment in the zone, as ISO writes it."""
    there, known = ZoneInfo(zone), dict[int, str]()

    def day(time: datetime) -> str:
        quarter = int(time.timestamp()) // QUARTER
        if quarter not in known:
            known[quarter] = time.astimezone(there).date().isoformat()
        return known[quarter]

    return day


def reason_of(said: str) -> str:
    """A ledger's reason without what is one person's: how much is gone, when it is tried next."""
    if said.startswith(limit_words.FULL):
        said = said.partition(";")[0]
        said = _RANKED.sub(", others of a higher rank waiting", _GONE.sub("", said))
    return said[:LONGEST_REASON]


class _Tallying:
    """One log on its way to a tally."""

    def __init__(self, log: Log, shape: Shape) -> None:
        self._log, self._shape = log, shape
        self._day = days_in(shape.zone)
        self._found = Tally(people=log.people, newcomers=len(log.newcomers))
        self._came: dict[tuple[str, str], list[datetime]] = defaultdict(list)

    def told(self) -> Tally:
        """All that the log tells."""
        seen = self._states()
        self._people()
        for run in self._log.runs:
            self._run(run, seen.get(run.run_id, []))
        for journey, before in self._log.before.items():
            self._journey(journey).before = before
        for journey, texts in self._log.texts.items():
            self._journey(journey).texts = dict(texts)
        for one in self._log.kept_out:
            _count(self._journey(one.journey).kept_out, one.why)
        for task in self._log.tasks:
            days = _in(self._journey(task.journey).tasks, self._day(task.created), dict)
            _count(days, task.owner)
        self._messages()
        return self._found

    def _journey(self, name: str) -> JourneyTally:
        return _in(self._found.journeys, name, JourneyTally)

    def _states(self) -> dict[str, list[Seen]]:
        """The states by run; what is billed is counted on the way."""
        by_run: dict[str, list[Seen]] = defaultdict(list)
        for one in self._log.seen:
            by_run[one.run_id].append(one)
            found, known = self._journey(one.journey), self._shape.journeys.get(one.journey)
            found.transitions += 1
            found.calls += known is not None and one.state in known.tasks
        return by_run

    def _people(self) -> None:
        for journey, person in {(run.journey, run.person) for run in self._log.runs}:
            self._journey(journey).people += 1
            self._journey(journey).newcomers += person in self._log.newcomers

    def _run(self, run: Run, seen: list[Seen]) -> None:
        found = self._journey(run.journey)
        _count(found.entered, self._day(run.entered))
        _count(found.outcomes, run.outcome if run.status == "ended" else "")
        found.held_out += run.held_out
        found.goals += run.goal is not None
        found.transitions += 1 + run.generation  # the starts
        known = self._shape.journeys.get(run.journey)
        if known:
            self._way(run, known, visits(known, seen), found)

    def _way(
        self, run: Run, known: Map, way: list[tuple[str, datetime]], found: JourneyTally
    ) -> None:
        ends: list[tuple[str, datetime | None]] = [*way[1:], (END, run.ended)]
        for (step, since), (following, until) in zip(way, ends, strict=False):
            self._came[run.run_id, step].append(since)
            at = _in(found.steps, step, StepTally)
            at.came += 1
            found.waits += step in known.waits
            if until:
                note(at.times, until - since)
            if following or run.outcome == FINISHED or step in known.ends:
                _count(at.on, following)
            elif run.status == "ended":
                _count(at.left, run.outcome)
            else:
                at.there += 1

    def _messages(self) -> None:
        sent: dict[str, list[datetime]] = defaultdict(list)
        by_person: dict[str, list[Message]] = defaultdict(list)
        for row in self._log.messages:
            self._message(row)
            by_person[row.person].append(row)
            if row.claimed and row.state in ("sent", "unknown"):
                sent[row.person].append(row.claimed)
                minutes = _in(self._found.minutes, row.channel, dict)
                _count(minutes, int(row.claimed.timestamp()) // 60)
        most = [Example(_in_a_week(times), person) for person, times in sent.items()]
        for one in most:
            _count(self._found.busiest, one.messages)
        # Nobody can look up whoever is made up.
        known = (one for one in most if one.person not in self._log.newcomers)
        self._found.examples = _most(known)
        self._orders(by_person)

    def _message(self, row: Message) -> None:
        found = self._of(row)
        came = self._came.get((row.run_id, row.step), [])
        reached = came[min(row.iteration, len(came) - 1)] if came else None
        when = row.claimed or row.held_out or reached
        states = _in(found.days, self._day(when) if when else "", dict)
        _count(states, row.state)
        if row.reason:
            _count(_in(found.why, row.state, dict), reason_of(row.reason))
        if row.claimed and reached and row.claimed - reached > SOON:
            _count(found.waited, _waited_for(row))
        found.opened += row.opened is not None
        found.clicked += bool(row.clicked)

    def _of(self, row: Message) -> MessageTally:
        messages = self._journey(row.journey).messages
        return _in(messages, f"{row.message}/{row.channel}", MessageTally)

    def _orders(self, messages: dict[str, list[Message]]) -> None:
        for order in orders_in(self._log.events):
            self._found.orders += 1
            _earn(self._found.revenue, order)
            row = credited(order, messages.get(order.person, ()))
            if row:
                found = self._of(row)
                found.orders += 1
                _earn(found.revenue, order)


def _waited_for(row: Message) -> str:
    if row.full:
        return "room under a limit"
    return "the person's best time" if row.by_time else "an hour in which it may go"


def _in_a_week(times: list[datetime]) -> int:
    """The most of these moments that lie within any seven days."""
    times.sort()
    most = first = 0
    for index, time in enumerate(times):
        while time - times[first] >= WEEK:
            first += 1
        most = max(most, index - first + 1)
    return most


def _earn(revenue: dict[str, Decimal], order: Order) -> None:
    if order.revenue:
        revenue[order.currency] = revenue.get(order.currency, Decimal()) + order.revenue


def _count(counts: dict[Any, int], key: Any) -> None:
    counts[key] = counts.get(key, 0) + 1


def _in(found: dict[Any, T], key: Any, make: Callable[[], T]) -> T:
    if key not in found:
        found[key] = make()
    return found[key]


def rows(one: Tally) -> Iterator[tuple[str, str, str, MessageTally]]:
    """All messages of a tally: journey, message, channel and counts, in order."""
    for name, journey in sorted(one.journeys.items()):
        for key, found in sorted(journey.messages.items()):
            message, _, channel = key.rpartition("/")
            yield name, message, channel, found
