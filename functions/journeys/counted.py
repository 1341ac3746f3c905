"""What a journey used in a month, counted as it goes: exactly while it is little, then by sample.

Whoever counts adds `weight` for one of so many, chosen by a hash, so the sum is right on average
and a write is spared for all the others. What was counted exactly, and text messages, which are
dear, have no error; the rest has that of `spread`.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import sqrt

import msgspec

from functions.tracking.identity import short_hash

SHARDS = 4
EXACTLY = 1_000  # steps and ends of a journey and month, over all shards
ONE_OF = 16  # is counted after that
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
KEPT_FOR = timedelta(days=800)  # two years and a bit, so that a month has last year's beside it


class Counted(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a journey used in a month ("2027-01", UTC, of the stage's clock); one of SHARDS.

    `steps` are calls of run_step, by step; `waits` those that registered one; `mails` went to the
    provider; `texts` are parts of text messages by country ("" where nobody knows), `messages` how
    many messages of all channels; `ended` runs.
    """

    journey: str
    month: str
    shard: int = 0
    version: int = 0
    steps: dict[str, int] = {}
    waits: int = 0
    mails: int = 0
    texts: dict[str, int] = {}
    messages: int = 0
    ended: int = 0

    @property
    def key(self) -> str:
        """Where it stands below its journey."""
        return f"{self.month}/{self.shard}"

    @property
    def expires(self) -> int:
        """Epoch seconds."""
        return int((begin_of(self.month) + KEPT_FOR).timestamp())

    @property
    def events(self) -> int:
        """Everything that was counted by weight."""
        return sum(self.steps.values()) + self.ended

    @property
    def weight(self) -> int:
        """For how many the next one stands that is counted."""
        return 1 if self.events < EXACTLY // SHARDS else ONE_OF


class Used(msgspec.Struct, kw_only=True, frozen=True):
    """What one step used: its name, whether it registered a wait, and what it sent; no `step`: a
    run has ended."""

    step: str = ""
    waits: int = 0
    mails: int = 0
    texts: Mapping[str, int] = {}
    messages: int = 0


def counted_key(journey: str) -> str:
    """The partition of a journey's counts."""
    return f"counted {journey}"


def month_of(time: datetime) -> str:
    """The month of a time, as it is counted."""
    return f"{time.astimezone(UTC):%Y-%m}"


def begin_of(month: str) -> datetime:
    """The first moment of a month. Raises ValueError unless it is one, like "2027-01"."""
    if not _MONTH.fullmatch(month):
        raise ValueError(f'"{month[:20]}" is no month; one is written like "2027-01"')
    return datetime.fromisoformat(f"{month}-01T00:00:00+00:00")


def end_of(month: str) -> datetime:
    """The first moment of the month after."""
    later = begin_of(month) + timedelta(days=31)
    return later.replace(day=1)


def is_chosen(weight: int, *names: str) -> bool:
    """Whether what has these names is the one of `weight` that is counted."""
    return weight == 1 or int(short_hash("counted", *names)[:8], 16) % weight == 0


def shard_of(*names: str) -> int:
    """A shard, the same for the same names."""
    return int(short_hash(*names)[:4], 16) % SHARDS


def add(row: Counted, used: Used, weight: int) -> None:
    """Count what one step used, `weight` times; 0: it was not chosen, and texts alone count."""
    for country, parts in used.texts.items():
        row.texts = {**row.texts, country: row.texts.get(country, 0) + parts}
    if used.step:
        row.steps = {**row.steps, used.step: row.steps.get(used.step, 0) + weight}
    else:
        row.ended += weight
    row.waits += used.waits * weight
    row.mails += used.mails * weight
    row.messages += used.messages * weight


def total(rows: list[Counted], journey: str, month: str) -> Counted:
    """All shards as one."""
    found = Counted(journey=journey, month=month)
    for row in rows:
        for step, count in row.steps.items():
            found.steps[step] = found.steps.get(step, 0) + count
        for country, parts in row.texts.items():
            found.texts[country] = found.texts.get(country, 0) + parts
        found.waits += row.waits
        found.mails += row.mails
        found.messages += row.messages
        found.ended += row.ended
    return found


def spread(row: Counted) -> float:
    """By which share the counts may be off, in 19 of 20 months: two standard errors of a sum of
    which each beyond the first EXACTLY was counted ONE_OF times or not at all."""
    sampled = max(0, row.events - EXACTLY)
    return 2 * sqrt((ONE_OF - 1) * sampled) / row.events if sampled else 0.0
