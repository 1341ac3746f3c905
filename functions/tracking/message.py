"""The ledger: one row for every message that a run wanted to send, and what became of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import msgspec

from functions.tracking import robots
from functions.tracking.choice import ChannelChoice, TimeChoice
from functions.tracking.event import Event
from functions.tracking.identity import short_hash
from functions.tracking.permission import Claim
from functions.tracking.robots import Touch

Kind = Literal["campaign", "newsletter", "automation"]  # the class of a journey
AUTOMATION: Kind = "automation"
KINDS: tuple[Kind, ...] = get_args(Kind)
State = Literal["sent", "unknown", "failed", "not sent", "held"]


class Outcome(msgspec.Struct, omit_defaults=True):
    """What came of a wish to send: `at` is the moment of the claim, `until` the end of a hold.

    "gone" means that the run has ended; "unknown" counts as sent.
    """

    state: Literal["sent", "unknown", "not sent", "held", "gone"]
    reason: str = ""
    at: datetime | None = None
    until: datetime | None = None


class Message(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A message of a run's step and pass; `send_id` is a hash of just those.

    `reason` says why it was not sent, failed or is held. Times are None until the receipt of
    that kind came; `clicked` has the first time for each link's name ("" for a nameless link).
    `latest` is the last moment at which it may still go (`skip after`).
    `opened` and `clicked` are people's; what robots did is in `robots`. `touches` are the last
    opens and clicks, by which the next ones are judged.
    `held_out` is when it would have gone, had the person not been in the hold-out group; `full`
    since when it waits because a limit is reached; `kind` the class of its journey. `by_channel`
    tells how the channel was chosen where there were several, `by_time` the moment where the best
    time was asked for.
    """

    person: str
    run_id: str
    step: str
    iteration: int = 0
    send_id: str
    version: int = 0
    journey: str
    message: str
    channel: str
    purpose: str
    locale: str = ""
    subject: str = ""
    state: State
    reason: str = ""
    latest: datetime | None = None
    claimed: datetime | None = None
    held_out: datetime | None = None
    provider_id: str = ""
    delivered: datetime | None = None
    opened: datetime | None = None
    clicked: dict[str, datetime] = {}
    bounced: datetime | None = None
    complained: datetime | None = None
    delayed: datetime | None = None
    robots: list[str] = []
    touches: list[Touch] = []
    full: datetime | None = None
    kind: Kind = AUTOMATION
    by_channel: ChannelChoice | None = None
    by_time: TimeChoice | None = None

    @property
    def key(self) -> str:
        """The ledger key below the person, never an execution's name; see `ledger_key`."""
        return ledger_key(self.run_id, self.send_id)


GIVEN_UP = "no receipt came: presumed not sent"
WAITS_FOR_RECEIPT = timedelta(hours=72)


def presume_not_sent(message: Message, now: datetime) -> bool:
    """Give an unknown message up after 72 hours; True when it was. It is never sent again."""
    if message.state != "unknown" or not message.claimed:
        return False
    if message.claimed > now - WAITS_FOR_RECEIPT:
        return False
    message.state, message.reason = "not sent", GIVEN_UP
    return True


BEING_SENT = "the run ended while it was being sent"


def let_go(message: Message | None, claim: Claim | None) -> bool:
    """Its run has ended: what was held will not go, unless it was claimed since: then it may have
    gone. True when that is news."""
    if message is None or message.state != "held":
        return False
    message.state, message.reason = "not sent", "the run has ended"
    if claim:
        message.state, message.reason, message.claimed = "unknown", BEING_SENT, claim.time
    return True


REJECTED = "the provider rejected it"
RECEIPTS = "receipts"  # the source of events that a provider's receipts became


def take_receipt(message: Message, event: Event) -> bool:
    """Note in the ledger what a receipt says; True when it says something new.

    The first receipt of any kind settles an unknown message as sent; a held one, too, for a crash
    may have kept us from noting that we tried once more.
    """
    before = msgspec.structs.replace(message)
    message.clicked = dict(message.clicked)
    unsure = message.state in ("held", "unknown") or message.reason == GIVEN_UP
    if unsure and event.event in {*_TAKERS, *robots.TOUCHES}:
        message.state, message.reason = "sent", ""
    take = _TAKERS.get(event.event)
    if take:
        take(message, event)
    elif event.event in robots.TOUCHES:
        _touched(message, event)
    return message != before


def _first(one: datetime | None, event: Event) -> datetime:
    return min(one, event.time) if one else event.time


def _delivered(message: Message, event: Event) -> None:
    message.delivered = _first(message.delivered, event)
    # Scanners come before the mail is let through: what they did may have come here first.
    soon = message.delivered + robots.TOO_FAST
    known = list(message.touches)
    message.touches = [
        msgspec.structs.replace(one, robot=True) if one.time < soon else one for one in known
    ]
    people = [one for one in message.touches if not one.robot]
    for one in known:
        if not one.robot and one.time < soon:
            _take_back(message, one, people)


