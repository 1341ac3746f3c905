"""What learning clusters leaves behind: the model, what is told of it, and what people chose.

They stand apart from what makes them, because the table of kinds loads them wherever it is loaded.
"""

from datetime import datetime

import msgspec

CHOICES_KEY = "clusters chosen"  # no person's key has a space


class Axis(msgspec.Struct, array_like=True):
    """A feature of `behaviour`: its median, and how widely it is spread (both as compared)."""

    name: str
    middle: float
    spread: float


class ClusterModel(msgspec.Struct, kw_only=True):
    """Centres by id, along the axes, as learned at `made`; `given`: so many ids there ever were.

    There are none where there were too few customers.
    """

    made: datetime
    axes: list[Axis] = []
    centres: dict[str, tuple[float, ...]] = {}
    given: int = 0


class Difference(msgspec.Struct, kw_only=True):
    """How a feature sets a cluster apart: inside and outside (medians; of shares means), and the
    standardised difference (Cohen's d) of what is compared."""

    feature: str
    is_share: bool
    inside: float
    outside: float
    difference: float


class Within(msgspec.Struct, kw_only=True):
    """A segment that overlaps: which part of the cluster is in it, and of all other customers."""

    segment: str
    inside: float
    outside: float


class ClusterFigures(msgspec.Struct, kw_only=True):
    """One cluster: its part of the customers, about how many, some ids, what sets it apart most."""

    cluster: str
    share: float
    people: int
    sample: list[str]
    apart: list[Difference]
    segments: list[Within]


class ClusterReport(msgspec.Struct, kw_only=True):
    """What was learned at `made` from `sampled` of so many customers.

    `silhouette`: how distinct they are (-1 to 1). `stability`: the adjusted Rand index to the
    clusters before; None where there were none. `gone`: ids that are no more.
    """

    made: datetime
    customers: int
    sampled: int
    silhouette: float = 0.0
    stability: float | None = None
    clusters: list[ClusterFigures] = []
    gone: list[str] = []


class ClusterChoices(msgspec.Struct, kw_only=True):
    """What marketers chose: names by id, and when they asked to learn anew last."""

    version: int = 0
    names: dict[str, str] = {}
    asked: datetime | None = None


class FirstOrder(msgspec.Struct, array_like=True):
    """Somebody's first order: when (epoch seconds), the seconds until the second, and what was
    known then. Whose it was is not kept."""

    placed: int
    again: int | None = None
    amount: float = 0.0
    currency: str = ""
    coupon: bool = False
    product: str = ""
    category: str = ""
    channel: str = ""
    device: str = ""
    weekday: int = 0


class FirstOrdersPart(msgspec.Struct):
    """A part of the first orders that were learned of last; `expires` ends it (epoch seconds)."""

    number: int
    body: bytes
    expires: int


class Sampled(msgspec.Struct, array_like=True):
    """A customer who was drawn: their behaviour, segments and, unless orders have left the profile,
    their first order."""

    rank: str
    person: str
    known: dict[str, float]
    segments: list[str]
    first: FirstOrder | None = None
