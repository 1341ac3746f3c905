"""What a text that somebody sent to our number says about them, as events like any other."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from functions.channels.received_text import ReceivedText
from functions.handlers import wiring
from functions.handlers.discreet import Logger
from functions.messages.address import address_hash
from functions.messages.keyword import keyword
from functions.storage import people
from functions.storage.suppressions import Suppressions
from functions.tracking.event import Event
from functions.tracking.identity import normal_phone, person_key
from functions.tracking.own_event import TEXT_RECEIVED
from functions.tracking.permission import Permission
from functions.tracking.suppressed import TEXT_MESSAGE

logger = Logger(service="process_event")


def events(parts: wiring.Parts, text: ReceivedText) -> list[Event]:
    """`SMS Received`, and what STOP and START do.

    The person is whoever the number leads to. STOP goes on the list of suppressed addresses, too,
    which knows the number by a keyed hash and outlives an erasure: it holds for all who have the
    number, and for whoever comes with it later, until START. Raises Contended.
    """
    number = normal_phone(text.number)
    key = person_key(parts.settings.identity_key, "phone", number)
    said = keyword(text.text)
    _for_all(parts, number, said, parts.settings.on_stage(text.time))
    person = people.find_profile(parts.store, key)
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


def _for_all(parts: wiring.Parts, number: str, said: str, time: datetime) -> None:
    """Note what holds for everybody who has this number."""
    listed = Suppressions(parts.store, parts.settings.identity_key)
    if said == "stop":
        listed.stop(address_hash("sms", number), time)
    elif said == "start":
        listed.start(address_hash("sms", number), time)


def _taken_by_stop(permission: Permission) -> list[str]:
    """The purposes that STOP took: START returns these, and permits nothing new."""
    whole = permission.consents.get("sms/*")
    if whole is None or whole.given or whole.source != TEXT_MESSAGE:
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
        source=TEXT_MESSAGE,
        trusted=True,
        person=key,
    )
