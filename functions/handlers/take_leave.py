"""Leaving, by the one click of a mail program or the button of our page: in force, and on its way
to the timeline, before the answer goes out.

Nothing is imported here but the standard library and the few light modules (a test holds the
list), for mail programs wait a few seconds only (RFC 8058).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from time import sleep

from functions.handlers.headers import OF_PAGE
from functions.handlers.light_aws import AwsError, call
from functions.handlers.light_keys import kept, secret
from functions.handlers.light_log import failed
from functions.light_settings import LightSettings
from functions.messages.link import BadLink, read, sign
from functions.storage.say import NOT_SO, say, withdrawn

TYPE_CHECKING = False  # as in `typing`, whose import costs a tenth of the start
if TYPE_CHECKING:
    from typing import Any

SOURCE = "unsubscribe link"  # as permission.UNSUBSCRIBE_LINK
FAILED = "somebody could not leave"
BETWEEN_TRIES = 0.05  # seconds, while a merge of the person is being written
WORDS = {
    "de": {
        "title": "Abmelden",
        "done": "Sie sind abgemeldet. Zum Thema „{purpose}“ ({channel}) schreiben wir Ihnen nicht "
        "mehr.",
        "more": "Was Sie von uns bekommen, ändern",
        "bad": "Dieser Link ist unvollständig. Bitte öffnen Sie ihn noch einmal aus der Nachricht.",
        "later": "Das hat gerade nicht geklappt. Bitte versuchen Sie es noch einmal.",
        "again": "Noch einmal versuchen",
        "email": "E-Mail",
        "sms": "SMS",
    },
    "en": {
        "title": "Unsubscribe",
        "done": "You are unsubscribed. We will not write to you about “{purpose}” ({channel}) any "
        "more.",
        "more": "Change what you get from us",
        "bad": "This link is not complete. Please open it once more from the message.",
        "later": "That did not work just now. Please try once more.",
        "again": "Try once more",
        "email": "e-mail",
        "sms": "text message",
    },
}
PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">
<style>body{{font:17px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;
color:#1c2b28;background:#f6f7f5}}button{{font:inherit;padding:.7rem 1.6rem;border:0;
border-radius:.5rem;background:#0b5d50;color:#fff;cursor:pointer}}</style></head>
<body><main><p><strong>{brand}</strong></p>{body}</main></body></html>
"""


class Door:
    """What the handler needs: `keys()` of the links by id; `say(person, word)` changes the
    permission item and is False for nobody (see `Store.say`); `send(body)` puts an event batch on
    the queue; `now()`."""

    def __init__(
        self,
        keys: Callable[[], dict[str, bytes]],
        say: Callable[[str, str], bool],
        send: Callable[[bytes], object],
        now: Callable[[], datetime],
    ) -> None:
        self.keys, self.say, self.send, self.now = keys, say, send, now


class Link:
    """What a link to leave says: `address` is a hash of the one that its message went to; `title`
    and `brand` are told by our own page only, which knows what the brand calls itself and the
    purpose."""

    def __init__(
        self,
        person: str,
        channel: str,
        purpose: str,
        language: str = "",
        address: str = "",
        title: str = "",
        brand: str = "",
    ) -> None:
        self.person, self.channel, self.purpose = person, channel, purpose
        self.language = language.replace("_", "-").partition("-")[0]
        self.address, self.title, self.brand = address, title or purpose, brand


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer a POST (API Gateway HTTP API, payload format 2.0)."""
    return answer(aws_door(), event)


def answer(door: Door, event: dict[str, Any]) -> dict[str, Any]:
    """Withdraw, tell of it, answer; in this order, so that no claim succeeds after the answer.
    If either fails, the answer is 503 and nobody believes to have left."""
    token = str(event.get("rawPath", "")).rpartition("/")[2]
    try:
        keys, now = door.keys(), door.now()
    except AwsError as error:
        return _later("", error)
    try:
        link = Link(*read("leave", token, keys, now))
    except (BadLink, TypeError):
        body = "".join(f'<p lang="{one}">{words["bad"]}</p>' for one, words in WORDS.items())
        return _page(404, "", "", body)
    try:
        _withdraw(door, link, now)
    except Exception as error:  # whatever it is: it was not done, and must not look so
        return _later(link.language, error)
    words = WORDS[_spoken(link.language)]
    text = _plain(words["done"].replace("{channel}", words.get(link.channel, link.channel)))
    text = text.replace("{purpose}", _plain(link.title))
    more = f"/preferences/{sign('preferences', (link.person, link.channel, link.address), keys)}"
    body = f'<h1 style="font-size:1.2em">{text}</h1><p><a href="{more}">{words["more"]}</a></p>'
    return _page(200, link.language, link.brand, body)


def _withdraw(door: Door, link: Link, now: datetime) -> None:
    moment = now.isoformat()
    if not door.say(link.person, withdrawn(moment, link.channel, link.purpose)):
        return  # nobody is there any more, and nothing of them may come back
    # Who presses twice leaves once: the same link says the same thing for an hour.
    name = hashlib.sha256(
        "\0".join((link.person, link.channel, link.purpose, moment[:13])).encode()
    ).hexdigest()[:32]
    said = {
        "type": "track",
        "event": "Consent Withdrawn",
        "message_id": f"leave-{name}",
        "time": moment,
        "received_at": moment,
        "client_time": moment,
        "properties": {"channel": link.channel, "purposes": [link.purpose]},
        "source": SOURCE,
        "trusted": True,
        "person": link.person,
    }
    door.send(json.dumps({"events": [said]}, separators=(",", ":")).encode())


def _spoken(language: str) -> str:
    return language if language in WORDS else "en"


def _later(language: str, error: Exception) -> dict[str, Any]:
    """The page that says to try once more; and a line in the log that is counted."""
    failed(FAILED, error)
    words = WORDS[_spoken(language)]
    form = f'<form method="post"><button>{words["again"]}</button></form>'
    made = _page(503, language, "", f'<p role="alert">{words["later"]}</p>{form}')
    return {**made, "headers": {**OF_PAGE, "retry-after": "5"}}


def _page(status: int, language: str, brand: str, body: str) -> dict[str, Any]:
    spoken = _spoken(language)
    title = WORDS[spoken]["title"]
    text = PAGE.format(language=spoken, title=title, brand=_plain(brand), body=body)
    return {"statusCode": status, "headers": dict(OF_PAGE), "body": text}


def _plain(text: str) -> str:
    """Text as HTML; `html` would bring its table of all entities along."""
    for sign_, name in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot"), ("'", "#x27")):
        text = text.replace(sign_, f"&{name};")
    return text


_door: Door | None = None


def aws_door() -> Door:
    """The door of this Lambda: what it needs is made at the first call and kept."""
    global _door
    if _door is None:
        settings = LightSettings()
        _door = Door(
            keys=kept(lambda: secret(settings.link_secret)),
            say=lambda person, word: say(_ask, f"{settings.table_prefix}people", person, word),
            send=lambda body: call(
                "sqs",
                "SendMessage",
                {"QueueUrl": settings.event_queue_url, "MessageBody": body.decode()},
            ),
            now=settings.now,
        )
    return _door


def _ask(operation: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    """A call of DynamoDB; None when its condition does not hold. Raises AwsError."""
    for last in (False, False, True):
        try:
            return call("dynamodb", operation, asked)
        except AwsError as error:
            if error.code == NOT_SO:
                return None
            if last or error.code != "TransactionConflictException":
                raise
        sleep(BETWEEN_TRIES)
    raise AssertionError("the last try returns or raises")
