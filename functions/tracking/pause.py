"""A pause: a provider of a channel has asked us to wait, and everybody does."""

from datetime import datetime, timedelta

import msgspec

LONGEST = 3600.0  # seconds, unless the provider itself asks for more
SOON = 2.0  # a refusal within so many pauses after the last one makes the next twice as long


class Counts(msgspec.Struct, array_like=True):
    """How many mails went, bounced for good, and were marked as spam."""

    sent: int = 0
    bounced: int = 0
    complained: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(
            self.sent + other.sent,
            self.bounced + other.bounced,
            self.complained + other.complained,
        )

    def minus(self, other: "Counts") -> "Counts":
        """This without the other, never less than none."""
        return Counts(
            max(0, self.sent - other.sent),
            max(0, self.bounced - other.bounced),
            max(0, self.complained - other.complained),
        )


class Stop(msgspec.Struct, array_like=True):
    """Messages of a campaign or to a domain go no more: until a person resumes it, or for `hours`
    until then."""

    since: datetime
    why: str
    until: datetime | None = None
    hours: int = 0

    def is_on(self, now: datetime) -> bool:
        """Whether it holds messages back."""
        return self.until is None or now < self.until


class Cleared(msgspec.Struct, array_like=True):
    """What was counted until some moment of an hour counts no more; `counts` are that hour's."""

    hour: str
    counts: Counts


class Pause(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One for each channel, shared by all runs; `seconds` is the length of the last pause. `stops`
    and `cleared` are the breaker's, by campaign or domain."""

    channel: str
    version: int = 0
    until: datetime | None = None
    seconds: float = 0.0
    stops: dict[str, Stop] = {}
    cleared: dict[str, Cleared] = {}


def pause_key(channel: str) -> str:
    """The partition in which a channel's pause stands."""
    return f"channel {channel}"


def extend(pause: Pause, now: datetime, asked: float) -> bool:
    """Begin a pause of `asked` seconds, or twice the last one if that did not help.

    False when one is under way, which somebody else has begun.
    """
    if pause.until and now < pause.until:
        return False
    again = pause.until and now < pause.until + timedelta(seconds=SOON * pause.seconds)
    pause.seconds = max(asked, min(LONGEST, 2 * pause.seconds)) if again else asked
    pause.until = now + timedelta(seconds=pause.seconds)
    return True


def turn(pause: Pause | None, now: datetime, spread: float) -> datetime | None:
    """When something that waits has its turn (None: now): after the pause, over as long a time
    again, at the part of it that `spread` (0 to 1) says, so that not all come at once."""
    if pause is None or pause.until is None or pause.until <= now:
        return None
    return pause.until + timedelta(seconds=spread * pause.seconds)
