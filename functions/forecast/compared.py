"""Two versions compared on the same people and draws: what of it a person or a program reads."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import msgspec

from functions.forecast.difference import Difference, Example, JourneyChange, MessageChange
from functions.forecast.draws import ends
from functions.forecast.report import Number, Range
from functions.forecast.tally import JourneyTally, MessageTally, Tally, rows
from functions.forecast.words import amount, between, money_between
from functions.forecast.words import time as length
from functions.segments.spoken import quoted


class Pair(msgspec.Struct, frozen=True):
    """One draw of what people may do, with both versions live in turn, and what is different."""

    before: Tally
    after: Tally
    difference: Difference


class MessageRow(msgspec.Struct, kw_only=True):
    """A message on a channel of which something changes. `later` and `earlier` are by so many
    seconds on average (`seconds_later`, `seconds_earlier`; None where none is)."""

    journey: str
    message: str
    channel: str
    before: Range
    after: Range
    gained: Range
    lost: Range
    within: Range
    beyond: Range
    later: Range
    earlier: Range
    reworded: Range
    seconds_later: int | None
    seconds_earlier: int | None


class JourneyRow(msgspec.Struct, kw_only=True):
    """A journey of which something changes: how many runs begin, how many end otherwise (by
    "BEFORE → AFTER", of the middle draw), how many tasks sales gets more (or fewer)."""

    journey: str
    before: Range
    after: Range
    outcomes: dict[str, int]
    tasks: Range


class Compared(msgspec.Struct, kw_only=True):
    """What changes from version `before` to version `after` of a journey, over repeated draws: each
    range is one of differences, drawn with the same chance for both. `sent`, `orders`, `revenue`
    and `dollars` (what AWS costs) are how much more there is, less than nothing where less."""

    journey: str
    before: str
    after: str
    people: int
    scale: float
    draws: int
    says: list[str]
    concerned: Range
    sent: dict[str, Range]
    orders: Range
    revenue: dict[str, Range]
    messages: list[MessageRow]
    journeys: list[JourneyRow]
    examples: list[Example]
    dollars: Range | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether all is as before, in every draw."""
        return not self.messages and not self.journeys


def compare(
    pairs: Sequence[Pair],
    journey: str,
    versions: tuple[str, str],
    scale: float = 1,
    dollars: Callable[[Tally], Decimal] | None = None,
) -> Compared:
    """The comparison of these draws, one at least, with figures scaled to all who match."""
    found = _Comparison(pairs, scale).told(journey, versions)
    if dollars:
        found.dollars = _range(
            [float(dollars(one.after) - dollars(one.before)) * scale for one in pairs], 2
        )
    found.says = list(_sentences(found))
    return found


