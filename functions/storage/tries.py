"""How often something may be tried: counted by the hour or day, without keeping who tried."""

from datetime import datetime, timedelta

from functions.storage.store import Store, change
from functions.tracking.sign_up import Tries, tries_key


def may_try(store: Store, key: str, most: int, length: timedelta, now: datetime) -> bool:
    """Count a try by `key` (a hash) and say whether it is one of the first `most` of this hour,
    day or whatever `length` is; windows begin at whole lengths since 1970. Raises Contended."""
    seconds = int(length.total_seconds())
    window = int(now.timestamp()) // seconds
    blank = Tries(key=key, window=str(window), expires=(window + 2) * seconds)
    allowed = False

    def count(tries: Tries) -> bool:
        nonlocal allowed
        allowed = tries.count < most
        tries.count += allowed
        return allowed

    change(store, lambda: store.get(Tries, tries_key(key), str(window)) or blank, count)
    return allowed
