"""Answers about accounts: the companies that people belong to, and who is what there."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from functions.handlers import spreading, views, wiring
from functions.handlers.answers.door import (
    LIMIT,
    NEXT,
    PERSON,
    operation,
    page_size,
    profile_of_id,
    query,
    read_as,
)
from functions.handlers.openapi import Parameter
from functions.segments.account_summary import Summary, sum_up
from functions.storage import accounts
from functions.tracking import account as told
from functions.tracking.account import Account
from functions.tracking.collect import MAX_EVENT, MAX_ID, MAX_NAME
from functions.tracking.company import MEMBERSHIP
from functions.tracking.event import IMPORT, Event, EventBatch, bodies
from functions.tracking.identity import short_hash

MOST_LOOKED_AT = 500  # members whose profiles are read for one answer
FIRST_TIME = datetime(1970, 1, 1, tzinfo=UTC)
SOURCE = "admin API"
ACCOUNT = Parameter("account_id", "path", "the account's id: the groupId of group calls")


class AccountsPage(msgspec.Struct):
    """Accounts by their names, and the cursor of the next page ("" on the last)."""

    accounts: list[views.AccountView]
    next: str = ""


class AccountMembersPage(msgspec.Struct):
    """Members of an account, in no order that means anything."""

    members: list[views.MemberView]
    next: str = ""


class AccountPage(msgspec.Struct):
    """An account, and what its members come to; `more`: there are more than were looked at."""

    account: views.AccountView
    summary: Summary
    more: bool


class AccountTraits(msgspec.Struct):
    """What is said of an account, and since when that is so (now, if not said). A `quiet` import
    starts no journey."""

    traits: dict[str, Any]
    time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    quiet: bool = False


@operation("/api/accounts", "Accounts (companies) by their names", AccountsPage, LIMIT, NEXT)
def _accounts() -> AccountsPage:
    store = wiring.parts().store
    found, after = store.listing(Account, limit=page_size(), after=query("after"))
    return AccountsPage([views.account(one) for one in found], after)


@operation("/api/accounts/{account_id}", "One account", AccountPage, ACCOUNT)
def _one_account(account_id: str) -> AccountPage:
    parts, account = wiring.parts(), _account(account_id)
    rows, more = accounts.members(parts.store, account_id, MOST_LOOKED_AT)
    people = [profile for _, profile in accounts.people_of(parts.store, rows)]
    summary = sum_up(account_id, people, _order_of_stages(), parts.now())
    return AccountPage(views.account(account), summary, bool(more))


def _order_of_stages() -> Mapping[str, Sequence[str]]:
    models = wiring.parts().library.rules().lifecycle.models
    return {name: list(model.stages) for name, model in models.items()}


@operation(
    "/api/accounts/{account_id}/members",
    "Who belongs to an account, and what they are there",
    AccountMembersPage,
    ACCOUNT,
    LIMIT,
    NEXT,
)
def _members(account_id: str) -> AccountMembersPage:
    parts, account = wiring.parts(), _account(account_id)
    rows, after = accounts.members(parts.store, account_id, page_size(), query("after"))
    found = accounts.people_of(parts.store, rows)
    now = parts.now()
    return AccountMembersPage(
        [views.member(account.account_id, row, profile, now) for row, profile in found], after
    )


@operation(
    "/api/accounts/{account_id}",
    "Say what is known of an account, as an import does; what is not said stays as it is",
    views.AccountView,
    ACCOUNT,
    method="put",
    body=AccountTraits,
)
def _put_account(account_id: str) -> views.AccountView:
    parts, asked = wiring.parts(), read_as(AccountTraits)
    now = parts.now()
    _check_id(account_id)
    _check_traits(asked.traits)
    if asked.time and not FIRST_TIME <= asked.time <= now:
        raise BadRequestError('"time" is between 1970 and now')
    call = Event(
        type="group",
        message_id=f"api-{short_hash(account_id, now.isoformat())}",
        time=asked.time or now,
        received_at=now,
        group_id=account_id,
        traits=asked.traits,
        context={IMPORT: {"quiet": True}} if asked.quiet else {},
        source=SOURCE,
        trusted=True,
    )
    heard = accounts.hear(parts.store, account_id, [call], now, spreading.order(parts))
    return views.account(heard)


@operation(
    "/api/accounts/{account_id}/members/{person_id}",
    "Take a person out of an account; a later group call about them brings them back",
    views.AccountView,
    ACCOUNT,
    PERSON,
    method="delete",
)
def _take_out(account_id: str, person_id: str) -> views.AccountView:
    parts, account = wiring.parts(), _account(account_id)
    profile = profile_of_id(person_id)
    if not accounts.take_out(parts.store, profile, account_id):
        raise NotFoundError(f'the person does not belong to the account "{account_id[:50]}"')
    left = told.left(account_id, profile.person, parts.now())
    parts.send_events(bodies(EventBatch([left])), 0)
    return views.account(account)


def _account(account_id: str) -> Account:
    """The account. Raises NotFoundError."""
    possible = 0 < len(account_id) <= MAX_ID and account_id.isprintable()
    found = accounts.account_of(wiring.parts().store, account_id) if possible else None
    if found is None:
        raise NotFoundError(f'no account has the id "{account_id[:50]}"')
    return found


def _check_id(account_id: str) -> None:
    if not (account_id.strip() and len(account_id) <= MAX_ID and account_id.isprintable()):
        raise BadRequestError(f"an account's id has 1 to {MAX_ID} printable characters")


def _check_traits(traits: dict[str, Any]) -> None:
    """Raises BadRequestError for what an account cannot keep."""
    for name in traits:
        if name in MEMBERSHIP:
            raise BadRequestError(f'"{name}" is of a person in the company: send a group call')
        if not (0 < len(name) <= MAX_NAME and name.isprintable()):
            raise BadRequestError(f"a trait's name has 1 to {MAX_NAME} printable characters")
    try:
        size = len(msgspec.msgpack.encode(traits))
    except (OverflowError, RecursionError):
        raise BadRequestError("the traits hold a number beyond 64 bits, or nest deeply") from None
    if size > MAX_EVENT:
        raise BadRequestError(f"the traits have {MAX_EVENT // 1024} KB at most")
