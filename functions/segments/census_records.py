"""What a census leaves behind: the day's cut points and figures, and parts of an interrupted one.

They stand apart from what makes them, because the table of kinds loads them wherever it is loaded.
"""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from functions.segments.buying import Buying
from functions.segments.cluster_records import ClusterModel
from functions.segments.spending import Spending

KEPT_FOR = timedelta(days=400)  # from when they were made


class CensusPart(msgspec.Struct):
    """A part of what an interrupted pass goes on from; `expires` ends it (epoch seconds)."""

    number: int
    body: bytes
    expires: int


class Measure(msgspec.Struct):
    """A field over all people who have it: their number, the mean, and the values that 20, 40, 60
    and 80 % of them do not exceed (nearest rank)."""

    people: int
    mean: Decimal
    quintiles: list[Decimal]


class ValueModel(msgspec.Struct, kw_only=True):
    """What foretells orders and their amounts, by currency; fitted over so many `customers`, of
    whom so many ordered `again`. `why` tells why there is none."""

    customers: int
    again: int
    buying: Buying | None = None
    spending: dict[str, Spending] = {}
    why: str = ""


class Band(msgspec.Struct, kw_only=True):
    """Customers to whom the model gave a probability of ordering from `least` to `most`: how many,
    what it `foretold` on average, the share that `ordered`, and the interval of 95 % of that."""

    least: float
    most: float
    customers: int
    foretold: float
    ordered: float
    low: float
    high: float


class Calibration(msgspec.Struct, kw_only=True):
    """The model as it would have been at the `split`, against the `days` after it, over a sample of
    the customers of that time.

    How many orders it `expected` of them and how many `came`; the mean absolute error for a
    customer and the correlation, and both for the floor, that each orders as often `as_before`.
    `why` tells why it cannot be told.
    """

    split: datetime
    days: int
    customers: int
    expected: float = 0.0
    came: int = 0
    error: float | None = None
    error_as_before: float | None = None
    correlation: float | None = None
    correlation_as_before: float | None = None
    bands: list[Band] = []
    why: str = ""


class Rate(msgspec.Struct, array_like=True):
    """How often messages of a channel are answered, over so many `messages`: people's own rates lie
    around the `mean` as a Beta distribution of that `strength` (messages' worth)."""

    mean: float
    strength: float
    messages: int = 0


class Responding(msgspec.Struct, kw_only=True):
    """How a sample of so many `people` responds: the rate of each channel, and how often they were
    there at each hour of the day where they are (24 numbers)."""

    people: int
    rates: dict[str, Rate] = {}
    hours: list[int] = []


class Cuts(msgspec.Struct, kw_only=True):
    """The cut points as they were `made`, over so many `people`.

    `abc` has, of revenue and of margin, the least amount of an A and of a B; `recency` the times of
    the last order before or at which 20, 40, 60 and 80 % of the customers ordered last; `value`
    what their next orders are foretold by. `clusters` are as they were learned last, at most a week
    before. `responding` is there where a journey asks for the best channel or the best time.
    """

    made: datetime
    people: int
    measures: dict[str, Measure] = {}
    abc: dict[str, tuple[Decimal, Decimal]] = {}
    recency: list[datetime] = []
    value: ValueModel | None = None
    clusters: ClusterModel | None = None
    responding: Responding | None = None


class Apart(msgspec.Struct, kw_only=True):
    """How a number tells a segment from the rest: means, eta squared, standardised difference."""

    number: str
    is_share: bool
    inside: float
    outside: float
    eta_squared: float
    difference: float


class Overlap(msgspec.Struct, kw_only=True):
    """Two segments: how many are in both, as a part of who is in either (Jaccard), and as parts of
    the first and of the second."""

    first: str
    second: str
    both: int
    jaccard: float
    of_first: float
    of_second: float


class SegmentFigures(msgspec.Struct, kw_only=True):
    """One segment: its people, their part of everybody, some ids, and what sets it apart most."""

    name: str
    count: int
    share: float
    sample: list[str]
    apart: list[Apart]


class Figures(msgspec.Struct, kw_only=True):
    """The figures of all segments as they were `made`, over so many `people`, and how well the
    model of what customers are worth foretold their orders."""

    made: datetime
    people: int
    segments: list[SegmentFigures] = []
    overlaps: list[Overlap] = []
    calibration: Calibration | None = None


class ReferralFigures(msgspec.Struct, kw_only=True):
    """Customers who won customers, as they were `made`: by day the new customers
    and those who were referred; how many won how many, worth how much by currency; and the keys of
    those who won most."""

    made: datetime
    days: dict[str, tuple[int, int]] = {}
    referrers: int = 0
    won: int = 0
    worth: dict[str, Decimal] = {}
    top: list[str] = []
