"""A sign-up that is not confirmed yet: it goes by itself when its time is over."""

from datetime import datetime

import msgspec


class SignUp(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Kept until it is confirmed, withdrawn, or over at `until`; so that it can be found then."""

    person: str
    request: str
    version: int = 0
    channel: str
    until: datetime

    @property
    def day(self) -> str:
        """The day on which it is over (UTC), under which it is listed."""
        return self.until.date().isoformat()


class Tries(msgspec.Struct, kw_only=True):
    """How often something was tried by one address or from one place within a length of time."""

    key: str
    window: str
    version: int = 0
    count: int = 0
    expires: int = 0


def tries_key(key: str) -> str:
    """The partition of an address or a place, which stands beside the people."""
    return f"tries#{key}"
