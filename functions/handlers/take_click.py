"""Opens, clicks and downloads: hands the event on and lets the person through, in milliseconds.

A cold start is waited for by somebody who has clicked, so nothing is imported here but the
standard library and the few light modules (a test holds the list).
"""

from __future__ import annotations

import hashlib
import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from datetime import datetime

from functions.handlers.headers import OF_LINK, OF_PAGE
from functions.handlers.light_aws import AwsError, call
from functions.handlers.light_keys import kept, secret
from functions.handlers.light_log import failed
from functions.light_settings import LightSettings
from functions.messages.link import HONEYPOT, BadLink, Tracked, read, refusal
from functions.messages.short import key_of
from functions.storage.read_link import token_in

TYPE_CHECKING = False  # as in `typing`, whose import costs a tenth of the start
if TYPE_CHECKING:
    from typing import Any

UNREAD, LOST = "a link could not be read", "an event is lost"
MOST_AGENT = 300  # letters of a user agent
PIXEL = b2a_base64(
    bytes.fromhex(
        "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
    ),
    newline=False,
).decode()
OPENED, CLICKED, DOWNLOADED = "Email Opened", "Email Link Clicked", "Asset Downloaded"
EVENTS = {"click": CLICKED, "open": OPENED, "download": DOWNLOADED}
AHEAD_OF_TIME = ("sec-purpose", "x-purpose", "purpose", "x-moz")
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>body{{font:17px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem}}
</style></head><body>{text}</body></html>"""
BROKEN = (
    "<p>This link is not complete. Please open it once more from the message.</p>"
    '<p lang="de">Dieser Link ist unvollständig. Bitte öffnen Sie ihn noch einmal aus der '
    "Nachricht.</p>"
)
LATER = (
    "<p>This link cannot be opened at the moment. Please try again in a minute.</p>"
    '<p lang="de">Dieser Link lässt sich gerade nicht öffnen. Bitte versuchen Sie es gleich noch '
    "einmal.</p>"
)


class Door:
    """What the handler needs: `keys()` of the links by id; `send(body)` puts an event batch on the
    queue; `short(person, code)` gives the token of a short link, "" without one; `now()`."""

    def __init__(
        self,
        keys: Callable[[], dict[str, bytes]],
        send: Callable[[bytes], object],
        short: Callable[[str, str], str],
        now: Callable[[], datetime],
    ) -> None:
        self.keys, self.send, self.short, self.now = keys, send, short, now


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer one request (API Gateway HTTP API, payload format 2.0)."""
    return answer(aws_door(), event)


def answer(door: Door, event: dict[str, Any]) -> dict[str, Any]:
    """The event goes to the queue before the answer goes to the person; when it cannot, the
    person goes on all the same, and the loss is told in the log and counted."""
    request = event["requestContext"]
    path = str(event.get("rawPath", ""))
    try:
        keys = door.keys()
        purpose, token = _asked(door, path)
        link = Tracked(*read(purpose, token, keys, door.now()))
    except (BadLink, ValueError, TypeError):
        return _page(404, "Not found", BROKEN)
    except AwsError as error:
        failed(UNREAD, error)
        return _page(503, "Not now", LATER)
    headers = event.get("headers") or {}
    said = _event(purpose, link, request, headers, token, door.now())
    try:
        door.send(json.dumps({"events": [said]}, separators=(",", ":")).encode())
    except Exception as error:  # whatever it is, a click must not fail for it
        failed(LOST, error)
    if purpose == "open":
        return {"statusCode": 200, "headers": OF_LINK | {"content-type": "image/gif"}} | {
            "body": PIXEL,
            "isBase64Encoded": True,
        }
    if link.name == HONEYPOT:
        return _page(200, "", "")
    if refusal(link.target):
        return _page(404, "Not found", BROKEN)
    return {"statusCode": 302, "headers": OF_LINK | {"location": _ascii(link.target)}, "body": ""}


def _asked(door: Door, path: str) -> tuple[str, str]:
    """What a path asks for, and its token. Raises ValueError, AwsError."""
    _, kind, rest = path.split("/", 2)
    if kind == "s":
        return "click", door.short(*key_of(rest))
    purpose = {"c": "click", "o": "open", "d": "download"}[kind]
    return purpose, rest.removesuffix(".gif") if kind == "o" else rest


def _event(
    purpose: str,
    link: Tracked,
    request: dict[str, Any],
    headers: dict[str, str],
    token: str,
    now: datetime,
) -> dict[str, Any]:
    """The event in Segment's words, with the evidence by which robots are told from people."""
    name = EVENTS[purpose]
    by_text = link.channel == "sms"
    if by_text and purpose == "click":
        name = "SMS Link Clicked"
    ahead = " ".join(headers[one] for one in AHEAD_OF_TIME if one in headers)[:60]
    found = {
        "sms_id" if by_text else "email_id": link.send,
        "run_id": link.run,
        "journey": link.run.rpartition("-")[0],
        "message": link.message,
        "link_id": link.name if purpose != "open" else None,
        "link_url": link.target or None if purpose == "click" else None,
        "asset": link.name if purpose == "download" else None,
        "links": int(link.of) if link.of else None,
        "user_agent": headers.get("user-agent", "")[:MOST_AGENT],
        "method": request["http"]["method"],
        "network": _network(request["http"].get("sourceIp", "")),
        "prefetch": ahead or None,
    }
    moment = now.isoformat()
    request_id = request.get("requestId") or _hash(f"{token} {moment}")
    return {
        "type": "track",
        "event": name,
        "message_id": f"{purpose}-{request_id}"[:99],
        "time": moment,
        "received_at": moment,
        "client_time": moment,
        "properties": {key: value for key, value in found.items() if value is not None},
        "source": "receipts",
        "trusted": True,
        "person": link.person,
    }


def _network(address: str) -> str:
    """The network of an address, never the address: the first three of its four numbers, or 48
    of its 128 bits."""
    try:
        if ":" not in address:
            parts = [str(int(part)) for part in address.split(".")]
            return ".".join([*parts[:3], "0/24"]) if len(parts) == 4 else ""
        from socket import AF_INET6, inet_ntop, inet_pton  # here, as in light_http

        return f"{inet_ntop(AF_INET6, inet_pton(AF_INET6, address)[:6] + bytes(10))}/48"
    except (OSError, ValueError):
        return ""


def _ascii(url: str) -> str:
    """A header holds ASCII only."""
    return "".join(
        letter if letter < "\x7f" else "".join(f"%{byte:02X}" for byte in letter.encode())
        for letter in url
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _page(status: int, title: str, text: str) -> dict[str, Any]:
    body = PAGE.format(title=title, text=text)
    return {"statusCode": status, "headers": dict(OF_PAGE), "body": body}


_door: Door | None = None


def aws_door() -> Door:
    """The door of this Lambda: what it needs is made at the first call and kept."""
    global _door
    if _door is None:
        settings = LightSettings()
        _door = Door(
            keys=kept(lambda: secret(settings.link_secret)),
            send=lambda body: call(
                "sqs",
                "SendMessage",
                {"QueueUrl": settings.event_queue_url, "MessageBody": body.decode()},
            ),
            short=lambda person, code: _short(f"{settings.table_prefix}people", person, code),
            now=settings.now,
        )
    return _door


def _short(table: str, person: str, code: str) -> str:
    key = {"pk": {"S": person}, "sk": {"S": f"link#{code}"}}
    item = call("dynamodb", "GetItem", {"TableName": table, "Key": key}).get("Item")
    return token_in(a2b_base64(item["body"]["B"])) if item else ""
