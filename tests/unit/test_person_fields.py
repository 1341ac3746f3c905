"""What segments ask about a person: visits, place, device, channel, and what orders come to."""

from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.messages.template import asked_of_person, fill
from functions.segments import person
from functions.segments.operators import find
from functions.storage.people import People, profile_of
from functions.storage.remember import remember
from functions.tracking import orders, visits
from functions.tracking.event import Event
from functions.tracking.fold import fold
from functions.tracking.identity import person_key
from functions.tracking.merge import merge_profiles
from functions.tracking.orders import ORDER_EVENTS
from functions.tracking.profile import Profile
from functions.tracking.visits import REMEMBERED
from tests.support.stores import sqlite_store

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
SECRET = b"secret"


def call(message_id: str, minute: float, **said: Any) -> Event:
    time = NOON + timedelta(minutes=minute)
    more = {"type": "track", "client_time": time.isoformat(), "user_id": "ada", **said}
    return Event(message_id=message_id, time=time, received_at=time, **more)


def track(message_id: str, minute: float, name: str, **properties: Any) -> Event:
    return call(message_id, minute, event=name, properties=properties)


def order(number: int, minute: float = 0, **more: Any) -> Event:
    said = {"order_id": f"o{number}", "revenue": 100, "currency": "EUR", **more}
    return track(f"m{number}", minute or number, "Order Completed", **said)


def page(message_id: str, minute: float, context: Any = None) -> Event:
    return call(message_id, minute, type="page", context=context or {}, properties={"path": "/"})


def of(*events: Event, known_as: str = "p") -> Profile:
    profile = Profile(person=known_as)
    for event in events:
        fold(profile, event)
    return profile


def field(name: str, *events: Event) -> Any:
    return person.fields(of(*events), NOON)[name]


# --- visits


def plain_visits(minutes: Iterable[int]) -> int:
    """How many visits there are in these pages, counted from the first to the last."""
    times = sorted(minutes)
    return len(times[:1]) + sum(later - earlier > 30 for earlier, later in pairwise(times))


@given(st.lists(st.integers(0, 9 * 31), max_size=40), st.data())
def test_visits_are_counted_alike_in_whatever_order_the_pages_come(
    minutes: list[int], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(minutes))
    pages = [page(f"m{n}", minute) for n, minute in enumerate(shuffled)]
    assert field("visits", *pages) == plain_visits(minutes)


@given(st.lists(st.tuples(st.integers(0, 9 * 31), st.booleans()), max_size=30))
def test_the_visits_of_two_who_become_one_are_those_of_one(pages: list[tuple[int, bool]]) -> None:
    sides: tuple[list[Event], list[Event]] = ([], [])
    for number, (minute, side) in enumerate(pages):
        sides[side].append(page(f"m{number}", minute))
    joined = visits.join(of(*sides[0]).visits, of(*sides[1]).visits)
    assert joined == of(*sides[0], *sides[1]).visits


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=120))
def test_many_visits_that_come_in_their_order_are_all_counted_in_little_room(
    minutes: list[int],
) -> None:
    found = of(*(page(f"m{n}", minute) for n, minute in enumerate(sorted(minutes)))).visits
    assert found
    assert visits.count(found) == plain_visits(minutes)
    assert len(found.latest) <= REMEMBERED


def test_a_page_that_comes_after_many_later_visits_is_no_new_visit() -> None:
    profile = of(*(page(f"m{n}", 100 * n) for n in range(REMEMBERED + 3)), page("late", 50))
    assert visits.count(profile.visits) == REMEMBERED + 3


def test_a_visit_ends_after_half_an_hour_without_a_page_and_not_before() -> None:
    assert field("visits", page("a", 0), page("b", 30)) == 1
    assert field("visits", page("a", 0), page("b", 30 + 1 / 60)) == 2
    assert field("last_visit", page("b", 7), page("a", 0)) == NOON + timedelta(minutes=7)
    assert field("visits", order(1)) == 0


