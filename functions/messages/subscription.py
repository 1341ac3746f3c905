"""Which events a webhook is told of, and in which words: subscriptions of brand.yaml."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from functions.messages.brand import PERSON_CHANGED, Webhook
from functions.tracking.event import IMPORT, Event
from functions.tracking.fold import timeline_key
from functions.tracking.identity import short_hash
from functions.tracking.profile import Profile


class Tell(msgspec.Struct, omit_defaults=True):
    """A queue message: have a webhook told of an event. It carries ids only, so that whoever is
    erased meanwhile is told to nobody.

    `key` is the event's in the timeline of `person`, "" when it is that they were erased. `attempt`
    counts the tries that failed, `reason` is why the last one did.
    """

    tell: str
    person: str
    key: str
    event_id: str
    attempt: int = 0
    reason: str = ""

    @property
    def message_id(self) -> str:
        """The same for every try, and for the same event told again."""
        return f"tell-{short_hash(self.tell, self.event_id)}"


def is_tell(body: str) -> bool:
    """Whether a queue message asks to tell a webhook."""
    return body.startswith('{"tell"')


def tells(webhooks: Mapping[str, Webhook], person: str, events: Iterable[Event]) -> Iterator[Tell]:
    """What is to be told of these events of a person, to the webhooks that asked for them."""
    for event in events:
        for name, webhook in webhooks.items():
            if _is_wanted(webhook, event):
                yield Tell(name, person, timeline_key(event), event.message_id)


def _is_wanted(webhook: Webhook, event: Event) -> bool:
    """By its name; and neither an echo of what the receiver said itself nor a bulk import."""
    name = PERSON_CHANGED if event.type == "identify" else event.name
    if name not in webhook.tell:
        return False
    said = event.context.get(IMPORT)
    imported = said if isinstance(said, dict) else {}
    sources = {event.source, str(imported.get("name", ""))}
    return not event.is_quiet and sources.isdisjoint(webhook.not_from)


def told(profile: Profile, event: Event) -> dict[str, Any]:
    """What the webhook hears: the event, and the person as they are now.

    `version` grows with every change of the person: what comes with a smaller one than the
    receiver has seen is older, and its `traits` are not to be taken.
    """
    said = event.traits if event.type in ("identify", "group") else event.properties
    return {
        "type": PERSON_CHANGED if event.type == "identify" else event.name,
        "timestamp": event.time.isoformat(),
        "data": {
            "person": profile.person,
            "version": profile.version,
            "user_id": profile.user_id,
            "email": profile.trait("email"),
            "phone": profile.trait("phone"),
            "traits": {name: trait.value for name, trait in profile.traits.items()},
            "event": {
                "name": event.name,
                "message_id": event.message_id,
                "source": event.source,
                "properties": said,
            },
        },
    }
