"""What a text that somebody sent to our number says about them, as events like any other."""

from collections.abc import Mapping
from typing import Any

from functions.channels.received_text import ReceivedText
from functions.handlers import suppressing, wiring
from functions.handlers.discreet import Logger
from functions.messages.keyword import keyword
from functions.storage import people
from functions.tracking.event import Event
from functions.tracking.identity import normal_phone, person_key
from functions.tracking.own_event import TEXT_RECEIVED
from functions.tracking.permission import Permission

logger = Logger(service="process_event")
SOURCE = "text message"


def events(parts: wiring.Parts, text: ReceivedText) -> list[Event]:
    """`SMS Received`, and what STOP and START do.

    The person is whoever has the number. Nobody has it: STOP goes on the list of suppressed
    addresses, which knows it by a keyed hash and outlives an erasure, and holds for whoever comes
    with this number later, until START; other texts say nothing to us. Raises Contended.
    """
    key = person_key(parts.settings.identity_key, "phone", normal_phone(text.number))
    said = keyword(text.text)
    if said == "start":
        suppressing.forget_stop(parts, text.number)
    person = people.find_profile(parts.store, key)
    if person is None and said == "stop":
        suppressing.note_stop(parts, text.number, parts.settings.on_stage(text.time), SOURCE)
        person = people.find_profile(parts.store, key)  # who came before the list had it
    if person is None:
        logger.info("a text from a number that nobody has", extra={"keyword": said})
        return []
    told = {"text": text.text, "sms_id": text.id, "answers": text.answers, "keyword": said}
    found = [_event(parts, text, key, TEXT_RECEIVED, {k: v for k, v in told.items() if v})]
    if said == "stop":
        left = {"channel": "sms", "keyword": text.text.strip()[:20]}
        found.append(_event(parts, text, key, "Consent Withdrawn", left))
    if said == "start":
        back = _taken_by_stop(people.permission_of(parts.store, person.person))
        again = {"channel": "sms", "purposes": back, "keyword": text.text.strip()[:20]}
        found += [_event(parts, text, key, "Consent Given", again)] if back else []
    return found


def _taken_by_stop(permission: Permission) -> list[str]:
    """The purposes that STOP took: START returns these, and permits nothing new."""
    whole = permission.consents.get("sms/*")
    if whole is None or whole.given or whole.source != SOURCE:
        return []
    return [
        key.removeprefix("sms/")
        for key, word in permission.consents.items()
        if key.startswith("sms/") and word.given and word.time <= whole.time
    ]


def _event(
    parts: wiring.Parts, text: ReceivedText, key: str, name: str, properties: Mapping[str, Any]
) -> Event:
    time = parts.settings.on_stage(text.time)
    return Event(
        type="track",
        event=name,
        message_id=f"text-{name.split()[-1].lower()}-{text.id}"[:99],
        time=time,
        received_at=time,
        client_time=text.time.isoformat(),
        properties=dict(properties),
        source=SOURCE,
        trusted=True,
        person=key,
    )
