"""Folding events into a profile: one result, in whatever order and however often they come."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.storage.remember import remember
from functions.storage.store import Store
from functions.tracking import orders
from functions.tracking.event import Event
from functions.tracking.fold import (
    KEPT,
    MOST_CARTS,
    MOST_NAMES,
    REMEMBERED,
    device_class,
    fold,
    forget_ids,
    known,
    open_carts,
    timeline_key,
)
from functions.tracking.identity import short_hash
from functions.tracking.profile import Order, OrderRow, Profile, TimelineRow, Trait
from tests.support.stores import sqlite_store

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
PHONE = "Mozilla/5.0 (iPhone) Mobile/15E148"
DESK = "Mozilla/5.0 (X11; Linux x86_64)"


def an_event(message_id: str, minute: float = 0, **more: Any) -> Event:
    time = NOON + timedelta(minutes=minute)
    said = {"type": "track", "client_time": time.isoformat(), "user_id": "ada", **more}
    return Event(message_id=message_id, time=time, received_at=time, **said)


def track(message_id: str, minute: float, name: str, **properties: Any) -> Event:
    return an_event(message_id, minute, event=name, properties=properties)


def completed(message_id: str, minute: float, order_id: str, **properties: Any) -> Event:
    properties = {"revenue": 10, "currency": "EUR", **properties}
    return track(message_id, minute, "Order Completed", order_id=order_id, **properties)


def identify(message_id: str, minute: float, **traits: Any) -> Event:
    return an_event(message_id, minute, type="identify", traits=traits)


def page(message_id: str, minute: float, context: Any = None, **properties: Any) -> Event:
    return an_event(message_id, minute, type="page", properties=properties, context=context or {})


class Memory:
    """A profile and its timeline, both in memory, that take events as process_event does."""

    def __init__(self) -> None:
        self.profile = Profile(person="p")
        self._rows: set[str] = set()

    def take(self, event: Event) -> None:
        state = known(self.profile, event)
        if state or (state is None and timeline_key(event) in self._rows):
            return
        fold(self.profile, event)
        self._rows.add(timeline_key(event))

    def forget(self) -> None:
        self.profile.pending = {}
        forget_ids(self.profile)


def folded(*events: Event) -> Profile:
    memory = Memory()
    for event in events:
        memory.take(event)
    return memory.profile


# What says which events were taken and not what they told: it hangs on the way by its nature.
BOOKKEEPING = {"recent", "let_go", "pending", "leaving", "refused", "version"}


def told(profile: Profile) -> dict[str, Any]:
    """What the events told, without bookkeeping; the order of anonymous ids is arrival's."""
    found = msgspec.structs.asdict(profile)
    found["anonymous_ids"] = sorted(profile.anonymous_ids)
    return {name: value for name, value in found.items() if name not in BOOKKEEPING}


# --- any order, any duplication


_ids = st.sampled_from(["a", "b", "c"])
_money = st.sampled_from([0, 5, 7.5, "9.90", -3, None, "much", True])
_context = st.fixed_dictionaries(
    {},
    optional={
        "locale": st.sampled_from(["de", "en", 7, ""]),
        "timezone": st.sampled_from(["Europe/Berlin", "UTC"]),
        "userAgent": st.sampled_from([PHONE, DESK, "curl"]),
        "device": st.sampled_from([{"type": "ios"}, {"type": "Tablet"}, {}]),
        "campaign": st.sampled_from([{"name": "spring"}, {"name": "summer"}, "odd", {}]),
        "page": st.sampled_from([{"referrer": "https://a.example/"}, {"path": "/x"}, {}, "odd"]),
    },
)
_page = st.fixed_dictionaries(
    {},
    optional={
        "path": st.sampled_from(["/", "/shop", "/help", 7]),
        "title": st.sampled_from(["Shop", "Help"]),
        "search": st.sampled_from(["?q=ink", "?query=pen&q=", "?x=1", ""]),
    },
)
_order = st.fixed_dictionaries(
    {},
    optional={
        "order_id": _ids,
        "revenue": _money,
        "total": _money,
        "shipping": _money,
        "tax": _money,
        "subtotal": _money,
        "currency": st.sampled_from(["EUR", "usd", ""]),
        "products": st.lists(st.fixed_dictionaries({"sku": _ids}), max_size=2),
        "cart_id": _ids,
    },
)
_cart = st.fixed_dictionaries(
    {"cart_id": _ids},
    optional={"sku": _ids, "quantity": st.sampled_from([1, 2, 0.1, 0.2, 0.7, "3", "x", None])},
)
_KINDS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("identify"), "traits": st.dictionaries(_ids, st.integers(0, 3))}
    ),
    st.fixed_dictionaries({"type": st.sampled_from(["page", "screen"]), "properties": _page}),
    st.fixed_dictionaries({"type": st.just("group"), "group_id": _ids}),
    st.fixed_dictionaries({"type": st.just("alias"), "previous_id": _ids}),
    st.fixed_dictionaries({"event": st.sampled_from(orders.ORDER_EVENTS), "properties": _order}),
    st.fixed_dictionaries(
        {"event": st.sampled_from(["Product Added", "Product Removed"]), "properties": _cart}
    ),
    st.fixed_dictionaries(
        {
            "event": st.sampled_from(["Products Searched", "Signed Up", "identify"]),
            "properties": st.fixed_dictionaries({"query": st.sampled_from(["ink", " ", 5])}),
        }
    ),
)


