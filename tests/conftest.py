"""Fixtures that many tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from functions.handlers import wiring
from tests.support.world import World

# How long an example takes says how busy the machine is; what hangs is ended by pytest's timeout.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A running Tante with the shipped journeys."""
    yield World(tmp_path)
    wiring.use(None)
