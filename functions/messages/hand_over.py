"""Handing over: a message goes to its channel, and what the channel says of it is noted."""

from datetime import datetime
from email.utils import formataddr
from functools import lru_cache

from functions.channels.channel import Outgoing, Permanent, Temporary
from functions.messages.address import address_hash
from functions.messages.allowed import TRANSACTIONAL, class_of
from functions.messages.claiming import unclaim
from functions.messages.holding import TOO_LATE, is_too_late, spread
from functions.messages.ledger import note, outcome
from functions.messages.wish import Desk, Wish, Worded
from functions.storage.store import change
from functions.tracking.message import Message, Outcome
from functions.tracking.pause import Pause, extend, pause_key, turn
from functions.tracking.suppressed import ADDRESS


def hand_over(wish: Wish, row: Message, desk: Desk, outgoing: Outgoing) -> Outcome:
    """To the channel, and note what it said."""
    try:
        row.provider_id = desk.channels[wish.channel].send(outgoing)
    except Temporary as error:
        unclaim(wish, row, desk)
        row.claimed = None
        note(desk, row, "held", str(error))
        until = _pause(desk, row, error.retry_after)
        if is_too_late(row, until):
            return note(desk, row, "not sent", TOO_LATE)
        return outcome(row, until)
    except Permanent as error:
        return note(desk, row, "failed", str(error))
    except Exception as error:
        # The answer was lost: its receipts will tell, and it is not sent again.
        return note(desk, row, "unknown", f"no answer: {type(error).__name__}")
    return note(desk, row, "sent", "")


_written = lru_cache(maxsize=16)(formataddr)  # a brand's sender is always the same


def outgoing(wish: Wish, row: Message, desk: Desk, address: str, worded: Worded) -> Outgoing:
    url, rendered = worded.leave_url, worded.rendered
    headers, group = {}, class_of(row.purpose, row.kind, desk.brand)
    if url and wish.channel == "email":
        # RFC 8058: a mail program may leave for the person with one POST.
        headers = {
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    if group == TRANSACTIONAL and wish.channel == "email":
        # RFC 3834, section 5: no absence notice answers it. SES takes the field, once at most.
        headers["Auto-Submitted"] = "auto-generated"
    sender = desk.brand.sender
    return Outgoing(
        send_id=row.send_id,
        to=address,
        text=rendered.text,
        subject=rendered.subject,
        html=rendered.html,
        sender=_written((sender.name, sender.email)) if wish.channel == "email" else sender.sms,
        reply_to=sender.reply_to,
        headers=headers,
        tags={
            "person": wish.person,
            "run": wish.run_id,
            "send": row.send_id,
            "message": wish.message,
            "class": group,
            ADDRESS: address_hash(row.channel, address),
        },
        person=wish.person,
    )


def _pause(desk: Desk, row: Message, asked: float) -> datetime:
    """The provider takes no more for now: nobody asks it until the pause is over, and then first
    the one that found out. Whom it refused meanwhile has a turn like everybody."""
    key, now = pause_key(row.channel), desk.now()
    blank = Pause(channel=row.channel)
    begun: list[bool] = []

    def begin(pause: Pause) -> bool:
        begun.append(extend(pause, now, asked))
        return begun[-1]

    pause = change(desk.store, lambda: desk.store.get(Pause, key) or blank, begin)
    return (None if begun[-1] else turn(pause, now, spread(row))) or pause.until or now
