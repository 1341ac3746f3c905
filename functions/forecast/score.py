"""How far off a forecast was: its report beside what came in the same days."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from functions.forecast.report import (
    Counts,
    JourneyReport,
    MessageReport,
    Number,
    Range,
    Report,
    StepReport,
)
from functions.forecast.tally import JourneyTally, MessageTally, StepTally, Tally

WAITS = ("wait for", "wait for first of")
EXPECTED_INSIDE = 0.8  # of the figures, if the intervals are right


class NotScored(ValueError):
    """The forecast cannot be compared; the text says why."""


class Figure(msgspec.Struct, kw_only=True):
    """A figure of a journey, of one of its steps or messages (`name`; "" for the journey): what was
    `forecast` and what `came`. `off` is their difference as a part of what was forecast, None where
    that was nothing."""

    journey: str
    kind: str
    name: str
    forecast: Range
    came: Number

    @property
    def inside(self) -> bool:
        """Whether it lies within the interval."""
        return self.forecast.low <= self.came <= self.forecast.high

    @property
    def off(self) -> float | None:
        """The difference, 0.1 for a tenth more than forecast."""
        likely = self.forecast.likely
        return (self.came - likely) / likely if likely else None


class Day(msgspec.Struct, kw_only=True):
    """A day: how many `entered` the journeys that were asked about and how many messages were
    `sent` in them, as forecast and as they came."""

    day: str
    entered: Number
    entered_came: int
    sent: Number
    sent_came: int


class Score(msgspec.Struct, kw_only=True):
    """A forecast compared. `inside` of so many `figures` lie within their intervals of 80 %;
    `off` is the sum of all differences as a part of the sum of what came. Days are compared as far
    as they are over (`known_until`); figures only if all are. `newcomers` are runs of people who
    came after the forecast had begun, where it left these out: they are not counted.
    """

    begin: datetime
    until: datetime
    known_until: datetime
    draws: int
    figures: list[Figure]
    days: list[Day]
    newcomers: int = 0
    inside: int = 0
    off: float | None = None
    off_by_day: float | None = None
    says: list[str] = []


def score(forecast: Report, came: Tally, known_until: datetime, newcomers: int = 0) -> Score:
    """The comparison, for the journeys that were asked about. `came` are the runs of the people
    whom it was about, up to `known_until`: where it left newcomers out, of those known before."""
    about = forecast.about
    asked = [one for one in forecast.journeys if one.asked]
    is_over = known_until >= about.until
    figures = [one for each in asked for one in _figures(each, came)] if is_over else []
    days = list(_days(asked, came, _day(known_until, is_over)))
    found = Score(
        begin=about.begin,
        until=about.until,
        known_until=min(known_until, about.until),
        draws=forecast.draws,
        figures=figures,
        days=days,
        newcomers=newcomers,
        inside=sum(one.inside for one in figures),
        off=_off((one.forecast.likely, one.came) for one in figures if one.kind != "revenue"),
        off_by_day=_off(
            pair
            for one in days
            for pair in ((one.entered, one.entered_came), (one.sent, one.sent_came))
        ),
    )
    found.says = list(_sentences(found, asked, came))
    return found


def _figures(asked: JourneyReport, came: Tally) -> Iterator[Figure]:
    real = came.journeys.get(asked.journey, JourneyTally())

    def figure(kind: str, name: str, forecast: Range, came: Number) -> Figure:
        return Figure(journey=asked.journey, kind=kind, name=name, forecast=forecast, came=came)

    yield figure("entered", "", asked.runs, real.runs)
    yield figure("people", "", asked.people, real.people)
    yield figure("goal reached", "", asked.goals, real.goals)
    for step in _recorded(asked.steps):
        there = real.steps.get(step.step, StepTally())
        yield figure("came to step", step.step, step.came, there.came)
    for message in asked.messages:
        key = f"{message.message}/{message.channel}"
        found = real.messages.get(key, MessageTally())
        for kind, forecast, number in _of_message(message, found):
            yield figure(kind, key, forecast, number)
    missed = real.messages.keys() - {f"{one.message}/{one.channel}" for one in asked.messages}
    for key in sorted(missed):
        yield figure("sent", key, Range(0, 0, 0), real.messages[key].sent)


def _recorded(steps: list[StepReport]) -> Iterator[StepReport]:
    """The steps of which the records tell how often people came to them: messages, and waits for
    an event, but of those in a loop not how often."""
    loop: int | None = None
    for one in steps:
        if loop is not None and one.depth <= loop:
            loop = None
        if one.verb == "repeat" and loop is None:
            loop = one.depth
        if one.verb == "send" or (one.verb in WAITS and loop is None):
            yield one


def _of_message(forecast: MessageReport, came: MessageTally) -> Iterator[tuple[str, Range, Number]]:
    yield "sent", forecast.sent, came.sent
    yield "opened", forecast.opened, came.opened
    yield "clicked", forecast.clicked, came.clicked
    yield "orders", forecast.orders, came.orders
    for currency, revenue in sorted(forecast.revenue.items()):
        paid = came.revenue.get(currency, Decimal())
        yield "revenue", revenue, round(float(paid), 2)


def _day(known_until: datetime, is_over: bool) -> str:
    """The first day that is not over yet."""
    return "9999" if is_over else known_until.date().isoformat()


def _days(asked: list[JourneyReport], came: Tally, before: str) -> Iterator[Day]:
    real = [came.journeys.get(one.journey, JourneyTally()) for one in asked]
    entered = _summed(one.entered for one in asked)
    entered_came = _summed(one.entered for one in real)
    sent = _summed(_went(message.days) for one in asked for message in one.messages)
    went = _summed(_went(message.days) for one in real for message in one.messages.values())
    for day in sorted({*entered, *entered_came, *sent, *went}):
        if day and day < before:
            yield Day(
                day=day,
                entered=entered[day],
                entered_came=entered_came[day],
                sent=sent[day],
                sent_came=went[day],
            )


def _summed(counts: Iterable[Counts]) -> Counter[str]:
    return sum(map(Counter, counts), Counter[str]())


def _went(days: Mapping[str, Counts]) -> Counts:
    """Messages of each day, as far as anybody knows."""
    return {day: states.get("sent", 0) + states.get("unknown", 0) for day, states in days.items()}


def _off(pairs: Iterable[tuple[Number, Number]]) -> float | None:
    known = list(pairs)
    whole = sum(came for _, came in known)
    return sum(abs(came - likely) for likely, came in known) / whole if whole else None


def _sentences(found: Score, asked: list[JourneyReport], came: Tally) -> Iterator[str]:
    if not any(came.journeys.get(one.journey, JourneyTally()).runs for one in asked):
        names = ", ".join(one.journey for one in asked)
        yield f"Nobody entered {names} in these days: was it published?"
        return
    if not found.figures:
        yield (
            f"The forecast goes on until {found.until:%Y-%m-%d}: only the days until "
            f"{found.known_until:%Y-%m-%d} are compared."
        )
    elif found.draws > 1:
        share = found.inside / len(found.figures)
        about = "as it should" if share >= EXPECTED_INSIDE - 0.1 else "fewer than it should"
        yield (
            f"{found.inside} of {len(found.figures)} figures lie within the interval of 80 % "
            f"({share:.0%}: {about})."
        )
    else:
        yield "The forecast has one draw, so it has no intervals: make the next with more draws."
    if found.off is not None:
        by_day = found.off_by_day or 0
        yield f"Counts were off by {found.off:.0%} of what came, single days by {by_day:.0%}."
    elif found.off_by_day is not None:
        yield f"Single days were off by {found.off_by_day:.0%} of what came."
    if found.newcomers:
        runs = "run was" if found.newcomers == 1 else "runs were"
        yield (
            f"{found.newcomers:,} {runs} of people who came only after the forecast had begun; "
            "they are not counted."
        )
