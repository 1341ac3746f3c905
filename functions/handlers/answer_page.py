"""The pages behind the links in our messages, for people without a log-in."""

from typing import Any

from functions.handlers import pages, wiring
from functions.handlers.pages import door

pages.open_all()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """An HTTP API v2 event. Every answer is a page in the reader's language."""
    asked = door.asked(wiring.parts(), event)
    name = event["rawPath"].lstrip("/").partition("/")[0]
    # What is no POST changes nothing, whatever it is called.
    found = door.PAGES.get((asked.method, name)) or door.PAGES.get(("GET", name))
    if found is None:
        return door.show(asked, door.language(asked, "", ["de", "en"]), "404", status=404)
    return found(asked)
