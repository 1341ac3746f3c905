"""The profile: the one record we keep of what a person is and did."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from functions.tracking.event import Event
from functions.tracking.identity import message_hash
from functions.tracking.referral_record import Referral, Won
from functions.tracking.tally import Tally

_NOTHING = Decimal(0)
MOST_MOVES = 20  # of a person in a model that are kept
# The time at which somebody is due of whom anything may have changed, not by an event alone.
ANEW = datetime(1970, 1, 1, tzinfo=UTC)


class Trait(msgspec.Struct, array_like=True):
    """A trait's value and the event that set it, by the hash of its id.

    The greatest `(time, message_hash)` wins. A whole id would take more room than most values.
    """

    value: Any
    time: datetime
    message_hash: str

    @property
    def said(self) -> tuple[datetime, str]:
        """What decides which of two holds."""
        return self.time, self.message_hash


def newer(before: Trait | None, value: Any, event: Event) -> Trait:
    """Last writer wins by event time; at the same time, the greater hash of the message id."""
    after = Trait(value, event.time, message_hash(event.message_id)[:8])
    return before if before and before.said >= after.said else after


class Seen(msgspec.Struct, array_like=True):
    """How often something happened, first and last."""

    count: int
    first: datetime
    last: datetime


class Order(msgspec.Struct, array_like=True):
    """One order as its events tell, in whatever order they came; amounts without tax, shipping.

    `placed` is the time of Order Completed (None while only a later event is known); `amount`
    was said last at `amount_time` by the event whose id has the hash `amount_hash`, and so were
    `units` bought, what they `cost` us (None: nobody said) and whether the order was `discounted`;
    `refunded` is the sum of partial refunds, `refunded_by_now` the most that an import said of all
    of them together; `imported`: an import has told of it. Small, because they are most of a
    profile.
    """

    order_id: str
    placed: datetime | None = None
    currency: str = ""
    amount: Decimal = Decimal(0)
    amount_time: datetime | None = None
    amount_hash: str = ""
    refunded: Decimal = Decimal(0)
    void: bool = False
    skus: list[str] = []
    units: Decimal = Decimal(0)
    cost: Decimal | None = None
    discounted: bool = False
    refunded_by_now: Decimal | None = None
    imported: bool = False

    @property
    def given_back(self) -> Decimal:
        """How much was refunded: single refunds, or what an import knows of all if that is more."""
        return max(self.refunded, self.refunded_by_now or _NOTHING)

    @property
    def revenue(self) -> Decimal:
        """What the order is worth now: nothing if cancelled or wholly refunded."""
        if self.void or self.placed is None:
            return Decimal(0)
        return max(self.amount - self.given_back, Decimal(0))

    @property
    def margin(self) -> Decimal | None:
        """Revenue less cost, both as far as the order was not given back; None where nobody said
        what it cost, or it does not count."""
        if self.cost is None or not self.counts:
            return None
        kept = self.revenue / self.amount if self.amount else Decimal(1)
        return round(self.revenue - self.cost * kept, 6)

    @property
    def counts(self) -> bool:
        """Whether it counts as an order of the person: not if all of it was given back."""
        is_given_back = self.void or 0 < self.amount <= self.given_back
        return self.placed is not None and not is_given_back


class OrderRow(msgspec.Struct):
    """Orders that no longer fit into the profile, as they were when they left it together.

    `left_at` is the version of the profile with which they left, so one row has one writer. An
    order that came back and left again stands in a later row as well, which is the one that holds.
    """

    person: str
    left_at: int
    orders: list[Order]


class Cart(msgspec.Struct, omit_defaults=True):
    """A cart: units per product (added less removed), until an order closes it."""

    last: datetime
    items: dict[str, float] = {}
    closed: bool = False


class Visit(msgspec.Struct, array_like=True):
    """A page seen or a term searched for."""

    time: datetime
    what: str
    title: str = ""


class Touch(msgspec.Struct, omit_defaults=True):
    """The campaign or referrer that first brought the person."""

    time: datetime
    message_id: str
    campaign: dict[str, str] = {}
    referrer: str = ""


class Company(msgspec.Struct, omit_defaults=True):
    """What a profile keeps of an account (a company) that the person belongs or belonged to.

    `said` is what group calls said of the person there (see `company.MEMBERSHIP`). `joined` is
    when the account took them for a member, `left` when somebody took them out: the later holds.
    `traits` is the copy of the account's own traits, as of its `edition` (0: there is none).
    """

    said: dict[str, Trait] = {}
    joined: datetime | None = None
    left: datetime | None = None
    edition: int = 0
    traits: dict[str, Any] = {}


class Move(msgspec.Struct, array_like=True):
    """A change of stage: when, to which, and why.

    `seen` has what its condition looked at, by the path of a field or by "did" and the name of
    an event (when it was last); `rule` is a hash of the condition as it was then.
    """

    time: datetime
    stage: str
    seen: dict[str, Any] = {}
    rule: str = ""


class Stay(msgspec.Struct, array_like=True):
    """Where a person stands in one model of lifecycle.yaml, and how they came there.

    `place` is the stage's in the file, from 1; `history` keeps the last moves, the latest last.
    """

    place: int = 0
    phase: str = ""
    history: list[Move] = []

    @property
    def stage(self) -> str:
        """The present stage, "" before the first."""
        return self.history[-1].stage if self.history else ""

    @property
    def since(self) -> datetime | None:
        """Since when."""
        return self.history[-1].time if self.history else None


class Visits(msgspec.Struct, array_like=True):
    """How often the person came: the latest visits as (first, last) epoch seconds, oldest first,
    and how many there were before them."""

    earlier: int = 0
    latest: list[tuple[int, int]] = []


class OrderSums(msgspec.Struct, array_like=True):
    """Sums over orders of one currency that count; `costed` of them say what they cost."""

    count: int = 0
    units: Decimal = Decimal(0)
    discounted: int = 0
    costed: int = 0
    margin: Decimal = Decimal(0)


class OlderOrders(msgspec.Struct, omit_defaults=True):
    """Sums over the orders that were moved out of the profile (`moved` of them), and by currency
    over those of them that count."""

    moved: int = 0
    count: int = 0
    revenue: dict[str, Decimal] = {}
    first: datetime | None = None
    last: datetime | None = None
    sums: dict[str, OrderSums] = {}


class Fact(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A change that the rules found, until its event is remembered; see `own_event.told`.

    `person` is the key that the profile had then; `occasion` makes the event's id. `quiet`: it
    follows from an import, and lets nobody in like that.
    """

    person: str
    source: str
    name: str
    occasion: str
    time: datetime
    properties: dict[str, Any] = {}
    quiet: bool = False


