"""The outbox: where a message goes that must not reach a real person."""

from collections.abc import Callable

from functions.channels.channel import Channel, Outgoing


class Outbox:
    """Keeps every message, and hands on only those to an address on the allow-list."""

    def __init__(
        self,
        keep: Callable[[Outgoing], None],
        real: Channel | None = None,
        allow_list: frozenset[str] = frozenset(),
    ) -> None:
        self._keep, self._real, self._allowed = keep, real, allow_list

    def send(self, message: Outgoing) -> str:
        """See Channel."""
        if self._real and message.to in self._allowed:
            return self._real.send(message)
        self._keep(message)
        return f"outbox-{message.send_id}"