IN_THE_OUTBOX = "outbox-"  # with this begins the id that the outbox gives, which delivers nothing


def verdict(message: Message | None, event: Event) -> robots.Verdict:
    """Whether a robot did what this event says, by all that the ledger knows of its message."""
    one = _touch(event)
    if message is None:
        return robots.judge(event.event, one, event.properties)
    handed_over = None
    seen_by_us = "method" in event.properties  # SES, where it still tells of clicks, tells less
    if seen_by_us and not message.provider_id.startswith(IN_THE_OUTBOX):
        handed_over = message.delivered or message.claimed
    return robots.judge(event.event, one, event.properties, message.touches, handed_over)


def as_judged(message: Message | None, event: Event) -> Event:
    """An open or a click under the name that tells who did it; other events as they are.

    A robot's has a name of its own, so that nothing that counts people's has to ask.
    """
    if event.event not in robots.TOUCHES:
        return event
    found = verdict(message, event)
    more: dict[str, Any] = {"proxied": True} if found.proxied else {}
    if not found.reasons:
        return msgspec.structs.replace(event, properties=event.properties | more)
    said = {**event.properties, **more, "robot": found.reasons}
    return msgspec.structs.replace(event, event=event.event + robots.BY_ROBOT, properties=said)


def _touch(event: Event) -> Touch:
    return robots.touch(event.event, event.time, event.message_id, event.properties)


def _touched(message: Message, event: Event) -> None:
    """Note an open or a click, and that earlier ones turn out to be a robot's."""
    found, one = verdict(message, event), _touch(event)
    if one.id in {other.id for other in message.touches}:
        return
    one.robot = bool(found.reasons)
    known = [msgspec.structs.replace(o, robot=o.robot or o in found.also) for o in message.touches]
    for before, after in zip(message.touches, known, strict=True):
        if after.robot and not before.robot:
            _take_back(message, after, [o for o in known if not o.robot])
    message.touches = robots.latest([*known, one])
    if one.robot:
        _by_robot(message, one)
    elif one.link is None:
        message.opened = _first(message.opened, event)
    else:
        message.clicked[one.link] = _first(message.clicked.get(one.link), event)


def _by_robot(message: Message, one: Touch) -> None:
    word = "opened" if one.link is None else "clicked"
    message.robots = sorted({*message.robots, word})


def _take_back(message: Message, one: Touch, people: list[Touch]) -> None:
    """What was taken for a person's was none; another of the same kind may stand for it."""
    _by_robot(message, one)
    times = [other.time for other in people if other.link == one.link]
    if one.link is None and message.opened == one.time:
        message.opened = min(times, default=None)
    elif one.link is not None and message.clicked.get(one.link) == one.time:
        del message.clicked[one.link]
        message.clicked |= {one.link: min(times)} if times else {}


def _bounced(message: Message, event: Event) -> None:
    message.bounced = _first(message.bounced, event)


def _complained(message: Message, event: Event) -> None:
    message.complained = _first(message.complained, event)


def _delayed(message: Message, event: Event) -> None:
    """Its provider tries on; what came of it tells the next receipt."""
    message.delayed = _first(message.delayed, event)


def _rejected(message: Message, event: Event) -> None:
    """It was taken from us and then thrown away: a virus, or words that could not be made."""
    message.state = "failed"
    message.reason = f"{REJECTED}: {event.properties.get('reason') or 'no reason given'}"[:200]


_TAKERS: dict[str, Callable[[Message, Event], None]] = {
    "Email Sent": lambda message, event: None,
    "Email Delivered": _delivered,
    "Email Bounced": _bounced,
    "Email Marked as Spam": _complained,
    "Email Delayed": _delayed,
    "Email Rejected": _rejected,
    "SMS Sent": lambda message, event: None,
    "SMS Delivered": _delivered,
    "SMS Bounced": _bounced,
}


def send_id(run_id: str, step: str, iteration: int) -> str:
    """The id of a message: a hash of run, step and pass, the same whatever is retried."""
    return short_hash(run_id, step, str(iteration))


def ledger_key(run_id: str, send_id: str) -> str:
    """Where a message stands below its person; a receipt carries both parts."""
    return f"{run_id}/{send_id}"


class Kept(msgspec.Struct, kw_only=True):
    """A message kept instead of sent, with the headers and tags that it would have had."""

    send_id: str
    channel: str
    to: str
    time: datetime
    subject: str = ""
    text: str = ""
    html: str = ""
    headers: dict[str, str] = {}
    tags: dict[str, str] = {}
    person: str = ""
