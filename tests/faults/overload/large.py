"""All scenarios, large, each to be run in a process of its own."""

from collections.abc import Callable
from time import perf_counter

from rich.console import Console
from rich.progress import Progress

from tests.faults.overload.bounces import bounce_storm
from tests.faults.overload.duplicates import duplicates
from tests.faults.overload.flood import flood_here
from tests.faults.overload.hot import hot_person
from tests.faults.overload.load import Found, peak
from tests.faults.overload.provider import refusing_provider
from tests.faults.overload.records import bad_records
from tests.faults.overload.throttle import throttled_store

LARGE: dict[str, Callable[[], Found]] = {
    "records": lambda: bad_records(100),
    "throttle": lambda: throttled_store(3000, runs=200),
    "half": lambda: throttled_store(3000, 0.5, runs=200),
    "454": lambda: refusing_provider(2000),
    "454-at-once": lambda: refusing_provider(100, at_once=True),
    "bounces": lambda: bounce_storm(1000),
    "hot": lambda: hot_person(5000, 500),
    "flood": lambda: flood_here(100_000, ""),
    "duplicates": lambda: _with_progress(1_000_000),
}


def _with_progress(deliveries: int) -> Found:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("duplicates", total=deliveries)
        return duplicates(deliveries, tick=lambda done: progress.update(task, advance=done))


def measured(name: str) -> Found:
    began = perf_counter()
    found = LARGE[name]()
    found.seconds = found.seconds or perf_counter() - began
    found.peak = found.peak or peak()
    return found
