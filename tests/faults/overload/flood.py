"""A flood of events into the real local system, in bounded memory."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any
from unittest.mock import patch

from functions.handlers import collect_event, process_event
from functions.storage import people, remember
from functions.tracking.event import EventBatch
from functions.tracking.profile import Profile
from local.system import System
from tests.faults.outside import request
from tests.faults.overload.load import Found, peak, tally
from tests.faults.trial import quiet
from tests.support.world import JOURNEYS

CALL = {
    "type": "track",
    "event": "Product Viewed",
    "properties": {
        "product_id": "1234",
        "name": "Espresso machine with a grinder",
        "category": "kitchen",
        "price": 249.0,
        "url": "https://shop.example.com/kitchen/espresso-machine-with-a-grinder",
    },
    "context": {"library": {"name": "analytics-python", "version": "2.4.0"}, "locale": "de-DE"},
}
NOON = "2027-03-01T12:00:00Z"
FIRST = 1000  # events before the memory is measured: by then everything is imported
# MB, however many events: SQLite keeps 64 MB of pages for the worker's thread, and as much again
# as half of that is for what is under way, of which a round of a thousand events takes some 3 MB.
MOST_GROWTH = 96
EACH = 10  # events of a person, in requests of a hundred; every twentieth request comes twice


def flood(events: int = 10_000, bug: str = "") -> Found:
    """So many events at once through collect_event into the local queue, while its worker does
    what is there. In a process of its own, which tells its memory."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(flood_here, (events, bug))


def flood_here(events: int, bug: str) -> Found:
    """The same in this process."""
    found = Found(f"{events:,} events at once, on one machine", events)
    with TemporaryDirectory() as folder, quiet(), FLOOD_BUGS[bug]():
        system = System(Path(folder), JOURNEYS, "http://127.0.0.1:8000")
        system.publish()
        with system.running():
            _pour(system, range(FIRST))
            before = peak()
            began = perf_counter()
            requests = _pour(system, range(FIRST, FIRST + events))
            seconds = perf_counter() - began
        growth = peak() - before
        found.must(growth < MOST_GROWTH, f"{growth:.0f} MB more memory")
        found.notes = {"events/s": f"{events / seconds:,.0f}", "growth": f"{growth:.0f} MB"}
        found.peak, found.seconds = peak(), seconds
        found.calls, found.usual = requests, -(-events // 100)
        _count_flood(system, found, FIRST + events)
    return found.judge()


def _pour(system: System, numbers: range) -> int:
    """Send them; return how many requests that took when all are done."""
    firsts = range(numbers.start, numbers.stop, 100)
    for first in (*firsts, *firsts[::20]):
        calls = [
            {**CALL, "userId": f"u{number // EACH}", "messageId": f"m{number}", "timestamp": NOON}
            for number in range(first, min(first + 100, numbers.stop))
        ]
        body = {"writeKey": system.keys.write_key, "batch": calls}
        answer = collect_event.handler(request("POST", "/v1/batch", body), None)
        assert answer["statusCode"] == 200, answer
    while system.queue.size():
        sleep(0.01)
    return len(firsts) + len(firsts[::20])


def _count_flood(system: System, found: Found, events: int) -> None:
    finder = people.People(system.store, system.parts.settings.identity_key)
    for number in range(0, events, EACH):
        profile = finder.by("user_id", f"u{number // EACH}") or Profile(person="nobody")
        ids = {f"m{one}" for one in range(number, min(number + EACH, events))}
        lost, double = tally(system.store, profile, ids)
        found.lost, found.double = found.lost + lost, found.double + double
    found.dead.update(reason for _, reason, _ in system.queue.dead())


def _hoard() -> Any:
    """The worker keeps every batch that it has read."""
    real, kept = process_event.read, []

    def read(*asked: Any) -> EventBatch:
        kept.append(real(*asked))
        return kept[-1]

    return patch.object(process_event, "read", read)


def _no_dedupe() -> Any:
    """An event that is known already counts again."""
    return patch.object(remember, "known", lambda profile, event: False)


FLOOD_BUGS: Mapping[str, Callable[[], Any]] = {
    "": ExitStack,
    "hoard": _hoard,
    "no dedupe": _no_dedupe,
}
