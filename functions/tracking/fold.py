"""Folding events into a profile: exactly once each, with one result in whatever order they come."""

from datetime import datetime
from typing import Any

import msgspec

from functions.tracking import company, orders, referral, visits
from functions.tracking.event import JOURNEYS, SCORE_ADDED, Event
from functions.tracking.identity import SPEAKS_OF_TRAITS, message_hash
from functions.tracking.own_event import SCORING
from functions.tracking.profile import Cart, Order, Profile, Seen, Touch, Visit, newer

MOST_NAMES = 200  # of events and of traits a person may have
MOST_VALUE = 1024  # bytes of a trait as JSON: all of them together leave room in DynamoDB's 400 KB
REMEMBERED = 3  # message ids kept once their rows are written
KEPT = 10  # last pages, searches, devices, anonymous ids
MOST_CARTS = 5
MOST_ITEMS = 100  # different products in a cart
_GIVERS = (JOURNEYS, SCORING)  # of points
_UNITS = {"Product Added": 1, "Product Removed": -1}  # in a cart


def timeline_key(event: Event) -> str:
    """Where an event stands in the timeline: the same from retry to retry of a client."""
    return _key(event.client_time, message_hash(event.message_id))


def _key(client_time: str, digest: str) -> str:
    return f"{client_time}#{digest}"


def pending_keys(profile: Profile) -> dict[str, str]:
    """The timeline keys of the events whose rows may not be written yet, by the ids' hashes."""
    return {digest: _key(profile.recent[digest], digest) for digest in profile.pending}


def known(profile: Profile, event: Event) -> bool | None:
    """Whether the profile has this event already; None: only the timeline can tell.

    An event at or before the greatest timeline key let go may be one that was forgotten.
    """
    digest = message_hash(event.message_id)
    if digest in profile.recent:
        return True
    return None if _key(event.client_time, digest) <= profile.let_go else False


def fold(profile: Profile, event: Event) -> None:
    """Take a new event into the profile (changed in place) and mark it pending."""
    if event.event == "Order Completed":
        event.event = orders.called(profile, event)
    digest = message_hash(event.message_id)
    profile.recent[digest] = event.client_time
    profile.pending[digest] = int(event.received_at.timestamp())
    profile.created = min(profile.created or event.time, event.time)
    _count(profile, event)
    _identify(profile, event)
    if event.context:
        _habits(profile, event)
        _touch(profile, event)
    referral.hear(profile, event)
    match event.type:
        case "page" | "screen":
            profile.visits = visits.come(profile.visits, event.time)
            _visit(profile, event)
        case "group":
            _join(profile, event)
        case "track":
            _shop(profile, event)


def forget_ids(profile: Profile) -> None:
    """Let go of the ids that are no longer needed, in the order of client time: those of events
    whose rows are there, and which are not among the latest."""
    if len(profile.recent) <= REMEMBERED:
        return
    by_time = sorted([(time, digest) for digest, time in profile.recent.items()])
    for client_time, digest in by_time[:-REMEMBERED]:
        if digest not in profile.pending:
            del profile.recent[digest]
            profile.let_go = max(profile.let_go, _key(client_time, digest))


def seen(before: Seen | None, count: int, first: datetime, last: datetime) -> Seen:
    """Two counts of the same thing as one."""
    if before is None:
        return Seen(count, first, last)
    return Seen(before.count + count, min(before.first, first), max(before.last, last))


def _count(profile: Profile, event: Event) -> None:
    name = event.name
    before = profile.events.get(name)
    if before or room(profile, profile.events, name, "events"):
        profile.events[name] = seen(before, 1, event.time, event.time)


def room(profile: Profile, names: dict[str, Any], name: str, what: str) -> bool:
    """Whether one more name may be kept; a refusal is noted for people to read."""
    if name in names or len(names) < MOST_NAMES:
        return True
    note(
        profile, f'{what}: "{name}" is not kept, a person has at most {MOST_NAMES} names of {what}'
    )
    return False


def note(profile: Profile, words: str) -> bool:
    """Note for people to read what was not done; False if that is known already."""
    if words in profile.refused:
        return False
    profile.refused = [*profile.refused, words][-KEPT:]
    return True


def _fits(profile: Profile, name: str, value: Any) -> bool:
    """Whether a trait's value is small enough to be kept; the timeline has it in any case."""
    if isinstance(value, int | float) or len(msgspec.json.encode(value)) <= MOST_VALUE:
        return True
    note(profile, f'traits: "{name}" is not kept, a value has at most {MOST_VALUE} bytes')
    return False


def _identify(profile: Profile, event: Event) -> None:
    if event.user_id and not profile.user_id:
        profile.user_id = event.user_id
    if event.anonymous_id and event.anonymous_id not in profile.anonymous_ids:
        profile.anonymous_ids = [*profile.anonymous_ids, event.anonymous_id][-KEPT:]
    if event.type not in SPEAKS_OF_TRAITS:
        return
    for name, value in event.traits.items():
        if _fits(profile, name, value) and room(profile, profile.traits, name, "traits"):
            profile.traits[name] = newer(profile.traits.get(name), value, event)


def _habits(profile: Profile, event: Event) -> None:
    for said, names in (
        (event.context, ("locale", "timezone")),
        (_mapping(event.context.get("location")), ("country", "city")),
    ):
        for name in names:
            value = said.get(name)
            if isinstance(value, str) and 0 < len(value) <= 64:
                profile.habits[name] = newer(profile.habits.get(name), value, event)
    device = device_class(event.context)
    if device and (device in profile.devices or len(profile.devices) < KEPT):
        profile.devices[device] = seen(profile.devices.get(device), 1, event.time, event.time)


