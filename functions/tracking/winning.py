"""Whether somebody who came by a code of another was won: their first order, and its end."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from functions.tracking.event import Event
from functions.tracking.fold import note
from functions.tracking.identity import message_hash
from functions.tracking.profile import Order, Profile
from functions.tracking.referral import MOST_WINS, code_of
from functions.tracking.referral_record import Referral, Win


def settle(profile: Profile, fresh: Sequence[Event], secret: bytes) -> None:
    """Bring a profile, which has folded these new events, up to date: its first order wins them
    for the one whose code they came by, once; it is lost again when that order is given back in
    full, or when they turn out to have bought before, or to be that one themselves."""
    referral = profile.referral
    if referral is None:
        return
    own = referral.code in {code_of(secret, key) for key in profile.keys}
    if own and not referral.wins:
        note(profile, f'referral: "{referral.code}" is the person\'s own code')
        profile.referral = None
        return
    is_quiet = all(event.is_quiet for event in fresh)
    may_win = not own and not bought_before(profile, referral)
    latest = max(event.time for event in fresh)
    wins = [
        win if win.lost or _stands(profile, win, may_win) else _lose(win, latest, is_quiet)
        for win in referral.wins
    ]
    if may_win and all(win.lost for win in wins) and len(wins) < MOST_WINS:
        wins += _win(profile, referral, is_quiet)
    by = referral.by if tuple(wins) == referral.wins else message_hash(fresh[-1].message_id)[:8]
    profile.referral = replace(referral, own=own, wins=tuple(wins), by=by)


def bought_before(profile: Profile, referral: Referral) -> bool:
    """Whether the person had bought when they came by the code."""
    placed = [order.placed for order in profile.orders.values() if order.counts]
    times = [time for time in (*placed, profile.older_orders.first) if time]
    return bool(times) and min(times) < referral.time


def is_told(profile: Profile, events: Sequence[Event]) -> bool:
    """Whether these events, new or come again, changed what the one whose code it is has won."""
    referral = profile.referral
    if referral is None or not referral.by:
        return False
    return any(message_hash(event.message_id)[:8] == referral.by for event in events)


def _lose(win: Win, time: datetime, is_quiet: bool) -> Win:
    return replace(win, lost=max(time, win.placed), lost_quiet=is_quiet)


def _stands(profile: Profile, win: Win, may_win: bool) -> bool:
    order = _orders(profile).get(win.order_id)
    return may_win and (order is None or _is_kept(order))  # none: it has long left the profile


def _is_kept(order: Order) -> bool:
    """Whether it counts, and was not given back bit by bit."""
    return order.counts and (order.revenue > 0 or not order.amount)


def _win(profile: Profile, referral: Referral, is_quiet: bool) -> list[Win]:
    """The first of their orders that counts, as far as they are known."""
    before = {win.order_id for win in referral.wins}
    found = [
        (order.placed, order.order_id, order)
        for order in _orders(profile).values()
        if order.placed and _is_kept(order) and order.order_id not in before
    ]
    return [
        Win(referral.code, order_id, placed, order.revenue, order.currency, is_quiet)
        for placed, order_id, order in sorted(found, key=lambda one: one[:2])[:1]
    ]


def _orders(profile: Profile) -> dict[str, Order]:
    """Those in the profile, and those that leave it with this write."""
    leaving = {order.order_id: order for row in profile.leaving for order in row.orders}
    return {**leaving, **profile.orders}
