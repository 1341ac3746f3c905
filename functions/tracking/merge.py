"""Merging: an anonymous person turns out to be one that we know."""

from decimal import Decimal

from functions.tracking import orders
from functions.tracking.fold import KEPT, MOST_NAMES, latest, seen
from functions.tracking.permission import Consent, Permission
from functions.tracking.profile import Profile, Trait


def merge_profiles(source: Profile, target: Profile) -> None:
    """Fold the source's facts into the target and make the source a redirect to it.

    The source keeps its frozen state; the target remembers the ids of both, so that no event
    counts twice, and both keys, so that rows are found where they were written.
    """
    target.merged = [*target.merged, source.person, *source.merged]
    target.user_id = target.user_id or source.user_id
    target.anonymous_ids = list(dict.fromkeys([*source.anonymous_ids, *target.anonymous_ids]))[
        -KEPT:
    ]
    times = [profile.created for profile in (source, target) if profile.created]
    target.created = min(times) if times else None
    _merge_traits(source.traits, target.traits)
    _merge_traits(source.habits, target.habits)
    for name, count in source.events.items():
        if name in target.events or len(target.events) < MOST_NAMES:
            before = target.events.get(name)
            target.events[name] = seen(before, count.count, count.first, count.last)
    for name, count in source.devices.items():
        target.devices[name] = seen(target.devices.get(name), count.count, count.first, count.last)
    _merge_shopping(source, target)
    target.pages = latest([*source.pages, *target.pages])
    target.searches = latest([*source.searches, *target.searches])
    target.groups = {**source.groups, **target.groups}
    touches = [touch for touch in (source.first_touch, target.first_touch) if touch]
    target.first_touch = min(touches, key=lambda t: (t.time, t.message_id), default=None)
    target.refused = list(dict.fromkeys([*source.refused, *target.refused]))[-KEPT:]
    target.recent = {**source.recent, **target.recent}
    target.let_go = max(source.let_go, target.let_go)
    target.pending = [*source.pending, *target.pending]
    source.moved_to = target.person


def _merge_traits(source: dict[str, Trait], target: dict[str, Trait]) -> None:
    for name, trait in source.items():
        mine = target.get(name)
        if mine is None and len(target) >= MOST_NAMES:
            continue
        if mine is None or (trait.time, trait.message_id) > (mine.time, mine.message_id):
            target[name] = trait


def _merge_shopping(source: Profile, target: Profile) -> None:
    for order_id, order in source.orders.items():
        mine = target.orders.get(order_id)
        target.orders[order_id] = orders.combine(mine, order) if mine else order
    target.leaving_orders = [*source.leaving_orders, *target.leaving_orders]
    older, more = target.older_orders, source.older_orders
    older.rows += more.rows
    older.count += more.count
    for currency, amount in more.revenue.items():
        older.revenue[currency] = older.revenue.get(currency, Decimal(0)) + amount
    firsts = [time for time in (older.first, more.first) if time]
    lasts = [time for time in (older.last, more.last) if time]
    older.first, older.last = min(firsts, default=None), max(lasts, default=None)
    orders.move_out(target)
    for cart_id, cart in source.carts.items():
        target.carts.setdefault(cart_id, cart)


def merge_permissions(source: Permission, target: Permission) -> None:
    """The stricter of both holds: a withdrawal wins over a consent, whichever is newer."""
    for key, consent in source.consents.items():
        mine = target.consents.get(key)
        target.consents[key] = stricter(mine, consent) if mine else consent
    target.suppressed = {**source.suppressed, **target.suppressed}
    target.erased = target.erased or source.erased
    target.addresses = {**source.addresses, **target.addresses}
    target.live = {**source.live, **target.live}
    target.claims = sorted([*source.claims, *target.claims], key=lambda claim: claim.time)
    source.moved_to = target.person


def stricter(one: Consent, other: Consent) -> Consent:
    """A withdrawal before a consent; of two withdrawals the later, of two consents the earlier."""
    if one.given != other.given:
        return other if one.given else one
    early, late = sorted((one, other), key=lambda consent: consent.time)
    return early if one.given else late
