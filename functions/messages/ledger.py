"""The ledger's row of a message: begun, written, and read as an outcome."""

from datetime import datetime
from typing import Any

from functions.messages.wish import Desk, Wish
from functions.segments.person import field_of
from functions.storage.store import Contended, change
from functions.tracking.message import Message, Outcome
from functions.tracking.profile import Profile

# What we know better than whoever else writes to the row.
_OURS = (
    *("channel", "locale", "claimed", "held_out", "subject", "provider_id"),
    *("by_time", "full"),
)


def new_row(wish: Wish, key: str, desk: Desk, profile: Profile) -> Message:
    locale = field_of(profile, desk.now(), "locale")
    return Message(
        person=wish.person,
        run_id=wish.run_id,
        step=wish.step,
        iteration=wish.iteration,
        send_id=key,
        journey=wish.journey,
        message=wish.message,
        channel=wish.channel,
        purpose=wish.purpose,
        locale=desk.brand.language(locale, wish.languages[wish.channel]),
        state="held",
        latest=wish.latest,
        kind=wish.kind,
        by_channel=wish.choice,
    )


def note(desk: Desk, row: Message, state: Any, reason: str) -> Outcome:
    """Write the ledger row.

    Meanwhile the end of the run or a receipt may have written to it: we know better what we
    did, a receipt what came of it.
    """

    def note(found: Message) -> bool:
        # A slow try must not undo what a later one has brought about.
        if state in ("held", "unknown") and found.state in ("sent", "failed"):
            return False
        if found is not row:
            for name in _OURS:
                setattr(found, name, getattr(row, name))
        # Given up by others while we tried: nobody will come back to a hold.
        given_up = state == "held" and found.state in ("unknown", "not sent")
        found.state, found.reason = "not sent" if given_up else state, reason
        return True

    def read() -> Message:
        return desk.store.get(Message, row.person, row.key) or row

    return outcome(change(desk.store, read, note, known=row))


def refused(desk: Desk, row: Message, reason: str) -> Outcome:
    if reason == "the run has ended":
        return Outcome("gone", reason)
    if reason == "the address has changed":
        raise Contended(reason)  # the profile was a moment ahead of the permission item
    return note(desk, row, "not sent", reason)


def outcome(row: Message, until: datetime | None = None) -> Outcome:
    if row.state in ("sent", "unknown"):
        return Outcome("sent" if row.state == "sent" else "unknown", row.reason, row.claimed)
    if row.state == "held":
        return Outcome("held", row.reason, None, until)
    return Outcome("not sent", row.reason)
