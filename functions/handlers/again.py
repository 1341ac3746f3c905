"""What we asked of ourselves comes again after a while, or lies among the dead letters."""

from collections.abc import Callable

from functions.handlers.wiring import Parts

Delay = Callable[[int, str], int | None]  # (how often, of what) -> seconds; None: no more


def send_again(parts: Parts, body: bytes, reason: str, delay: int | None) -> None:
    """Put a message on the event queue for after `delay` seconds; without one it has had its
    tries, and is buried with the reason. Raises Busy."""
    if delay is None:
        parts.bury(body, reason)
    else:
        parts.send_events([body], delay)
