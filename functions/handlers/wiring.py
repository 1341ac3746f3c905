"""The one place that names what stands behind the handlers: store, queue, workflow, channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from functions.settings import Settings

if TYPE_CHECKING:  # collecting imports this file and must stay light
    from functions.channels.channel import Channel
    from functions.journeys.run import Run
    from functions.journeys.workflow import Machines, Workflow
    from functions.messages.wish import Words
    from functions.storage.library import Library
    from functions.storage.store import Store
    from functions.tracking.source import Source


Less = Callable[[bytes], bytes | None]


def _none_buried(less: Less) -> int:
    return 0


def _no_files(records: bool) -> None:
    pass


def _no_forecast(forecast_id: str) -> None:
    raise RuntimeError("forecasts are not made here")


def _nobody_asks(run: Run, why: str) -> None:
    pass


class Busy(Exception):
    """The queue takes no more for now; the client should come again in `retry_after` seconds."""

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__(f"busy, come again in {retry_after} s")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Parts:
    """Everything a handler may touch.

    send_events(bodies, delay): puts EventBatch bodies on the event queue, to come after `delay`
    seconds (900 at most), raises Busy.
    send_starts(bodies, delay): the same on the paced start queue.
    send_tells(bodies, delay): the same on the queue of what webhooks are to be told.
    kept_out(run, why): is told of whom an occasion would have let in, had a rule not kept them out.
    publisher(order): hands an order of the admin API to the publisher and waits for its answer
    (see handlers/orders.py).
    bury(body, reason): puts a body on the dead-letter queue.
    search_dead(less): goes through what was buried; `less(body)` gives what is to be left of each,
    None for all of it, b"" for nothing. Returns how many were changed.
    forecast(forecast_id): has a forecast made that is kept, without waiting for it.
    scrub(records): has files forget what was deleted from them, as soon as that is possible: those
    of queues, and of records too.
    source(write_key): who sends with this key, None when unknown or revoked.
    words: puts messages into words; None: as they go.
    explains: whether it is noted for whoever asks later why a step decided so, and who agreed to
    what. Nobody does in a forecast.
    made: what was made of just these parts, once.
    """

    settings: Settings
    store: Store
    library: Library
    workflow: Workflow
    machines: Machines
    channels: Mapping[str, Channel]
    now: Callable[[], datetime]
    send_events: Callable[[list[bytes], int], None]
    send_starts: Callable[[list[bytes], int], None]
    send_tells: Callable[[list[bytes], int], None]
    bury: Callable[[bytes, str], None]
    source: Callable[[str], Source | None]
    publisher: Callable[[dict[str, Any]], dict[str, Any]]
    kept_out: Callable[[Run, str], None] = field(default_factory=lambda: _nobody_asks)
    search_dead: Callable[[Less], int] = field(default_factory=lambda: _none_buried)
    forecast: Callable[[str], None] = field(default_factory=lambda: _no_forecast)
    scrub: Callable[[bool], None] = field(default_factory=lambda: _no_files)
    words: Words | None = None
    explains: bool = True
    made: dict[str, Any] = field(default_factory=dict, init=False, compare=False)


_parts: Parts | None = None


def parts() -> Parts:
    """The parts in force: what `use` set, else those of AWS, made at the first call."""
    global _parts
    if _parts is None:
        from functions.handlers.aws import aws_parts

        _parts = aws_parts()
    return _parts


def use(chosen: Parts | None) -> None:
    """Set the parts (one machine, tests)."""
    global _parts
    _parts = chosen
