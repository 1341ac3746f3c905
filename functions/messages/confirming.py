"""The link with which a person confirms a sign-up: in messages it is `{{ confirm }}`."""

import re
from collections.abc import Iterator, Mapping, Sequence

from functions.messages.link import sign
from functions.messages.template import LIQUID
from functions.problem import Problem
from functions.tracking.consent import LINK_LASTS
from functions.tracking.event import Event
from functions.tracking.own_event import CONSENT_REQUESTED

_WORD = re.compile(r"(?<![\w.'\"-])confirm(?![\w'\"-])")


def mentions(text: str) -> bool:
    """Whether a template shows the link."""
    return "confirm" in text and any(map(_WORD.search, LIQUID.findall(text)))


def url(entry: Event, person: str, keys: Mapping[str, bytes], public_url: str) -> str:
    """The link for the sign-up by which a person entered; "" where it was nothing of the kind."""
    request = entry.properties.get("request")
    if entry.event != CONSENT_REQUESTED or not isinstance(request, str) or not keys:
        return ""
    token = sign("confirm", [person, request], keys, entry.time + LINK_LASTS)
    return f"{public_url}/confirm/{token}"


def check(
    folder: str, files: Mapping[str, str], enters_by: Sequence[str], free: bool
) -> Iterator[Problem]:
    """Messages with the link in a journey whose people have signed up for nothing (`enters_by` are
    the names of the events that let in), or that goes only to those who have confirmed already
    (`free`: all its messages that show it need no consent)."""
    for name, text in files.items():
        if not mentions(text) or not name.endswith((".mjml", ".txt", ".sms")):
            continue
        line = text[: text.find("confirm")].count("\n") + 1
        if set(enters_by) != {CONSENT_REQUESTED}:
            words = (
                f'"confirm" is known only to a journey that people enter by "{CONSENT_REQUESTED}"'
            )
            yield Problem(f"{folder}/{name}", line, words)
        elif not free:
            words = (
                "asks for a confirmation and needs consent, which nobody has given then; send it "
                'with a purpose that has "consent: not needed"'
            )
            yield Problem(f"{folder}/{name}", line, words)
