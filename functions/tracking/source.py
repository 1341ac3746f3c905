"""A source: a website, shop or server that may send events, and its write key."""

from datetime import datetime

import msgspec

from functions.tracking.event import Event


class Source(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Kept under the hash of its write key. A trusted source may speak for people's consent.

    Where there are `origins` (such as https://shop.example), only web pages of those may send;
    where there are `events`, only events of these names, and of other calls those whose kind is
    among them (identify, page, ...). After `ends` its key lets nothing in.
    """

    key_hash: str
    name: str
    version: int = 0
    trusted: bool = False
    revoked: datetime | None = None
    created: datetime | None = None
    ends: datetime | None = None
    origins: list[str] = []
    events: list[str] = []

    def takes(self, event: Event) -> bool:
        """Whether it may send this event."""
        name = event.event if event.type == "track" else event.type
        return not self.events or name in self.events
