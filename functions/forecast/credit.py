"""To which message an order is credited.

The rule: to the last one that the person clicked within seven days before the order; where there is
none, to the last one that they opened within this time; else to none. It is "last touch": simple
and well known, and it says what followed, not what the message brought about. Only a hold-out group
tells that.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from functions.tracking.event import Event
from functions.tracking.message import Message
from functions.tracking.orders import order_id_of, revenue_of

CREDITED = timedelta(days=7)
RULE = (
    "An order counts for the last message that the person clicked within 7 days before it, "
    "else for the last one opened in that time, else for none."
)


class Order(msgspec.Struct, frozen=True):
    """An order that was placed, by whom and when; `revenue` None where nothing is said of it."""

    person: str
    order_id: str
    placed: datetime
    revenue: Decimal | None
    currency: str


def orders_in(events: Iterable[Event]) -> Iterator[Order]:
    """The orders completed among a log's events, each once, by the event that came first. Refunds
    and cancellations are not taken off."""
    known = set()
    for event in events:
        key = (event.person, order_id_of(event))
        if event.event == "Order Completed" and key not in known:
            known.add(key)
            currency = str(event.properties.get("currency") or "")[:3].upper()
            yield Order(*key, event.time, revenue_of(event.properties), currency)


def credited(order: Order, messages: Iterable[Message]) -> Message | None:
    """The message that an order is credited to, of its person's."""
    clicks, opens = [], []
    for row in messages:
        clicks += [
            (time, row.send_id, row) for time in row.clicked.values() if _counts(order, time)
        ]
        if row.opened and _counts(order, row.opened):
            opens.append((row.opened, row.send_id, row))
    found = max(clicks, default=None, key=_when) or max(opens, default=None, key=_when)
    return found[2] if found else None


def _counts(order: Order, time: datetime) -> bool:
    return timedelta() <= order.placed - time <= CREDITED


def _when(touch: tuple[datetime, str, Message]) -> tuple[datetime, str]:
    return touch[:2]
