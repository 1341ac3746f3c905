"""A source: a website, shop or server that may send events, and its write key."""

from datetime import datetime

import msgspec


class Source(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Kept under the hash of its write key. A trusted source may speak for people's consent."""

    key_hash: str
    name: str
    version: int = 0
    trusted: bool = False
    revoked: datetime | None = None
    created: datetime | None = None
