"""The answer to what a CRM says of its deals, each known by the CRM's own id."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from functions.handlers import views, wiring
from functions.handlers.answers.deals import DEAL, Amount, Text, check_day, deals_of
from functions.handlers.answers.door import operation, read_as
from functions.handlers.sales_desk import tell
from functions.sales.deals import deal_event
from functions.sales.imported_deals import Told, begun, hear, stage_called
from functions.sales.records import Deal
from functions.sales.rules import Sales
from functions.sales.work import NotSo
from functions.storage.people import People
from functions.storage.store import Conflict, change
from functions.tracking.event import IMPORT
from functions.tracking.history import TooMany
from functions.tracking.profile import Profile

FIRST_TIME = datetime(1970, 1, 1, tzinfo=UTC)
WHO = ("user_id", "email", "phone")
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class DealWord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A deal as another system has it, and whose it is: the person with this user_id, email or
    phone. `created` is when it began, `since` when it came to its stage, `time` when all of this
    was so (now, if not said): an older word changes nothing. What is left out stays. `properties`
    go into the event that tells of a new deal; a `quiet` import starts no journey."""

    user_id: Text = ""
    email: Text = ""
    phone: Text = ""
    created: Time
    time: Time | None = None
    title: Text = ""
    stage: Text = ""
    since: Time | None = None
    value: Amount | None = None
    currency: Annotated[str, msgspec.Meta(max_length=3)] = ""
    expected: Text = ""
    owner: Text = ""
    account: Text = ""
    reason: Text = ""
    properties: Annotated[dict[str, Text | float | bool], msgspec.Meta(max_length=50)] = {}
    source: Text = ""
    quiet: bool = False


@operation(
    "/api/deals/{deal_id}",
    "Say what a deal is like in another system, as an import does; the same word counts once",
    views.DealView,
    DEAL,
    method="put",
    body=DealWord,
)
def _heard(deal_id: str) -> views.DealView:
    parts, said = wiring.parts(), read_as(DealWord)
    sales = parts.library.sales()
    if sales is None or not sales.pipeline:
        raise BadRequestError("sales.yaml has no pipeline: write its stages there first")
    profile = _whose(said)
    try:
        told = _told(said, sales, parts.now())
        deal, first = _kept(profile, deal_id, told, sales)
    except (NotSo, TooMany) as error:
        raise BadRequestError(str(error)) from None
    events = [deal_event(deal, index) for index in range(first, len(deal.history))]
    mark = {"name": said.source or "admin API", **({"quiet": True} if said.quiet else {})}
    for event in events:
        event.context = {IMPORT: mark}
    tell(parts, events)
    return views.deal(deal, sales.pipeline)


def _whose(said: DealWord) -> Profile:
    """Raises NotFoundError."""
    parts = wiring.parts()
    people = People(parts.store, parts.settings.identity_key)
    names = {kind: value for kind in WHO if (value := getattr(said, kind))}
    for kind, value in names.items():
        found = people.by(kind, value)
        if found:
            return found
    by = " or ".join(f'{kind} "{value[:50]}"' for kind, value in names.items())
    raise NotFoundError(f"nobody is known by the {by or 'user_id, email or phone: say one'}")


def _told(said: DealWord, sales: Sales, now: datetime) -> Told:
    """Raises NotSo, BadRequestError."""
    check_day(said.expected)
    times = [one for one in (said.created, said.since, said.time) if one]
    if min(times) < FIRST_TIME:
        raise BadRequestError('"created", "since" and "time" are not before 1970')
    return Told(
        at=min(said.time or now, now),
        created=min(said.created, now),
        stage=stage_called(said.stage, sales.pipeline),
        since=min(said.since, now) if said.since else None,
        title=said.title,
        value=None if said.value is None else Decimal(str(said.value)),
        currency=said.currency,
        expected=said.expected,
        owner=sales.colleague(said.owner) or said.owner,
        account=said.account,
        reason=said.reason,
        properties=said.properties,
    )


def _kept(profile: Profile, deal_id: str, told: Told, sales: Sales) -> tuple[Deal, int]:
    """The deal after it, and from which change of its history on events are to tell of it: of
    nothing, unless this word brought it, perhaps in a try whose answer got lost. Raises TooMany."""
    store = wiring.parts().store
    there = next((one for one in deals_of(profile) if one.deal_id == deal_id), None)
    if there is None:
        whole = msgspec.structs.replace(
            told,
            owner=told.owner or str(profile.trait("owner") or ""),
            currency=told.currency or wiring.parts().library.brand().currency,
        )
        new = begun(profile.person, deal_id, whole, sales.pipeline)
        try:
            store.put(new)
            return new, 0
        except Conflict:
            there = store.get(Deal, new.person, deal_id) or new
    found, known, is_again = there, len(there.history), there.heard == told.at
    deal = change(
        store,
        lambda: store.get(Deal, found.person, deal_id) or found,
        lambda deal: hear(deal, told),
    )
    return deal, max(known - 2, 0) if is_again else known  # a word makes two changes at the most
