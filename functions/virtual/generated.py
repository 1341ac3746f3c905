"""Made-up people for a forecast, for a company that knows nobody yet: all of it by seed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from functions.journeys.journey import Journey
from functions.tracking.event import Event
from functions.tracking.identity import person_key
from functions.virtual.plan import Someone

PERMIT = {"email": 0.8, "sms": 0.3}  # the share of people who permit messages on a channel
ORDERS_A_MONTH = 1.0
MONTH = timedelta(days=30)
FIRST_NAMES = ("Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jack")
_NO_PROPERTY = ("person", "occasion")


@dataclass(frozen=True)
class Makers:
    """How people are made up: `enter` is what the journey's file says of the way in."""

    begin: datetime
    until: datetime
    seed: str
    languages: tuple[str, ...]
    purposes: tuple[str, ...]
    enter: Mapping[str, Any]
    once_per: str
    identity_key: bytes

    def key(self, number: int) -> str:
        """The key of the person with this number."""
        return person_key(self.identity_key, "user_id", _name(number))

    def someone(self, number: int) -> Someone:
        """The person with this number: who they are and permit, a way into the journey where it
        is an event, and orders at random."""
        random = Random(f"{self.seed}/someone/{number}")
        return Someone(self.key(number), events=list(self._events(number, random)))

    def _events(self, number: int, random: Random) -> Iterator[Event]:
        length = self.until - self.begin
        came = self.begin + timedelta(seconds=1)
        numbers = iter(range(1_000_000))

        def event(at: datetime, **said: Any) -> Event:
            return Event(
                **said,
                message_id=f"{_name(number)}-{next(numbers)}",
                time=at,
                received_at=at,
                client_time=at.isoformat(),
                user_id=_name(number),
                source="made up",
                trusted=True,
            )

        traits = {
            "email": f"{_name(number)}@example.com",
            "phone": f"+4915550{number % 1_000_000:06d}",
            "firstName": random.choice(FIRST_NAMES),
            "language": random.choice(self.languages),
        }
        yield event(came, type="identify", traits=traits)
        for channel, share in PERMIT.items():
            if random.random() < share:
                said = {"channel": channel, "purposes": list(self.purposes)}
                yield event(came, type="track", event="Consent Given", properties=said)
        if name := _event_of(self.enter):
            at = came + timedelta(seconds=1) + length * random.random()
            properties = _fulfilling(self.enter.get("where"))
            if self.once_per not in _NO_PROPERTY and " " not in self.once_per:
                properties.setdefault(self.once_per, f"{_name(number)}-entry")
            yield event(at, type="track", event=name, properties=properties)
        for order in range(int(random.expovariate(MONTH / length / ORDERS_A_MONTH))):
            bought: dict[str, Any] = {
                "order_id": f"{_name(number)}-{order}",
                "revenue": round(random.lognormvariate(3, 1), 2),
                "currency": "EUR",
                "products": [{"sku": f"product-{random.randrange(100)}", "quantity": 1}],
            }
            at = came + length * random.random()
            yield event(at, type="track", event="Order Completed", properties=bought)


def makers(
    journey: Journey, raw: Mapping[str, Any], begin: datetime, until: datetime, **more: Any
) -> Makers:
    """How people are made up for a journey, of which `raw` is the file."""
    return Makers(
        begin, until, enter=raw.get("enter when") or {}, once_per=journey.once_per, **more
    )


def _name(number: int) -> str:
    return f"made-up-{number}"


def _event_of(enter: Mapping[str, Any]) -> str:
    named = enter.get("event", "")
    return str(named[0] if isinstance(named, list) else named)


def _fulfilling(where: Any) -> dict[str, Any]:
    """Properties that meet a condition as far as it says plain values ("products.sku: basic")."""
    properties: dict[str, Any] = {}
    for path, value in where.items() if isinstance(where, dict) else ():
        plain = value[0] if isinstance(value, list) and value else value
        if isinstance(plain, dict | list):
            continue
        first, *rest = path.split(".")
        if not rest:
            properties[first] = plain
        elif first == "products":
            properties.setdefault(first, [{}])[0][rest[-1]] = plain
        else:
            properties.setdefault(first, {})[rest[-1]] = plain
    return properties
