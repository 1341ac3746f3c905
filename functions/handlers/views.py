"""What the admin API shows of a record: the words of the outside, none of the machinery."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from functions.journeys.run import Run, Task
from functions.sales.deals import missing
from functions.sales.records import Deal, Lead, Note
from functions.sales.rules import Stage
from functions.segments import origin, population, shopping, value
from functions.segments.account import described, fields_of
from functions.segments.account_summary import COUNTED, called, stages_of
from functions.segments.census_records import Cuts
from functions.segments.person import fields
from functions.tracking import orders
from functions.tracking.account import Account, Member, copy_of
from functions.tracking.company import companies, membership
from functions.tracking.event import Event
from functions.tracking.fold import open_carts
from functions.tracking.history import Change
from functions.tracking.permission import Consent, Permission
from functions.tracking.profile import Order, Profile, Seen

_ELSEWHERE = {"locale", "orders", "revenue", "lifetime_value", "last_pages", "searches", "devices"}
# Computed fields that nothing else of a person's view says.
SHOWN = [
    name
    for name in (*origin.COMPUTED, *shopping.COMPUTED, *population.COMPUTED)
    if name not in _ELSEWHERE
]


class Count(msgspec.Struct):
    """How often, first and last."""

    count: int
    first: datetime
    last: datetime


class OrderView(msgspec.Struct):
    """An order and what it is worth now."""

    order_id: str
    placed: datetime | None
    revenue: Decimal
    currency: str
    cancelled: bool
    skus: list[str]


class CartView(msgspec.Struct):
    """An open cart: units by product."""

    cart_id: str
    last: datetime
    items: dict[str, float]


class VisitView(msgspec.Struct):
    """A page or a search."""

    time: datetime
    what: str
    title: str = ""


class ConsentView(msgspec.Struct):
    """The last word on a channel and purpose."""

    channel: str
    purpose: str
    given: bool
    time: datetime
    source: str


class UnconfirmedView(msgspec.Struct):
    """A sign-up that the person has not confirmed; it ends at `until`."""

    channel: str
    purposes: list[str]
    time: datetime
    until: datetime


class CompanyView(msgspec.Struct, kw_only=True):
    """A company that a person belongs to, and what they are there ("": not known)."""

    id: str
    name: str
    role: str
    level: str
    department: str
    buying_role: str
    since: datetime | None


class ValueView(msgspec.Struct, kw_only=True):
    """What a customer is worth: revenue so far (`past`, less what was sent back), what is
    `expected` in the next `horizon` days, and both in `total`, in the currency that most of it
    came in. By which `formula`, `as_of` when; null and `why` where nothing is foretold.

    `orders` are how many more are expected in the same time, `probability` that of at least one,
    `alive` that of still being a customer, both from 0 to 1.
    """

    past: Decimal
    expected: Decimal | None
    total: Decimal
    currency: str
    horizon: int
    orders: float | None
    probability: float | None
    alive: float | None
    formula: str
    as_of: datetime | None
    why: str


def lifetime_value(
    profile: Profile, now: datetime, cuts: Cuts | None, days: int = value.HORIZON
) -> ValueView:
    """What a customer is worth, with what is expected in so many days."""
    past, expected, number, chance, alive = shopping.revenue(profile, now), None, None, None, None
    if cuts:
        expected = value.expected_revenue(profile, cuts, days)
        number = value.expected_orders(profile, cuts, days)
        chance = value.probability(profile, cuts, days)
        alive = value.alive(profile, cuts)
    return ValueView(
        past=past,
        expected=expected,
        total=past + (expected or 0),
        currency=shopping.currency(profile) or "",
        horizon=days,
        orders=None if number is None else round(number, 4),
        probability=chance,
        alive=alive,
        formula=value.formula(cuts),
        as_of=cuts.made if cuts else None,
        why=value.why_none(profile, cuts),
    )


class Person(msgspec.Struct, kw_only=True):
    """A person: who they are, what they did, what they permit; since when they are in which
    segments, and where they stand in each model of lifecycle.yaml. `merged` are the ids of those
    who turned out to be this person; `computed` has what conditions can ask about the place, the
    visits and the orders, as far as it is known."""

    id: str
    user_id: str
    anonymous_ids: list[str]
    merged: list[str]
    email: str
    phone: str
    traits: dict[str, Any]
    locale: str
    first_seen: datetime | None
    last_seen: datetime | None
    orders: int
    revenue: dict[str, Decimal]
    lifetime_value: ValueView
    computed: dict[str, Any]
    last_orders: list[OrderView]
    open_carts: list[CartView]
    events: dict[str, Count]
    last_pages: list[VisitView]
    last_searches: list[VisitView]
    devices: dict[str, Count]
    companies: list[CompanyView]
    first_touch: dict[str, Any]
    stages: dict[str, str]
    consents: list[ConsentView]
    unconfirmed: list[UnconfirmedView]
    suppressed: dict[str, str]
    journeys: list[str]
    segments: dict[str, datetime]
    notes: list[str]


def person(
    profile: Profile, permission: Permission, now: datetime, cuts: Cuts | None = None
) -> Person:
    """A profile and its permission item as a person, as they are `now` among all others."""
    computed = fields(profile, now, cuts)
    return Person(
        id=profile.person,
        user_id=profile.user_id,
        anonymous_ids=profile.anonymous_ids,
        merged=profile.merged,
        email=str(profile.trait("email") or ""),
        phone=str(profile.trait("phone") or ""),
        traits={name: trait.value for name, trait in profile.traits.items()},
        locale=str(computed["locale"] or ""),
        first_seen=profile.created,
        last_seen=computed["last_seen"],
        orders=computed["orders"],
        revenue=orders.revenue(profile),
        lifetime_value=lifetime_value(profile, now, cuts),
        last_orders=[_order(order) for order in _by_time(profile)],
        computed={name: computed[name] for name in SHOWN if computed.get(name) is not None},
        open_carts=[
            CartView(cart_id, cart.last, {k: units for k, units in cart.items.items() if units > 0})
            for cart_id, cart in open_carts(profile).items()
        ],
        events=_counts(profile.events),
        last_pages=[VisitView(v.time, v.what, v.title) for v in profile.pages],
        last_searches=[VisitView(v.time, v.what) for v in profile.searches],
        devices={
            n: Count(seen.count, seen.first, seen.last) for n, seen in profile.devices.items()
        },
        companies=[_company(profile, name) for name in companies(profile)],
        first_touch=msgspec.to_builtins(profile.first_touch) if profile.first_touch else {},
        stages={model: stay.stage for model, stay in profile.stages.items() if stay.stage},
        consents=[_consent(key, consent) for key, consent in permission.consents.items()],
        unconfirmed=[
            UnconfirmedView(one.channel, one.purposes, one.time, one.until)
            for one in permission.asked.values()
            if one.confirmed is None
        ],
        suppressed=permission.suppressed,
        journeys=[live.journey for live in permission.live.values() if not live.leaving],
        segments=profile.segments,
        notes=profile.refused,
    )


def _company(profile: Profile, account_id: str) -> CompanyView:
    known = fields_of(profile, account_id)
    return CompanyView(
        id=account_id,
        name=str(known["name"]),
        **{word: str(known.get(word, "")) for word in COUNTED},
        since=known["since"],
    )


def _counts(found: dict[str, Seen]) -> dict[str, Count]:
    return {name: Count(seen.count, seen.first, seen.last) for name, seen in found.items()}


def _consent(key: str, consent: Consent) -> ConsentView:
    channel, _, purpose = key.partition("/")
    return ConsentView(channel, purpose, consent.given, consent.time, consent.source)


def _by_time(profile: Profile) -> list[Order]:
    placed = [order for order in profile.orders.values() if order.placed]
    return sorted(placed, key=lambda order: (order.placed, order.order_id), reverse=True)


def _order(order: Order) -> OrderView:
    return OrderView(
        order.order_id, order.placed, order.revenue, order.currency, order.void, order.skus
    )


class AccountView(msgspec.Struct, kw_only=True):
    """A company. Conditions and mails see the traits in `seen`, and what is computed of them."""

    id: str
    name: str
    created: datetime | None
    traits: dict[str, Any]
    seen: list[str]
    employees: Any
    size: str
    country: str
    city: str
    notes: list[str]


def account(record: Account) -> AccountView:
    """An account record as an account."""
    copied = copy_of(record)
    known = described(record.account_id, copied)
    return AccountView(
        id=record.account_id,
        name=record.name,
        created=record.created,
        traits={name: trait.value for name, trait in record.traits.items()},
        seen=list(copied),
        employees=known["employees"],
        size=str(known["size"] or ""),
        country=str(known["country"] or ""),
        city=str(known["city"] or ""),
        notes=record.notes,
    )


class MemberView(msgspec.Struct, kw_only=True):
    """Somebody who belongs to a company, and what they are there ("": not known)."""

    person: str
    name: str
    email: str
    since: datetime
    role: str
    level: str
    department: str
    buying_role: str
    score: float
    stages: dict[str, str]
    orders: int
    last_seen: datetime | None


def member(account_id: str, row: Member, profile: Profile, now: datetime) -> MemberView:
    """A member's row and profile as a member."""
    known, there = fields(profile, now), membership(profile, account_id)
    return MemberView(
        person=profile.person,
        name=called(known),
        email=str(known.get("email") or ""),
        since=row.since,
        **{word: there.get(word, "") for word in COUNTED},
        score=known["score"],
        stages=dict(stages_of(known)),
        orders=known["orders"],
        last_seen=known["last_seen"],
    )