@st.composite
def histories(draw: Any) -> list[Event]:
    """Up to thirty different events of every kind within four minutes, many at the same time."""
    shapes = draw(st.lists(st.tuples(_KINDS, _context, st.integers(0, 4), _ids), max_size=30))
    silent = draw(st.booleans())  # a client that sends no timestamps
    return [
        an_event(
            f"m{number}",
            minute,
            context=context,
            anonymous_id=anonymous_id,
            **(shape | ({"client_time": ""} if silent else {})),
        )
        for number, (shape, context, minute, anonymous_id) in enumerate(shapes)
    ]


@settings(max_examples=150)
@given(st.data())
def test_any_order_and_any_duplication_of_events_gives_the_same_profile(data: Any) -> None:
    history = data.draw(histories())
    again = data.draw(st.lists(st.sampled_from(history), max_size=20)) if history else []
    disturbed = Memory()
    for event in data.draw(st.permutations(history + again)):
        disturbed.take(event)
        if data.draw(st.integers(0, 3)) == 0:
            disturbed.forget()
    assert told(disturbed.profile) == told(folded(*history))


@pytest.mark.parametrize("client_time", ["", "2027-03-01T12:00:00Z"])
def test_an_event_that_comes_long_after_its_id_was_let_go_counts_once(client_time: str) -> None:
    memory = Memory()
    many = [
        an_event(f"m{number}", event="Signed In", client_time=client_time)
        for number in range(3 * REMEMBERED)
    ]
    for event in many:
        memory.take(event)
        memory.forget()
    for event in many:
        memory.take(event)
    assert memory.profile.events["Signed In"].count == len(many)


def test_only_a_few_ids_are_remembered_once_their_events_are_done() -> None:
    memory = Memory()
    for number in range(5 * REMEMBERED):
        memory.take(track(f"m{number}", number, "Signed In"))
    assert len(memory.profile.recent) == 5 * REMEMBERED
    memory.forget()
    assert len(memory.profile.recent) == REMEMBERED


def test_the_id_of_an_event_that_is_still_pending_is_never_let_go() -> None:
    memory = Memory()
    first = track("first", 0, "Signed Up")
    memory.take(first)
    for number in range(3 * REMEMBERED):
        memory.take(track(f"m{number}", number + 1, "Signed In"))
    memory.profile.pending = {short_hash("first"): 0}
    forget_ids(memory.profile)
    assert known(memory.profile, first)
    assert len(memory.profile.recent) == REMEMBERED + 1


def test_the_timeline_key_is_the_same_from_retry_to_retry_of_a_client() -> None:
    first = track("m1", 0, "Signed Up")
    retry = msgspec.structs.replace(
        first, time=NOON - timedelta(seconds=3), received_at=NOON + timedelta(hours=1)
    )
    assert timeline_key(first) == timeline_key(retry)
    assert timeline_key(first) != timeline_key(track("m2", 0, "Signed Up"))


# --- traits, habits, devices, groups, first touch


def every_order(*events: Event) -> list[Profile]:
    return [folded(*order) for order in permutations(events)]


