"""Waiting for what other processes do: look again and again, up to a deadline."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
AGAIN = 0.25  # seconds


def eventually(
    what: str,
    look: Callable[[], T],
    until: Callable[[T], Any] = bool,
    within: float = 150,
) -> T:
    """The first thing seen that will do. Fails with what was seen instead."""
    deadline = time.monotonic() + within
    seen = look()
    while not until(seen):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within:g} s for {what}; there was only: {seen!r:.2000}")
        time.sleep(AGAIN)
        seen = look()
    return seen
