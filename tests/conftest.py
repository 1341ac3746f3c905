"""Fixtures that many tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.handlers import wiring
from tests.support.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A running Tante with the shipped journeys."""
    yield World(tmp_path)
    wiring.use(None)
