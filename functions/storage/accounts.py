"""Accounts: what group calls say of companies, who belongs to them, and who is to be told."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from functions.storage.people import profile_of
from functions.storage.store import Conflict, Contended, Store, change
from functions.tracking import account as accounts
from functions.tracking import company
from functions.tracking.account import Account, Member, Spread, account_key
from functions.tracking.event import Event
from functions.tracking.profile import Profile

SOON = timedelta(seconds=5)
PACE = timedelta(minutes=5)  # between two times that all members of an account are told
LOST = timedelta(hours=1)  # after which an order to tell them is given once more
TRIES_TO_NOTE = 3
Order = Callable[[Spread, int], None]  # (what, seconds until then): to the event queue


def account_of(store: Store, account_id: str) -> Account | None:
    """The account with this id."""
    return store.get(Account, account_key(account_id))


def note(
    store: Store, profile: Profile, events: Iterable[Event], now: datetime, order: Order
) -> list[Event]:
    """Bring the accounts up to date that the person's group calls name (`events` are the new
    ones and those that come again). Returns what the accounts tell this person. Safe to repeat.

    A call that says nothing new costs a read, and none where it only names a company that is
    known. Raises Contended.
    """
    calls: dict[str, list[Event]] = {}
    for event in events:
        if event.type == "group" and company.is_member(profile, event.group_id):
            calls.setdefault(event.group_id, []).append(event)
    told = (
        _note(store, profile, account_id, found, now, order) for account_id, found in calls.items()
    )
    return [event for event in told if event]


def _note(
    store: Store,
    profile: Profile,
    account_id: str,
    calls: list[Event],
    now: datetime,
    order: Order,
) -> Event | None:
    is_noted = company.is_noted(profile, account_id)
    has_copy = company.has_copy(profile, account_id)
    lacks_copy = not has_copy and company.may_have_copy(profile, account_id)
    if is_noted and not lacks_copy and not any(map(accounts.company_traits, calls)):
        return None
    # First the member: from then on they are among those who are told of a change.
    member = None if is_noted else _member(store, profile, account_id, calls[-1])
    account = hear(store, account_id, calls, now, order)
    if member:
        return accounts.joined(account, member, calls[-1])
    return accounts.told_again(account, profile.person, calls[-1]) if lacks_copy else None


def _member(store: Store, profile: Profile, account_id: str, call: Event) -> Member:
    """The person's row among the members, under whatever key they came."""
    key = account_key(account_id)
    for _ in range(TRIES_TO_NOTE):
        found = (store.get(Member, key, person) for person in profile.keys)
        member = next(filter(None, found), None)
        if member is None:
            member = Member(
                account_id=account_id, person=profile.person, since=call.time, by=call.message_id
            )
            try:
                store.put(member)
            except Conflict:
                continue
        return member
    raise Contended("the member is being noted by others")


def hear(
    store: Store, account_id: str, calls: Iterable[Event], now: datetime, order: Order
) -> Account:
    """The account with what these calls say of it, written only if that is worth it; has the
    members told when what they know of it has changed. Raises Contended."""
    heard = list(calls)

    def take(account: Account) -> bool:
        before = account.edition
        worth = accounts.hear(account, heard, now)
        if before and account.edition != before:
            _order(account, now, order)
        return worth

    return change(
        store, lambda: account_of(store, account_id) or Account(account_id=account_id), take
    )


def _order(account: Account, now: datetime, order: Order) -> None:
    """Order that the members be told, before it is written that there is something to tell: so a
    crash in between loses nothing. One order that has not begun yet is enough."""
    if account.ordered and now < account.ordered + LOST:
        return
    account.ordered = now + SOON
    if account.told:
        account.ordered = max(account.ordered, account.told + PACE)
    delay = round((account.ordered - now).total_seconds())
    order(Spread(spread=account.account_id, version=account.version + 1), delay)


def begin(store: Store, account_id: str, now: datetime) -> Account | None:
    """The account whose members are about to be told: who changes it from here on orders that
    anew. Raises Contended."""

    def alter(account: Account | None) -> bool:
        if account is None or account.ordered is None:
            return False
        account.ordered, account.told = None, now
        return True

    return change(store, lambda: account_of(store, account_id), alter)


def members(store: Store, account_id: str, most: int, after: str = "") -> tuple[list[Member], str]:
    """A page of the members by the keys they came under, and the last key ("" at the end)."""
    rows = store.query(Member, account_key(account_id), after=after)
    page = list(islice(rows, most + 1))
    return page[:most], page[most - 1].person if len(page) > most else ""


def people_of(store: Store, found: Iterable[Member]) -> Iterator[tuple[Member, Profile]]:
    """The members' profiles, merges followed; who came under several keys stands there once, and
    not who is gone."""
    seen: set[str] = set()
    for member in found:
        profile = profile_of(store, member.person)
        if profile.version and not profile.is_gone and profile.person not in seen:
            seen.add(profile.person)
            yield member, profile


def take_out(store: Store, profile: Profile, account_id: str) -> bool:
    """Take the person off the list of members; whether they belonged to the account."""
    key = account_key(account_id)
    rows = [row for person in profile.keys if (row := store.get(Member, key, person))]
    for row in rows:
        store.delete(row)
    return bool(rows) or company.is_member(profile, account_id)
