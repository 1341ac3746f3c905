"""What is known of one person, as far as it tells what they will do: messages, orders, events."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from functions.journeys.run import Run
from functions.segments.spending import Spent
from functions.segments.value import spent
from functions.tracking import orders
from functions.tracking.message import Message
from functions.tracking.orders import ORDER_EVENTS, moved
from functions.tracking.own_event import CONSENT_GIVEN, CONSENT_WITHDRAWN, OURS, PREFERENCES_CHANGED
from functions.tracking.permission import PREFERENCE_PAGE, UNSUBSCRIBE_LINK, Permission
from functions.tracking.profile import OrderRow, Profile
from functions.tracking.response import RIPE

# Not drawn as events of the person's own accord: calls that tell who they are, what they permit,
# what we did ourselves; orders have a model of their own.
_NOT_OF_THEIR_OWN = OURS.union(
    *(("identify", "group", "alias", "page", "screen"), ORDER_EVENTS),
    *((CONSENT_GIVEN, CONSENT_WITHDRAWN, "Unsubscribed", PREFERENCES_CHANGED),),
    *(("Email Link Clicked", "SMS Link Clicked", "Asset Downloaded"),),
)
_BY_THEMSELVES = (UNSUBSCRIBE_LINK, PREFERENCE_PAGE)


class Met(msgspec.Struct, array_like=True):
    """Messages of a channel that came through: how many went, were read, were clicked in. Who
    clicked has read, whether or not a picture told of it."""

    sent: int = 0
    read: int = 0
    clicked: int = 0


class Reply(msgspec.Struct, array_like=True):
    """What came of one message: `name` is "journey/message"; seconds from sending to reading and
    from reading to the first click, None where there was none; `month` is when it went, counted
    from the year 0."""

    channel: str
    name: str
    read: float | None = None
    clicked: float | None = None
    links: tuple[str, ...] = ()
    complained: bool = False
    month: int = 0


class Entered(msgspec.Struct, array_like=True):
    """A run: `reached` is how many seconds after it began it reached its goal."""

    journey: str
    entered: datetime
    held_out: bool
    reached: float | None


class Known(msgspec.Struct, kw_only=True):
    """`since` is when the person was first heard of; `bounced` counts messages that came back by
    channel, `delivered` those of which a receipt told that they arrived; `left` has the channels
    on which they withdrew something by a link of ours. `placed` are the times of the orders that
    count, as far as they are known one by one (`whole`: all); `count`, `first` and `last` are of
    all of them. `baskets` are products of the latest orders; `events` how often they did what."""

    person: str
    since: datetime | None = None
    replies: list[Reply] = []
    bounced: dict[str, int] = {}
    delivered: dict[str, int] = {}
    left: list[str] = []
    placed: list[datetime] = []
    whole: bool = True
    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    spent: dict[str, Spent] = {}
    amounts: dict[str, list[float]] = {}
    baskets: list[list[str]] = []
    events: dict[str, int] = {}
    runs: list[Entered] = []

    @property
    def currency(self) -> str:
        """The one in which most came in, "" without orders."""
        paid = {name: number * average for name, (number, average) in self.spent.items()}
        return max(paid, key=lambda one: (paid[one], one), default="")

    def met(self) -> dict[str, Met]:
        """Their messages, by channel."""
        found: dict[str, Met] = {}
        for one in self.replies:
            met = found.setdefault(one.channel, Met())
            met.sent += 1
            met.read += one.read is not None
            met.clicked += one.clicked is not None
        return found


def known(
    profile: Profile,
    messages: Iterable[Message],
    now: datetime,
    permission: Permission | None = None,
    rows: Iterable[OrderRow] = (),
    runs: Iterable[Run] = (),
) -> Known:
    """What the records of a person tell at a moment; `rows` are of orders that left the profile."""
    found = Known(person=profile.person, since=profile.created)
    for message in messages:
        _take(found, message, now)
    consents = permission.consents if permission else {}
    found.left = sorted(
        {
            key.partition("/")[0]
            for key, word in consents.items()
            if not word.given and word.source in _BY_THEMSELVES
        }
    )
    _take_orders(found, profile, rows)
    found.runs = [_entered(run) for run in runs if run.entered < now]
    found.events = {
        name: seen.count for name, seen in profile.events.items() if name not in _NOT_OF_THEIR_OWN
    }
    return found


def _take(found: Known, message: Message, now: datetime) -> None:
    sent = message.claimed
    if sent is None or sent >= now or message.state not in ("sent", "unknown"):
        return
    if message.delivered:
        found.delivered[message.channel] = found.delivered.get(message.channel, 0) + 1
    if message.bounced:
        found.bounced[message.channel] = found.bounced.get(message.channel, 0) + 1
        return
    clicks = {link: time for link, time in message.clicked.items() if time < now}
    clicked = min(clicks.values(), default=None)
    times = [time for time in (message.opened, clicked) if time and time < now]
    read = min(times, default=None)
    if read is None and now - sent < RIPE:
        return  # nobody can say yet
    found.replies.append(
        Reply(
            channel=message.channel,
            name=f"{message.journey}/{message.message}",
            read=(read - sent).total_seconds() if read else None,
            clicked=(clicked - read).total_seconds() if clicked and read else None,
            links=tuple(sorted(clicks)),
            complained=message.complained is not None and message.complained < now,
            month=sent.year * 12 + sent.month,
        )
    )


def _entered(run: Run) -> Entered:
    after = (run.goal - run.entered).total_seconds() if run.goal else None
    return Entered(run.journey, run.entered, run.held_out, after)


def _take_orders(found: Known, profile: Profile, rows: Iterable[OrderRow]) -> None:
    older = profile.older_orders
    left = list(moved(profile, rows).values())
    every = [one for one in (*left, *profile.orders.values()) if one.counts and one.placed]
    every.sort(key=lambda one: (one.placed, one.order_id))
    found.placed = [one.placed for one in every if one.placed]
    found.count = orders.count(profile)
    found.whole = len(every) == found.count
    times = [*found.placed, *(time for time in (older.first, older.last) if time)]
    found.first, found.last = min(times, default=None), max(times, default=None)
    for currency in orders.revenue(profile):
        paid = spent(profile, currency)
        if paid:
            found.spent[currency] = paid
    for one in every:
        if one.revenue > 0:
            found.amounts.setdefault(one.currency, []).append(float(one.revenue))
    found.baskets = [one.skus for one in every if one.skus][-3:]
