"""The table of kinds: for every record, where it is kept, under which key, and how it is listed.

All records of one person in the table "people" share a partition, so that erasing and exporting
find them in one place. At most one listing holds a record; its name is "" unless the kind is
`named`, and the text beside it sorts it (the newest has the greatest).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Literal

from functions.codes.records import CodePart, IssuedCode, codes_key
from functions.doors.records import Act, AskedNumbers, Pace, SecretKey, Session, month_of
from functions.forecast.record import Forecast
from functions.forecast.record import partition_of as forecast_key
from functions.journeys.counted import Counted, counted_key
from functions.journeys.run import Decision, Draft, JourneyVersion, Run, Task, Waits
from functions.journeys.standing import Backfill, Standing, Sweep, Taken, shard
from functions.products.product import LearnedPart, Product, product_key
from functions.sales.records import Deal, Lead, Note
from functions.segments.census_records import CensusPart, Cuts, Figures, ReferralFigures
from functions.segments.cluster_records import (
    CHOICES_KEY,
    ClusterChoices,
    ClusterReport,
    FirstOrdersPart,
)
from functions.tracking.account import Account, Member, account_key
from functions.tracking.breaker import Bucket, bucket_key
from functions.tracking.erasure import Erasure, erasure_key
from functions.tracking.evidence import Evidence
from functions.tracking.merge_record import Before, Merge
from functions.tracking.message import Kept, Message
from functions.tracking.pause import Pause, pause_key
from functions.tracking.permission import Permission, take_in
from functions.tracking.profile import OrderRow, Profile, TimelineRow
from functions.tracking.referral_record import ReferralCode, referral_key
from functions.tracking.short_link import ShortLink
from functions.tracking.sign_up import SignUp
from functions.tracking.source import Source
from functions.tracking.suppressed import Suppressed, partition_of

Table = Literal["people", "timeline", "catalogue"]
TABLES: tuple[Table, ...] = ("people", "timeline", "catalogue")
LISTED_TABLES: frozenset[Table] = frozenset({"people", "catalogue"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record.

    `prefix` begins its sort keys; without `sort` there is one record in a partition. `listing`
    gives name and sort text, None for a record that stands in no listing. `versioned` records are
    changed by compare-and-set. `expires` gives epoch seconds, after which the row goes. `takes_in`
    the words of `Store.say`, where any may be said; `moved` tells where such a record has gone.
    """

    table: Table
    prefix: str
    partition: Callable[[Any], str]
    sort: Callable[[Any], str] | None = None
    listing: Callable[[Any], tuple[str, str] | None] | None = None
    named: bool = False
    versioned: bool = True
    expires: Callable[[Any], int] | None = None
    takes_in: Callable[[Any, Iterable[str]], None] | None = None
    moved: Callable[[Any], str] | None = None

    @property
    def head(self) -> str:
        """What every sort key of this kind begins with."""
        return f"{self.prefix}#" if self.sort else self.prefix

    @property
    def is_of_person(self) -> bool:
        """Whether the partition is the key of the person whom the record is about."""
        return self.partition is _person


_person = attrgetter("person")


def sortable(time: datetime | None) -> str:
    """A time as text that sorts like it (no time comes first)."""
    return time.astimezone(UTC).isoformat(timespec="microseconds") if time else ""


MOST_LETTERS = 60  # of a name by which something is listed


def alphabetical(name: str) -> str:
    """A name as text that sorts the other way round, so that a listing begins with A."""
    text = name.casefold().replace("\0", "\1").encode()[:MOST_LETTERS] + b"\0"
    return bytes(255 - byte for byte in text).hex()


def _person_listing(profile: Profile) -> tuple[str, str] | None:
    redirected = profile.moved_to or profile.created is None
    return None if redirected else ("", sortable(profile.created))


def listed_under(text: str) -> str:
    """A name of somebody outside as that of a listing."""
    return text.replace("#", " ")[:100].strip() or "nobody"


_AGAINST_TIME = str.maketrans("0123456789", "9876543210")


def _task_listing(task: Task) -> tuple[str, str]:
    """By owner: the open ones first, of those the one that is due soonest, without a day last."""
    last = task.finished or task.created
    place = sortable(last) if task.status == "done" else sortable(task.due).translate(_AGAINST_TIME)
    return listed_under(task.owner), f"{task.status} {place}"


