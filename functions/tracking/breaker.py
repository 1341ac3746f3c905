"""The breaker: how mails were received lately, and whether sending has to stop for that.

What is counted are receipts, in buckets of an hour and a shard, so that no item is hot; a count may
be a few off, for a receipt that comes twice counts twice.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from functions.tracking.event import Event
from functions.tracking.identity import short_hash
from functions.tracking.message import RECEIPTS
from functions.tracking.pause import Cleared, Counts, Pause, Stop

SHARDS = 8
WINDOW = timedelta(hours=24)
KEPT_FOR = timedelta(days=3)
STOPPED = "sending was stopped, too many bounces or complaints"
DOMAIN_WAITS = "a mail provider takes too few of our mails"
MOST_NAMES = 200  # of a bucket: campaigns and domains
LEAST_COMPLAINTS = 3  # one of a few hundred mails is no rate
FIRST_WAIT, LONGEST_WAIT = 1, 24  # hours that a domain waits, twice as long each time


@dataclass(frozen=True)
class Bounds:
    """From which shares on sending stops, and of how many mails of 24 hours at least."""

    bounces: float = 0.05
    complaints: float = 0.001
    at_least: int = 200


class Bucket(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of mails in an hour ("2027-03-01T09", UTC), by campaign (journey/message) and by
    the recipients' domain; one of several shards."""

    hour: str
    shard: int
    counts: dict[str, Counts] = {}
    expires: int = 0
    version: int = 0


def bucket_key(shard: int) -> str:
    """The partition of a shard's buckets."""
    return f"sending {shard}"


def hour_of(time: datetime) -> str:
    """The hour as a bucket is called; later ones sort behind."""
    return time.astimezone(UTC).isoformat()[:13]


def is_domain(name: str) -> bool:
    """Whether a name is that of a domain; a campaign's has a slash."""
    return "/" not in name


def campaign(journey: str, message: str) -> str:
    """The name of a campaign."""
    return f"{journey}/{message}"


_COUNTED = {"Email Sent": "sent", "Email Bounced": "bounced", "Email Marked as Spam": "complained"}


def tally(events: Iterable[Event]) -> dict[str, Counts]:
    """What these receipts say of mails, by campaign and domain."""
    found: dict[str, Counts] = {}
    for event in events:
        word, said = _COUNTED.get(event.name), event.properties
        if event.source != RECEIPTS or not word:
            continue
        if word == "bounced" and said.get("bounce_type") != "Permanent":
            continue
        names = [said.get("email_domain")]
        if said.get("message"):
            names.append(campaign(str(said.get("journey")), str(said["message"])))
        for name in filter(None, names):
            before = found.setdefault(str(name), Counts())
            setattr(before, word, getattr(before, word) + 1)
    return found


def add(bucket: Bucket, counted: Mapping[str, Counts], now: datetime) -> None:
    """Add what was counted; names beyond the most are left out."""
    for name, counts in counted.items():
        if name in bucket.counts or len(bucket.counts) < MOST_NAMES:
            bucket.counts[name] = bucket.counts.get(name, Counts()).plus(counts)
    bucket.expires = int((now + KEPT_FOR).timestamp())


def shard_of(events: Iterable[Event]) -> int:
    """A shard, the same for the same events."""
    first = next(iter(events)).message_id
    return int(short_hash(first)[:4], 16) % SHARDS


def first_hour(now: datetime) -> str:
    """The hour before the first that counts now."""
    return hour_of(now - WINDOW - timedelta(hours=1))


def lately(name: str, buckets: Iterable[Bucket], pause: Pause) -> Counts:
    """What became of a name's mails lately, without what was cleared."""
    cleared = pause.cleared.get(name)
    since = cleared.hour if cleared else ""
    found = Counts()
    for bucket in buckets:
        if name in bucket.counts and bucket.hour >= since:
            found = found.plus(bucket.counts[name])
    return found.minus(cleared.counts) if cleared else found


def over(counts: Counts, bounds: Bounds) -> str:
    """Why sending has to stop by these counts, in words; "" when it need not."""
    if counts.sent < bounds.at_least:
        return ""
    for count, least, share, what in (
        (counts.bounced, 1, bounds.bounces, "bounced for good"),
        (counts.complained, LEAST_COMPLAINTS, bounds.complaints, "were marked as spam"),
    ):
        if count >= least and count > share * counts.sent:
            said = f"{count} of {counts.sent} mails {what} ({count / counts.sent:.1%}"
            return f"{said}; the bound is {share:.1%})"
    return ""


def stopped_by(
    pause: Pause, journey: str, message: str, address: str, now: datetime
) -> tuple[str, Stop] | None:
    """What holds a message to an address back, by name."""
    for name in (campaign(journey, message), address.rpartition("@")[2]):
        found = pause.stops.get(name)
        if found and found.is_on(now):
            return name, found
    return None


def stop(pause: Pause, name: str, why: str, buckets: Iterable[Bucket], now: datetime) -> bool:
    """Stop a campaign until a person resumes it, or a domain for hours. False: it is stopped."""
    before = pause.stops.get(name)
    if before and before.is_on(now):
        return False
    hours = 0
    if is_domain(name):
        again = before is not None and before.until is not None and now < before.until + WINDOW
        hours = min(LONGEST_WAIT, 2 * before.hours) if again and before else FIRST_WAIT
        clear(pause, name, buckets, now)  # what comes after the wait counts anew
    until = now + timedelta(hours=hours) if hours else None
    pause.stops = {**dict(_recent(pause, now)), name: Stop(now, why, until, hours)}
    return True


def resume(pause: Pause, name: str, buckets: Iterable[Bucket], now: datetime) -> bool:
    """Let a campaign or a domain go on; it is judged by what comes from now on. False: it was not
    stopped."""
    before = pause.stops.get(name)
    if before is None or not before.is_on(now):
        return False
    del pause.stops[name]
    clear(pause, name, buckets, now)
    return True


def clear(pause: Pause, name: str, buckets: Iterable[Bucket], now: datetime) -> None:
    """Count nothing of what was until now."""
    hour, found = hour_of(now), Counts()
    for bucket in buckets:
        if bucket.hour == hour and name in bucket.counts:
            found = found.plus(bucket.counts[name])
    oldest = first_hour(now)
    kept = {other: one for other, one in pause.cleared.items() if one.hour > oldest}
    pause.cleared = {**kept, name: Cleared(hour, found)}


def _recent(pause: Pause, now: datetime) -> Iterator[tuple[str, Stop]]:
    """Those that are on, and those whose next wait would be longer."""
    for name, one in pause.stops.items():
        if one.until is None or now < one.until + WINDOW:
            yield name, one