def test_last_pages_and_searches_come_newest_first() -> None:
    known = of(
        call("a", 1, type="page", properties={"path": "/first"}),
        call("b", 2, type="page", properties={"path": "/last", "search": "?q=ink"}),
        track("c", 3, "Products Searched", query="pen"),
    )
    assert person.fields(known, NOON)["last_pages"] == ["/last", "/first"]
    assert person.fields(known, NOON)["searches"] == ["pen", "ink"]


# --- place, device, channel


LOCATION = {"location": {"country": "at", "city": "Wien"}}


@pytest.mark.parametrize(
    ("traits", "context", "country", "city"),
    [
        ({"address": {"country": "CH", "city": "Bern"}, "country": "DE"}, LOCATION, "CH", "Bern"),
        ({"country": "Germany"}, LOCATION, "Germany", "Wien"),
        ({}, {**LOCATION, "timezone": "Europe/Berlin"}, "AT", "Wien"),
        ({}, {"timezone": "Europe/Berlin", "locale": "en-US"}, "DE", None),
        ({"timezone": "Europe/Zurich"}, {"timezone": "Europe/Berlin"}, "CH", None),
        ({}, {"locale": "pt_br"}, "BR", None),
        ({}, {"locale": "de", "timezone": "UTC"}, None, None),
        ({"address": "Hauptstr. 1"}, {"location": "odd"}, None, None),
    ],
)
def test_the_place_is_what_is_known_best(
    traits: dict[str, Any], context: dict[str, Any], country: Any, city: Any
) -> None:
    known = [call("a", 1, type="identify", traits=traits), page("b", 2, context)]
    assert field("country", *known) == country
    assert field("city", *known) == city


def test_the_device_is_the_kind_that_is_used_most() -> None:
    kinds = ["desktop", "mobile", "mobile"]
    known = [page(f"m{n}", n, {"device": {"type": kind}}) for n, kind in enumerate(kinds)]
    assert field("device", *known) == "mobile"
    assert field("devices", *known) == ["desktop", "mobile"]
    assert field("device", order(1)) is None


@pytest.mark.parametrize(
    ("context", "channel"),
    [
        ({"campaign": {"medium": "email", "source": "newsletter"}}, "email"),
        ({"campaign": {"medium": "E-Mail"}}, "email"),
        ({"campaign": {"medium": "cpc", "source": "google"}}, "paid"),
        ({"campaign": {"medium": "paid-social", "source": "facebook"}}, "paid"),
        ({"campaign": {"source": "linkedin"}}, "social"),
        ({"campaign": {"medium": "affiliate"}}, "affiliate"),
        ({"campaign": {"name": "spring"}, "page": {"referrer": "https://a.example"}}, "referral"),
        ({"page": {"referrer": "https://www.google.de/"}}, "search"),
        ({"page": {"referrer": "https://m.facebook.com/x"}}, "social"),
        ({"page": {"referrer": "https://blog.example/"}}, "referral"),
        (
            {"page": {"referrer": "https://me.example/a", "url": "https://me.example/"}},
            "direct",
        ),
        ({}, "direct"),
    ],
)
def test_the_channel_is_what_first_brought_the_person(
    context: dict[str, Any], channel: str
) -> None:
    assert field("channel", page("m1", 0, context), page("m2", 9, LOCATION)) == channel


def test_of_who_was_never_on_a_page_no_channel_is_said() -> None:
    assert field("channel", order(1)) is None


# --- what orders come to


def test_basket_units_and_the_days_between_orders_are_averages() -> None:
    products = [{"sku": "ink", "quantity": 2}, {"sku": "pen"}]
    known = [order(1, 0, products=products), order(2, 3 * 24 * 60, revenue=25.5, products=[])]
    assert field("basket", *known) == Decimal("62.75")
    assert field("items", *known) == Decimal("1.5")
    assert field("order_gap", *known) == 3
    assert field("last_products", *known) == ["ink", "pen"]
    assert field("order_gap", known[0]) is None
    assert field("basket", page("a", 0)) is None


