"""The doors of the standard library, as one machine has them: with its own store and queue."""

from functions.handlers.take_leave import Door
from functions.handlers.wiring import Parts
from functions.storage import people


def leave_door(parts: Parts) -> Door:
    """The door through which people leave."""
    return Door(
        keys=lambda: parts.settings.link_keys,
        say=lambda person, word: people.say(parts.store, person, word),
        send=lambda body: parts.send_events([body], 0),
        now=parts.now,
    )
