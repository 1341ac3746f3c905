"""What people have in common, learned from a sample of them: the prior of each person's own rates.

`Sample` keeps what is known of the people in it. Asked for a draw, it learns from as many people
drawn from them with replacement (B. Efron, Bootstrap Methods: Another Look at the Jackknife, 1979),
so that the draws differ by as much as the population's parameters are uncertain.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from math import log, sqrt
from random import Random

import msgspec

from functions.forecast import first_orders, rates
from functions.forecast.known import Known, Met, Reply
from functions.forecast.rates import Differences, Effect, Pace
from functions.forecast.uplift import Uplift, Went, uplifts
from functions.segments import buying, spending
from functions.segments.buying import Buying, History
from functions.segments.census_records import Rate
from functions.segments.spending import Spending
from functions.segments.value_learning import ENOUGH
from functions.tracking.identity import short_hash

DAY = timedelta(days=1)
SAMPLE = 3_000  # people are enough to learn from
# What is assumed as long as too few messages went: weak, and soon outweighed.
ASSUMED = {
    ("email", "read"): Rate(0.3, 10.0),
    ("email", "clicked"): Rate(0.1, 10.0),  # of those who read
    ("sms", "clicked"): Rate(0.08, 10.0),
}
READ_AFTER = [60.0 * one for one in (1, 10, 60, 240, 720, 2880)]  # seconds
CLICKED_AFTER = [float(one) for one in (5, 15, 40, 120, 600)]
UNSURE = 0.05  # by how much orders of a whole period are off, as long as none can be judged
UNSURE_WEIGHS = 2  # periods
PERIODS = 3  # at most, by which the model is judged
MOST_BASKETS = 200
PRIOR = 0.5  # of the model of orders, on logarithms: it is fitted often, and to few people at times
HOURS = 24


class ChannelHabits(msgspec.Struct, kw_only=True):
    """How people take messages of a channel: the spread of their own rates of reading (of what
    came through) and of clicking (of what they read); how long both take (quantiles, in seconds);
    how much the log odds of both differ, and what is believed of messages that went, by
    "journey/message"; and the shares that are left, complained of, returned or told of by a
    receipt."""

    read: Rate
    clicked: Rate
    read_after: list[float]
    clicked_after: list[float]
    differ: tuple[Differences, Differences]
    messages: dict[str, tuple[Effect, Effect]] = {}
    left: float = 0.0
    complained: float = 0.0
    bounced: float = 0.0
    delivered: float = 0.0


class Population(msgspec.Struct, kw_only=True):
    """What is common to all, as of `made`, learned from so many `people`.

    `links` tells how often each link of a message was clicked, by "journey/message". Of orders: the
    pace of the first ones, the model of the further ones or, where there is none, their pace; what
    an order comes to, by currency, as a model and as quantiles; baskets; the hours of the day (UTC)
    at which they come. `wander` is the variance with which a person's own rate changes from period
    to period, as a part of it; `off` is by how much the orders of a whole period may be off, on a
    logarithmic scale, as judged by `periods` of the past. `events` has the pace of others,
    `uplifts` what journeys are known to bring about.
    """

    made: datetime
    people: int
    channels: dict[str, ChannelHabits] = {}
    links: dict[str, dict[str, int]] = {}
    first: Pace | None = None
    buying: Buying | None = None
    again: Pace | None = None
    spending: dict[str, Spending] = {}
    amounts: dict[str, list[float]] = {}
    baskets: list[list[str]] = []
    hours: list[int] = []
    wander: float = 0.0
    off: float = UNSURE
    periods: int = 0
    events: dict[str, Pace] = {}
    uplifts: dict[str, Uplift] = {}

    @property
    def currency(self) -> str:
        """The one in which most orders came, "" where nobody ordered."""
        return max(self.amounts, key=lambda one: (len(self.amounts[one]), one), default="")


def takes(person: str, people: int) -> bool:
    """Whether somebody is in the sample, of about so many `people`: their keys are hashes."""
    return int(short_hash("forecast sample", person)[:8], 16) * people < SAMPLE << 32


Weighted = Sequence[tuple[int, Known]]


@dataclass
class Sample:
    """The people from whom is learned, as of a moment; `days` is how long a period is whose orders
    are foretold. `goals` are the journeys whose goal is an order, and in how many days it counts.
    """

    made: datetime
    days: float = 90.0
    people: list[Known] = field(default_factory=list)
    goals: Mapping[str, float] = field(default_factory=dict)

    def take(self, person: Known) -> None:
        """One more."""
        self.people.append(person)

    def population(self, seed: str = "") -> Population:
        """As learned from these people, or with a `seed` from a bootstrap sample of them."""
        everybody = sorted(self.people, key=lambda one: one.person)
        weighted = [
            (rates.times_drawn(Random(f"{seed}/{one.person}/weight")) if seed else 1, one)
            for one in everybody
        ]
        found = Population(made=self.made, people=len(everybody))
        _learn_messages(found, weighted)
        _learn_orders(found, weighted)
        _learn_amounts(found, weighted)
        found.events = _events(weighted, self.made)
        # Not again for each draw: it says how unsure they all are.
        found.off, found.periods = self._off
        found.uplifts = self._uplifts
        return found

    @cached_property
    def _off(self) -> tuple[float, int]:
        return off([one for one in self.people if one.whole], self.made, self.days)

    @cached_property
    def _uplifts(self) -> dict[str, Uplift]:
        return uplifts(
            Went(run.journey, run.held_out, run.reached)
            for one in self.people
            for run in one.runs
            if run.journey in self.goals
            and self.made - run.entered >= self.goals[run.journey] * DAY
        )


# --- messages


def _learn_messages(found: Population, people: Weighted) -> None:
    replies = [(weight, one) for weight, person in people for one in person.replies if weight]
    by_message: dict[str, dict[str, dict[int, Met]]] = {"email": {}, "sms": {}}
    for weight, one in replies:
        months = by_message[one.channel].setdefault(one.name, {})
        sums = months.setdefault(one.month, Met())
        sums.sent += weight
        sums.read += weight * (one.read is not None)
        sums.clicked += weight * (one.clicked is not None)
        links = found.links.setdefault(one.name, {}) if one.links else {}
        for link in one.links:
            links[link] = links.get(link, 0) + weight
    for channel in ("email", "sms"):
        mine = [(weight, one) for weight, one in replies if one.channel == channel]
        found.channels[channel] = _habits(channel, mine, by_message[channel], people)


def _habits(
    channel: str,
    replies: list[tuple[int, Reply]],
    by_message: dict[str, dict[int, Met]],
    people: Weighted,
) -> ChannelHabits:
    met = [(weight, one.met()[channel]) for weight, one in people if channel in one.met()]
    reads = ASSUMED.get((channel, "read"))
    read = Rate(1.0, 1.0)  # nobody can tell whether a text message was read
    if reads:
        read = rates.proportion(((w, one.sent, one.read) for w, one in met), reads)
    of = "read" if reads else "sent"
    clicked = rates.proportion(
        ((w, getattr(one, of), one.clicked) for w, one in met), ASSUMED[channel, "clicked"]
    )
    of_read = _by_month(by_message, "sent", "read") if reads else {}
    differ_read, believed = rates.effects(of_read, read.mean)
    of_clicked = _by_month(by_message, of, "clicked")
    differ_clicked, clicking = rates.effects(of_clicked, clicked.mean)
    unknown = Effect(0.0, differ_clicked.messages)  # of those that nobody has read yet
    sent = sum(weight for weight, _ in replies)
    arrived = sent + sum(weight * one.bounced.get(channel, 0) for weight, one in people)
    left = sum(weight for weight, one in people if channel in one.left and channel in one.met())
    complaints = sum(weight for weight, one in replies if one.complained)
    told = sum(weight * one.delivered.get(channel, 0) for weight, one in people)
    read_after = rates.quantiles(one.read for w, one in replies if w and one.read is not None)
    clicked_after = rates.quantiles(
        one.clicked if reads else one.clicked + (one.read or 0)
        for w, one in replies
        if w and one.clicked is not None
    )
    return ChannelHabits(
        read=read,
        clicked=clicked,
        read_after=read_after or READ_AFTER,
        clicked_after=clicked_after or (CLICKED_AFTER if reads else READ_AFTER),
        differ=(differ_read, differ_clicked),
        messages={
            name: (believed.get(name, Effect()), clicking.get(name, unknown))
            for name in sorted(by_message)
        },
        left=left / sent if sent else 0.0,
        complained=complaints / sent if sent else 0.0,
        bounced=(arrived - sent) / arrived if arrived else 0.0,
        delivered=min(told / arrived, 1.0) if arrived else 0.0,
    )


def _by_month(
    messages: dict[str, dict[int, Met]], tries: str, got: str
) -> dict[str, dict[int, tuple[int, int]]]:
    return {
        name: {month: (getattr(met, tries), getattr(met, got)) for month, met in months.items()}
        for name, months in messages.items()
    }


# --- orders


def history(person: Known, at: datetime) -> History | None:
    """As the model of orders counts; None of who has not ordered."""
    if not person.count or person.first is None or person.last is None:
        return None
    first, last = person.first, person.last
    return person.count - 1, (last - first) / DAY, max(at - first, last - first) / DAY


def _learn_orders(found: Population, people: Weighted) -> None:
    waits, cells = [], Counter[History]()
    for weight, one in people:
        until = one.first or found.made
        if one.since and until > one.since:
            waits.append((weight, (until - one.since) / DAY, one.first is not None))
        known = history(one, found.made)
        if known and weight:
            cells[known] += weight
    found.first = first_orders.fit(waits)
    found.buying = _fitted(cells)
    found.wander = _wander(people, found.made)
    if found.buying is None:
        again = [(number, more, whole) for (more, _, whole), number in cells.items()]
        found.again = rates.pace(again)
    hours = Counter(time.hour for weight, one in people if weight for time in one.placed)
    found.hours = [hours[hour] for hour in range(HOURS)] if hours else []


def _wander(people: Weighted, made: datetime) -> float:
    """How much customers' own rates change, by the two halves of what is known of each: with counts
    n and m, the expected square of m - n is (n + m) + (n + m)(n + m - 1)/2 times this variance.
    Only those who order more than before are asked, for both: the others may have left, of which
    the model of orders tells already."""
    more = all_ = pairs = 0
    for weight, one in people:
        if not one.whole or one.count < 2:
            continue
        middle = one.placed[0] + (made - one.placed[0]) / 2
        # The first order begins what is known: it says nothing of how often.
        early = sum(time < middle for time in one.placed[1:])
        late = one.count - 1 - early
        more += 2 * weight * max(late - early, 0) ** 2
        all_ += weight * (early + late)
        pairs += weight * (early + late) * (early + late - 1)
    return max((more - all_) / (pairs / 2), 0.0) if pairs else 0.0


def _fitted(cells: Counter[History]) -> Buying | None:
    """The model of further orders, where there are enough of them (see `value_learning`)."""
    if sum(number for (again, _, _), number in cells.items() if again) < ENOUGH:
        return None
    try:
        return buying.fit(_coarse(cells), PRIOR)[0]
    except ArithmeticError:
        return None


def _coarse(cells: Counter[History]) -> Counter[History]:
    """With times in whole days, so that fewer histories differ."""
    found: Counter[History] = Counter()
    for (again, last, whole), number in cells.items():
        found[again, float(round(last)), float(max(round(whole), round(last)))] += number
    return found


def off(people: Iterable[Known], made: datetime, days: float) -> tuple[float, int]:
    """By how much the orders of a whole period may be off, as a standard deviation of logarithms:
    what the model would have been off by in the last periods, beyond what chance makes of it, and
    what is assumed beside them; and how many those are. Where the past is not twice as long as what
    is foretold, shorter periods are judged, and being off is taken to grow as in a random walk.

    Seasons, prices, a crisis: what moves everybody at once is in no model of single customers.
    """
    everybody = list(people)
    begun = min((one.placed[0] for one in everybody if one.placed), default=made)
    length = min(days, (made - begun) / DAY / 2)
    squares, periods = UNSURE_WEIGHS * UNSURE**2, 0
    while periods < PERIODS and made - (periods + 2) * length * DAY >= begun:
        missed = _missed(everybody, made - (periods + 1) * length * DAY, length)
        if missed is None:
            break
        squares += missed * days / length
        periods += 1
    return sqrt(squares / (periods + UNSURE_WEIGHS)), periods


def _missed(people: list[Known], split: datetime, days: float) -> float | None:
    """The square of the logarithm of orders that came to those expected; None where too few came
    to say it."""
    cells, came = Counter[History](), 0
    for one in people:
        before = [time for time in one.placed if time < split]
        if before:
            span, whole = before[-1] - before[0], split - before[0]
            cells[len(before) - 1, span / DAY, whole / DAY] += 1
            came += sum(split <= time < split + days * DAY for time in one.placed)
    model = _fitted(cells)
    if model is None or not came:
        return None
    expected = sum(model.expected(one, days) * number for one, number in cells.items())
    return float(max(log(came / expected) ** 2 - 1 / came - 1 / expected, 0.0))


def _learn_amounts(found: Population, people: Weighted) -> None:
    amounts: dict[str, list[float]] = {}
    paid: dict[str, Counter[tuple[int, float]]] = {}
    for weight, one in people:
        for currency, all_ in one.amounts.items():
            amounts.setdefault(currency, []).extend(all_ * weight)
        for currency, (number, average) in one.spent.items():
            if weight:
                paid.setdefault(currency, Counter())[number, float(f"{average:.3g}")] += weight
    found.amounts = {name: rates.quantiles(all_) for name, all_ in sorted(amounts.items()) if all_}
    for currency, cells in sorted(paid.items()):
        if cells.total() >= ENOUGH:
            try:
                found.spending[currency], _ = spending.fit(cells)
            except ArithmeticError:
                continue
    baskets = [basket for weight, one in people if weight for basket in one.baskets]
    step = max(len(baskets) // MOST_BASKETS, 1)
    found.baskets = baskets[::step][:MOST_BASKETS]


# --- events


def _events(people: Weighted, made: datetime) -> dict[str, Pace]:
    names = sorted({name for _, one in people for name in one.events})
    found = {}
    for name in names:
        pace = rates.pace(
            (weight, one.events.get(name, 0), (made - one.since) / DAY)
            for weight, one in people
            if one.since
        )
        if pace:
            found[name] = pace
    return found