class TimelineEvent(msgspec.Struct, kw_only=True):
    """One event of a person."""

    message_id: str
    time: datetime
    received_at: datetime
    type: str
    event: str
    properties: dict[str, Any]
    traits: dict[str, Any]
    context: dict[str, Any]
    source: str


def timeline_event(event: Event) -> TimelineEvent:
    """An event as the timeline shows it."""
    return TimelineEvent(
        message_id=event.message_id,
        time=event.time,
        received_at=event.received_at,
        type=event.type,
        event=event.name,
        properties=event.properties,
        traits=event.traits,
        context=event.context,
        source=event.source,
    )


class RunView(msgspec.Struct, kw_only=True):
    """One person's way through a journey."""

    id: str
    person: str
    journey: str
    version: str
    status: str
    outcome: str
    entered: datetime
    entered_by: str
    ended: datetime | None
    waits_for: str
    goal: datetime | None
    held_out: bool


def run(record: Run, waits_for: str) -> RunView:
    """A run record as a run; `waits_for` is the step that waits now."""
    return RunView(
        id=record.run_id,
        person=record.person,
        journey=record.journey,
        version=record.journey_version,
        status=record.status,
        outcome=record.outcome,
        entered=record.entered,
        entered_by=record.entry.name,
        ended=record.ended,
        waits_for=waits_for,
        goal=record.goal,
        held_out=record.held_out,
    )


