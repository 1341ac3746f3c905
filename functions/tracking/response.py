"""What a person did with the messages that they were sent: by this the best channel and the best
hour are learned."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from functions.tracking.message import Message
from functions.tracking.own_event import TEXT_RECEIVED
from functions.tracking.profile import Profile

OPENED = 0.1  # of an answer: text messages tell of no opens, so that an open must not count as much
FOLLOWS = timedelta(days=3)  # an order or a reply so long after a message is its answer
RIPE = timedelta(days=1)  # until then nobody can say that a message was not answered
KEPT = timedelta(days=365)  # what was longer ago says nothing


@dataclass(frozen=True)
class Response:
    """A message that went at a time, and what it brought: 1 for an answer (a click, a reply, an
    order), OPENED for an open, else 0."""

    channel: str
    sent: datetime
    worth: float

    @property
    def is_answer(self) -> bool:
        """Whether the person answered, and did not just look."""
        return self.worth == 1


def responses(
    messages: Iterable[Message], profile: Profile, asks: Callable[[str], bool], now: datetime
) -> list[Response]:
    """One for each message of the last year that came through, oldest first, as far as it can be
    judged by now. Only purposes that the person is `asks`-ed for count: a parcel's tracking link is
    clicked wherever it comes. What robots did counts nothing (see `Message`)."""
    went = sorted(
        (one.claimed, one.send_id, one)
        for one in messages
        if one.claimed and _came_through(one) and asks(one.purpose) and now - one.claimed < KEPT
    )
    followed = _answered(
        [time for time, _, _ in went], [one.channel for _, _, one in went], profile
    )
    found = (
        Response(one.channel, time, _worth(one, index in followed))
        for index, (time, _, one) in enumerate(went)
    )
    return [one for one in found if one.worth or now - one.sent >= RIPE]


def engaged(messages: Iterable[Message], profile: Profile, now: datetime) -> list[datetime]:
    """When the person was there in the last year: opened or clicked a message, came to the website,
    bought something."""
    times = [
        *(time for one in messages for time in (one.opened, *one.clicked.values()) if time),
        *(order.placed for order in profile.orders.values() if order.placed),
        *_visits(profile),
    ]
    return sorted(time for time in times if now - KEPT < time <= now)


def _came_through(message: Message) -> bool:
    return message.state in ("sent", "unknown") and not message.bounced


def _worth(message: Message, is_followed: bool) -> float:
    if message.clicked or is_followed:
        return 1.0
    return OPENED if message.opened else 0.0


def _answered(sent: list[datetime], channels: list[str], profile: Profile) -> set[int]:
    """Which messages an order or a reply followed, each the last one before it."""
    found = set()
    for time, channel in _deeds(profile):
        index = bisect_right(sent, time) - 1
        while channel and index >= 0 and channels[index] != channel:
            index -= 1
        if index >= 0 and time - sent[index] <= FOLLOWS:
            found.add(index)
    return found


def _deeds(profile: Profile) -> Iterator[tuple[datetime, str]]:
    """Orders, and the last reply, with the channel that it came by."""
    for order in profile.orders.values():
        if order.placed:
            yield order.placed, ""
    written = profile.events.get(TEXT_RECEIVED)
    if written:
        yield written.last, "sms"


def _visits(profile: Profile) -> Iterator[datetime]:
    for begin, _ in profile.visits.latest if profile.visits else ():
        yield datetime.fromtimestamp(begin, UTC)