def test_the_last_word_on_a_trait_wins_by_its_own_time() -> None:
    for profile in every_order(
        identify("m1", 2, plan="basic"), identify("m2", 5, plan="premium"), identify("m3", 1, a=1)
    ):
        assert profile.trait("plan") == "premium"
        assert profile.trait("a") == 1


def test_of_two_words_at_the_same_time_the_greater_hash_of_the_message_id_wins() -> None:
    one, other = short_hash("m1")[:8], short_hash("m2")[:8]
    wins = Trait("premium", NOON, other) if other > one else Trait("basic", NOON, one)
    for profile in every_order(identify("m1", 0, plan="basic"), identify("m2", 0, plan="premium")):
        assert profile.traits["plan"] == wins


def test_only_an_identify_call_sets_traits() -> None:
    group = an_event("m1", type="group", group_id="g", traits={"plan": "basic"})
    assert folded(group).traits == {}


def test_a_group_is_remembered_with_the_latest_time() -> None:
    for profile in every_order(
        an_event("m1", 1, type="group", group_id="g"), an_event("m2", 9, type="group", group_id="g")
    ):
        assert profile.groups == {"g": NOON + timedelta(minutes=9)}


def test_the_latest_locale_and_time_zone_are_kept_and_nonsense_is_not() -> None:
    for profile in every_order(
        page("m1", 1, {"locale": "de", "timezone": "Europe/Berlin"}),
        page("m2", 2, {"locale": "en", "timezone": 60}),
        page("m3", 3, {"locale": "x" * 65}),
    ):
        assert profile.habits["locale"].value == "en"
        assert profile.habits["timezone"].value == "Europe/Berlin"


def test_devices_are_counted_by_their_kind() -> None:
    profile = folded(
        page("m1", 1, {"userAgent": PHONE}),
        page("m2", 0, {"userAgent": PHONE}),
        page("m3", 2, {"device": {"type": "iOS"}, "userAgent": DESK}),
        page("m4", 3, {"userAgent": "curl/8"}),
    )
    assert profile.devices["mobile"].count == 2
    assert profile.devices["mobile"].first == NOON
    assert profile.devices.keys() == {"mobile", "ios"}


@pytest.mark.parametrize(
    ("context", "kind"),
    [
        ({"userAgent": DESK}, "desktop"),
        ({"userAgent": "Mozilla/5.0 (iPad)"}, "tablet"),
        ({"userAgent": PHONE}, "mobile"),
        ({"device": {"type": ""}, "userAgent": DESK}, "desktop"),
        ({"device": "phone"}, ""),
        ({"userAgent": ["Mozilla/"]}, ""),
        ({}, ""),
    ],
)
def test_what_the_device_says_goes_before_what_its_user_agent_looks_like(
    context: dict[str, Any], kind: str
) -> None:
    assert device_class(context) == kind


def test_the_first_campaign_or_referrer_by_time_is_the_first_touch() -> None:
    for profile in every_order(
        page("m1", 3, {"campaign": {"name": "summer"}}),
        page("m2", 2, {"page": {"referrer": "https://search.example/"}}),
        page("m3", 1),
    ):
        assert profile.first_touch
        assert profile.first_touch.referrer == "https://search.example/"
        assert profile.first_touch.campaign == {}


def test_a_person_was_first_seen_at_the_earliest_event_whenever_it_came() -> None:
    for profile in every_order(page("m1", 3), page("m2", 1), page("m3", 2)):
        assert profile.created == NOON + timedelta(minutes=1)
        assert profile.events["page"].count == 3
        assert profile.events["page"].last == NOON + timedelta(minutes=3)


# --- pages and searches


def test_the_last_ten_pages_by_time_stay() -> None:
    visits = [page(f"m{number}", number, path=f"/{number}") for number in range(15)]
    for order in (visits, visits[::-1], visits[7:] + visits[:7]):
        kept = [visit.what for visit in folded(*order).pages]
        assert kept == [f"/{number}" for number in range(5, 15)]


def test_a_page_is_known_by_its_path_else_its_address_else_its_name() -> None:
    profile = folded(
        page("m1", 1, {"page": {"path": "/a", "title": "A"}}, url="https://x.example/b"),
        page("m2", 2, url="https://x.example/b"),
        page("m3", 3, name="Basket"),
        page("m4", 4),
    )
    assert [(v.what, v.title) for v in profile.pages] == [
        ("/a", "A"),
        ("https://x.example/b", ""),
        ("Basket", ""),
    ]


