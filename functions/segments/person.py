"""A person as journeys, templates and the API see them: traits and computed fields."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from functions.segments.operators import Kind
from functions.tracking import orders
from functions.tracking.own_event import NO_SIGN_OF_LIFE
from functions.tracking.profile import Profile


def _locale(profile: Profile) -> Any:
    said = profile.trait("locale") or profile.trait("language")
    habit = profile.habits.get("locale")
    return said or (habit.value if habit else None)


def _zone(profile: Profile) -> Any:
    habit = profile.habits.get("timezone")
    return profile.trait("timezone") or (habit.value if habit else None)


def _revenue(profile: Profile) -> Decimal:
    """In the currency that most of it came in."""
    return max(orders.revenue(profile).values(), default=Decimal(0))


def _order_times(profile: Profile) -> list[Any]:
    older = profile.older_orders
    placed = [order.placed for order in profile.orders.values() if order.counts]
    return [time for time in (*placed, older.first, older.last) if time]


def _last_seen(profile: Profile) -> Any:
    """What we found out or did ourselves is no sign of the person."""
    times = (one.last for name, one in profile.events.items() if name not in NO_SIGN_OF_LIFE)
    return max(times, default=None)


# A conversation, with whoever of us and by whatever means; what a journey sends is none.
CONTACTS = ("Call Logged", "Meeting Held", "Visit Held", "Email Answered")


def _last_contact(profile: Profile) -> Any:
    held = [profile.events[name].last for name in CONTACTS if name in profile.events]
    return max(held, default=None)


def _score(profile: Profile) -> float:
    """What journeys have added; whole where it is whole, for a mail shows it."""
    points = profile.points
    return int(points) if points == int(points) else points


TAG = "tag:"  # before the name of a tag: the trait that says whether the person has it


def _tags(profile: Profile) -> Any:
    """The tags that a shop sent as a trait, changed by those that journeys added and removed."""
    sent = profile.trait("tags")
    ours = {
        name.removeprefix(TAG): bool(trait.value)
        for name, trait in profile.traits.items()
        if name.startswith(TAG)
    }
    if not ours:
        return sent
    theirs = sent if isinstance(sent, list) else [] if sent is None else [sent]
    kept = [tag for tag in theirs if not (isinstance(tag, str) and tag in ours)]
    return sorted([*kept, *(tag for tag, has in ours.items() if has)], key=str)


COMPUTED: dict[str, Callable[[Profile], Any]] = {
    "locale": _locale,
    "zone": _zone,
    "score": _score,
    "orders": orders.count,
    "revenue": _revenue,
    "first_seen": lambda profile: profile.created,
    "last_seen": _last_seen,
    "first_order": lambda profile: min(_order_times(profile), default=None),
    "tags": _tags,
    "last_order": lambda profile: max(_order_times(profile), default=None),
    "last_contact": _last_contact,
    "lifetime_value": _revenue,  # what came in so far; what may still come is not foretold
}
KINDS: dict[str, Kind] = {
    "score": "number",
    "orders": "number",
    "revenue": "number",
    "lifetime_value": "number",
    "first_seen": "date",
    "last_seen": "date",
    "first_order": "date",
    "last_order": "date",
    "last_contact": "date",
}
NOT_YET = ("visits",)


def fields(profile: Profile) -> dict[str, Any]:
    """All fields of a person: traits by their names, computed fields on top."""
    traits = {
        name: trait.value for name, trait in profile.traits.items() if not name.startswith(TAG)
    }
    if "firstName" in traits:
        traits.setdefault("first_name", traits["firstName"])
    if "lastName" in traits:
        traits.setdefault("last_name", traits["lastName"])
    return {**traits, **{name: compute(profile) for name, compute in COMPUTED.items()}}
