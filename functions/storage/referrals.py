"""Referral codes: a record for each that was shown, which leads back to the one whose it is."""

from collections.abc import Iterable
from datetime import datetime

from functions.storage.people import find_profile
from functions.storage.store import Conflict, Contended, Store
from functions.tracking.profile import Profile
from functions.tracking.referral import code_of
from functions.tracking.referral_record import ReferralCode, referral_key

MOST_ATTEMPTS = 5  # of a million codes two are the same about once


def code_for(store: Store, secret: bytes, profile: Profile, now: datetime) -> str:
    """The person's code, which leads to them from now on, also when they become part of another.
    A code is never that of two: whose record is there first has it. Raises Contended."""
    for attempt in range(MOST_ATTEMPTS):
        code = code_of(secret, profile.person, attempt)
        found = _record(store, code)
        if found is None:
            found = ReferralCode(code=code, person=profile.person, made=now)
            try:
                store.put(found)
            except Conflict:
                found = _record(store, code)
        if found and found.person in profile.keys:
            return code
    raise Contended("the referral codes of others are in the way")


def referrer_key(store: Store, code: str) -> str:
    """The key under which the one whose code this is was known when it was shown; "" when nobody
    was ever shown it."""
    found = _record(store, code)
    return found.person if found else ""


def referrer_of(store: Store, code: str) -> Profile | None:
    """The one whose code this is, merges followed."""
    key = referrer_key(store, code)
    return find_profile(store, key) if key else None


def forget(store: Store, secret: bytes, keys: Iterable[str]) -> int:
    """Delete the codes of a person who is erased, known by these keys; how many there were."""
    forgotten = 0
    for key in keys:
        for attempt in range(MOST_ATTEMPTS):
            found = _record(store, code_of(secret, key, attempt))
            if found and found.person == key:
                store.delete(found)
                forgotten += 1
    return forgotten


def _record(store: Store, code: str) -> ReferralCode | None:
    return store.get(ReferralCode, referral_key(code))
