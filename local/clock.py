"""The clock of one machine: it runs fast or slow, pauses, jumps, and goes on after a restart."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

FASTEST = 30 * 86_400.0  # a month a second


class Setting(msgspec.Struct):
    """At the real moment `real` it showed `shown`; since then it runs at `speed`."""

    real: datetime
    shown: datetime
    speed: float = 1.0


class Clock:
    """Time for the whole system. Safe to read and set from several threads."""

    def __init__(self, file: Path, start: datetime | None = None) -> None:
        self._file, self._lock = file, threading.Lock()
        now = datetime.now(UTC)
        if file.exists():
            self._setting = msgspec.json.decode(file.read_bytes(), type=Setting)
        else:
            # A clock that starts in another year stands still until somebody moves it.
            self._setting = Setting(now, start or now, 0.0 if start else 1.0)
            self._save()

    def now(self) -> datetime:
        """The time shown."""
        setting = self._setting
        return setting.shown + (datetime.now(UTC) - setting.real) * setting.speed

    @property
    def speed(self) -> float:
        """Seconds shown for one real second; 0 when it is paused."""
        return self._setting.speed

    def run(self, speed: float) -> None:
        """Run at this speed from now on. Raises ValueError."""
        if not 0 <= speed <= FASTEST:
            raise ValueError(f"the speed is a number from 0 (paused) to {FASTEST:.0f}")
        self._set(lambda now: Setting(datetime.now(UTC), now, speed))

    def move_to(self, moment: datetime, keep: bool = True) -> None:
        """Jump to a later moment; an earlier one changes nothing."""
        self._set(lambda now: Setting(datetime.now(UTC), max(now, moment), self.speed), keep)

    def _set(self, change: Callable[[datetime], Setting], keep: bool = True) -> None:
        with self._lock:
            self._setting = change(self.now())
            if keep:
                self._save()

    def _save(self) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(self._setting))
        fresh.replace(self._file)


def in_real_time(length: timedelta, speed: float) -> float:
    """How many real seconds pass while the clock shows this length."""
    return length.total_seconds() / speed if speed else float("inf")
