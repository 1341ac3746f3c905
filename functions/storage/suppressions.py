"""The list of suppressed addresses: keyed hashes, looked up when an address comes into force."""

from datetime import datetime

from functions.storage.store import Store, change
from functions.tracking.permission import Permission
from functions.tracking.suppressed import (
    MOST_REASON,
    START,
    STOP,
    TEXT_MESSAGE,
    Suppressed,
    partition_of,
    suppressed_key,
    take_address,
    take_stop,
)


class Suppressions:
    """The list. Addresses are given by their hash (`messages.address.address_hash`)."""

    def __init__(self, store: Store, secret: bytes) -> None:
        self._store, self._secret = store, secret

    def find(self, address: str) -> Suppressed | None:
        """What is known of an address, also when it was lifted."""
        return self._store.get(Suppressed, partition_of(suppressed_key(self._secret, address)))

    def follow(self, permission: Permission, in_force: dict[str, str]) -> bool:
        """Take the addresses in force by channel; one that is new is looked up. True when they
        have changed."""
        if in_force == permission.addresses:
            return False
        for channel, address in in_force.items():
            if permission.addresses.get(channel) != address:
                found = self.find(address)
                reason = found.reason if found and found.in_force else ""
                take_address(permission, channel, reason)
                said = self.stopped(address) if channel == "sms" else None
                if said:
                    take_stop(permission, said)
        permission.addresses = in_force
        return True

    def add(self, address: str, channel: str, reason: str, since: datetime, source: str) -> bool:
        """Nothing may go there from now on; False if it was so before, or if it was lifted after
        `since`. Safe to repeat. Raises Contended."""
        key = suppressed_key(self._secret, address)
        return self.add_key(key, channel, reason, since, source)

    def add_key(self, key: str, channel: str, reason: str, since: datetime, source: str) -> bool:
        """`add` for an address of which only the key is known: it comes from an export of ours."""
        added: list[bool] = []

        def put(found: Suppressed) -> bool:
            is_new = found.version == 0 or (found.lifted is not None and found.lifted < since)
            added[:] = [is_new]
            if is_new:
                found.reason, found.since, found.source = reason[:MOST_REASON], since, source
                found.lifted, found.lifted_because = None, ""
            return is_new

        def read() -> Suppressed:
            there = self._store.get(Suppressed, partition_of(key))
            return there or Suppressed(key=key, channel=channel, reason=reason, since=since)

        change(self._store, read, put)
        return added[-1]

    def stop(self, number: str, said: datetime) -> None:
        """Somebody wrote STOP from this number (its hash). It stands under a key of its own, for it
        ends only what was agreed to before. Safe to repeat. Raises Contended."""
        key = suppressed_key(self._secret, _stopped(number))

        def put(found: Suppressed) -> bool:
            if found.version and said <= (found.lifted or found.since):
                return False
            found.since, found.lifted, found.lifted_because = said, None, ""
            return True

        def read() -> Suppressed:
            there = self._store.get(Suppressed, partition_of(key))
            return there or Suppressed(
                key=key, channel="sms", reason=STOP, since=said, source=TEXT_MESSAGE
            )

        change(self._store, read, put)

    def start(self, number: str, said: datetime) -> None:
        """Somebody wrote START from this number (its hash). Safe to repeat. Raises Contended."""
        found = self.find(_stopped(number))
        if found and found.since < said:
            self.lift(_stopped(number), START, said)

    def stopped(self, number: str) -> datetime | None:
        """When somebody wrote STOP from this number (its hash); None when it does not hold."""
        found = self.find(_stopped(number))
        return found.since if found and found.in_force else None

    def lift(self, address: str, because: str, now: datetime) -> Suppressed | None:
        """Messages may go there again; None if the address was not on the list. The record stays,
        with the reason. Raises Contended."""
        lifted: list[bool] = []
        key = partition_of(suppressed_key(self._secret, address))

        def end(found: Suppressed | None) -> bool:
            lifted[:] = [found is not None and found.in_force]
            if found is not None and found.in_force:
                found.lifted, found.lifted_because = now, because[:MOST_REASON]
            return lifted[-1]

        found = change(self._store, lambda: self._store.get(Suppressed, key), end)
        return found if lifted[-1] else None


def _stopped(number: str) -> str:
    return f"stop {number}"
