"""How people answer messages and what they do of their own accord, drawn for one of the draws.

Every number comes from a generator of its own, named by seed, draw, person and what it is for: so
neither the order of the work nor the number of cores changes anything.

Messages change no rate of buying: whether somebody bought because of a message or would have
anyway is not known from watching. Where hold-out groups have measured it, see `uplift`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from math import exp, sqrt
from random import Random
from typing import Any

import msgspec

from functions.channels.channel import Outgoing
from functions.forecast import purchases
from functions.forecast.known import Known, Met
from functions.forecast.population import DAY, UNSURE_WEIGHS, ChannelHabits, Population
from functions.forecast.rates import Effect, Pace, drawn_of, moved, own_pace, own_proportion
from functions.tracking.event import Event
from functions.tracking.identity import short_hash
from functions.tracking.message import RECEIPTS
from functions.tracking.own_event import CONSENT_WITHDRAWN
from functions.tracking.permission import UNSUBSCRIBE_LINK

ARRIVES = timedelta(seconds=1)
MOST_EVENTS = 5_000  # of one name and person
NO_MESSAGES = Met()
CLICK = {"email": "Email Link Clicked", "sms": "SMS Link Clicked"}


class About(msgspec.Struct, array_like=True):
    """What a message is for, and the names of the links in it whose clicks are told."""

    purpose: str = ""
    links: list[str] = []


@dataclass(frozen=True)
class Drawn:
    """The answers of everybody in one draw: hand it on as the `answers` of a plan.

    `population` is that of this draw; `about` tells of messages by "journey/message"; `names` are
    the events, beside orders, that people do of their own accord (None: all that they ever did).
    `met` has by person what came of their messages so far, by channel: `meet` those whose rates
    differ from everybody's before they are asked.
    """

    population: Population
    seed: str = ""
    draw: int = 0
    about: Mapping[str, About] = field(default_factory=dict)
    names: Collection[str] | None = None
    met: dict[str, dict[str, Met]] = field(default_factory=dict, compare=False, repr=False)

    def meet(self, person: Known) -> None:
        """From now on the person answers by their own rates as well."""
        if person.replies:
            self.met[person.person] = person.met()

    def __call__(self, message: Outgoing, at: datetime) -> Iterable[Event]:
        """What a person does upon a message that is handed over at a moment: reads it, clicks in
        it, leaves, complains; and what the provider tells of it."""
        if not message.person or "send" not in message.tags:
            return []  # a webhook
        return list(self._answered(message, at, "email" if "@" in message.to else "sms"))

    def _answered(self, message: Outgoing, at: datetime, channel: str) -> Iterator[Event]:
        habits = self.population.channels.get(channel)
        if habits is None:
            return
        name = f"{message.tags['run'].rpartition('-')[0]}/{message.tags['message']}"
        said = _Said(self._key, message, channel, name)
        chance = Random(f"{self._key}/{message.person}/{message.send_id}")
        word = "SMS" if channel == "sms" else "Email"
        bounces, told = chance.random() < habits.bounced, chance.random() < habits.delivered
        if bounces:
            yield said.event(f"{word} Bounced", at + ARRIVES, bounce_type="Permanent")
            return
        if told:
            yield said.event(f"{word} Delivered", at + ARRIVES)
        yield from self._bought_because(message, at)
        read, clicks = self.chances(message.person, channel, name, at)
        if chance.random() >= read:
            return
        seen = at + ARRIVES
        if channel == "email":
            seen += timedelta(seconds=drawn_of(habits.read_after, chance))
            yield said.event("Email Opened", seen)
        later = timedelta(seconds=drawn_of(habits.clicked_after, chance))
        if chance.random() < clicks:
            link = self._link(name, chance)
            yield said.event(CLICK[channel], seen + later, link_id=link)
        yield from self._leaves(said, habits, seen + later, chance)

    def _bought_because(self, message: Outgoing, at: datetime) -> Iterator[Event]:
        """The order that somebody places because of the journey, where that was measured: once in a
        run, as each of its messages draws the same."""
        run = message.tags["run"]
        journey = run.rpartition("-")[0]
        measured = self.population.uplifts.get(journey)
        if measured is None:
            return
        more = measured.drawn(Random(f"{self._key}/uplift/{journey}"))
        chance = Random(f"{self._key}/uplift/{run}")
        if chance.random() < more:
            after = timedelta(seconds=drawn_of(measured.after, chance))
            said = purchases.basket(Known(person=message.person), self.population, chance)
            said["order_id"] = f"forecast-{run}"
            yield _event(message.person, f"{self._key}/{run}", "Order Completed", at + after, said)

    def chances(self, person: str, channel: str, name: str, at: datetime) -> tuple[float, float]:
        """With what probability the person reads a message ("journey/message") that goes at a
        moment, and clicks in one that they read: their own rates in this draw, moved by what this
        message does to everybody's."""
        habits = self.population.channels[channel]
        met = self.met.get(person, {}).get(channel, NO_MESSAGES)
        own = Random(f"{self._key}/{person}/{channel}")
        by_read, by_click = self._effects(name, habits, at)
        read = 1.0
        tries = met.sent
        if channel == "email":
            read = moved(own_proportion(habits.read, met.sent, met.read, own), by_read)
            tries = met.read
        return read, moved(own_proportion(habits.clicked, tries, met.clicked, own), by_click)

    def happenings(self, person: Known, begin: datetime, until: datetime) -> list[Event]:
        """What the person does of their own accord between two moments, in order."""
        days = (until - begin) / DAY
        bought = purchases.orders(person, self.population, begin, days, self._factor, self._key)
        found = [
            _event(person.person, f"{self._key}/order/{number}", "Order Completed", time, said)
            for number, (time, said) in enumerate(bought)
        ]
        for name in sorted(self.population.events):
            if self.names is None or name in self.names:
                found += self._of_name(person, name, self.population.events[name], begin, days)
        return sorted(found, key=lambda one: (one.time, one.message_id))

    @property
    def _key(self) -> str:
        return f"{self.seed}/{self.draw}"

    @cached_property
    def _factor(self) -> float:
        """What the period does to everybody's rate of buying: as seldom judged as it is, by a
        Student distribution."""
        chance = Random(f"{self._key}/period")
        freedom = self.population.periods + UNSURE_WEIGHS
        spread = chance.gammavariate(freedom / 2, 2 / freedom)
        by = self.population.off * chance.gauss(0, 1) / sqrt(max(spread, 0.05))
        return exp(max(min(by, 1.0), -1.0))

    def _effects(self, name: str, habits: ChannelHabits, at: datetime) -> tuple[float, float]:
        """How a message moves the log odds of everybody: what is believed of one that went before,
        anything that messages may be of a new one; and what else the month does to it."""
        chance = Random(f"{self._key}/{name}")
        month = Random(f"{self._key}/{name}/{at:%Y-%m}")
        new = tuple(Effect(0.0, one.messages) for one in habits.differ)
        read, click = (
            chance.gauss(believed.mean, believed.deviation) + month.gauss(0, differ.months)
            for believed, differ in zip(habits.messages.get(name, new), habits.differ, strict=True)
        )
        return read, click

    def _link(self, name: str, chance: Random) -> str:
        """One of a message's links: as often as it was clicked, and each one now and then."""
        clicked = self.population.links.get(name, {})
        links = sorted({*self.about.get(name, About()).links, *clicked}) or [""]
        return chance.choices(links, [clicked.get(link, 0) + 1 for link in links])[0]

    def _leaves(
        self, said: "_Said", habits: ChannelHabits, at: datetime, chance: Random
    ) -> Iterator[Event]:
        """Leaving and complaining, at everybody's rate, by those who have read."""
        read = habits.read.mean
        leaves, complains = chance.random(), chance.random()
        if leaves * read < habits.left:
            yield said.leaves(at, self.about.get(said.name, About()).purpose)
        if said.channel == "email" and complains * read < habits.complained:
            yield said.event("Email Marked as Spam", at)

    def _of_name(
        self, person: Known, name: str, pace: Pace, begin: datetime, days: float
    ) -> Iterator[Event]:
        got = person.events.get(name, 0)
        if pace.once and got:
            return
        chance = Random(f"{self._key}/{person.person}/did/{name}")
        known = max((self.population.made - person.since) / DAY, 0.0) if person.since else 0.0
        rate = own_pace(pace, got, known, chance)
        at = 0.0
        for number in range(1 if pace.once else MOST_EVENTS):
            at += chance.expovariate(rate) if rate > 0 else days
            if at >= days:
                return
            key = f"{self._key}/{name}/{number}"
            yield _event(person.person, key, name, begin + at * DAY, {})


