"""Answers about deals: their way through the pipeline, their offers, and where they get stuck."""

import secrets
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError

from functions.handlers import views, wiring
from functions.handlers.answers.door import (
    LIMIT,
    LONGEST,
    NEXT,
    PERSON,
    operation,
    own_record,
    page_size,
    profile_of_id,
    query,
    read_as,
)
from functions.handlers.openapi import Parameter
from functions.handlers.sales_desk import tell
from functions.sales.deals import CREATED, deal_event, move, send_offer, sign_offer, worth
from functions.sales.records import Deal, Note, Stay
from functions.sales.report import DealReport, deal_report
from functions.sales.rules import CLOSED, Stage
from functions.sales.work import NotSo
from functions.segments.condition import did_you_mean
from functions.storage.store import Conflict, change
from functions.storage.whole import every
from functions.tracking.history import Change, TooMany
from functions.tracking.profile import Profile

Text = Annotated[str, msgspec.Meta(max_length=LONGEST)]
Id = Annotated[str, msgspec.Meta(max_length=100)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=1e12)]


class NewDeal(msgspec.Struct, forbid_unknown_fields=True):
    """A deal: its title, worth, and the day on which it should close. The same `id` makes one
    deal, however often it is sent; it begins in the first stage, if none is said."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]
    id: Id = ""
    value: Amount = 0
    currency: Annotated[str, msgspec.Meta(max_length=3)] = ""
    expected: Text = ""
    owner: Text = ""
    account: Text = ""
    stage: Text = ""
    by: Text = ""


class DealChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be another; what is left out stays."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)] | None = None
    value: Amount | None = None
    currency: Annotated[str, msgspec.Meta(max_length=3)] | None = None
    expected: Text | None = None
    owner: Text | None = None
    account: Text | None = None


class Move(msgspec.Struct, forbid_unknown_fields=True):
    """To which stage of sales.yaml, or won or lost; why, which a lost one needs; who says so."""

    to: Text
    reason: Text = ""
    by: Text = ""


class NewOffer(msgspec.Struct, forbid_unknown_fields=True):
    """An offer that went out: its id, and what it is worth, if not as much as the deal."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    value: Amount | None = None
    by: Text = ""


class Signed(msgspec.Struct, forbid_unknown_fields=True):
    """Who says so."""

    by: Text = ""


class DealsPage(msgspec.Struct):
    """Deals, by when they came to their stage, the last first."""

    deals: list[views.DealView]
    next: str = ""


DEAL = Parameter("deal_id", "path", "the deal's id")
PATH = "/api/people/{person_id}/deals"


@operation(
    "/api/deals",
    "Deals, by when they came to their stage, the last first",
    DealsPage,
    Parameter("stage", "query", "only those in this stage, won and lost included"),
    LIMIT,
    NEXT,
)
def _deals() -> DealsPage:
    stage, pipeline = query("stage"), _stages()
    if stage and stage not in (*pipeline, *CLOSED):
        raise BadRequestError(f'there is no stage "{stage[:50]}"; {_there(stage, pipeline)}')
    store = wiring.parts().store
    deals, after = store.listing(Deal, stage, limit=page_size(), after=query("after"))
    return DealsPage([views.deal(one, pipeline) for one in deals], after)


@operation("/api/deals/report", "Time in each stage, bottlenecks, and what it is worth", DealReport)
def _report() -> DealReport:
    parts = wiring.parts()
    return deal_report(every(parts.store, Deal), _stages(), parts.now())


@operation(PATH, "A person's deals with all that happened, newest first", DealsPage, PERSON)
def _deals_of_one(person_id: str) -> DealsPage:
    profile, pipeline = profile_of_id(person_id), _stages()
    store = wiring.parts().store
    notes = [note for key in profile.keys for note in store.query(Note, key)]
    found = sorted(deals_of(profile), key=lambda deal: deal.created, reverse=True)
    return DealsPage([views.deal(one, pipeline, notes) for one in found])