def test_a_search_counts_from_the_event_and_from_the_address_of_a_search_page() -> None:
    profile = folded(
        track("m1", 1, "Products Searched", query=" ink "),
        page("m2", 2, search="?q=pen+red&page=2"),
        page("m3", 3, {"page": {"search": "?s=paper"}}),
        track("m4", 4, "Products Searched", query={"text": "odd"}),
        page("m5", 5, search="?page=2"),
    )
    assert [visit.what for visit in profile.searches] == ["ink", "pen red", "paper"]


# --- revenue


@pytest.mark.parametrize(
    ("properties", "revenue"),
    [
        ({"revenue": 10, "total": 99, "subtotal": 98}, "10"),
        ({"revenue": 0, "total": 99}, "0"),
        ({"revenue": "12.50"}, "12.50"),
        ({"total": 30, "shipping": 5, "tax": "4.79", "subtotal": 98}, "20.21"),
        ({"total": 30}, "30"),
        ({"revenue": "free", "total": None, "subtotal": 7}, "7"),
        ({"revenue": True, "subtotal": 7}, "7"),
        ({"revenue": float("nan"), "subtotal": 7}, "7"),
        ({"revenue": 10**15, "subtotal": 7}, "7"),
        ({"revenue": [1], "subtotal": 7}, "7"),
    ],
)
def test_revenue_is_revenue_else_total_without_shipping_and_tax_else_subtotal(
    properties: dict[str, Any], revenue: str
) -> None:
    assert orders.revenue_of(properties) == Decimal(revenue)


def test_an_order_that_names_no_amount_says_nothing_of_revenue() -> None:
    assert orders.revenue_of({"shipping": 5, "tax": 3}) is None


def revenues(*events: Event) -> set[tuple[str, int]]:
    """Revenue in euros and number of orders, over every order of the events."""
    found = every_order(*events)
    return {(str(orders.revenue(p).get("EUR", Decimal(0))), orders.count(p)) for p in found}


def test_a_partial_refund_takes_its_amount_and_the_order_still_counts() -> None:
    assert revenues(
        completed("m1", 1, "o1", revenue=30),
        track("m2", 2, "Order Refunded", order_id="o1", total=5),
        track("m3", 3, "Order Refunded", order_id="o1", revenue="7.5"),
    ) == {("17.5", 1)}


def test_a_refund_without_an_amount_takes_the_whole_order() -> None:
    assert revenues(
        completed("m1", 1, "o1"),
        completed("m2", 1, "o2", revenue=4),
        track("m3", 2, "Order Refunded", order_id="o1"),
    ) == {("4", 1)}


def test_a_refund_written_as_a_negative_amount_never_adds_to_revenue() -> None:
    assert revenues(
        completed("m1", 1, "o1", revenue=30),
        track("m2", 2, "Order Refunded", order_id="o1", total=-5),
    ) == {("25", 1)}


def test_refunds_never_take_more_than_the_order_was_worth_which_then_does_not_count() -> None:
    assert revenues(
        completed("m1", 1, "o1"),
        completed("m2", 1, "o2", revenue=4),
        track("m3", 2, "Order Refunded", order_id="o1", total=99),
    ) == {("4", 1)}


def test_a_cancelled_order_is_worth_nothing_and_does_not_count() -> None:
    assert revenues(
        completed("m1", 1, "o1"),
        track("m2", 2, "Order Cancelled", order_id="o1", total=10),
        track("m3", 3, "Order Updated", order_id="o1", total=12, currency="EUR"),
    ) == {("0", 0)}


def test_an_update_replaces_the_amount_when_it_is_the_later_word() -> None:
    assert revenues(
        completed("m1", 1, "o1"),
        track("m2", 5, "Order Updated", order_id="o1", revenue=12, currency="eur"),
        track("m3", 3, "Order Updated", order_id="o1", revenue=99, currency="EUR"),
    ) == {("12", 1)}


def exported(message_id: str, day: int, name: str = "Order Completed", **properties: Any) -> Event:
    """What an import tells of the order o1 from an export of that day."""
    event = track(message_id, 1, name, order_id="o1", currency="EUR", **properties)
    event.received_at = NOON + timedelta(days=90)
    event.context = {"import": {"as_of": (NOON + timedelta(days=day)).isoformat(), "quiet": True}}
    return event


