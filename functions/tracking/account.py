"""An account: a company, and what all calls about it said."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from functions.tracking.company import ACCOUNTS, CHANGED, JOINED, LEFT, MEMBERSHIP
from functions.tracking.event import IMPORT, Event
from functions.tracking.own_event import own_event
from functions.tracking.profile import Trait, newer

MOST_TRAITS = 200
MOST_VALUE = 1024  # bytes of a trait as JSON
MOST_NOTES = 10
REFRESHED = timedelta(hours=1)  # how much newer a word must be that only says the same again
# The traits that go first into the copy which members have; the others follow by their names.
FIRST = (
    *("name", "industry", "employees", "country", "city", "address", "plan", "technologies"),
    "website",
)
MOST_MARK = 512  # bytes
MOST_COPIED = 20  # traits
MOST_COPIED_BYTES = 1024  # as JSON


class Account(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One company (Segment's group). `created` is the time of the first call about it.

    `edition` counts how often the copy for the members changed, the last time at `changed`; if an
    import did it, `context` has its mark.
    `ordered` is for when it was ordered that they be told; None once that has begun, at `told`.
    """

    account_id: str
    version: int = 0
    created: datetime | None = None
    traits: dict[str, Trait] = {}
    notes: list[str] = []
    edition: int = 0
    changed: datetime | None = None
    context: dict[str, Any] = {}
    ordered: datetime | None = None
    told: datetime | None = None

    @property
    def name(self) -> str:
        """What it is called; its id as long as nobody has said."""
        return str(self.trait("name") or self.account_id)

    def trait(self, name: str) -> Any:
        """A trait's value, or None."""
        found = self.traits.get(name)
        return found.value if found else None


class Member(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A person (the key they came under) who belongs to an account `since` the call `by`.

    Who they are there stands in their profile.
    """

    account_id: str
    person: str
    since: datetime
    by: str
    version: int = 0


class Spread(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The body of a queue message: the members after `after` (a person's key) are to be told what
    the account with this id is like, once its record has reached `version`."""

    spread: str
    after: str = ""
    version: int = 0
    put_off: int = 0


def account_key(account_id: str) -> str:
    """The partition of an account and its members; no person's key has a space."""
    return f"account {account_id}"


def company_traits(call: Event) -> dict[str, Any]:
    """What a group call says of the company itself: only a trusted source may, for all members'
    mails and journeys go by it."""
    return _of_company(call) if call.trusted else {}


def _of_company(call: Event) -> dict[str, Any]:
    return {name: value for name, value in call.traits.items() if name not in MEMBERSHIP}


def hear(account: Account, calls: Sequence[Event], now: datetime) -> bool:
    """Take in what group calls say of the account, in whatever order they come; whether that is
    worth a write.

    That somebody said the same once more is not, but once an hour: else each page that somebody
    of a large company opens would write the one record of them all.
    """
    worth = account.version == 0
    before, notes = (copy_of(account) if account.edition else None), len(account.notes)
    for call in calls:
        if account.created is None or call.time < account.created:
            worth |= account.created is None or account.created - call.time >= REFRESHED
            account.created = call.time
        if not call.trusted and _of_company(call):
            _note(account, f'the source "{call.source}" is not trusted to say what it is like')
        for name, value in company_traits(call).items():
            worth |= _hear_trait(account, name, value, call)
    if copy_of(account) != before:
        account.edition, account.changed = account.edition + 1, now
        account.context = _mark(calls[-1]) if calls else {}
    return worth or len(account.notes) > notes


def _hear_trait(account: Account, name: str, value: Any, call: Event) -> bool:
    before = account.traits.get(name)
    if not _fits(account, name, value):
        return False
    after = newer(before, value, call)
    account.traits[name] = after
    if before is None or (before.value, type(before.value)) != (after.value, type(after.value)):
        return True
    return after.time - before.time >= REFRESHED


def _fits(account: Account, name: str, value: Any) -> bool:
    if name not in account.traits and len(account.traits) >= MOST_TRAITS:
        note = f'"{name}" is not kept, an account has at most {MOST_TRAITS} traits'
    elif len(msgspec.json.encode(value)) > MOST_VALUE:
        note = f'"{name}" is not kept, a value has at most {MOST_VALUE} bytes'
    else:
        return True
    _note(account, note)
    return False


def _note(account: Account, words: str) -> None:
    """Note for people to read what was not kept, once."""
    if words not in account.notes:
        account.notes = [*account.notes, words][-MOST_NOTES:]


def copy_of(account: Account) -> dict[str, Any]:
    """The traits that each member's profile has a copy of: those that conditions and mails see."""
    names = [name for name in FIRST if name in account.traits]
    names += sorted(account.traits.keys() - set(names))
    found: dict[str, Any] = {}
    room = MOST_COPIED_BYTES
    for name in names:
        value = account.trait(name)
        size = len(msgspec.json.encode({name: value}))
        if value is not None and size <= room and len(found) < MOST_COPIED:
            found[name] = value
            room -= size
    return found


def joined(account: Account, member: Member, call: Event) -> Event:
    """The event by which a new member gets the account's traits; the same however often made."""
    event = own_event(
        ACCOUNTS, member.person, JOINED, f"{member.account_id} {member.by}", call.received_at
    )
    event.time, event.client_time = member.since, member.since.isoformat()
    event.properties, event.context = _said(account), _mark(call)
    return event


def told_again(account: Account, person: str, call: Event) -> Event:
    """The same for a member whose profile has let go of the account's traits."""
    occasion = f"{account.account_id} {call.message_id}"
    event = own_event(ACCOUNTS, person, CHANGED, occasion, call.received_at, **_said(account))
    event.time, event.context = call.time, _mark(call)
    return event


def changed(account: Account, member: Member) -> Event:
    """The event by which a member gets the account's traits after they changed."""
    assert account.changed
    occasion = f"{account.account_id} {account.edition}"
    event = own_event(ACCOUNTS, member.person, CHANGED, occasion, account.changed, **_said(account))
    event.context = account.context
    return event


def left(account_id: str, person: str, now: datetime) -> Event:
    """The event by which a person leaves the account."""
    occasion = f"{account_id} {now.isoformat()}"
    return own_event(ACCOUNTS, person, LEFT, occasion, now, account_id=account_id)


def _mark(call: Event) -> dict[str, Any]:
    """What an import wrote of itself into a call, such as that it shall start no journey."""
    mark = {name: value for name, value in call.context.items() if name == IMPORT}
    return mark if len(msgspec.json.encode(mark)) <= MOST_MARK else {}


def _said(account: Account) -> dict[str, Any]:
    return {
        "account_id": account.account_id,
        "edition": account.edition,
        "account": copy_of(account),
    }
