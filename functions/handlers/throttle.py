"""Slows down who asks too often, by one conditional write for each time that is allowed.

Allowances follow the generic cell rate algorithm (GCRA, ITU-T I.371; the token bucket's equal with
one time instead of a level): each use moves `until` on by `per / burst`, and one is refused that
would move it further than `per` ahead of now. Failures wait twice as long each time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.doors.records import Pace
from functions.storage.read_source import key_hash
from functions.storage.store import TRIES, Conflict, Store

NOT_AT_ALL = timedelta(0)
FREE_FAILURES = 5
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class Rate:
    """`burst` uses at once, and so many again in each period `per`."""

    burst: int
    per: timedelta


def take(store: Store, name: str, key: str, now: datetime, rate: Rate) -> bool:
    """Use one of the allowance that `key` (an address, a person, a key) has for `name`; False
    where it is used up, which writes nothing."""
    return wait_for(store, name, key, now, rate) == NOT_AT_ALL


def wait_for(store: Store, name: str, key: str, now: datetime, rate: Rate) -> timedelta:
    """The same; how long to wait when it is used up, else zero, and one is used."""
    for _ in range(TRIES):
        pace = _pace(store, name, key, now)
        until = max(pace.until, now) + rate.per / rate.burst
        if until - now > rate.per:
            return until - now - rate.per
        pace.until = until
        try:
            store.put(pace)
        except Conflict:
            continue
        return NOT_AT_ALL
    return rate.per / rate.burst  # so many at once are too many


def locked_for(store: Store, name: str, key: str, now: datetime) -> timedelta:
    """How long `key` must wait after its failures before it may try again."""
    pace = store.get(Pace, _hash(name, key))
    return max(NOT_AT_ALL, pace.until - now) if pace else NOT_AT_ALL


def failed(store: Store, name: str, key: str, now: datetime) -> None:
    """Count a failure: after five, each makes the next try wait twice as long, up to an hour."""
    for _ in range(TRIES):
        pace = _pace(store, name, key, now)
        pace.failed += 1
        late = pace.failed - FREE_FAILURES
        wait = min(FIRST_WAIT * 2 ** min(late, 10), LONGEST_WAIT) if late >= 0 else NOT_AT_ALL
        pace.until = now + wait
        try:
            store.put(pace)
        except Conflict:
            continue
        return


def succeeded(store: Store, name: str, key: str) -> None:
    """Forget the failures."""
    pace = store.get(Pace, _hash(name, key))
    if pace:
        store.delete(pace)


def _pace(store: Store, name: str, key: str, now: datetime) -> Pace:
    hashed = _hash(name, key)
    return store.get(Pace, hashed) or Pace(key=hashed, until=now)


def _hash(name: str, key: str) -> str:
    return key_hash(f"{name}\0{key}")
