"""Virtual time and the strands that take turns in it: no threads, no clock but its own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Any

from greenlet import getcurrent, greenlet

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
MICROSECONDS = 1_000_000
MICROSECOND = timedelta(microseconds=1)


def us(length: timedelta | float) -> int:
    """A length (a float means seconds) in microseconds."""
    if isinstance(length, timedelta):
        return length // MICROSECOND
    return int(length * MICROSECONDS)


class Loop:
    """What is due when; `time` counts microseconds since START, `current` is who works now."""

    def __init__(self) -> None:
        self.time = 0
        self.until = 0
        self.current: Any = None
        self._main = getcurrent()
        self._heap: list[tuple[int, int, Callable[[], Any]]] = []
        self._seq = 0

    @property
    def now(self) -> datetime:
        """The true time."""
        return START + timedelta(microseconds=self.time)

    def at(self, time: int, act: Callable[[], Any]) -> None:
        """Do something at a time; what is due at the same time goes in the order of asking."""
        self._seq += 1
        heappush(self._heap, (max(time, self.time), self._seq, act))

    def after(self, seconds: float, act: Callable[[], Any]) -> None:
        """Do something after so many seconds."""
        self.at(self.time + us(seconds), act)

    def run(self, until: int) -> None:
        """Do all that falls due up to a time, then stand there."""
        self.until = until
        while self._heap and self._heap[0][0] <= until:
            due, _, act = heappop(self._heap)
            self.time = max(self.time, due)
            act()
        self.time = max(self.time, until)

    def pause(self, length: int) -> None:
        """Let the current strand rest; others go on meanwhile."""
        target = self.time + length
        if target <= self.until and (not self._heap or self._heap[0][0] > target):
            self.time = target  # nobody else is due before: no need to change places
            return
        strand = self.current
        self.at(target, strand.resume)
        self._main.switch()

    def park(self) -> None:
        """Let the current strand rest until somebody resumes it."""
        self._main.switch()


class Strand:
    """Work that can be suspended at any call; `resume` only from the loop itself."""

    def __init__(self, loop: Loop, work: Callable[[], None]) -> None:
        self.loop = loop
        self._greenlet = greenlet(work)

    def resume(self) -> None:
        """Go on where it was suspended."""
        self.loop.current, before = self, self.loop.current
        try:
            self._greenlet.switch()
        finally:
            self.loop.current = before