def _range(values: Sequence[float], places: int = 0) -> Range:
    """Eight of ten draws lie from the first to the last; the middle one is the likely one."""
    low, high = ends(values)
    likely = sorted(values)[(len(values) - 1) // 2]
    return Range(*(round(one, places) if places else round(one) for one in (low, likely, high)))


class _Comparison:
    def __init__(self, pairs: Sequence[Pair], scale: float) -> None:
        self._pairs, self._scale = pairs, scale
        by_size = sorted(pairs, key=lambda one: one.difference.concerned)
        self._middle = by_size[(len(pairs) - 1) // 2].difference

    def told(self, journey: str, versions: tuple[str, str]) -> Compared:
        """All but its sentences and the cost."""
        names = {key for one in self._pairs for key in one.difference.messages}
        journeys = {name for one in self._pairs for name in one.difference.journeys}
        channels = {channel for one in self._tallies() for _, _, channel, _ in rows(one)}
        currencies = {name for one in self._tallies() for name in one.revenue}
        return Compared(
            journey=journey,
            before=versions[0],
            after=versions[1],
            people=round(self._middle.people * self._scale),
            scale=self._scale,
            draws=len(self._pairs),
            says=[],
            concerned=self._of(lambda one: one.difference.concerned),
            sent={name: self._more(_sent_by(name)) for name in sorted(channels)},
            orders=self._more(lambda one: one.orders),
            revenue={name: self._more(_earned(name), places=2) for name in sorted(currencies)},
            messages=[self._message(key) for key in sorted(names)],
            journeys=[self._journey(name) for name in sorted(journeys)],
            examples=list(self._middle.examples),
        )

    def _tallies(self) -> Iterator[Tally]:
        for one in self._pairs:
            yield from (one.before, one.after)

    def _of(self, figure: Callable[[Pair], Number | Decimal], places: int = 0) -> Range:
        return _range([float(figure(one)) * self._scale for one in self._pairs], places)

    def _more(self, figure: Callable[[Tally], Number | Decimal], places: int = 0) -> Range:
        return self._of(lambda one: figure(one.after) - figure(one.before), places)  # type: ignore[operator]

    def _message(self, key: str) -> MessageRow:
        journey, message, channel = key.split("/", 2)
        changes = [one.difference.messages.get(key, MessageChange()) for one in self._pairs]

        def of(figure: Callable[[MessageChange], int]) -> Range:
            return _range([figure(one) * self._scale for one in changes])

        return MessageRow(
            journey=journey,
            message=message,
            channel=channel,
            before=self._of(lambda one: _sent(one.before, journey, message, channel)),
            after=self._of(lambda one: _sent(one.after, journey, message, channel)),
            gained=of(lambda one: one.gained),
            lost=of(lambda one: one.lost),
            within=of(lambda one: one.within),
            beyond=of(lambda one: one.beyond),
            later=of(lambda one: one.later),
            earlier=of(lambda one: one.earlier),
            reworded=of(lambda one: one.reworded),
            seconds_later=_mean([(one.seconds_later, one.later) for one in changes]),
            seconds_earlier=_mean([(one.seconds_earlier, one.earlier) for one in changes]),
        )

    def _journey(self, name: str) -> JourneyRow:
        changes = [one.difference.journeys.get(name, JourneyChange()) for one in self._pairs]
        middle = self._middle.journeys.get(name, JourneyChange())
        return JourneyRow(
            journey=name,
            before=self._of(lambda one: _runs(one.before, name)),
            after=self._of(lambda one: _runs(one.after, name)),
            outcomes={
                way: round(count * self._scale) for way, count in sorted(middle.outcomes.items())
            },
            tasks=_range([(one.tasks_gained - one.tasks_lost) * self._scale for one in changes]),
        )


def _mean(found: list[tuple[int, int]]) -> int | None:
    seconds, count = (sum(column) for column in zip(*found, strict=True))
    return round(seconds / count) if count else None


def _sent_by(channel: str) -> Callable[[Tally], int]:
    return lambda one: sum(found.sent for _, _, other, found in rows(one) if other == channel)


def _earned(currency: str) -> Callable[[Tally], Decimal]:
    return lambda one: one.revenue.get(currency, Decimal())


def _sent(one: Tally, journey: str, message: str, channel: str) -> int:
    messages = one.journeys.get(journey, JourneyTally()).messages
    return messages.get(f"{message}/{channel}", MessageTally()).sent


def _runs(one: Tally, name: str) -> int:
    return one.journeys.get(name, JourneyTally()).runs


# --- in words


def _sentences(found: Compared) -> Iterator[str]:
    there = f"{quoted(found.journey, 'en')}, from {found.before} to {found.after}"
    if found.is_nothing:
        yield f"Nothing changes for {amount(found.people)} people: {there}."
        return
    yield (
        f"For {_many(found.concerned, 'person', 'people')} of {amount(found.people)} something "
        f"changes: {there}."
    )
    for row in found.messages:
        yield from _said(row)
    for one in found.journeys:
        yield from _said_of(one)
    for currency, earned in found.revenue.items():
        if earned.low or earned.high:
            yield f"Orders bring {_signed(earned)} {currency}".rstrip() + "."
    if found.dollars and (found.dollars.low or found.dollars.high):
        yield f"AWS costs {_signed(found.dollars)} dollars."


def _said(row: MessageRow) -> Iterator[str]:
    name = f"{quoted(row.message, 'en')} by {row.channel} ({row.journey})"
    if row.gained.high:
        yield f"{_many(row.gained, 'person gets', 'people get')} {name} who did not before."
    if row.lost.high:
        yield f"{_many(row.lost, 'person does', 'people do')} not get {name} any more."
    if row.beyond.high:
        yield f"{_many(row.beyond, 'message', 'messages')} {name} would go only after these days."
    if row.within.high:
        said = _many(row.within, "message", "messages")
        yield f"{said} {name} would go within these days, not after them."
    if row.later.high:
        by, said = length(row.seconds_later), _many(row.later, "message", "messages")
        yield f"{said} {name} would go later, by {by} on average."
    if row.earlier.high:
        by = length(row.seconds_earlier)
        said = _many(row.earlier, "message", "messages")
        yield f"{said} {name} would go earlier, by {by} on average."
    if row.reworded.high:
        said = _many(row.reworded, "message", "messages")
        yield f"{said} {name} would have another subject."


def _said_of(row: JourneyRow) -> Iterator[str]:
    name = quoted(row.journey, "en")
    if row.before != row.after:
        before, after = amount(row.before.likely), amount(row.after.likely)
        times = "time" if row.after.likely == 1 else "times"
        yield f"{name} is entered {after} {times} instead of {before}."
    for way, count in row.outcomes.items():
        before, _, after = way.partition(" → ")
        runs = f"1 run of {name} ends" if count == 1 else f"{amount(count)} runs of {name} end"
        yield f"{runs} otherwise: {after} instead of {before}."
    if row.tasks.low or row.tasks.high:
        tasks = "task" if abs(row.tasks.likely) == 1 else "tasks"
        yield f"Sales gets {_signed(row.tasks, places=0)} {tasks} from {name}."


def _many(found: Range, one: str, more: str) -> str:
    """ "1 person gets", "4 (2 to 5) people get"."""
    return f"{between(found)} {one if found.likely == 1 else more}"


def _signed(found: Range, places: int = 2) -> str:
    """ "12.00 (10.00 to 14.00) more", "12 fewer"."""
    less = found.likely < 0
    ends = (
        (-found.high, -found.likely, -found.low) if less else tuple(msgspec.structs.astuple(found))
    )
    turned = Range(*ends)
    said = money_between(turned) if places else between(turned)
    return f"{said} {'less' if places else 'fewer'}" if less else f"{said} more"
