"""Delivering: may it go, in which words, and once, whatever is retried."""

from functions.messages import room
from functions.messages.address import address_of, is_in
from functions.messages.allowed import why_not
from functions.messages.choosing import by_one_channel, choose_time
from functions.messages.claiming import (
    claim,
    is_limited,
    keep_place,
    refuse_if_asleep,
    wanted_of,
)
from functions.messages.hand_over import hand_over, outgoing
from functions.messages.holding import (
    BEST_TIME,
    TOO_LATE,
    is_too_late,
    not_at_this_time,
    reason_to_hold,
)
from functions.messages.ledger import new_row, note, outcome, refused
from functions.messages.limits import DROP
from functions.messages.room import Full, NoRoom
from functions.messages.template import TemplateError
from functions.messages.wish import Desk, Hold, Wish
from functions.messages.wording import in_full
from functions.segments import limit_words
from functions.tracking import permission as permissions
from functions.tracking.message import Message, Outcome, ledger_key
from functions.tracking.message import send_id as id_of
from functions.tracking.permission import Permission, Refused
from functions.tracking.profile import Profile

HELD_OUT = "hold-out group"
WRONG_COUNTRY = "brand.yaml has not this number's country among its sms countries"


def deliver(wish: Wish, desk: Desk) -> Outcome:
    """Send the message, or say why not.

    Once per run, step and pass: the claim on the permission item remembers it, and afterwards the
    ledger row. (A row before as well would be a write more for every message.)
    No claim succeeds without permission at that very moment. Raises Contended.
    """
    key = id_of(wish.run_id, wish.step, wish.iteration)
    row = desk.store.get(Message, wish.person, ledger_key(wish.run_id, key))
    if row and row.state != "held":
        return outcome(row)
    profile, permission = desk.profile(wish.person), desk.permission(wish.person)
    made = permissions.claimed(permission, key)
    wish = by_one_channel(wish, row, made, profile, permission, desk)
    row = row or new_row(wish, key, desk, profile)
    if made:
        # A crash between claim and ledger: nobody knows whether it went, so it never goes again.
        row.claimed = made.time
        return note(desk, row, "unknown", "the claim was made, then we stopped")
    if is_too_late(row, desk.now()):
        return note(desk, row, "not sent", TOO_LATE)
    try:
        return _go(wish, row, desk, profile, permission)
    except (Refused, TemplateError) as error:
        return refused(desk, row, str(error))


def _go(wish: Wish, row: Message, desk: Desk, profile: Profile, permission: Permission) -> Outcome:
    """Hold it, or send it. Raises Refused, TemplateError, Contended."""
    address = _address(wish, row, profile, permission, desk)
    choose_time(wish, row, profile, desk)
    hold = reason_to_hold(wish, row, desk, address, desk.now())
    if hold:
        if not wish.paused:
            keep_place(wish, row, desk, permission, hold.until)
        return _hold(desk, row, hold)
    try:
        if is_limited(row, desk):
            room.check(permission, wanted_of(wish, row), desk.limits, desk.now())
        if wish.held_out and desk.brand.must_be_allowed(row.purpose):
            row.held_out = desk.now()
            return note(desk, row, "not sent", HELD_OUT)
        return _send(wish, row, desk, profile, permission, address)
    except NoRoom as error:
        return _wait_for_room(wish, row, desk, permission, error.full)


def _send(
    wish: Wish, row: Message, desk: Desk, profile: Profile, permission: Permission, address: str
) -> Outcome:
    """Find the words, take the claim, hand it over. Raises Refused, NoRoom, TemplateError,
    Contended."""
    worded = (desk.words or in_full)(wish, row, desk, profile, permission)
    moment = desk.now()
    hold = not_at_this_time(wish, row, desk, moment)  # the hour may have passed meanwhile
    if hold:
        return _hold(desk, row, hold)
    if worded.short_links:  # before the claim: after it nothing may fail but the sending
        desk.store.write(worded.short_links)
    claim(wish, row, desk, address, moment)
    row.claimed = moment
    row.subject = worded.rendered.subject
    return hand_over(wish, row, desk, outgoing(wish, row, desk, address, worded))


def _address(wish: Wish, row: Message, profile: Profile, permission: Permission, desk: Desk) -> str:
    """The address that it would go to. Raises Refused; the claim asks again, this saves holding
    and rendering."""
    address = address_of(profile, wish.channel)
    if not address:
        raise Refused("no address" if wish.channel == "email" else "no phone number")
    if wish.channel == "sms" and not is_in(address, desk.brand.sms_countries):
        raise Refused(WRONG_COUNTRY)
    reason = why_not(permission, row.channel, row.purpose, desk.brand, desk.now())
    if reason:
        raise Refused(reason)
    refuse_if_asleep(wish, row, desk, permission, desk.now())
    return address


def _hold(desk: Desk, row: Message, hold: Hold) -> Outcome:
    """The ledger hears of it once at most, not again and again."""
    if is_too_late(row, hold.until):
        return note(desk, row, "not sent", TOO_LATE)
    if hold.is_noted and (row.version == 0 or hold.reason == BEST_TIME):
        note(desk, row, "held", hold.reason)
    return outcome(row, hold.until)


def _wait_for_room(
    wish: Wish, row: Message, desk: Desk, permission: Permission, full: Full
) -> Outcome:
    """A limit is reached: it waits for the first moment at which it may go, unless that is too far
    away. Raises Refused."""
    row.full = row.full or desk.now()
    hold = not_at_this_time(wish, row, desk, full.until)
    until = hold.until if hold else full.until
    if desk.limits.when_full == DROP or until > row.full + desk.limits.hold_at_most:
        return note(desk, row, "not sent", full.reason)
    if is_too_late(row, until):
        return note(desk, row, "not sent", TOO_LATE)
    keep_place(wish, row, desk, permission, until)
    there = until.astimezone(wish.zone)
    note(desk, row, "held", limit_words.until(full.reason, there))
    return outcome(row, until)
