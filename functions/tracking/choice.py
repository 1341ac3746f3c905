"""What was chosen for a message, and by what: kept in the ledger, so that it can be told."""

from datetime import datetime

import msgspec

ONLY = "only"  # there was no other
ASKED_FOR = "asked for"  # the person wants it
LEARNED = "learned"  # it is the best as far as is known
TRIED = "tried"  # another is better as far as is known; so that more is known


class ChannelChoice(msgspec.Struct, omit_defaults=True):
    """The channel, why, and by channel how many messages the person had answered of how many."""

    channel: str
    why: str
    answered: dict[str, tuple[int, int]] = {}


class TimeChoice(msgspec.Struct, omit_defaults=True):
    """The moment from which on the message may go, why, and how often the person had been there in
    that hour of the day, of how often altogether."""

    at: datetime
    why: str
    there: tuple[int, int] = (0, 0)
