"""What every channel can do, and how it says that it could not."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

NOTHING: Mapping[str, str] = MappingProxyType({})


class Outgoing(NamedTuple):
    """A rendered message to one address, with the id that comes back in its receipts."""

    send_id: str
    to: str
    text: str
    subject: str = ""
    html: str = ""
    sender: str = ""
    reply_to: str = ""
    headers: Mapping[str, str] = NOTHING
    tags: Mapping[str, str] = NOTHING
    person: str = ""


class Temporary(Exception):
    """Surely not sent, and worth another try after `retry_after` seconds."""

    def __init__(self, reason: str, retry_after: int = 60) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Permanent(Exception):
    """Surely not sent, and never will be: the address or the message is refused."""


class Channel(Protocol):
    """A way to a person. `send` returns the provider's id of the message.

    Raises Temporary or Permanent when it was surely not sent; any other error leaves it
    unknown whether it was.
    """

    def send(self, message: Outgoing) -> str: ...