def test_a_later_export_corrects_an_order_and_it_counts_as_one_that_was_updated() -> None:
    def history() -> list[Event]:
        return [
            exported("m1", 1, revenue=10),
            exported("m2", 3, revenue=8),
            exported("m3", 2, revenue=99),
            exported("m4", 2, "Order Refunded", total=1),
            exported("m5", 3, "Order Refunded", total=3),
        ]

    found = [folded(*(history()[index] for index in order)) for order in permutations(range(5))]
    assert [profile for profile in found if told(profile) != told(found[0])] == []
    assert orders.revenue(found[0]) == {"EUR": Decimal(5)}
    assert (found[0].events["Order Completed"].count, found[0].events["Order Updated"].count) == (
        1,
        2,
    )


@pytest.mark.parametrize("said", ["yesterday", 5, None, "2027-03-01T09:00:00", []])
def test_an_export_of_no_time_is_as_true_as_its_event(said: Any) -> None:
    event = completed("m1", 1, "o1")
    event.context = {"import": {"as_of": said}}
    assert event.as_of is None


def test_what_the_shop_tells_after_the_export_goes_before_it() -> None:
    assert revenues(
        completed("m1", 1, "o1"),
        exported("m2", 1, revenue=8),
        track("m3", 3 * 24 * 60, "Order Updated", order_id="o1", revenue=7, currency="EUR"),
    ) == {("7", 1)}


def test_an_update_that_names_no_amount_leaves_the_amount_alone() -> None:
    assert revenues(
        completed("m1", 1, "o1"), track("m2", 5, "Order Updated", order_id="o1", affiliation="x")
    ) == {("10", 1)}


def test_an_order_known_only_by_a_refund_is_worth_nothing_until_it_is_completed() -> None:
    refund = track("m2", 2, "Order Refunded", order_id="o1", total=3)
    assert orders.count(folded(refund)) == 0
    assert orders.revenue(folded(refund)) == {}
    assert revenues(refund, completed("m1", 1, "o1")) == {("7", 1)}


def test_an_order_placed_twice_counts_once_and_from_its_first_time() -> None:
    for profile in every_order(completed("m1", 3, "o1", revenue=5), completed("m2", 1, "o1")):
        assert orders.count(profile) == 1
        assert orders.revenue(profile) == {"EUR": Decimal(5)}
        assert profile.orders["o1"].placed == NOON + timedelta(minutes=1)


def test_orders_without_an_id_are_orders_of_their_own() -> None:
    profile = folded(
        track("m1", 1, "Order Completed", revenue=5), track("m2", 2, "Order Completed", revenue=6)
    )
    assert orders.count(profile) == 2


def test_revenue_is_kept_apart_by_currency() -> None:
    profile = folded(completed("m1", 1, "o1"), completed("m2", 2, "o2", currency="usd"))
    assert orders.revenue(profile) == {"EUR": Decimal(10), "USD": Decimal(10)}


def test_an_amount_is_kept_to_a_millionth_so_that_sums_do_not_hang_on_the_order() -> None:
    assert orders.revenue_of({"revenue": "0.1234567"}) == Decimal("0.123457")
    assert str(orders.revenue_of({"revenue": "1." + "0" * 30_000})) == "1.000000"
    assert str(orders.revenue_of({"revenue": "19.90"})) == "19.90"


# --- how many orders a profile keeps, on a real store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return sqlite_store(tmp_path)


def take(store: Store, *events: Event, person: str = "p") -> Profile:
    remember(store, person, events)
    found = store.get(Profile, person)
    assert found
    return found


def many_orders(number: int) -> list[Event]:
    return [completed(f"m{n:02}", n, f"o{n:02}", revenue=n) for n in range(number)]


def row(store: Store, order_id: str) -> Order | None:
    """The order as it left last."""
    found = [order for order in _rows(store) if order.order_id == order_id]
    return found[-1] if found else None


def _rows(store: Store) -> list[Order]:
    return [order for found in store.query(OrderRow, "p") for order in found.orders]


