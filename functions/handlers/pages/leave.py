"""Leaving: the page behind a mail's "unsubscribe", whose button leads to `take_leave`."""

from html import escape
from typing import Any

from functions.handlers.pages.door import Asked, language, page, show
from functions.messages.link import BadLink, read, sign

WORDS = {
    "de": {
        "ask": "Möchten Sie von uns keine Nachrichten mehr zum Thema „{purpose}“ ({channel})?",
        "button": "Abmelden",
        "more": "Oder ändern, was Sie von uns bekommen",
        "bad": "Dieser Link ist unvollständig. Bitte öffnen Sie ihn noch einmal aus der Nachricht.",
        "email": "E-Mail",
        "sms": "SMS",
    },
    "en": {
        "ask": "Do you want no more messages from us about “{purpose}” ({channel})?",
        "button": "Unsubscribe",
        "more": "Or change what you get from us",
        "bad": "This link is not complete. Please open it once more from the message.",
        "email": "e-mail",
        "sms": "text message",
    },
}


@page("leave", "GET")
def leave(asked: Asked) -> dict[str, Any]:
    """The page changes nothing (scanners open links); what its button posts to withdraws."""
    keys = asked.parts.settings.link_keys
    try:
        said = read("leave", asked.rest, keys, asked.parts.now())
        person, channel, purpose, _, address = [*said, "", ""][:5]
    except (BadLink, ValueError):
        spoken = language(asked, "", list(WORDS))
        return show(asked, spoken, WORDS[spoken]["bad"], status=404)
    spoken = language(asked, person, list(WORDS))
    words = WORDS[spoken]
    found = asked.brand.purposes.get(purpose)
    title = found.title.get(spoken, purpose) if found else purpose
    # The button's link says as well what only the brand knows, for the light door to answer with.
    button = (person, channel, purpose, spoken, address, title, asked.brand.name)
    more = sign("preferences", (person, channel, address), keys)
    form = (
        f'<form method="post" action="/leave/{sign("leave", button, keys)}">'
        f"<button>{words['button']}</button></form>"
        f'<p><a href="/preferences/{more}">{escape(words["more"])}</a></p>'
    )
    text = words["ask"].format(purpose=title, channel=words.get(channel, channel))
    return show(asked, spoken, text, form)
