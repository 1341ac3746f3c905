"""Leaving: the page behind a mail's "unsubscribe", and the one-click POST of mail programs."""

from html import escape
from typing import Any

from functions.handlers import wiring
from functions.messages.link import BadLink, Leaving, read
from functions.segments.person import fields
from functions.storage import people
from functions.storage.store import change
from functions.tracking.consent import hear
from functions.tracking.event import Event, EventBatch, bodies
from functions.tracking.identity import short_hash
from functions.tracking.permission import Permission

WORDS = {
    "de": {
        "ask": "Möchten Sie von uns keine Nachrichten mehr zum Thema „{purpose}“ ({channel})?",
        "button": "Abmelden",
        "done": "Sie sind abgemeldet. Zum Thema „{purpose}“ ({channel}) schreiben wir Ihnen nicht "
        "mehr.",
        "bad": "Dieser Link ist unvollständig. Bitte öffnen Sie ihn noch einmal aus der Nachricht.",
        "email": "E-Mail",
        "sms": "SMS",
    },
    "en": {
        "ask": "Do you want no more messages from us about “{purpose}” ({channel})?",
        "button": "Unsubscribe",
        "done": "You are unsubscribed. We will not write to you about “{purpose}” ({channel}) any "
        "more.",
        "bad": "This link is not complete. Please open it once more from the message.",
        "email": "e-mail",
        "sms": "text message",
    },
}
PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{brand}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">
<style>body{{font:17px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;
color:#1c2b28;background:#f6f7f5}}button{{font:inherit;padding:.7rem 1.6rem;border:0;
border-radius:.5rem;background:#0b5d50;color:#fff;cursor:pointer}}</style></head>
<body><p><strong>{brand}</strong></p><p>{text}</p>{form}</body></html>
"""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """GET shows the page and changes nothing (scanners open links); POST withdraws.

    The withdrawal is in force when the answer goes out: no claim succeeds after it.
    """
    parts = wiring.parts()
    token = event["rawPath"].rpartition("/")[2]
    method = event["requestContext"]["http"]["method"]
    try:
        leaving = Leaving(*read("leave", token, parts.settings.link_keys, parts.now()))
    except BadLink:
        return _page(parts, 404, WORDS[_language(parts, None)]["bad"], None, "")
    if method == "POST":
        _withdraw(parts, leaving)
        return _page(parts, 200, _say(parts, leaving, "done"), leaving, "")
    words = WORDS[_language(parts, leaving)]
    form = f'<form method="post"><button>{words["button"]}</button></form>'
    return _page(parts, 200, _say(parts, leaving, "ask"), leaving, form)


def _withdraw(parts: wiring.Parts, leaving: Leaving) -> None:
    """Into the permission item at once; as an event too, for timeline and journeys."""
    now = parts.now()
    event = Event(
        type="track",
        event="Consent Withdrawn",
        # The same link says the same thing however often it is used in a second.
        message_id="leave-"
        + short_hash(leaving.person, leaving.channel, leaving.purpose, str(now)),
        time=now,
        received_at=now,
        client_time=now.isoformat(),
        properties={"channel": leaving.channel, "purposes": [leaving.purpose]},
        source="unsubscribe link",
        trusted=True,
        person=leaving.person,
    )
    heard = False

    def withdraw(permission: Permission) -> bool:
        nonlocal heard
        heard = hear(permission, event)
        return heard

    change(parts.store, lambda: people.permission_of(parts.store, leaving.person), withdraw)
    if heard:
        parts.send_events(bodies(EventBatch([event])), 0)


def _language(parts: wiring.Parts, leaving: Leaving | None) -> str:
    person = people.profile_of(parts.store, leaving.person) if leaving else None
    locale = fields(person, parts.now()).get("locale") if person else None
    return parts.library.brand().language(locale, list(WORDS))


def _say(parts: wiring.Parts, leaving: Leaving, what: str) -> str:
    language = _language(parts, leaving)
    purpose = parts.library.brand().purposes.get(leaving.purpose)
    title = purpose.title.get(language, leaving.purpose) if purpose else leaving.purpose
    words = WORDS[language]
    return words[what].format(purpose=title, channel=words[leaving.channel])


def _page(
    parts: wiring.Parts, status: int, text: str, leaving: Leaving | None, form: str
) -> dict[str, Any]:
    body = PAGE.format(
        language=_language(parts, leaving),
        brand=escape(parts.library.brand().name),
        text=escape(text),
        form=form,
    )
    headers = {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
        "form-action 'self'; frame-ancestors 'none'",
    }
    return {"statusCode": status, "headers": headers, "body": body}