class ChangeView(msgspec.Struct):
    """What a colleague did: when, what (as an event's name), who, and in their words."""

    time: datetime
    what: str
    by: str
    note: str
    details: dict[str, Any]


def _changes(history: list[Change]) -> list[ChangeView]:
    return [ChangeView(one.time, one.event, one.by, one.note, one.said) for one in history]


class TaskView(msgspec.Struct, kw_only=True):
    """A request to a colleague."""

    id: str
    person: str
    journey: str
    text: str
    owner: str
    status: str
    created: datetime
    due: datetime | None
    reason: str
    context: dict[str, str]
    why_owner: str
    handed_over: bool
    outcome: str
    finished: datetime | None
    history: list[ChangeView]


def task(record: Task) -> TaskView:
    """A task record as a task."""
    return TaskView(
        id=record.task_id,
        person=record.person,
        journey=record.journey,
        text=record.text,
        owner=record.owner,
        status=record.status,
        created=record.created,
        due=record.due,
        reason=record.reason,
        context=record.context,
        why_owner=record.routed,
        handed_over=record.handed_over,
        outcome=record.outcome,
        finished=record.finished,
        history=_changes(record.history),
    )


class LeadView(msgspec.Struct, kw_only=True):
    """Somebody who was handed over to sales, with the score of that time; the id is also that of
    the task. `hours_to_owner` is how long it took until sales took them on."""

    id: str
    person: str
    journey: str
    text: str
    owner: str
    why_owner: str
    score: float
    parts: dict[str, float]
    status: str
    reason: str
    handed: datetime
    hours_to_owner: float | None
    history: list[ChangeView]


