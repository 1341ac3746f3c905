"""The outbox: where a message goes that must not reach a real person."""

from collections.abc import Callable
from urllib.parse import urlsplit

from functions.channels.channel import Channel, Outgoing


class Outbox:
    """Keeps every message, and hands on only those to an address on the allow-list, or to a URL
    whose host stands there as `@host`."""

    def __init__(
        self,
        keep: Callable[[Outgoing], None],
        real: Channel | None = None,
        allow_list: frozenset[str] = frozenset(),
    ) -> None:
        self._keep, self._real, self._allowed = keep, real, allow_list

    def send(self, message: Outgoing) -> str:
        """See Channel."""
        if self._real and not self._allowed.isdisjoint(_entries(message.to)):
            return self._real.send(message)
        self._keep(message)
        return f"outbox-{message.send_id}"


def _entries(to: str) -> list[str]:
    """What would have to be on the allow-list."""
    host = urlsplit(to).hostname if to.startswith("https://") else None
    return [to, f"@{host}"] if host else [to]
