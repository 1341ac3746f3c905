"""The report of a forecast: what a program reads as JSON and people as tables and charts."""

from datetime import datetime
from typing import Literal

import msgspec

Number = int | float
Counts = dict[str, int]
Mode = Literal["replay", "expect", "generated"]
WAITS, NOT_SENT, FAILED, LATER = "still waits", "not sent", "failed", "went later"


class Range(msgspec.Struct, frozen=True):
    """A figure over repeated draws: at least eight of ten draws lie from `low` to `high`; `likely`
    is that of the middle draw. Of one draw alone all three are the same."""

    low: Number
    likely: Number
    high: Number


NOTHING = Range(0, 0, 0)


class About(msgspec.Struct, kw_only=True):
    """What was forecast: these journeys (`journeys`; others that are live run beside them), from
    when until when, how, by which seed. `matching` is how many people there are of whom a sample
    was looked at (None: all were). Whoever came in the last `newcomers_of` days comes once more
    (0: nobody comes new)."""

    journeys: list[str]
    begin: datetime
    until: datetime
    mode: Mode = "expect"
    seed: str = ""
    matching: int | None = None
    newcomers_of: int = 0


class Limits(msgspec.Struct, kw_only=True):
    """What is warned of: more than `a_week` messages to one person in seven days, and more than the
    providers take: mails a second and a day (SES's sending rate and quota), text messages a
    second. None is not looked at."""

    a_week: int = 3
    mails_a_second: float | None = None
    mails_a_day: int | None = None
    texts_a_second: float | None = None


class StepReport(msgspec.Struct, kw_only=True):
    """A step on the map. `came` = on + left + there; `ways` has to which step they went on ("" is
    the journey's end), `left` those who left the journey here, by outcome. `median` and `ninth` (of
    ten) are seconds at the step, to 4 %; None where nobody has gone on."""

    step: str
    verb: str
    says: str
    depth: int
    when: str
    message: str
    came: Range
    on: int
    ways: Counts
    left: Counts
    there: int
    median: int | None
    ninth: int | None


class MessageReport(msgspec.Struct, kw_only=True):
    """A message on a channel. `days` has how many by day and state; of those that did not go, or
    went later, the reasons. Orders and revenue (by currency) are credited by the report's rule."""

    journey: str
    message: str
    channel: str
    wanted: Range
    sent: Range
    opened: Range
    clicked: Range
    orders: Range
    revenue: dict[str, Range]
    days: dict[str, Counts]
    why: dict[str, Counts]


class JourneyReport(msgspec.Struct, kw_only=True):
    """A journey: who entered by day, and how many in the 90 days before (0: perhaps not known), how
    runs ended ("" is under way), the map, what is billed. Of the `people` who entered `newcomers`
    were not known before."""

    journey: str
    title: str
    asked: bool
    runs: Range
    people: Range
    held_out: Range
    goals: Range
    kept_out: Counts
    entered: Counts
    before: int
    outcomes: dict[str, Range]
    steps: list[StepReport]
    messages: list[MessageReport]
    tasks: dict[str, Counts]
    transitions: Range
    calls: Range
    newcomers: Range = NOTHING


class HeldBack(msgspec.Struct, kw_only=True):
    """How many messages did not go, or went later, and why."""

    what: str
    reason: str
    messages: Range


class Peak(msgspec.Struct, kw_only=True):
    """The most messages of a channel in a minute, an hour and a day, and when that is."""

    channel: str
    in_minute: int
    minute: datetime
    in_hour: int
    hour: datetime
    in_day: int
    day: str


class CostLine(msgspec.Struct, kw_only=True):
    """A part of the bill: so much of a unit, and the dollars."""

    part: str
    amount: Number
    unit: str
    dollars: Range


class Cost(msgspec.Struct, kw_only=True):
    """What it costs in AWS by list prices of a region, with what the plain design of the same
    journeys would cost beside it."""

    region: str
    dated: str
    lines: list[CostLine]
    dollars: Range
    per_participant: Range
    plain: Range | None = None


class Caution(msgspec.Struct, kw_only=True):
    """What somebody should look at before publishing; `kind` is for programs."""

    kind: str
    says: str


class Report(msgspec.Struct, kw_only=True):
    """What a journey would do. `says` are its sentences, the most important first. Of the `people`
    so many `newcomers` are not known when it begins. `sent`,
    `opened` and `clicked` are by channel, `days` messages sent by channel and day. `busiest` has
    how many people get at most so many messages in any seven days; `too_many` are those who get
    more than the limit, `examples` some of them by key. Days are of the time zone `zone`."""

    about: About
    limits: Limits
    zone: str
    draws: int
    scale: float
    people: int
    says: list[str]
    warnings: list[Caution]
    journeys: list[JourneyReport]
    sent: dict[str, Range]
    opened: dict[str, Range]
    clicked: dict[str, Range]
    orders: Range
    revenue: dict[str, Range]
    all_orders: Range
    rule: str
    days: dict[str, Counts]
    held_back: list[HeldBack]
    peaks: list[Peak]
    busiest: dict[int, int]
    too_many: Range
    examples: list[str]
    cost: Cost | None = None
    newcomers: Range = NOTHING


def as_json(report: Report) -> bytes:
    """The report as JSON; its counts stand in the order of their names, so that the same draws give
    the same bytes."""
    return msgspec.json.encode(report)
