"""Leaving: the page behind a mail's "unsubscribe", and the one-click POST of mail programs."""

from typing import Any

from functions.handlers import wiring
from functions.handlers.pages.door import Asked, language, page, show
from functions.messages.link import BadLink, Leaving, read
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


@page("leave", "GET", "POST")
def leave(asked: Asked) -> dict[str, Any]:
    """GET shows the page and changes nothing (scanners open links); POST withdraws.

    The withdrawal is in force when the answer goes out: no claim succeeds after it.
    """
    try:
        leaving = Leaving(
            *read("leave", asked.rest, asked.parts.settings.link_keys, asked.parts.now())
        )
    except BadLink:
        spoken = language(asked, "", list(WORDS))
        return show(asked, spoken, WORDS[spoken]["bad"], status=404)
    spoken = language(asked, leaving.person, list(WORDS))
    if asked.method == "POST":
        _withdraw(asked.parts, leaving)
        return show(asked, spoken, _say(asked, leaving, spoken, "done"))
    form = f'<form method="post"><button>{WORDS[spoken]["button"]}</button></form>'
    return show(asked, spoken, _say(asked, leaving, spoken, "ask"), form)


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


def _say(asked: Asked, leaving: Leaving, spoken: str, what: str) -> str:
    purpose = asked.brand.purposes.get(leaving.purpose)
    title = purpose.title.get(spoken, leaving.purpose) if purpose else leaving.purpose
    words = WORDS[spoken]
    return words[what].format(purpose=title, channel=words[leaving.channel])
