"""Merging: an anonymous person turns out to be one that we know."""

from collections.abc import Iterable
from math import inf

from functions.tracking import company, orders, referral, visits
from functions.tracking.fold import KEPT, latest, latest_carts, room, seen, total_units
from functions.tracking.permission import Consent, Permission, last_word
from functions.tracking.profile import ANEW, MOST_MOVES, Cart, OrderRow, Profile, Stay, Trait
from functions.tracking.tally import joined
from functions.tracking.wishes import stricter_wishes

LEAVES_BY_MERGE = "merged"  # the outcome of a run that another of the same person replaces
OUTRANKED = "outranked"  # the outcome of a run that gave way to a journey of its group


EJECTED = "ejected"  # the outcome of a run that a marketer ended from outside
_OURS = {
    LEAVES_BY_MERGE: "for a run that gave way to another of the same person",
    OUTRANKED: "for a run that gave way to a journey of its group with a higher priority",
    EJECTED: "for a run that a marketer ended by stopping or changing the journey",
}


def taken(outcome: str) -> str:
    """Why a journey may not call an outcome so; "" when it may."""
    return f'"{outcome}" is our own word, {_OURS[outcome]}' if outcome in _OURS else ""


def merge_profiles(
    source: Profile,
    target: Profile,
    source_rows: Iterable[OrderRow] = (),
    target_rows: Iterable[OrderRow] = (),
) -> None:
    """Fold the source's facts into the target and make the source a redirect to it.

    The source keeps its frozen state; the target remembers the ids of both, so that no event
    counts twice, and both keys, so that rows are found where they were written. The
    rows of orders are those written of either, own key first, newest first.
    """
    target.merged = [*target.merged, source.person, *source.merged]
    target.apart = list(dict.fromkeys([*target.apart, *source.apart]))
    target.user_id = target.user_id or source.user_id
    target.anonymous_ids = list(dict.fromkeys([*source.anonymous_ids, *target.anonymous_ids]))[
        -KEPT:
    ]
    times = [profile.created for profile in (source, target) if profile.created]
    target.created = min(times) if times else None
    _merge_traits(source, target)
    _merge_counts(source, target)
    orders.merge(source, target, source_rows, target_rows)
    _merge_carts(source, target)
    target.pages = latest([*source.pages, *target.pages])
    target.searches = latest([*source.searches, *target.searches])
    target.visits = visits.join(source.visits, target.visits)
    touches = [touch for touch in (source.first_touch, target.first_touch) if touch]
    target.first_touch = min(touches, key=lambda t: (t.time, t.message_id), default=None)
    target.referral = referral.join(source.referral, target.referral)
    target.referrals = referral.add(source.referrals, target.referrals)
    target.points = total_units(source.points, target.points)
    target.stages = join_stays(source.stages, target.stages)
    _merge_kept(source, target)
    target.refused = list(dict.fromkeys([*source.refused, *target.refused]))[-KEPT:]
    target.recent = {**source.recent, **target.recent}
    target.let_go = max(source.let_go, target.let_go)
    target.pending = {**source.pending, **target.pending}
    source.moved_to = target.person


def join_stays(source: dict[str, Stay], target: dict[str, Stay]) -> dict[str, Stay]:
    """In each model the further stage of the two in the order of the file, of the same stage the
    longer stay; both histories. Whether they move on, the joined facts tell when stages are kept
    next."""
    joined = {}
    for model in dict.fromkeys([*target, *source]):
        found = [stays[model] for stays in (target, source) if model in stays]
        joined[model] = _one_stay(*found) if len(found) == 2 else found[0]
    return joined


def _one_stay(one: Stay, other: Stay) -> Stay:
    far, near = sorted((one, other), key=_how_far)
    moves = sorted([*near.history, *far.history[:-1]], key=lambda move: (move.time, move.stage))
    return Stay(
        place=far.place,
        phase=far.phase,
        history=[*moves, *far.history[-1:]][-MOST_MOVES:],
    )


def _how_far(stay: Stay) -> tuple[int, float, str]:
    """The further first; of equal ones the one who has been there longer."""
    return (-stay.place, stay.since.timestamp() if stay.since else inf, stay.stage)