KINDS: dict[type[Any], Kind] = {
    Profile: Kind("people", "profile", _person, listing=_person_listing),
    Permission: Kind(
        "people", "permission", _person, takes_in=take_in, moved=attrgetter("moved_to")
    ),
    Merge: Kind("people", "merge", _person, sort=attrgetter("merge_id")),
    Before: Kind(
        "people", "before", _person, sort=attrgetter("merge_id"), expires=attrgetter("expires")
    ),
    Run: Kind(
        "people",
        "run",
        _person,
        sort=lambda run: f"{run.journey}/{run.run_id}",
        # Those under way come first, so that a sweep need not look at the others.
        listing=lambda run: (run.journey, f"{run.status} {sortable(run.entered)}"),
        named=True,
    ),
    Waits: Kind(
        "people",
        "waits",
        _person,
        sort=lambda waits: f"{waits.journey}/{waits.run_id}",
        expires=attrgetter("expires"),
    ),
    Decision: Kind(
        "people",
        "decision",
        _person,
        sort=attrgetter("key"),
        versioned=False,
        expires=attrgetter("expires"),
    ),
    Standing: Kind(
        "people",
        "standing",
        _person,
        # Sparse: only who is to be looked at; in shards, for at nine many are.
        listing=lambda one: (shard(one.person), sortable(one.next)) if one.next else None,
        named=True,
    ),
    # Beside the people, because who lets them in may write there and nowhere else.
    Sweep: Kind("people", "sweep", attrgetter("journey")),
    Backfill: Kind("people", "backfill", attrgetter("name")),
    Taken: Kind(
        "people",
        "taken",
        attrgetter("journey"),
        sort=lambda taken: taken.hour.isoformat(),
        expires=attrgetter("expires"),
    ),
    # Beside the people, because who runs steps may write there and nowhere else.
    Counted: Kind(
        "people",
        "counted",
        lambda counted: counted_key(counted.journey),
        sort=attrgetter("key"),
        expires=attrgetter("expires"),
    ),
    Message: Kind(
        "people",
        "message",
        _person,
        sort=attrgetter("key"),
        # Sparse: only what a sweep must look at costs an entry.
        listing=lambda row: ("", sortable(row.claimed)) if row.state == "unknown" else None,
    ),
    ShortLink: Kind(
        "people",
        "link",
        _person,
        sort=attrgetter("code"),
        versioned=False,
        expires=attrgetter("expires"),
    ),
    Task: Kind(
        "people",
        "task",
        _person,
        sort=attrgetter("task_id"),
        listing=_task_listing,
        named=True,
    ),
    Lead: Kind(
        "people",
        "lead",
        _person,
        sort=attrgetter("lead_id"),
        listing=lambda lead: (lead.status, sortable(lead.handed)),
        named=True,
    ),
    Note: Kind("people", "note", _person, sort=attrgetter("note_id")),
    Deal: Kind(
        "people",
        "deal",
        _person,
        sort=attrgetter("deal_id"),
        listing=lambda deal: (deal.stage, sortable(deal.stays[-1].since)),
        named=True,
    ),
    IssuedCode: Kind("people", "code", _person, sort=attrgetter("key")),
    # Beside the people, because who sends may write there and nowhere else.
    CodePart: Kind(
        "people",
        "codes",
        lambda part: codes_key(part.name),
        sort=lambda part: f"{part.number:04}",
    ),
    Evidence: Kind("people", "evidence", _person, sort=attrgetter("key")),
    SignUp: Kind(
        "people",
        "sign-up",
        _person,
        sort=attrgetter("request"),
        listing=lambda row: (row.day, sortable(row.until)),
        named=True,
    ),
    Pause: Kind("people", "pause", lambda pause: pause_key(pause.channel)),
    # Beside the people, because who processes their events may write there.
    Bucket: Kind(
        "people",
        "sending",
        lambda bucket: bucket_key(bucket.shard),
        sort=attrgetter("hour"),
        expires=attrgetter("expires"),
    ),
    Account: Kind(
        "people",
        "account",
        lambda account: account_key(account.account_id),
        listing=lambda account: ("", alphabetical(account.name)),
    ),
    Member: Kind(
        "people",
        "member",
        lambda member: account_key(member.account_id),
        sort=_person,
    ),
    # Beside the people, because the admin API may write there and nowhere else.
    Product: Kind(
        "people",
        "product",
        lambda product: product_key(product.sku),
        versioned=False,
        listing=lambda product: ("", alphabetical(product.name)),
    ),
    # Beside the people, because who sends may write there; erasing works the codes out again.
    ReferralCode: Kind("people", "referral", lambda one: referral_key(one.code)),
    # Beside the people, because the doors may write there and nowhere else.
    SecretKey: Kind(
        "people",
        "secret",
        attrgetter("key_hash"),
        listing=lambda one: ("", sortable(one.created)),
    ),
    Session: Kind("people", "session", attrgetter("token_hash"), expires=attrgetter("expires")),
    Pace: Kind("people", "pace", attrgetter("key"), expires=attrgetter("expires")),
    AskedNumbers: Kind("people", "asked", attrgetter("key"), expires=attrgetter("expires")),
    Act: Kind(
        "people",
        "act",
        lambda act: f"acts-{month_of(act.time)}",
        sort=attrgetter("place"),
        versioned=False,
        expires=attrgetter("expires"),
    ),
    # Beside the people, because who processes their events may write there; erasing leaves it.
    Suppressed: Kind(
        "people",
        "suppressed",
        lambda one: partition_of(one.key),
        listing=lambda one: ("", sortable(one.since)) if one.in_force else None,
    ),
    OrderRow: Kind(
        "people", "orders", _person, sort=lambda row: f"{row.left_at:010}", versioned=False
    ),
    TimelineRow: Kind(
        "timeline",
        "event",
        _person,
        sort=attrgetter("key"),
        versioned=False,
        expires=attrgetter("expires"),
    ),
    JourneyVersion: Kind(
        "catalogue",
        "journey",
        attrgetter("journey"),
        sort=attrgetter("journey_version"),
        # The pointers to the newest versions are listed apart from the versions themselves, and
        # keep their places: an entry on the move may be missing from a listing for a moment.
        listing=lambda row: ("newest", "") if row.points_to else ("all", sortable(row.published)),
        named=True,
    ),
    Draft: Kind(
        "catalogue",
        "draft",
        attrgetter("journey"),
        listing=lambda draft: ("", sortable(draft.saved)),
    ),
    Source: Kind(
        "catalogue",
        "source",
        attrgetter("key_hash"),
        listing=lambda source: ("", sortable(source.created)),
    ),
    Cuts: Kind(
        "catalogue",
        "cuts",
        lambda cuts: "cuts",
        sort=attrgetter("key"),
        versioned=False,
        listing=lambda cuts: ("", sortable(cuts.made)),
        expires=attrgetter("expires"),
    ),
    Figures: Kind(
        "catalogue",
        "figures",
        lambda figures: "figures",
        sort=attrgetter("key"),
        versioned=False,
        listing=lambda figures: ("", sortable(figures.made)),
        expires=attrgetter("expires"),
    ),
    ReferralFigures: Kind(
        "catalogue",
        "referrals",
        lambda figures: "referrals",
        sort=attrgetter("key"),
        versioned=False,
        listing=lambda figures: ("", sortable(figures.made)),
        expires=attrgetter("expires"),
    ),
    CensusPart: Kind(
        "catalogue",
        "census",
        lambda part: "census",
        sort=lambda part: f"{part.number:05}",
        versioned=False,
        expires=attrgetter("expires"),
    ),
    ClusterReport: Kind(
        "catalogue",
        "clusters",
        lambda report: "clusters",
        sort=attrgetter("key"),
        versioned=False,
        listing=lambda report: ("", sortable(report.made)),
        expires=attrgetter("expires"),
    ),
    FirstOrdersPart: Kind(
        "catalogue",
        "first orders",
        lambda part: "first orders",
        sort=lambda part: f"{part.number:05}",
        versioned=False,
        expires=attrgetter("expires"),
    ),
    # Beside the people, because the admin API may write there and nowhere else.
    ClusterChoices: Kind("people", "choices", lambda choices: CHOICES_KEY),
    LearnedPart: Kind(
        "catalogue",
        "learned",
        lambda part: "learned",
        sort=attrgetter("key"),
        versioned=False,
        expires=attrgetter("expires"),
    ),
    Forecast: Kind(
        "catalogue",
        "forecast",
        lambda forecast: forecast_key(forecast.forecast_id),
        listing=lambda forecast: ("", sortable(forecast.made)),
        expires=attrgetter("expires"),
    ),
    # Not beside the people: what a restore brings back must not be older than this list.
    Erasure: Kind(
        "catalogue",
        "erasure",
        lambda erasure: erasure_key(erasure.person),
        sort=attrgetter("key"),
        listing=lambda erasure: ("", sortable(erasure.asked)),
        expires=attrgetter("expires"),
    ),
    Kept: Kind(
        "catalogue",
        "kept",
        attrgetter("send_id"),
        versioned=False,
        listing=lambda kept: ("", sortable(kept.time)),
    ),
}
