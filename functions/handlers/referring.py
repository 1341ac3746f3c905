"""Telling people that their referral code has won a customer, or lost one again."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import msgspec

from functions.handlers.discreet import Logger
from functions.handlers.wiring import Parts
from functions.messages.referral import for_template
from functions.storage import referrals
from functions.storage.people import profile_of
from functions.storage.store import Contended, Unavailable
from functions.tracking.event import IMPORT, Event, EventBatch, bodies
from functions.tracking.own_event import REFERRAL_LOST, REFERRAL_WON, REFERRALS, own_event
from functions.tracking.profile import Profile
from functions.tracking.referral_record import Win
from functions.tracking.winning import is_told

logger = Logger(service="referring")
TOLD_AGAIN = timedelta(days=30)  # an event's row, by which it counts once, lives for five days more
Delay = Callable[[int, str], int | None]  # (how often, of whom) -> seconds; None: no more


class Wins(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The body of a queue message: what the orders of this person, who came by the code of
    another, have won or lost. `put_off` is as in an EventBatch."""

    referral: str
    wins: tuple[Win, ...]
    put_off: int = 0


_encode = msgspec.json.Encoder().encode
_wins = msgspec.json.Decoder(Wins)


def is_wins(body: str) -> bool:
    """Whether a queue message tells of customers won."""
    return body.startswith('{"referral"')


def read(body: str) -> Wins:
    """Raises msgspec.DecodeError."""
    return _wins.decode(body)


def ask(parts: Parts, profile: Profile, events: list[Event]) -> None:
    """Have those told whose codes brought the person, if these events changed what they won.
    Asking twice does no harm. Raises Busy."""
    if profile.referral and is_told(profile, events):
        asked = Wins(referral=profile.person, wins=profile.referral.wins)
        parts.send_events([_encode(asked)], 0)


def tell(parts: Parts, asked: Wins, put_off: Delay) -> None:
    """Tell them. All is told each time, and counts once: so it does not matter what comes first,
    or whether something was told before. Raises Busy."""
    try:
        events = list(_events(parts, asked))
    except (Contended, Unavailable) as error:
        times = asked.put_off + 1
        delay = put_off(times, asked.referral)
        body = _encode(msgspec.structs.replace(asked, put_off=times))
        logger.warning("telling of referrals is put off", extra={"reason": str(error)})
        if delay is None:
            parts.bury(body, str(error))
        else:
            parts.send_events([body], delay)
        return
    if events:
        parts.send_events(bodies(EventBatch(events)), 0)


def _events(parts: Parts, asked: Wins) -> Iterator[Event]:
    news = max(win.lost or win.placed for win in asked.wins) - TOLD_AGAIN
    for win in asked.wins:
        referrer = referrals.referrer_key(parts.store, win.code)
        if not referrer or (not win.lost and _is_own(parts, referrer, asked.referral)):
            continue
        if win.placed >= news:
            yield _event(referrer, REFERRAL_WON, win)
        if win.lost and win.lost >= news:
            yield _event(referrer, REFERRAL_LOST, win)


def _is_own(parts: Parts, referrer: str, friend: str) -> bool:
    """Whether the two have become one since."""
    return profile_of(parts.store, referrer).person == profile_of(parts.store, friend).person


def _event(referrer: str, name: str, win: Win) -> Event:
    """Nothing in it tells who the friend is. Under the key that the code was made for, which no
    merge changes, so that it is the same event each time."""
    lost = name == REFERRAL_LOST
    said = {"amount": float(win.amount), "currency": win.currency}
    event = own_event(REFERRALS, referrer, name, win.order_id, win.placed, **said)
    if lost and win.lost:
        event.time = win.lost  # its place in the timeline hangs on the order alone
    is_quiet = win.quiet or (lost and win.lost_quiet)
    event.context = {IMPORT: {"quiet": True}} if is_quiet else {}
    return event


def shown(parts: Parts, profile: Profile) -> dict[str, str]:
    """The person's code and link, for a message; the code leads to them from now on. Raises
    Contended."""
    code = referrals.code_for(parts.store, parts.settings.identity_key, profile, parts.now())
    return for_template(code, parts.library.brand())
