"""The breaker at work: receipts are counted, and too many bounces or complaints stop sending."""

from collections.abc import Iterable
from functools import partial

from functions.handlers.discreet import Logger
from functions.handlers.wiring import Parts
from functions.storage.store import Contended, change
from functions.tracking import breaker
from functions.tracking.breaker import SHARDS, Bucket, bucket_key
from functions.tracking.event import EventBatch
from functions.tracking.pause import Counts, Pause, pause_key

logger = Logger(service="breaking")
CHANNEL = "email"
SAID = "sending was stopped"  # an alarm looks for these words


def count(parts: Parts, batches: Iterable[EventBatch]) -> None:
    """Count the receipts among these events, in one write, and stop what has to be stopped.

    What comes again, for it failed or was put off, was counted then. A mistake here is no reason
    to take events a second time.
    """
    try:
        fresh = [one for one in batches if not one.attempt and not one.put_off]
        events = [event for batch in fresh for event in batch.events]
        counted = breaker.tally(events)
        if counted and parts.library.bounds():
            _add(parts, counted, breaker.shard_of(events))
            _judge(parts, counted)
    except Exception:
        logger.exception("receipts could not be counted")


def buckets(parts: Parts) -> list[Bucket]:
    """All that was counted in the last 24 hours."""
    first = breaker.first_hour(parts.now())
    return [
        bucket
        for shard in range(SHARDS)
        for bucket in parts.store.query(Bucket, bucket_key(shard), after=first)
    ]


def pause(parts: Parts) -> Pause:
    """What is stopped now, and what was."""
    return parts.store.get(Pause, pause_key(CHANNEL)) or Pause(channel=CHANNEL)


def resume(parts: Parts, name: str) -> bool:
    """Let a campaign or a domain go on; False: it was not stopped. Raises Contended."""
    found, done = buckets(parts), list[bool]()

    def end(one: Pause) -> bool:
        done[:] = [breaker.resume(one, name, found, parts.now())]
        return done[-1]

    change(parts.store, lambda: pause(parts), end)
    return done[-1]


def _add(parts: Parts, counted: dict[str, Counts], first: int) -> None:
    """In the first shard on which not too many others work."""
    now = parts.now()
    hour = breaker.hour_of(now)

    def add(bucket: Bucket) -> bool:
        breaker.add(bucket, counted, now)
        return True

    for number in range(SHARDS):
        try:
            change(parts.store, partial(_bucket, parts, (first + number) % SHARDS, hour), add)
            return
        except Contended:
            continue
    logger.warning("receipts were not counted: all shards are busy")


def _bucket(parts: Parts, shard: int, hour: str) -> Bucket:
    found = parts.store.get(Bucket, bucket_key(shard), hour)
    return found or Bucket(hour=hour, shard=shard)


def _judge(parts: Parts, counted: dict[str, Counts]) -> None:
    """Only where something came to grief just now can it be too much."""
    names = [name for name, counts in counted.items() if counts.bounced or counts.complained]
    bounds = parts.library.bounds()
    if not names or bounds is None:
        return
    found, known = buckets(parts), pause(parts)
    for name in names:
        why = breaker.over(breaker.lately(name, found, known), bounds)
        if why:
            _stop(parts, name, why, found)


def _stop(parts: Parts, name: str, why: str, found: list[Bucket]) -> None:
    done: list[bool] = []

    def stop(one: Pause) -> bool:
        done[:] = [breaker.stop(one, name, why, found, parts.now())]
        return done[-1]

    change(parts.store, lambda: pause(parts), stop)
    if done[-1]:
        logger.error(SAID, extra={"campaign_or_domain": name, "why": why})
