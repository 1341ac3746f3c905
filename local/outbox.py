"""The outbox's page: mails as their readers see them, and what a reader can do with them."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from html import unescape
from typing import NamedTuple

from functions.messages.link import HONEYPOT, BadLink, Tracked, read
from functions.messages.short import key_of
from functions.storage.store import Store
from functions.tracking.message import Kept
from functions.tracking.short_link import ShortLink

# As whom made-up people read and click.
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_OURS = re.compile(r"/([cdso])/([A-Za-z0-9_.-]+)")
_PURPOSES = {"c": "click", "d": "download", "o": "open"}


class Link(NamedTuple):
    """A link of a message that leads through us: its name or number, its target, and the path
    at which its click is taken. The picture that tells of an open is one without a target."""

    name: str
    url: str
    path: str


def links(kept: Kept, store: Store, keys: Mapping[str, bytes], now: datetime) -> Iterator[Link]:
    """The links of a message that are told of, each once."""
    seen = set()
    for door, token in _OURS.findall(unescape(kept.html) or kept.text):
        path = f"/{door}/{token}"
        if path in seen:
            continue
        seen.add(path)
        try:
            if door == "s":
                found = store.get(ShortLink, *key_of(token))
                door, token = "c", found.path[1:] if found else ""
            said = Tracked(*read(_PURPOSES[door], token.removesuffix(".gif"), keys, now))
        except (BadLink, ValueError, TypeError):
            continue
        if said.name != HONEYPOT:
            yield Link(said.name, said.target, path)


def view(kept: Kept) -> str:
    """The mail, its links opening beside it."""
    return kept.html.replace("<a ", '<a target="_blank" rel="noopener" ')
