"""A forecast that the admin API of this machine was asked for, in a process of its own."""

import multiprocessing
from pathlib import Path

from functions.handlers import forecast_journey
from functions.handlers.forecast_journey import Ground
from local.clock import Clock
from local.keys import open_keys
from local.sqlite_store import SqliteStore
from local.whereabouts import REGION


def begin(data: Path, forecast_id: str) -> None:
    """Begin to make it; the worker and the server go on meanwhile."""
    # Spawned, for this process has threads and connections, which a fork would share.
    context = multiprocessing.get_context("spawn")
    context.Process(target=make, args=(data, forecast_id), daemon=True).start()


def make(data: Path, forecast_id: str) -> None:
    """Make it here, on the data of this folder."""
    keys, _ = open_keys(data / "keys.json")
    clock, store = Clock(data / "clock.json"), SqliteStore(data / "tante.db")
    key = bytes.fromhex(keys.identity_key)
    forecast_journey.make(Ground(store, key, clock.now, REGION), forecast_id)
