"""Duplicates over thirty days of events that are known already: no byte changes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from time import perf_counter
from typing import Any

import msgspec

from functions.handlers import collect_event, process_event, wiring
from functions.storage import people
from functions.storage.kinds import TABLES
from functions.tracking.profile import Profile
from tests.faults.loop import START, us
from tests.faults.operations import address
from tests.faults.outside import request
from tests.faults.overload.load import BATCH, Found, iso, one_journey, tally
from tests.faults.scenarios import NO_FAULTS
from tests.faults.simulation import DAY, SETTINGS, WRITE_KEY, Simulation

PERSONS, OF_EACH = 40, 60  # many more than the ids that a profile remembers
BEFORE = 20 * DAY  # in which the original events happened


def duplicates(
    deliveries: int = 20_000,
    persons: int = PERSONS,
    tick: Callable[[int], None] = lambda done: None,
) -> Found:
    """Deliveries of events that are known already, for thirty days, change no byte."""
    found = Found(f"{deliveries:,} duplicates over 30 days", persons * OF_EACH, deliveries)
    with one_journey():  # which nobody enters
        twins = Twins()
        twins.live(persons)
        before = twins.everything()
        began = perf_counter()
        random = Random(7)
        for done in range(0, deliveries, BATCH):
            twins.deliver(random, min(BATCH, deliveries - done))
            tick(min(BATCH, deliveries - done))
        found.seconds = perf_counter() - began
        found.notes["duplicates/s"] = f"{deliveries / found.seconds:,.0f}"
        found.must(twins.everything() == before, "the records are not the same as before")
        for user, ids in twins.ids.items():
            lost, double = tally(twins.store, twins.person(user), ids)
            found.lost, found.double = found.lost + lost, found.double + double
        found.dead.update(twins.dead)
        found.must(not found.dead, f"dead letters: {dict(found.dead)}")
        let_go = [user for user in twins.ids if twins.person(user).let_go]
        found.must(len(let_go) == persons, f"only {len(let_go)} have let go of ids")
    return found.judge()


class Twins:
    """collect_event and process_event on SQLite in memory, and events that come again."""

    def __init__(self) -> None:
        self._world = Simulation("duplicates", allowed=NO_FAULTS)
        self.store = self._world.bare
        self.dead: list[str] = []
        self.ids: dict[str, set[str]] = {}
        self._queue: list[bytes] = []
        self._calls: list[bytes] = []
        wiring.use(
            replace(
                self._world.parts,
                store=self.store,
                send_events=lambda bodies, delay: self._queue.extend(bodies),
                bury=lambda body, reason: self.dead.append(reason),
            )
        )

    def person(self, user: str) -> Profile:
        found = people.People(self.store, SETTINGS.identity_key).by("user_id", user)
        return found or Profile(person="nobody")

    def live(self, persons: int) -> None:
        """What happened, delivered in any order, some of it days late."""
        random = Random(1)
        for number in range(persons):
            user = f"u{number}"
            for i, call in enumerate(_life(user, random)):
                self._calls.append(msgspec.json.encode({**call, "messageId": f"{user}-{i}"}))
                self.ids.setdefault(user, set()).add(f"{user}-{i}")
        in_any_order = list(self._calls)
        random.shuffle(in_any_order)
        for first in range(0, len(in_any_order), 7):
            self._send(in_any_order[first : first + 7], BEFORE, BEFORE)

    def deliver(self, random: Random, number: int) -> None:
        """Some of them once more, at some moment of the thirty days after."""
        at = BEFORE + random.random() * 30 * DAY
        said_at = at + random.uniform(-DAY, DAY)  # by a clock that is wrong: other times come out
        self._send(random.choices(self._calls, k=number), at, said_at)

    def send_one(self, call: dict[str, Any], at: float) -> None:
        """A single call of the first person."""
        made = {"userId": "u0", "messageId": f"one-{at}", "timestamp": iso(at), **call}
        self._send([msgspec.json.encode(made)], at, at)

    def send_many(self, user: str, events: int, every: int = 1) -> None:
        """One of `every` so many events of a person, a second apart, in requests of a hundred."""
        said = {"type": "track", "event": "Seen", "userId": user}
        calls = [
            msgspec.json.encode({**said, "messageId": f"m{at}", "timestamp": iso(at)})
            for at in range(0, events, every)
        ]
        for first in range(0, len(calls), BATCH):
            self._send(calls[first : first + BATCH], DAY * every, DAY * every)

    def _send(self, calls: list[bytes], at: float, said_at: float) -> None:
        self._world.loop.time = us(at)
        sent_at = (START + timedelta(seconds=said_at)).isoformat().encode()
        start = b'{"writeKey":"%s","sentAt":"%s","batch":[' % (WRITE_KEY.encode(), sent_at)
        asked = request("POST", "/v1/batch")
        asked["body"] = (start + b",".join(calls) + b"]}").decode()
        answer = collect_event.handler(asked, None)
        assert answer["statusCode"] == 200, answer
        while self._queue:
            records = [{"messageId": "1", "body": self._queue.pop().decode()}]
            assert process_event.handler({"Records": records}, None) == {"batchItemFailures": []}

    def everything(self) -> list[Any]:
        """Every byte of the database, versions and all."""
        asked = (f"SELECT * FROM {table} ORDER BY pk, sk" for table in TABLES)
        return [self.store.connection.execute(sql).fetchall() for sql in asked]


def _life(user: str, random: Random) -> Iterator[dict[str, Any]]:
    """Sixty events of a person: pages, carts, more orders than a profile keeps, who they are.

    Times are written as different clients write them."""
    for number in range(OF_EACH):
        moment = START + timedelta(seconds=random.random() * BEFORE)
        when: Any = moment.isoformat() if number % 3 else f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"
        said: dict[str, Any] = {"userId": user, "timestamp": when, "type": "track"}
        match number % 4:
            case 0:
                order = {"order_id": f"o{number // 4 % 23}", "revenue": 10, "currency": "EUR"}
                name = "Order Refunded" if number % 16 == 0 else "Order Completed"
                yield {**said, "event": name, "properties": order}
            case 1:
                cart = {"cart_id": f"c{number % 8}", "sku": f"s{number % 5}"}
                yield {**said, "event": "Product Added", "properties": cart}
            case 2:
                traits = {"email": address(user), "city": f"city {number}"}
                device = {"anonymousId": f"{user}-d{number % 2}"}
                yield {**said, **device, "type": "identify", "traits": traits}
            case _:
                yield {**said, "type": "page", "name": f"page {number}"}
