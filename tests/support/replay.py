"""Playing visits to a message's ledger row, and counting whom it takes for whom."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from functions.tracking.event import Event
from functions.tracking.message import RECEIPTS, Message, take_receipt
from functions.tracking.robots import touch
from tests.support.scanners import DELIVERED, Mail, Visit


def event(number: int, visit: Visit) -> Event:
    """The event of a visit, as the door makes it."""
    time = DELIVERED + visit.after
    return Event(
        type="track",
        event=visit.name,
        message_id=f"visit-{number}",
        time=time,
        received_at=time,
        properties={"email_id": "s", "run_id": "r", **visit.shown},
        source=RECEIPTS,
        person="p",
    )


def row(delivered: bool = True) -> Message:
    """A mail that was handed over."""
    return Message(
        person="p",
        run_id="r",
        step="guide",
        send_id="s",
        journey="onboarding",
        message="guide",
        channel="email",
        purpose="offers",
        state="sent",
        claimed=DELIVERED - timedelta(seconds=30),
        delivered=DELIVERED if delivered else None,
        provider_id="1",
    )


def played(visits: Iterable[Visit]) -> Message:
    """The row after all visits, in this order."""
    made = row()
    for number, visit in enumerate(visits):
        take_receipt(made, event(number, visit))
    return made


def error_rates(mails: Iterable[Mail]) -> dict[str, Counter[str]]:
    """By pattern, how many visits of people and of robots there were, and how many of each were
    taken for the other, by what the ledger holds when all is over."""
    found: dict[str, Counter[str]] = {}
    for mail in mails:
        counted = found.setdefault(mail.pattern, Counter())
        taken = {touch.id: touch.robot for touch in played(mail.visits).touches}
        for number, visit in enumerate(mail.visits):
            kind = "robots" if visit.robot else "people"
            counted[kind] += 1
            judged = taken.get(_id(number, visit))
            counted[f"{kind} mistaken"] += judged is not None and judged != visit.robot
    return found


def _id(number: int, visit: Visit) -> str:
    one = event(number, visit)
    return touch(one.event, one.time, one.message_id, one.properties).id


def rates(found: dict[str, Counter[str]]) -> tuple[float, float]:
    """The shares of people taken for robots and of robots taken for people, of all patterns."""
    total: Counter[str] = sum(found.values(), Counter())
    return (
        total["people mistaken"] / total["people"],
        total["robots mistaken"] / total["robots"],
    )
