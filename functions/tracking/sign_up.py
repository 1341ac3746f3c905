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
