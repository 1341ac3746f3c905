"""The permission item: what must be checked and changed in one step before a message goes."""

from datetime import datetime

import msgspec


class Consent(msgspec.Struct, array_like=True):
    """A person's last word on one channel and purpose, and who told us."""

    given: bool
    time: datetime
    source: str = ""
    text: str = ""


class Live(msgspec.Struct, array_like=True):
    """A run under way; `leaving` names the outcome as soon as an exit is decided."""

    journey: str
    leaving: str = ""


class Claim(msgspec.Struct, array_like=True):
    """A message that was let go: the moment of sending, for good."""

    send_id: str
    time: datetime
    channel: str
    purpose: str


class Permission(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One a person, small, and changed only by compare-and-set.

    `consents` is keyed "channel/purpose" ("channel/*" withdraws them all); `addresses` holds a
    hash of the address in force per channel; `suppressed` a reason per channel; `live` the runs
    under way by run id; `claims` the recent ones, oldest first.
    """

    person: str
    version: int = 0
    moved_to: str = ""
    consents: dict[str, Consent] = {}
    suppressed: dict[str, str] = {}
    erased: bool = False
    addresses: dict[str, str] = {}
    live: dict[str, Live] = {}
    claims: list[Claim] = []
