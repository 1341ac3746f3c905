"""The best channel: by which of several a person is written to."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from functions.tracking.message import Message

ORDER = ("email", "sms")  # of those who never opened or clicked anything
NEVER = datetime.min.replace(tzinfo=UTC)


def best_channel(allowed: Sequence[str], messages: Callable[[], Iterable[Message]]) -> str:
    """Of the channels that the person may get it by (one at least): the one on which they last
    opened or clicked a message; robots do not count.

    `messages()` are all that the person was sent; they are asked for only where there is a choice.
    """
    if len(allowed) == 1:
        return allowed[0]
    last = dict.fromkeys(allowed, NEVER)
    for message in messages():
        if message.channel in last:
            last[message.channel] = max(last[message.channel], _touched(message))
    return min(allowed, key=lambda channel: (NEVER - last[channel], ORDER.index(channel)))


def _touched(message: Message) -> datetime:
    return max((message.opened or NEVER, *message.clicked.values()))