def lead(record: Lead) -> LeadView:
    """A lead record as a lead."""
    taken = record.accepted
    return LeadView(
        id=record.lead_id,
        person=record.person,
        journey=record.journey,
        text=record.text,
        owner=record.owner,
        why_owner=record.why,
        score=record.score,
        parts=record.parts,
        status=record.status,
        reason=record.reason,
        handed=record.handed,
        hours_to_owner=round((taken - record.handed) / timedelta(hours=1), 2) if taken else None,
        history=_changes(record.history),
    )


class NoteView(msgspec.Struct, kw_only=True):
    """A conversation."""

    id: str
    kind: str
    at: datetime
    outcome: str
    text: str
    fields: dict[str, Any]
    deal: str
    by: str


def note(record: Note) -> NoteView:
    """A note record as a note."""
    return NoteView(
        id=record.note_id,
        kind=record.kind,
        at=record.at,
        outcome=record.outcome,
        text=record.text,
        fields=record.fields,
        deal=record.deal,
        by=record.by,
    )


class OfferView(msgspec.Struct):
    """An offer; `value` is the deal's where the offer has none of its own."""

    id: str
    sent: datetime
    value: Decimal
    signed: datetime | None


class StayView(msgspec.Struct):
    """From when on a deal stood in a stage."""

    stage: str
    since: datetime


class DealView(msgspec.Struct, kw_only=True):
    """A deal; `missing` is what its stage needs and no conversation has told, `known` what they
    told. `notes` are the conversations, newest first, where one person's deals were asked for."""

    id: str
    person: str
    title: str
    stage: str
    since: datetime
    owner: str
    account: str
    value: Decimal
    currency: str
    expected: str
    created: datetime
    reason: str
    missing: list[str]
    known: dict[str, Any]
    offers: list[OfferView]
    stays: list[StayView]
    history: list[ChangeView]
    notes: list[NoteView]


def deal(record: Deal, pipeline: Mapping[str, Stage], notes: Iterable[Note] = ()) -> DealView:
    """A deal record as a deal, with those of the notes that are about it."""
    about = [one for one in notes if one.deal == record.deal_id]
    about.sort(key=lambda one: (one.at, one.note_id), reverse=True)
    return DealView(
        id=record.deal_id,
        person=record.person,
        title=record.title,
        stage=record.stage,
        since=record.stays[-1].since,
        owner=record.owner,
        account=record.account,
        value=record.value,
        currency=record.currency,
        expected=record.expected,
        created=record.created,
        reason=record.reason,
        missing=missing(record, pipeline),
        known=record.known,
        offers=[
            OfferView(
                one.offer_id,
                one.sent,
                record.value if one.value is None else one.value,
                one.signed,
            )
            for one in record.offers
        ],
        stays=[StayView(one.stage, one.since) for one in record.stays],
        history=_changes(record.history),
        notes=[note(one) for one in about],
    )
