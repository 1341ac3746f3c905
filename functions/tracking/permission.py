"""The permission item: what must be checked and changed in one step before a message goes."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from functions.tracking.wishes import Wishes

CLAIMS_KEPT_FOR = timedelta(days=8)  # longer than any retry of a step, and than a weekly cap
MOST_CLAIMS = 30
COUNTED_FOR = timedelta(days=31)  # the longest that a limit looks back
MOST_COUNTED = 30  # of one kind, and the highest limit
MOST_PAUSES = 20
MOST_ASKED = 5  # sign-ups of one person that may be confirmed
WITHDRAWN = "consent withdrawn"
NOT_CONFIRMED = "not confirmed yet"
MARKETING_PAUSED = "marketing is paused"
UNSUBSCRIBE_LINK = "unsubscribe link"  # the source of what is withdrawn by one
PREFERENCE_PAGE = "preference page"


class Consent(msgspec.Struct, array_like=True):
    """A person's last word on one channel and purpose, and who told us."""

    given: bool
    time: datetime
    source: str = ""
    text: str = ""


class Asked(msgspec.Struct, array_like=True):
    """A sign-up: what somebody asked for by a form, which counts from when they confirm it.

    `address` is the hash of the one that was entered; after `until` nobody can confirm any more.
    """

    channel: str
    purposes: list[str]
    time: datetime
    until: datetime
    address: str = ""
    confirmed: datetime | None = None


class Live(msgspec.Struct, array_like=True):
    """A run under way; `leaving` names the outcome as soon as an exit is decided.

    `person` is the key under which the run's record stands (a merge may have moved the person);
    `since` is when the mark was set; `once` tells apart the runs of a journey that may be under
    way at the same time ("" where only one may).
    """

    journey: str
    person: str
    since: datetime
    once: str = ""
    leaving: str = ""


class Claim(msgspec.Struct, array_like=True):
    """A message that was let go: the moment of sending, for good."""

    send_id: str
    time: datetime
    channel: str
    purpose: str


class Waiting(msgspec.Struct, array_like=True):
    """A message that waits and keeps a place free for itself until then: those of a lower rank may
    not take the last one. `key` is what is counted together (see `Permission.sent`)."""

    run_id: str
    message: str
    key: str
    until: datetime


