"""What a census leaves behind: the day's cut points and figures, and parts of an interrupted one.

They stand apart from what makes them, because the table of kinds loads them wherever it is loaded.
"""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from functions.segments.cluster_records import ClusterModel

KEPT_FOR = timedelta(days=400)


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


class Cuts(msgspec.Struct, kw_only=True):
    """The cut points as they were `made`, over so many `people`.

    `abc` has, of revenue and of margin, the least amount of an A and of a B; `recency` the times of
    the last order before or at which 20, 40, 60 and 80 % of the customers ordered last. `clusters`
    are as they were learned last, at most a week before.
    """

    made: datetime
    people: int
    measures: dict[str, Measure] = {}
    abc: dict[str, tuple[Decimal, Decimal]] = {}
    recency: list[datetime] = []
    clusters: ClusterModel | None = None

    @property
    def key(self) -> str:
        """When, as text that sorts like it."""
        return self.made.isoformat(timespec="microseconds")

    @property
    def expires(self) -> int:
        """Epoch seconds."""
        return int((self.made + KEPT_FOR).timestamp())


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
    """The figures of all segments as they were `made`, over so many `people`."""

    made: datetime
    people: int
    segments: list[SegmentFigures] = []
    overlaps: list[Overlap] = []

    @property
    def key(self) -> str:
        """When, as text that sorts like it."""
        return self.made.isoformat(timespec="microseconds")

    @property
    def expires(self) -> int:
        """Epoch seconds."""
        return int((self.made + KEPT_FOR).timestamp())
