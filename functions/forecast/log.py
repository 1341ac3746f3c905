"""The log of a forecast: what happened to some people, in the records that the system itself keeps.

A log of the real system has the same form, so that the two can be compared.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from functions.journeys.run import Run, Task
from functions.tracking.event import Event
from functions.tracking.message import Message

KNOWN_FOR = timedelta(days=90)


class Seen(NamedTuple):
    """A run came into a state of its machine."""

    time: datetime
    journey: str
    run_id: str
    state: str


class KeptOut(NamedTuple):
    """Somebody whom an occasion would have let into a journey, had a rule not kept them out."""

    time: datetime
    journey: str
    person: str
    why: str


class Log(msgspec.Struct, kw_only=True):
    """What happened to some people between two moments.

    `people` is how many they are, `newcomers` the keys of those who come new, `before` how many
    runs of each journey began in the KNOWN_FOR before, where the people's records know that.
    `events` are those that came (a replay's) or were drawn: opens, clicks, orders, each with its
    `person`; what our own steps and rules told is not among them.
    `texts` are text messages by journey and country, in parts. `transitions` and `calls` (of
    run_step) are what Step Functions and Lambda bill.
    """

    people: int = 0
    newcomers: frozenset[str] = frozenset()
    before: dict[str, int] = {}
    runs: list[Run] = []
    messages: list[Message] = []
    tasks: list[Task] = []
    kept_out: list[KeptOut] = []
    seen: list[Seen] = []
    events: list[Event] = []
    texts: dict[str, dict[str, int]] = {}
    transitions: int = 0
    calls: int = 0