def test_at_most_five_orders_stay_in_the_profile_and_the_oldest_leave_together(
    store: Store,
) -> None:
    profile = take(store, *many_orders(5))
    assert len(profile.orders) == 5
    assert _rows(store) == []
    profile = take(store, *many_orders(9)[5:])
    assert sorted(profile.orders) == [f"o{n:02}" for n in range(4, 9)]
    assert [order.order_id for order in _rows(store)] == [f"o{n:02}" for n in range(4)]
    assert orders.count(profile) == 9
    assert orders.revenue(profile) == {"EUR": Decimal(sum(range(9)))}
    assert profile.older_orders.first == NOON


def test_the_copy_of_orders_that_left_goes_with_the_next_write_and_no_sooner_than_their_row(
    store: Store,
) -> None:
    profile = take(store, *many_orders(14))
    (left,) = profile.leaving
    store.delete(left)  # a crash came before it was written
    profile = take(store, completed("m21", 21, "o21", revenue=1))
    assert profile.leaving == [left]
    assert _rows(store) == left.orders
    assert take(store, completed("m22", 22, "o22", revenue=1)).leaving == []


def test_a_refund_of_an_old_order_counts_and_the_order_leaves_again_with_the_next(
    store: Store,
) -> None:
    take(store, *many_orders(24))
    profile = take(store, track("r", 99, "Order Refunded", order_id="o03", revenue=1))
    assert orders.revenue(profile) == {"EUR": Decimal(sum(range(24)) - 1)}
    assert orders.count(profile) == 24
    assert profile.orders["o03"].refunded == 1
    profile = take(store, track("c", 99, "Order Cancelled", order_id="o03"))
    assert orders.revenue(profile) == {"EUR": Decimal(sum(range(24)) - 3)}
    assert orders.count(profile) == 23
    assert profile.older_orders.moved + len(profile.orders) == 24


def test_an_order_that_leaves_and_is_refunded_in_one_batch_is_not_lost(store: Store) -> None:
    profile = take(
        store, *many_orders(25), track("r", 99, "Order Refunded", order_id="o03", revenue=1)
    )
    assert orders.revenue(profile) == {"EUR": Decimal(sum(range(25)) - 1)}
    assert profile.older_orders.moved + len(profile.orders) == 25


def test_an_old_order_told_of_late_goes_straight_to_a_row(store: Store) -> None:
    take(store, *many_orders(orders.MOST_IN_PROFILE))
    profile = take(store, completed("late", -60, "early", revenue=7))
    assert "early" not in profile.orders
    assert row(store, "early")
    assert orders.count(profile) == orders.MOST_IN_PROFILE + 1
    assert profile.older_orders.first == NOON - timedelta(minutes=60)


@st.composite
def order_histories(draw: Any) -> list[list[Event]]:
    """Batches about thirty orders: completed, updated, partly refunded, cancelled."""
    history = many_orders(30)
    for number in range(draw(st.integers(0, 15))):
        name = draw(st.sampled_from(orders.ORDER_EVENTS[1:]))
        order_id = f"o{draw(st.integers(0, 29)):02}"
        amount = draw(st.integers(1, 9))
        minute = draw(st.integers(0, 90))
        said = {"order_id": order_id, "revenue": amount, "currency": "EUR"}
        history.append(track(f"x{number}", minute, name, **said))
    shuffled = draw(st.permutations(history + draw(st.lists(st.sampled_from(history)))))
    size = draw(st.integers(1, 12))
    return [shuffled[start : start + size] for start in range(0, len(shuffled), size)]


def expected(events: Iterable[Event]) -> tuple[Decimal, int]:
    """Revenue and number of orders by the rules, the plain way."""
    by_order: dict[str, dict[str, Event]] = {}
    for event in events:
        by_order.setdefault(event.properties["order_id"], {})[event.message_id] = event
    total, count = Decimal(0), 0
    for found in (list(group.values()) for group in by_order.values()):
        if any(event.event == "Order Cancelled" for event in found):
            continue
        amounts = [e for e in found if e.event in ("Order Completed", "Order Updated")]
        last = max(amounts, key=lambda event: (event.time, short_hash(event.message_id)))
        back = sum(e.properties["revenue"] for e in found if e.event == "Order Refunded")
        amount = last.properties["revenue"]
        total += max(Decimal(amount - back), Decimal(0))
        count += not 0 < amount <= back
    return total, count