def _merge_kept(source: Profile, target: Profile) -> None:
    """What the rules keep. Where not both have counted a tally from the beginning, it is counted
    anew from the timeline."""
    if not target.version:  # nobody was there yet: it is the source under another key
        target.tallied, target.ruled = source.tallied, source.ruled
    both = source.tallies.keys() & target.tallies.keys()
    together = {key: joined(source.tallies[key], target.tallies[key]) for key in both}
    if source.tallied and source.tallied == target.tallied:
        together = {**source.tallies, **target.tallies, **together}
    else:
        target.tallied = ""
    target.tallies = together
    target.score.parts = {**source.score.parts, **target.score.parts}
    reached = (*target.score.reached, *source.score.reached)
    target.score.reached = list(dict.fromkeys(reached))
    for name, since in source.segments.items():
        target.segments[name] = min(target.segments.get(name, since), since)
    target.outbox = [*source.outbox, *target.outbox]
    if target.ruled:
        target.due = ANEW


def _merge_traits(source: Profile, target: Profile) -> None:
    for name, trait in source.traits.items():
        if room(target, target.traits, name, "traits"):
            target.traits[name] = _later(target.traits.get(name), trait)
    for name, habit in source.habits.items():
        target.habits[name] = _later(target.habits.get(name), habit)


def _later(mine: Trait | None, theirs: Trait) -> Trait:
    found = [mine, theirs] if mine else [theirs]
    return max(found, key=lambda trait: trait.said)


def _merge_counts(source: Profile, target: Profile) -> None:
    for name, count in source.events.items():
        if room(target, target.events, name, "events"):
            before = target.events.get(name)
            target.events[name] = seen(before, count.count, count.first, count.last)
    for name, count in source.devices.items():
        before = target.devices.get(name)
        if before or len(target.devices) < KEPT:
            target.devices[name] = seen(before, count.count, count.first, count.last)
    for name, time in source.groups.items():
        if room(target, target.groups, name, "groups"):
            target.groups[name] = max(target.groups.get(name, time), time)
    company.merge(source, target)


def _merge_carts(source: Profile, target: Profile) -> None:
    for cart_id, cart in source.carts.items():
        here = target.carts.get(cart_id)
        target.carts[cart_id] = _one_cart(here, cart) if here else cart
    target.carts = latest_carts(target.carts)


def _one_cart(mine: Cart, theirs: Cart) -> Cart:
    """One cart that two profiles knew parts of."""
    items = dict(mine.items)
    for product, units in theirs.items.items():
        items[product] = total_units(items.get(product, 0), units)
    return Cart(max(mine.last, theirs.last), items, mine.closed or theirs.closed)


def merge_permissions(source: Permission, target: Permission) -> None:
    """The stricter of both holds: a withdrawal wins over a consent, whichever is newer, also one
    of a whole channel over the other's consent for one purpose."""
    target.consents = stricter_consents(source, target)
    target.suppressed = {**source.suppressed, **target.suppressed}
    target.erased = target.erased or source.erased
    target.failed = {**source.failed, **target.failed}
    target.addresses = {**source.addresses, **target.addresses}
    target.live = {**source.live, **target.live}
    target.paused = {**source.paused, **target.paused}
    target.wishes = stricter_wishes(source.wishes, target.wishes)
    target.asked = {**source.asked, **target.asked}
    target.claims = sorted([*source.claims, *target.claims], key=lambda claim: claim.time)
    _count_together(source, target)
    source.moved_to = target.person


def _count_together(source: Permission, target: Permission) -> None:
    """What went to either went to both; the later sign of life counts, and all since either's."""
    target.wishes = stricter_wishes(source.wishes, target.wishes)
    target.sent = {
        key: sorted([*source.sent.get(key, ()), *target.sent.get(key, ())])
        for key in {**source.sent, **target.sent}
    }
    target.waiting = {**source.waiting, **target.waiting}
    target.unanswered += source.unanswered
    target.sign = max((one for one in (source.sign, target.sign) if one), default=None)


def stricter_consents(source: Permission, target: Permission) -> dict[str, Consent]:
    """What both said, the stricter where both spoke of the same."""
    consents: dict[str, Consent] = {}
    for key, consent in {**source.consents, **target.consents}.items():
        mine, theirs = last_word(target, key), last_word(source, key)
        consents[key] = stricter(mine, theirs) if mine and theirs else consent
    return consents


def keep_withdrawals(own: Permission, together: Permission) -> dict[str, Consent]:
    """A person's own consents, less all that was withdrawn while they were one with another."""
    consents = dict(own.consents)
    for key in {**own.consents, **together.consents}:
        word = last_word(together, key)
        if word and not word.given:
            mine = last_word(own, key)
            consents[key] = stricter(mine, word) if mine else word
    return consents


def stricter(one: Consent, other: Consent) -> Consent:
    """A withdrawal before a consent; of two withdrawals the later, of two consents the earlier."""
    if one.given != other.given:
        return other if one.given else one
    early, late = sorted((one, other), key=lambda consent: consent.time)
    return early if one.given else late