class ScorePart(msgspec.Struct, array_like=True, omit_defaults=True):
    """What one rule of scoring.yaml gives a person, told so that nobody needs the rule to read it.

    `points` for whatever it counts; of events it is the tally with the key `tally` (none: it
    counts once). They fade by half in each `half_life` (seconds; 0: never), and the rule gives or
    takes `most` points at most (0: without end).
    """

    points: float
    tally: str = ""
    half_life: int = 0
    most: float = 0


class Score(msgspec.Struct, omit_defaults=True):
    """The rules that count for a person, and the thresholds that they are known to have reached."""

    parts: dict[str, ScorePart] = {}
    reached: list[str] = []


class Profile(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Everything we know of a person. API, command line and journeys call it *person*.

    `moved_to` makes the record a redirect: the person is kept under that key (what else the
    record holds is the state it was frozen in). `merged` lists the keys that lead here; rows
    keep the key they came under. `apart` are the keys of people whom an admin has parted from this
    one: they never become one again. `recent` maps the hash of each remembered message id to its
    client time; `habits` has what the person's own devices tell of them (locale, zone, place);
    `let_go` is the greatest timeline key that was forgotten (see `fold`).
    `referral` is by whose code the person came, `referrals` what their own code has won.
    `points` is what journeys and colleagues have added to the score by hand; `score` has what the
    rules of scoring.yaml give. `stages` has a Stay for each model of lifecycle.yaml, in the order
    of the file. `groups` has the accounts that group calls named, with the time of the last one,
    and `companies` what is known of them.
    `pending` names those of the `recent` whose rows may not be written yet, with the epoch second
    in which they were received; `leaving` likewise the rows of orders that have left.

    What the rules keep (see `segments.keeping`): `tallies` by the keys of what is counted, those
    of nothing left out, complete for the rules with the hash `tallied`; `segments` since when the
    person is in each; `ruled` the hash of the rules by which all of it was last kept; `due` the
    moment at which they are looked at again; `cut` the epoch second of the cut points by which they
    were kept; `outbox` the changes whose events are on their way.

    `erased` is up to when everything of the person was erased, `erasing` while that goes on (see
    `erasure`). Such a record has nothing else until somebody new comes under its key.
    """

    person: str
    version: int = 0
    moved_to: str = ""
    merged: list[str] = []
    apart: list[str] = []
    user_id: str = ""
    anonymous_ids: list[str] = []
    created: datetime | None = None
    traits: dict[str, Trait] = {}
    habits: dict[str, Trait] = {}
    events: dict[str, Seen] = {}
    orders: dict[str, Order] = {}
    older_orders: OlderOrders = msgspec.field(default_factory=OlderOrders)
    carts: dict[str, Cart] = {}
    pages: list[Visit] = []
    searches: list[Visit] = []
    visits: Visits | None = None
    devices: dict[str, Seen] = {}
    groups: dict[str, datetime] = {}
    companies: dict[str, Company] = {}
    first_touch: Touch | None = None
    referral: Referral | None = None
    referrals: Won | None = None
    points: float = 0
    stages: dict[str, Stay] = {}
    score: Score = msgspec.field(default_factory=Score)
    refused: list[str] = []
    recent: dict[str, str] = {}
    let_go: str = ""
    pending: dict[str, int] = {}
    leaving: list[OrderRow] = []
    tallies: dict[str, Tally] = {}
    tallied: str = ""
    segments: dict[str, datetime] = {}
    ruled: str = ""
    due: datetime | None = None
    cut: int = 0
    outbox: list[Fact] = []
    erased: datetime | None = None
    erasing: bool = False

    @property
    def is_gone(self) -> bool:
        """Whether the person was erased, and nobody has come under this key since."""
        return self.erased is not None and self.created is None and not self.moved_to

    @property
    def keys(self) -> list[str]:
        """Every key under which rows of this person may stand, its own first."""
        return [self.person, *self.merged]

    def trait(self, name: str) -> Any:
        """A trait's value, or None."""
        found = self.traits.get(name)
        return found.value if found else None


class TimelineRow(msgspec.Struct):
    """One event in a person's timeline; `key` sorts it, `expires` ends it (epoch seconds); `taken`
    is the version of the profile in which it counted first, or a later one."""

    person: str
    key: str
    event: Event
    expires: int
    taken: int = 0