@dataclass(frozen=True)
class _Said:
    """Events about one message, as receipts tell them."""

    key: str
    message: Outgoing
    channel: str
    name: str

    def event(self, name: str, time: datetime, **more: Any) -> Event:
        tags = self.message.tags
        properties = {
            "sms_id" if self.channel == "sms" else "email_id": tags["send"],
            "run_id": tags["run"],
            "journey": self.name.partition("/")[0],
            "message": tags["message"],
        }
        key = f"{self.key}/{tags['send']}"
        return _event(self.message.person, key, name, time, properties | more, RECEIPTS)

    def leaves(self, time: datetime, purpose: str) -> Event:
        said = {"channel": self.channel} | ({"purposes": [purpose]} if purpose else {})
        key = f"{self.key}/{self.message.tags['send']}"
        person = self.message.person
        return _event(person, key, CONSENT_WITHDRAWN, time, said, UNSUBSCRIBE_LINK)


def _event(
    person: str,
    key: str,
    name: str,
    time: datetime,
    properties: dict[str, Any],
    source: str = "forecast",
) -> Event:
    return Event(
        type="track",
        event=name,
        message_id=f"forecast-{short_hash(person, key, name)}",
        time=time,
        received_at=time,
        client_time=time.isoformat(),
        properties=properties,
        source=source,
        trusted=True,
        person=person,
    )
