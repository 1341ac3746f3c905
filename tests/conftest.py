"""Fixtures that many tests share."""

import gc
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.loaders
import botocore.session
import pytest
import typer.testing
from hypothesis import HealthCheck, settings

# Read where a logger is made. A test has thousands of lines of what went well.
os.environ["POWERTOOLS_LOG_LEVEL"] = "WARNING"

from functions.handlers import wiring
from local import queue, sqlite_store
from tests.support.world import World

# The tree of all commands is the same each time.
typer.testing._get_command = cache(typer.testing._get_command)

# And so is what AWS has, which each client would read anew.
botocore.session.create_loader = cache(botocore.loaders.create_loader)

# No test cuts the power, so nothing need be on the disk: to make four files of a world and wait for
# each takes longer than most tests.
_AT_ONCE, _LATER = "synchronous = NORMAL", "synchronous = OFF"
assert _AT_ONCE in queue._TABLES
assert _AT_ONCE in sqlite_store._SETTINGS
queue._TABLES = f"PRAGMA {_LATER};{queue._TABLES.replace(_AT_ONCE, _LATER)}"
sqlite_store._SETTINGS = f"PRAGMA {_LATER};{sqlite_store._SETTINGS.replace(_AT_ONCE, _LATER)}"

# How long an example takes says how busy the machine is; what hangs is ended by pytest's timeout.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_collection_finish() -> None:
    """What stands here now stays to the end: the collector need not look at it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # else DuckDB complains at the end that somebody still holds it


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A running Tante with the shipped journeys."""
    yield World(tmp_path)
    wiring.use(None)