def _join(profile: Profile, event: Event) -> None:
    if room(profile, profile.groups, event.group_id, "groups"):
        before = profile.groups.get(event.group_id, event.time)
        profile.groups[event.group_id] = max(before, event.time)
        company.hear(profile, event)


def device_class(context: dict[str, Any]) -> str:
    """The kind of device: what the client says, else a coarse reading of its user agent."""
    device = context.get("device")
    if isinstance(device, dict) and isinstance(device.get("type"), str) and device["type"]:
        return str(device["type"]).lower()[:32]
    agent = context.get("userAgent")
    if not isinstance(agent, str) or "Mozilla/" not in agent:
        return ""
    if "iPad" in agent or "Tablet" in agent:
        return "tablet"
    return "mobile" if "Mobi" in agent else "desktop"


def _touch(profile: Profile, event: Event) -> None:
    campaign = event.context.get("campaign")
    page = event.context.get("page")
    referrer = page.get("referrer") if isinstance(page, dict) else None
    if isinstance(page, dict) and _is_own(referrer, page.get("url")):
        referrer = None  # a click within the shop brings nobody
    if not campaign and not referrer:
        return
    first = profile.first_touch
    if first and (first.time, first.message_id) <= (event.time, event.message_id):
        return
    texts = campaign.items() if isinstance(campaign, dict) else ()
    profile.first_touch = Touch(
        event.time,
        event.message_id,
        {str(name)[:64]: str(value)[:255] for name, value in list(texts)[:KEPT]},
        referrer[:500] if isinstance(referrer, str) else "",
    )


def _is_own(referrer: Any, url: Any) -> bool:
    """Whether a page was come to from one of the same host."""
    if not isinstance(referrer, str) or not isinstance(url, str):
        return False
    return bool(host(referrer)) and host(referrer) == host(url)


def host(url: str) -> str:
    """The host of a URL in small letters, without "www."; "" where there is none."""
    from urllib.parse import urlsplit

    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _visit(profile: Profile, event: Event) -> None:
    page = {**_mapping(event.context.get("page")), **event.properties}
    what = page.get("path") or page.get("url") or page.get("name")
    if isinstance(what, str):
        title = page.get("title")
        visit = Visit(event.time, what[:255], title[:255] if isinstance(title, str) else "")
        profile.pages = latest([*profile.pages, visit])
    search = page.get("search")
    if isinstance(search, str):
        _searched(profile, event, _query(search))


def _query(search: str) -> str:
    """The search term in a page's query string, by the names that search pages use."""
    from urllib.parse import parse_qs

    found = parse_qs(search.removeprefix("?"))
    return next((found[name][0] for name in ("q", "query", "search", "s") if name in found), "")


def _searched(profile: Profile, event: Event, term: Any) -> None:
    if isinstance(term, str) and term.strip():
        profile.searches = latest([*profile.searches, Visit(event.time, term.strip()[:255])])


def latest(visits: list[Visit]) -> list[Visit]:
    """The last ten, oldest first, in an order that does not hang on who came first."""
    return sorted(visits, key=lambda v: (v.time, v.what, v.title))[-KEPT:]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _shop(profile: Profile, event: Event) -> None:
    if event.event in orders.ORDER_EVENTS:
        order_id = orders.order_id_of(event)
        order = profile.orders.get(order_id) or Order(order_id)
        profile.orders[order_id] = order
        orders.apply(order, event)
        orders.move_out(profile)
    if event.event == "Products Searched":
        _searched(profile, event, event.properties.get("query"))
    if event.event == SCORE_ADDED:
        _score(profile, event)
    company.take(profile, event)
    if "cart_id" in event.properties:
        _cart(profile, event)


def _score(profile: Profile, event: Event) -> None:
    """Points that a journey or a colleague gave; a shop's event of that name gives none."""
    points = orders.number(event.properties.get("points"))
    if event.source in _GIVERS and event.person and points:
        profile.points = total_units(profile.points, float(points))


def _cart(profile: Profile, event: Event) -> None:
    cart_id, units = event.properties["cart_id"], _UNITS.get(event.event)
    if not isinstance(cart_id, str) or (units is None and event.event != "Order Completed"):
        return
    cart = profile.carts.get(cart_id) or Cart(event.time)
    cart.last = max(cart.last, event.time)
    if units is None:
        cart.closed = True
    else:
        product = str(event.properties.get("sku") or event.properties.get("product_id") or "")[:64]
        quantity = orders.number(event.properties.get("quantity", 1)) or 1
        if product in cart.items or len(cart.items) < MOST_ITEMS:
            cart.items[product] = total_units(cart.items.get(product, 0), units * float(quantity))
    profile.carts[cart_id] = cart
    profile.carts = latest_carts(profile.carts)


def total_units(one: float, other: float) -> float:
    """Their sum, to a millionth: 0.1 + 0.2 - 0.3 leaves nothing, whatever the order."""
    return round(one + other, 6)


def latest_carts(carts: dict[str, Cart]) -> dict[str, Cart]:
    """The carts that were used last."""
    by_time = sorted(carts.items(), key=lambda item: (item[1].last, item[0]))
    return dict(by_time[-MOST_CARTS:])


def open_carts(profile: Profile) -> dict[str, Cart]:
    """Carts that hold something and were not ordered."""
    return {
        cart_id: cart
        for cart_id, cart in profile.carts.items()
        if not cart.closed and any(units > 0 for units in cart.items.values())
    }