def test_a_basket_is_of_the_currency_that_most_came_in() -> None:
    known = [order(1, revenue=50), order(2, revenue=70), order(3, revenue=90, currency="CHF")]
    assert field("basket", *known) == 60


@pytest.mark.parametrize(
    ("more", "is_one"),
    [
        ({"coupon": "SPRING"}, True),
        ({"discount": 0.5}, True),
        ({"products": [{"sku": "a"}, {"sku": "b", "coupon": "X"}]}, True),
        ({"discount": 0, "coupon": "", "products": [{"sku": "a"}]}, False),
        ({}, False),
    ],
)
def test_a_coupon_or_a_discount_makes_an_order_a_discounted_one(
    more: dict[str, Any], is_one: bool
) -> None:
    known = [order(1, **more), order(2), order(3)]
    assert field("used_coupons", *known) == is_one
    assert field("coupon_share", *known) == (Decimal("0.3333") if is_one else 0)


LINES = [{"sku": "a", "cost": 10, "quantity": 3}, {"sku": "b", "cost": "5.5"}]


@pytest.mark.parametrize(
    ("more", "margin"),
    [
        ({"cost": 60}, 40),
        ({"products": LINES}, Decimal("64.5")),
        ({"cost": 60, "products": LINES}, 40),
        ({"products": [*LINES, {"sku": "c"}]}, None),  # half a cost would be a false margin
        ({"products": []}, None),
        ({"cost": 130}, -30),
    ],
)
def test_the_margin_is_revenue_less_what_the_order_or_all_its_lines_cost(
    more: dict[str, Any], margin: Any
) -> None:
    assert field("margin", order(1, **more)) == margin


def test_a_refund_lowers_the_margin_in_proportion_and_a_cancelled_order_has_none() -> None:
    back = track("r", 5, "Order Refunded", order_id="o1", revenue=25)
    assert field("margin", order(1, cost=60), back) == 30
    gone = track("c", 6, "Order Cancelled", order_id="o1")
    assert field("margin", order(1, cost=60), gone) is None


def test_orders_whose_cost_nobody_said_leave_the_margin_of_the_others_alone() -> None:
    assert field("margin", order(1, cost=60), order(2)) == 40


# --- the same in whatever order, and wherever orders are kept


@st.composite
def histories(draw: Any) -> list[Event]:
    """Events about twenty orders: completed, updated, partly refunded, cancelled."""
    history = []
    for number in range(20):
        lines = [{"sku": f"s{n}", "cost": n, "quantity": n} for n in range(1, number % 4)]
        more = {"coupon": "X"} if number % 3 == 0 else {}
        money = {"currency": ("EUR", "CHF")[number % 5 == 0], "revenue": number}
        history.append(order(number, **money, **more, products=lines))
    for number in range(draw(st.integers(0, 12))):
        name = draw(st.sampled_from(ORDER_EVENTS[1:]))
        about = {"order_id": f"o{draw(st.integers(0, 19))}", "revenue": draw(st.integers(0, 9))}
        more = {"currency": "EUR", "cost": 3} if draw(st.booleans()) else {}
        history.append(track(f"x{number}", draw(st.integers(0, 90)), name, **about, **more))
    return list(draw(st.permutations(history)))


def asked(profile: Profile) -> dict[str, Any]:
    """What can be asked about the orders, but for the products of the latest."""
    names = ("orders", "revenue", "basket", "margin", "items", "coupon_share", "order_gap")
    found = person.fields(profile, NOON)
    return {name: found[name] for name in (*names, "first_order", "last_order")}