@settings(max_examples=40)
@given(order_histories())
def test_revenue_over_more_orders_than_a_profile_keeps_is_right_in_any_order_and_duplication(
    batches: list[list[Event]],
) -> None:
    with TemporaryDirectory() as folder:
        store = sqlite_store(Path(folder))
        for batch in batches:
            profile = take(store, *batch)
        total, count = expected(event for batch in batches for event in batch)
        assert orders.revenue(profile).get("EUR", Decimal(0)) == total
        assert orders.count(profile) == count
        assert orders.KEPT_IN_PROFILE <= len(profile.orders) <= orders.MOST_IN_PROFILE
        assert profile.older_orders.moved + len(profile.orders) == 30
        ids = {event.message_id for batch in batches for event in batch}
        assert len(list(store.query(TimelineRow, "p"))) == len(ids)


def test_a_cancelled_order_is_not_the_first_order_wherever_it_is_kept(store: Store) -> None:
    profile = take(
        store, *many_orders(25), track("c", 99, "Order Cancelled", order_id="o00", revenue=0)
    )
    assert profile.older_orders.first == NOON + timedelta(minutes=1)


# --- carts


def added(message_id: str, minute: float, cart: str, sku: str = "ink", **more: Any) -> Event:
    return track(message_id, minute, "Product Added", cart_id=cart, sku=sku, **more)


def test_a_cart_holds_what_was_added_less_what_was_removed() -> None:
    for profile in every_order(
        added("m1", 1, "c1", quantity=3),
        track("m2", 2, "Product Removed", cart_id="c1", sku="ink"),
        added("m3", 3, "c1", "pen", quantity="2"),
    ):
        assert profile.carts["c1"].items == {"ink": 2, "pen": 2}
        assert profile.carts["c1"].last == NOON + timedelta(minutes=3)


def test_fractions_that_were_all_removed_leave_the_cart_empty() -> None:
    for profile in every_order(
        added("m1", 1, "c1", quantity=0.1),
        added("m2", 2, "c1", quantity=0.2),
        track("m3", 3, "Product Removed", cart_id="c1", sku="ink", quantity=0.3),
    ):
        assert open_carts(profile) == {}


def test_an_order_closes_its_cart_for_good_whichever_came_first() -> None:
    for profile in every_order(
        added("m1", 1, "c1"), completed("m2", 2, "o1", cart_id="c1"), added("m3", 0, "c2")
    ):
        assert list(open_carts(profile)) == ["c2"]


def test_of_many_carts_the_latest_stay() -> None:
    profile = folded(*(added(f"m{n}", n, f"c{n}") for n in range(MOST_CARTS + 3)))
    assert sorted(profile.carts) == [f"c{n}" for n in range(3, MOST_CARTS + 3)]


# --- bounds


def test_a_person_has_at_most_200_names_of_events_and_the_refusal_is_noted() -> None:
    many = [track(f"m{n}", n, f"Name {n}") for n in range(MOST_NAMES)]
    profile = folded(*many, track("over", 999, "One Too Many"), track("again", 999, "Name 0"))
    assert len(profile.events) == MOST_NAMES
    assert profile.events["Name 0"].count == 2
    assert profile.refused == [
        'events: "One Too Many" is not kept, a person has at most 200 names of events'
    ]


def test_a_person_has_at_most_200_traits_and_the_refusal_is_noted() -> None:
    profile = folded(
        identify("m1", 1, **{f"t{n}": n for n in range(MOST_NAMES + 1)}),
        identify("m2", 2, t0="changed", t200="still not"),
    )
    assert len(profile.traits) == MOST_NAMES
    assert profile.trait("t0") == "changed"
    assert profile.trait("t200") is None
    assert len(profile.refused) == 1
    assert 'traits: "t200" is not kept' in profile.refused[0]


def test_notes_of_refusals_groups_devices_and_anonymous_ids_stay_few() -> None:
    names = [f"n{n}" for n in range(MOST_NAMES + 50)]
    profile = Profile(person="p")
    for number, name in enumerate(names):
        fold(
            profile,
            an_event(
                f"m{number}",
                number,
                type="group",
                group_id=name,
                anonymous_id=name,
                context={"device": {"type": name}},
            ),
        )
        fold(profile, track(f"t{number}", number, name))
    assert len(profile.refused) <= KEPT
    assert len(profile.devices) <= KEPT
    assert len(profile.anonymous_ids) == KEPT
    assert profile.anonymous_ids[-1] == names[-1]
    assert len(profile.groups) <= MOST_NAMES
