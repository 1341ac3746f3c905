"""A forecast of the reference journey over made-up people with the real baskets' density of events.

Each signs up and orders 16 times in 90 days. Prints transitions and people a second, the memory
for each 100,000 people, and how the time grows with their number. The bounds of the issue: 100,000
people in 60 s on two cores and 2 GB, linear within 20 % from 1,000 to 1,000,000.
"""

import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from bench.reference import folder
from functions.forecast.log import Log
from functions.tracking.event import Event
from functions.tracking.identity import person_key
from functions.virtual.plan import SHARDS, Plan, Someone, shard_of
from functions.virtual.stage import catalogue_of
from local.cores import cores_here, forecast

START = datetime(2027, 1, 1, 9, tzinfo=UTC)
DAYS, ORDERS = 90, 16
SECONDS_A_DAY = 86_400
KEY = b"forecast"


class Counted(NamedTuple):
    """What is left of a shard's log."""

    people: int
    messages: int
    transitions: int
    events: int


@dataclass(frozen=True)
class Buyers:
    """People by their numbers; their events are made in the process that needs them."""

    shards: list[list[int]] = field(default_factory=list)

    def __call__(self, shard: int) -> Iterator[Someone]:
        for number in self.shards[shard]:
            yield Someone(key(number), (), list(events(number)))


def key(number: int) -> str:
    """The key of the person with this number."""
    return person_key(KEY, "user_id", f"u{number}")


def buyers(people: int) -> Buyers:
    """So many people, in their virtual shards."""
    shards: list[list[int]] = [[] for _ in range(SHARDS)]
    for number in range(people):
        shards[shard_of(key(number))].append(number)
    return Buyers(shards)


def events(number: int) -> Iterator[Event]:
    """A sign-up with permission in the first days, and orders of five products."""
    random = Random(number)
    came = START + timedelta(seconds=SECONDS_A_DAY * 5 * random.random())

    def event(place: int, at: datetime, **said: Any) -> Event:
        return Event(
            **said,
            message_id=f"{number}-{place}",
            time=at,
            received_at=at,
            client_time=at.isoformat(),
            user_id=f"u{number}",
            trusted=True,
            source="shop",
        )

    traits = {"email": f"u{number}@example.com", "firstName": "Ada", "language": "de"}
    consent = {"channel": "email", "purposes": ["product tips"]}
    yield event(0, came, type="identify", traits=traits)
    yield event(1, came, type="track", event="Consent Given", properties=consent)
    signed = came + timedelta(minutes=1)
    yield event(2, signed, type="track", event="Signed Up")
    for place in range(ORDERS):
        at = signed + timedelta(seconds=SECONDS_A_DAY * (DAYS - 6) * random.random())
        lines = [
            {"product_id": str(int(20_000 * random.random())), "quantity": 1, "price": 3.1}
            for _ in range(5)
        ]
        said = {"order_id": f"o{place}", "revenue": 15.5, "currency": "EUR", "products": lines}
        yield event(place + 3, at, type="track", event="Order Completed", properties=said)


def count(log: Log) -> Counted:
    """A shard's log as it is counted here."""
    return Counted(log.people, len(log.messages), log.transitions, len(log.events))


def reference_plan() -> Plan:
    """The reference journey alone, for 90 days."""
    found = folder()
    found.journeys, found.live = {"reference": found.journeys["reference"]}, {}
    catalogue = catalogue_of(found, START)
    return Plan(catalogue, START, START + timedelta(days=DAYS), identity_key=KEY)


class Measured(NamedTuple):
    """One forecast: seconds of the clock and of all processors, bytes of all processes at their
    largest, and what was counted."""

    people: int
    seconds: float
    processor: float
    memory: int
    counted: Counted


def measure(plan: Plan, people: int, cores: int | None = None) -> Measured:
    """Forecast so many people."""
    read = buyers(people)
    began, processor = time.perf_counter(), _processor()
    found = list(forecast(plan, read, count, cores=cores))
    seconds, processor = time.perf_counter() - began, _processor() - processor
    own, largest = (resource.getrusage(who).ru_maxrss * 1024 for who in _WHO)  # Linux counts KB
    processes = min(cores or cores_here(), SHARDS)
    memory = own + (processes * largest if processes > 1 else 0)
    return Measured(
        people, seconds, processor, memory, Counted(*map(sum, zip(*found, strict=True)))
    )


_WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def _processor() -> float:
    used = map(resource.getrusage, _WHO)
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(sizes: list[int]) -> None:
    plan = reference_plan()
    start = measure(plan, 1)  # of the processes, which costs the same for any number of people
    print(
        f"{cores_here()} cores; the start of their processes takes {start.processor:.1f} s of them"
    )
    print("growth: what a person costs beside that, by what they cost in the first row")
    print("   people  seconds  processor  people/s  transitions/s    memory  growth")
    first = 0.0
    for people in sizes:
        one = measure(plan, people)
        cost = (one.processor - start.processor) / people
        first = first or cost
        print(
            f"{people:>9,} {one.seconds:>8.1f} {one.processor:>8.1f} s"
            f" {people / one.seconds:>9,.0f} {one.counted.transitions / one.seconds:>14,.0f}"
            f" {one.memory / 2**20:>6,.0f} MB {cost / first:>7.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1_000, 10_000, 100_000, 1_000_000])