def all_kept(events: Iterable[Event], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is said of a profile that keeps all its orders."""
    with monkeypatch.context() as patched:
        patched.setattr(orders, "MOST_IN_PROFILE", 1000)
        return asked(of(*sorted(events, key=lambda event: event.message_id)))


@settings(max_examples=25)
@given(histories(), st.integers(4, 12))
def test_orders_that_left_the_profile_go_on_counting_in_any_order_of_events(
    history: list[Event], size: int
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        store = sqlite_store(Path(folder))
        for start in range(0, len(history), size):
            profile, _ = remember(store, "p", history[start : start + size])
        assert asked(profile) == all_kept(history, patch)


@settings(max_examples=25)
@given(histories(), st.data())
def test_orders_of_two_who_become_one_are_counted_once_wherever_either_keeps_them(
    history: list[Event], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        store = sqlite_store(Path(folder))
        side = data.draw(st.lists(st.booleans(), min_size=len(history), max_size=len(history)))
        ada = person_key(SECRET, "user_id", "ada")
        anonymous = person_key(SECRET, "anonymous_id", "her device")
        mine = [event for event, is_theirs in zip(history, side, strict=True) if not is_theirs]
        theirs = [msgspec.structs.replace(e, user_id="") for e in history if e not in mine]
        for key, events in ((ada, mine), (anonymous, theirs)):
            for batch in (events[:9], events[9:18], events[18:]):
                remember(store, key, batch)
        met = msgspec.structs.replace(history[0], user_id="ada", anonymous_id="her device")
        assert People(store, SECRET).person(met) == ada
        merged = profile_of(store, anonymous)
        expected = all_kept(history, patch)
        assert asked(merged) == expected
        more = [order(n, 200 + n, revenue=1, currency="EUR") for n in range(30, 45)]
        merged, _ = remember(store, ada, more)
        assert asked(merged) == all_kept([*history, *more], patch)


def test_a_merge_leaves_the_orders_of_the_source_as_they_were() -> None:
    source = of(*(order(n) for n in range(30)), known_as="a")
    before = deepcopy(source)
    merge_profiles(source, of(order(1), known_as="u"))
    assert (source.orders, source.older_orders) == (before.orders, before.older_orders)
    assert source.leaving == before.leaving


# --- asking


@given(st.sampled_from([*person.COMPUTED, "plan", "first_name", "address.city", "tag:x", "none"]))
def test_one_field_is_asked_as_all_of_them_together_have_it(path: str) -> None:
    traits = {"plan": "pro", "firstName": "Ada", "address": {"city": "Bern"}, "tag:x": True}
    profile = of(call("a", 1, type="identify", traits=traits), order(1), page("p", 2))
    assert person.values(profile, NOON, path) == find(person.fields(profile, NOON), path)


@pytest.mark.parametrize(
    "template",
    [
        *(f"{{{{ person.{name} | join: ', ' }}}}, in person.phase" for name in person.COMPUTED),
        "{% if person.last_order_at %}{{ person.orders }}{% else %}{{ person.name }}{% endif %}",
        "{{ person['orders'] }}",
        "{% assign one = person %}{{ one.score }}",
        "{% for field in person %}{{ field }} {% endfor %}",
        "Nobody",
    ],
)
@pytest.mark.parametrize("profile", [of(), of(order(1), page("p", 5), order(2, 9))])
def test_a_message_shows_the_same_where_only_the_fields_that_it_names_are_worked_out(
    template: str, profile: Profile
) -> None:
    asked = asked_of_person(template)
    shown, every = (
        {"person": person.shown_fields(profile, NOON, None, names)} for names in (asked, None)
    )
    assert fill(template, shown, autoescape=True) == fill(template, every, autoescape=True)


def test_of_the_fields_of_a_person_a_message_gets_those_that_it_names_and_of_the_others_none() -> (
    None
):
    names = person.shown_fields(of(order(1)), NOON, None, asked_of_person("{{ person.orders }}"))
    assert names == {"orders": 1}
