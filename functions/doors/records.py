"""What is kept of the doors: keys of people and programs, their log-ins, their acts, their pace.

No key and no address stands here: keys are kept by their hash, and so is whoever is slowed down.
"""

from datetime import UTC, date, datetime, timedelta

import msgspec

ACTS_LIVE = timedelta(days=400)


class SecretKey(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A key to the admin API, kept under its hash. `scopes` as in `scopes.SCOPES`; `used` is the
    last day (UTC) on which it was used; after `ends` (if any) it opens nothing."""

    key_hash: str
    name: str
    scopes: list[str]
    version: int = 0
    created: datetime | None = None
    used: date | None = None
    ends: datetime | None = None

    def opens(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.ends is None or now < self.ends


class Session(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A log-in with the key `key_hash`, kept under the hash of the cookie's token."""

    token_hash: str
    key_hash: str
    ends: datetime
    version: int = 0

    @property
    def expires(self) -> int:
        """Epoch seconds, after which the row goes."""
        return int(self.ends.timestamp()) + 3600


class Act(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One request to the admin API: who (the key's name) did what (an operation, such as "POST
    /api/tasks/{person_id}/{task_id}/done"), to which ids, from which address, and with which HTTP
    status. It never holds what was read or written."""

    time: datetime
    act_id: str
    who: str
    what: str
    ids: dict[str, str] = {}
    where: str = ""
    status: int = 200

    @property
    def place(self) -> str:
        """Its sort key within its month."""
        return f"{self.time.astimezone(UTC).isoformat(timespec='microseconds')}/{self.act_id}"

    @property
    def expires(self) -> int:
        """Epoch seconds, after which the row goes."""
        return int((self.time + ACTS_LIVE).timestamp())


class Pace(msgspec.Struct, omit_defaults=True, kw_only=True):
    """How far somebody's allowance is used up: to the time `until` (see `handlers/throttle.py`);
    `failed` counts failures in a row."""

    key: str
    until: datetime
    failed: int = 0
    version: int = 0

    @property
    def expires(self) -> int:
        """Epoch seconds, after which the row goes."""
        return int(self.until.timestamp()) + 86_400


class AskedNumbers(msgspec.Struct, omit_defaults=True, kw_only=True):
    """How many phone numbers of one beginning were asked on a day to confirm, and how many did
    (`key` has the beginning and the day)."""

    key: str
    expires: int
    asked: int = 0
    confirmed: int = 0
    version: int = 0


def month_of(time: datetime) -> str:
    """The month under which acts are kept, such as 2027-03."""
    return f"{time:%Y-%m}"
