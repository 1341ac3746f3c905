"""Making the report of a forecast from its draws."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from functions.forecast import credit
from functions.forecast.draws import Draws
from functions.forecast.report import (
    FAILED,
    LATER,
    NOT_SENT,
    WAITS,
    About,
    Cost,
    Counts,
    HeldBack,
    JourneyReport,
    Limits,
    MessageReport,
    Peak,
    Range,
    Report,
    StepReport,
)
from functions.forecast.sentences import sentences
from functions.forecast.shape import Map, Shape, Station
from functions.forecast.tally import JourneyTally, MessageTally, StepTally, Tally, rows
from functions.forecast.times import quantile
from functions.forecast.warn import warnings

STATES = {"not sent": NOT_SENT, "held": WAITS, "failed": FAILED}
Days = dict[str, Counts]


def report(
    draws: Sequence[Tally],
    shape: Shape,
    about: About,
    limits: Limits | None = None,
    cost: Cost | None = None,
) -> Report:
    """The report of these draws of the same people, one at least. Figures of a sample are scaled to
    all who match."""
    limits = limits or Limits()
    people = draws[0].people - draws[0].newcomers
    scale = about.matching / people if about.matching and people else 1.0
    found = _Reporting(Draws(draws, scale), shape, about).report(limits)
    found.cost = cost
    found.warnings = list(warnings(found))
    found.says = list(sentences(found))
    return found


class _Reporting:
    def __init__(self, draws: Draws, shape: Shape, about: About) -> None:
        self._draws, self._shape, self._about = draws, shape, about

    def report(self, limits: Limits) -> Report:
        """All but its sentences, warnings and cost."""
        draws, middle = self._draws, self._draws.middle
        channels = draws.names(lambda one: (channel for _, _, channel, _ in rows(one)))
        most = sorted(middle.busiest.items())
        return Report(
            about=self._about,
            limits=limits,
            zone=self._shape.zone,
            draws=len(draws.tallies),
            scale=draws.scale,
            people=draws.count(middle.people),
            newcomers=draws.of(lambda one: one.newcomers),
            says=[],
            warnings=[],
            journeys=list(self._journeys()),
            sent={one: draws.in_channel(one, lambda found: found.sent) for one in channels},
            opened={one: draws.in_channel(one, lambda found: found.opened) for one in channels},
            clicked={one: draws.in_channel(one, lambda found: found.clicked) for one in channels},
            orders=draws.of(lambda one: sum(found.orders for *_, found in rows(one))),
            revenue=self._revenue(),
            all_orders=draws.of(lambda one: one.orders),
            rule=credit.RULE,
            days={channel: self._days(channel) for channel in channels},
            held_back=sorted(self._held_back(), key=lambda one: (-one.messages.likely, one.reason)),
            peaks=[self._peak(one, minutes) for one, minutes in sorted(middle.minutes.items())],
            busiest={messages: draws.count(people) for messages, people in most},
            too_many=draws.of(lambda one: _more_than(limits.a_week, one)),
            examples=[one.person for one in middle.examples if one.messages > limits.a_week],
        )

    def _revenue(self) -> dict[str, Range]:
        draws = self._draws
        names = draws.names(lambda one: (name for *_, found in rows(one) for name in found.revenue))

        def earned(one: Tally, currency: str) -> Decimal:
            found = (found.revenue.get(currency, Decimal()) for *_, found in rows(one))
            return sum(found, Decimal())

        return {name: draws.of(partial(earned, currency=name)) for name in names}

    def _days(self, channel: str) -> Counts:
        days: Counts = {}
        for _, _, other, found in rows(self._draws.middle):
            for day, states in found.days.items() if other == channel else ():
                sent = states.get("sent", 0) + states.get("unknown", 0)
                if sent:
                    days[day] = days.get(day, 0) + sent
        return self._draws.counts(days)

    def _held_back(self) -> Iterator[HeldBack]:
        draws = self._draws
        for state, what in STATES.items():
            for reason in draws.names(partial(_reasons, state=state)):
                yield HeldBack(
                    what=what,
                    reason=reason,
                    messages=draws.of(partial(_held, state=state, reason=reason)),
                )
        for reason in draws.names(lambda one: (r for *_, found in rows(one) for r in found.waited)):
            yield HeldBack(
                what=LATER,
                reason=reason,
                messages=draws.of(partial(_waited, reason=reason)),
            )

    def _peak(self, channel: str, minutes: dict[int, int]) -> Peak:
        hours: dict[int, int] = {}
        for minute, count in minutes.items():
            hours[minute // 60] = hours.get(minute // 60, 0) + count
        minute, hour = _largest(minutes), _largest(hours)
        days = self._days(channel)
        day = max(sorted(days), key=lambda one: days[one])
        return Peak(
            channel=channel,
            in_minute=self._draws.count(minutes[minute]),
            minute=datetime.fromtimestamp(minute * 60, UTC),
            in_hour=self._draws.count(hours[hour]),
            hour=datetime.fromtimestamp(hour * 3600, UTC),
            in_day=days[day],
            day=day,
        )

    # --- journeys

    def _journeys(self) -> Iterator[JourneyReport]:
        """Those asked about first; of the others only those that anybody entered."""
        asked = self._about.journeys
        entered = self._draws.names(
            lambda one: (name for name, found in one.journeys.items() if found.runs)
        )
        for name in [*asked, *(other for other in entered if other not in asked)]:
            yield self._journey(name, self._shape.journeys.get(name))

    def _journey(self, name: str, known: Map | None) -> JourneyReport:
        draws = self._draws
        middle = draws.middle.journeys.get(name, JourneyTally())
        outcomes = draws.names(lambda one: _of(one, name).outcomes)
        keys = draws.names(lambda one: _of(one, name).messages)
        places = [one.message for one in known.stations] if known else []
        keys.sort(key=lambda key: _place(key.rpartition("/")[0], places))
        return JourneyReport(
            journey=name,
            title=known.title if known else name,
            asked=name in self._about.journeys,
            runs=draws.in_journey(name, lambda found: found.runs),
            people=draws.in_journey(name, lambda found: found.people),
            newcomers=draws.in_journey(name, lambda found: found.newcomers),
            held_out=draws.in_journey(name, lambda found: found.held_out),
            goals=draws.in_journey(name, lambda found: found.goals),
            kept_out=draws.counts(middle.kept_out),
            entered=draws.counts(middle.entered),
            before=draws.count(middle.before),
            outcomes={
                outcome: draws.in_journey(name, partial(_ended, outcome=outcome))
                for outcome in outcomes
            },
            steps=[self._step(name, middle, one) for one in known.stations] if known else [],
            messages=[self._message(name, key, middle.messages.get(key)) for key in keys],
            tasks={day: draws.counts(owners) for day, owners in sorted(middle.tasks.items())},
            transitions=draws.in_journey(name, lambda found: found.transitions),
            calls=draws.in_journey(name, lambda found: found.calls),
        )

    def _step(self, journey: str, middle: JourneyTally, station: Station) -> StepReport:
        draws, found = self._draws, middle.steps.get(station.step, StepTally())
        median, ninth = quantile(found.times, 0.5), quantile(found.times, 0.9)
        return StepReport(
            step=station.step,
            verb=station.verb,
            says=station.says,
            depth=station.depth,
            when=station.when,
            message=station.message,
            came=draws.in_journey(
                journey, lambda one: one.steps.get(station.step, StepTally()).came
            ),
            on=draws.count(sum(found.on.values())),
            ways=draws.counts(found.on),
            left=draws.counts(found.left),
            there=draws.count(found.there),
            median=None if median is None else int(median.total_seconds()),
            ninth=None if ninth is None else int(ninth.total_seconds()),
        )

    def _message(self, journey: str, key: str, middle: MessageTally | None) -> MessageReport:
        draws, middle = self._draws, middle or MessageTally()
        message, _, channel = key.rpartition("/")
        why = {STATES.get(state, state): counts for state, counts in middle.why.items()}
        why |= {LATER: middle.waited} if middle.waited else {}

        def figure(name: str) -> Range:
            return draws.in_message(journey, key, lambda found: getattr(found, name))

        def revenue(currency: str) -> Range:
            return draws.in_message(
                journey, key, lambda found: found.revenue.get(currency, Decimal())
            )

        return MessageReport(
            journey=journey,
            message=message,
            channel=channel,
            wanted=figure("wanted"),
            sent=figure("sent"),
            opened=figure("opened"),
            clicked=figure("clicked"),
            orders=figure("orders"),
            revenue={currency: revenue(currency) for currency in sorted(middle.revenue)},
            days={day: draws.counts(states) for day, states in sorted(middle.days.items())},
            why={state: draws.counts(counts) for state, counts in sorted(why.items())},
        )


def _of(one: Tally, journey: str) -> JourneyTally:
    return one.journeys.get(journey, JourneyTally())


def _place(message: str, messages: list[str]) -> int:
    """Where the message stands on the map; at the end where it does not."""
    return messages.index(message) if message in messages else len(messages)


def _reasons(one: Tally, state: str) -> Iterator[str]:
    for *_, found in rows(one):
        yield from found.why.get(state, ())


def _held(one: Tally, state: str, reason: str) -> int:
    return sum(found.why.get(state, {}).get(reason, 0) for *_, found in rows(one))


def _waited(one: Tally, reason: str) -> int:
    return sum(found.waited.get(reason, 0) for *_, found in rows(one))


def _ended(found: JourneyTally, outcome: str) -> int:
    return found.outcomes.get(outcome, 0)


def _more_than(messages: int, one: Tally) -> int:
    return sum(people for most, people in one.busiest.items() if most > messages)


def _largest(counts: dict[int, int]) -> int:
    """The key with the most; of several the first."""
    return min(counts, key=lambda one: (-counts[one], one))
