"""Hourly: a message whose provider never answered, and of which no receipt came, was not sent."""

from typing import Any

from functions.handlers import wiring
from functions.handlers.discreet import Logger
from functions.storage.store import change
from functions.tracking.message import Message, presume_not_sent

logger = Logger(service="settle_messages")


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Returns how many messages were given up and how many are unknown still."""
    parts = wiring.parts()
    done = {"given up": 0, "unknown": 0}
    after = ""
    while True:
        page, after = parts.store.listing(Message, after=after)
        for message in page:
            settled = _settle(parts, message)
            done["given up" if settled else "unknown"] += 1
        if not after:
            break
    logger.info("settled", extra=done)
    return done


def _settle(parts: wiring.Parts, message: Message) -> bool:
    """Read it again, so that a receipt that comes now is not overwritten."""
    found = change(
        parts.store,
        lambda: parts.store.get(Message, message.person, message.key),
        lambda row: row is not None and presume_not_sent(row, parts.now()),
    )
    return found is None or found.state != "unknown"