@operation(PATH, "Begin a deal", views.DealView, PERSON, method="post", body=NewDeal)
def _begun(person_id: str) -> views.DealView:
    parts, said, profile = wiring.parts(), read_as(NewDeal), profile_of_id(person_id)
    pipeline, now = _stages(), parts.now()
    if not pipeline:
        raise BadRequestError("sales.yaml has no pipeline: write its stages there first")
    stage = said.stage or next(iter(pipeline))
    if stage not in pipeline:
        raise BadRequestError(f'there is no stage "{stage[:50]}"; {_there(stage, pipeline)}')
    check_day(said.expected)
    deal = Deal(
        person=profile.person,
        deal_id=said.id or secrets.token_hex(8),
        title=said.title,
        owner=said.owner or str(profile.trait("owner") or ""),
        account=said.account,
        value=Decimal(str(said.value)),
        currency=said.currency or parts.library.brand().currency,
        expected=said.expected,
        created=now,
        stays=[Stay(stage, now)],
    )
    deal.history = [Change(now, CREATED, said.by, "", worth(deal))]
    there = next((one for one in deals_of(profile) if one.deal_id == deal.deal_id), None)
    try:
        if there is None:
            parts.store.put(deal)
    except Conflict:
        there = parts.store.get(Deal, deal.person, deal.deal_id)
    deal = there or deal
    tell(parts, [deal_event(deal, 0)])
    return views.deal(deal, pipeline)


@operation(
    f"{PATH}/{{deal_id}}",
    "Change a deal's title, value, currency, owner, account or expected day",
    views.DealView,
    PERSON,
    DEAL,
    method="put",
    body=DealChange,
)
def _changed(person_id: str, deal_id: str) -> views.DealView:
    said = read_as(DealChange)
    check_day(said.expected or "")
    wanted = {word: one for word, one in msgspec.structs.asdict(said).items() if one is not None}
    if said.value is not None:
        wanted["value"] = Decimal(str(said.value))

    def alter(deal: Deal) -> bool:
        before = msgspec.structs.asdict(deal)
        for word, value in wanted.items():
            setattr(deal, word, value)
        return before != msgspec.structs.asdict(deal)

    return _change(person_id, deal_id, alter, is_told=False)


@operation(
    f"{PATH}/{{deal_id}}/stage",
    "Move a deal to a stage, or say that it is won or lost",
    views.DealView,
    PERSON,
    DEAL,
    method="post",
    body=Move,
)
def _moved(person_id: str, deal_id: str) -> views.DealView:
    said, now, pipeline = read_as(Move), wiring.parts().now(), _stages()
    return _change(
        person_id,
        deal_id,
        lambda deal: move(deal, said.to, said.by, said.reason, now, pipeline),
    )


@operation(
    f"{PATH}/{{deal_id}}/offers",
    "Note that an offer went out",
    views.DealView,
    PERSON,
    DEAL,
    method="post",
    body=NewOffer,
)
def _offered(person_id: str, deal_id: str) -> views.DealView:
    said, now = read_as(NewOffer), wiring.parts().now()
    value = None if said.value is None else Decimal(str(said.value))
    return _change(person_id, deal_id, lambda deal: send_offer(deal, said.id, value, said.by, now))


@operation(
    f"{PATH}/{{deal_id}}/offers/{{offer_id}}/signed",
    "Note that an offer was signed; journeys may begin with it",
    views.DealView,
    PERSON,
    DEAL,
    Parameter("offer_id", "path", "the offer's id"),
    method="post",
    body=Signed,
)
def _signed(person_id: str, deal_id: str, offer_id: str) -> views.DealView:
    said, now = read_as(Signed), wiring.parts().now()
    return _change(person_id, deal_id, lambda deal: sign_offer(deal, offer_id, said.by, now))


def _change(
    person_id: str, deal_id: str, alter: Callable[[Deal], bool], is_told: bool = True
) -> views.DealView:
    """Alter the deal and tell of it; a repetition finds it altered, and tells the same."""
    parts, deal = wiring.parts(), own_record(Deal, profile_of_id(person_id), deal_id)
    try:
        deal = change(
            parts.store, lambda: parts.store.get(Deal, deal.person, deal_id) or deal, alter
        )
    except (NotSo, TooMany) as error:
        raise BadRequestError(str(error)) from None
    if is_told:
        tell(parts, [deal_event(deal, -1)])
    return views.deal(deal, _stages())


def _stages() -> dict[str, Stage]:
    sales = wiring.parts().library.sales()
    return dict(sales.pipeline) if sales else {}


def _there(stage: str, pipeline: dict[str, Stage]) -> str:
    return did_you_mean(stage, [*pipeline, *CLOSED])


def check_day(text: str) -> None:
    """Whether an expected day is one ("": none). Raises BadRequestError."""
    try:
        if text and date.fromisoformat(text).isoformat() != text:
            raise ValueError
    except ValueError:
        raise BadRequestError('"expected" is a day like "2027-12-31"') from None


def deals_of(profile: Profile) -> list[Deal]:
    """The person's deals, merges followed."""
    store = wiring.parts().store
    return [deal for key in profile.keys for deal in store.query(Deal, key)]
