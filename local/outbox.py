"""The outbox's page: mails as their readers see them, whose opens and clicks count like SES's."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from html import escape, unescape
from typing import Any, NamedTuple

from functions.tracking.message import Kept

_ANCHOR = re.compile(r"<a\b[^>]*?\bhref=([\"'])(.*?)\1[^>]*>", re.DOTALL | re.IGNORECASE)
_TAGS = re.compile(r'ses:tags="link:([^;"]+);"')
PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)


class Link(NamedTuple):
    """A link of a mail: its number there, its name ("" without one), its target."""

    number: int
    name: str
    url: str
    tracked: bool


def links(html: str) -> Iterator[Link]:
    """The links of a mail in their order."""
    for number, match in enumerate(_ANCHOR.finditer(html)):
        name = _TAGS.search(match.group())
        tracked = "ses:no-track" not in match.group() and match[2].startswith("http")
        yield Link(number, name[1] if name else "", unescape(match[2]), tracked)


def find_link(html: str, wanted: str) -> Link | None:
    """A tracked link by its name or its number."""
    found = (link for link in links(html) if link.tracked)
    return next((link for link in found if wanted in (link.name, str(link.number))), None)


def view(kept: Kept) -> str:
    """The mail with its links leading through us and an open counted, as SES does it."""
    numbers = iter(links(kept.html))

    def through_us(match: re.Match[str]) -> str:
        link = next(numbers)
        target = f"/local/click/{kept.send_id}/{link.number}" if link.tracked else link.url
        anchor = match.group().replace(f"{match[1]}{match[2]}{match[1]}", f'"{escape(target)}"', 1)
        return anchor.replace("<a", '<a target="_blank" rel="noopener"', 1)

    pixel = f'<img src="/local/open/{kept.send_id}" alt="" width="1" height="1">'
    html = _ANCHOR.sub(through_us, kept.html)
    return html.replace("</body>", f"{pixel}</body>", 1) if "</body>" in html else html + pixel


def receipt(kept: Kept, kind: str, now: datetime, **detail: Any) -> bytes:
    """What SES would tell of this message, in SES's own shape (event publishing to SNS)."""
    time = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event = {
        "eventType": kind,
        "mail": {
            "timestamp": kept.time.isoformat(),
            "messageId": f"outbox-{kept.send_id}",
            "tags": {name: [value] for name, value in kept.tags.items()},
            "commonHeaders": {"subject": kept.subject},
        },
        kind.lower(): {"timestamp": time, **detail},
    }
    return json.dumps({"Type": "Notification", "Message": json.dumps(event)}).encode()


def click(kept: Kept, link: Link, now: datetime, agent: str) -> bytes:
    """SES's event for a click."""
    tags = {"link": [link.name]} if link.name else {}
    return receipt(kept, "Click", now, link=link.url, linkTags=tags, userAgent=agent)