class Permission(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One a person, small, and changed only by compare-and-set.

    `consents` is keyed "channel/purpose" ("channel/*" withdraws them all); `addresses` holds a
    hash of the address in force per channel; `suppressed` a reason per channel; `live` the runs
    under way by run id; `claims` the recent ones, oldest first; `paused` until when a task (by its
    id) keeps messages back that need consent, None until it is done; `failed` when messages to
    the address in force failed for a while, in a row, per channel; `wishes` what the person asked
    for beside; `asked` the sign-ups that are not over, by the name of the request.
    For limits (see `messages.room`): `sent` has the epoch seconds of what went and needed consent,
    by "channel/class/purpose"; `waiting` what keeps a place free, by send id. For the sunset:
    `unanswered` messages went since the last sign of life, which was at `sign`.
    """

    person: str
    version: int = 0
    moved_to: str = ""
    consents: dict[str, Consent] = {}
    suppressed: dict[str, str] = {}
    erased: bool = False
    addresses: dict[str, str] = {}
    live: dict[str, Live] = {}
    claims: list[Claim] = []
    paused: dict[str, datetime | None] = {}
    failed: dict[str, list[datetime]] = {}
    wishes: Wishes | None = None
    asked: dict[str, Asked] = {}
    sent: dict[str, list[int]] = {}
    waiting: dict[str, Waiting] = {}
    unanswered: int = 0
    sign: datetime | None = None


class Refused(Exception):
    """The step must not be taken; the text says why, in words that a marketer may read."""


def enter(permission: Permission, run_id: str, live: Live) -> None:
    """Note a run as under way. Refused while another like it is (see `Live.once`)."""
    if permission.erased:
        raise Refused("the person was erased")
    if any(other != run_id for other in alike(permission, live)):
        raise Refused("the person is in this journey already")
    permission.live.setdefault(run_id, live)


def alike(permission: Permission, live: Live) -> list[str]:
    """The runs under way that are of the same journey, and once for the same thing."""
    return [
        run_id
        for run_id, other in permission.live.items()
        if (other.journey, other.once) == (live.journey, live.once) and not other.leaving
    ]


def leave(permission: Permission, run_id: str, outcome: str) -> bool:
    """Mark a run as leaving: from now on it gets no claim. False: it was not under way."""
    live = permission.live.get(run_id)
    if live is None or live.leaving:
        return False
    permission.live[run_id] = msgspec.structs.replace(live, leaving=outcome)
    return True


def refusal(permission: Permission, channel: str, purpose: str, needs_consent: bool) -> str:
    """Why nothing may be sent on this channel for this purpose now; "" when it may."""
    if permission.erased:
        return "the person was erased"
    if channel in permission.suppressed:
        return f"suppressed: {permission.suppressed[channel]}"
    if not needs_consent:
        return ""
    key = f"{channel}/{purpose}"
    word = last_word(permission, key)
    if word and word.given:
        return ""
    if is_unconfirmed(permission, channel, purpose):
        return NOT_CONFIRMED
    return WITHDRAWN if key in permission.consents else "no consent"


def is_silenced(permission: Permission, channel: str, purpose: str, said: datetime | None) -> bool:
    """Whether the person agreed to it before the address `said` STOP (None: it did not), which may
    be somebody else's word: two people can have one telephone."""
    word = last_word(permission, f"{channel}/{purpose}")
    return said is not None and word is not None and word.given and word.time <= said


def is_unconfirmed(permission: Permission, channel: str, purpose: str) -> bool:
    """Whether the person signed up for it (on a channel, for a purpose or, with "", for any) and
    has not confirmed that."""
    return any(
        one.channel == channel
        and one.confirmed is None
        and (not purpose or purpose in one.purposes)
        for one in permission.asked.values()
    )


def pause_marketing(
    permission: Permission, task_id: str, until: datetime | None, now: datetime
) -> bool:
    """Keep messages back that need consent; `until` None: until the task is done. False: the task
    does so already."""
    if task_id in permission.paused:
        return False
    lasting = {other: end for other, end in permission.paused.items() if end is None or end > now}
    permission.paused = dict([*lasting.items(), (task_id, until)][-MOST_PAUSES:])
    return True


def end_pause(permission: Permission, task_id: str) -> bool:
    """The task is done. False: it kept nothing back until then."""
    if permission.paused.get(task_id, ...) is not None:
        return False  # a time that was set counts whether the task is done or not
    del permission.paused[task_id]
    return True


def is_paused(permission: Permission, now: datetime) -> bool:
    """Whether messages that need consent are kept back."""
    if permission.wishes and permission.wishes.pauses_until(now):
        return True
    ends = permission.paused.values()
    return bool(ends) and any(until is None or now < until for until in ends)


def last_word(permission: Permission, key: str) -> Consent | None:
    """What was said last on a channel and purpose, or on the channel as a whole."""
    own = permission.consents.get(key)
    whole = permission.consents.get(f"{key.partition('/')[0]}/*")
    return whole if whole and (own is None or whole.time >= own.time) else own


def take_in(permission: Permission, words: Iterable[str]) -> None:
    """Withdraw what was withdrawn at the light door since the item was put, in words such as
    "2027-03-01T09:00:00+00:00 email/product tips". Each was said after all that the item knows,
    so it holds whatever another clock says."""
    for word in sorted(words):
        moment, _, key = word.partition(" ")
        time, before = datetime.fromisoformat(moment), permission.consents.get(key)
        latest = max(time, before.time) if before else time
        if before is None or before.given or before.time < latest:
            permission.consents[key] = Consent(False, latest, UNSUBSCRIBE_LINK)


def claim(permission: Permission, run_id: str, wanted: Claim, address: str, why_not: str) -> None:
    """Take the right to send one message, for good. Raises Refused.

    `address` is the hash of the address that the message was made for; `why_not` comes from
    `refusal` on this very permission, so that check and act are one conditional write.
    """
    live = permission.live.get(run_id)
    if live is None or live.leaving:
        raise Refused("the run has ended")
    if why_not:
        raise Refused(why_not)
    if permission.addresses.get(wanted.channel) != address:
        raise Refused("the address has changed")
    oldest = wanted.time - CLAIMS_KEPT_FOR
    kept = [made for made in permission.claims if made.time >= oldest]
    permission.claims = [*kept, wanted][-MOST_CLAIMS:]


def claimed(permission: Permission, send_id: str) -> Claim | None:
    """The claim of this message, if it was made."""
    for made in permission.claims:
        if made.send_id == send_id:
            return made
    return None
