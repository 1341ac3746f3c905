"""An event asks only the conditions that look at what it may change, and that changes no answer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.segments import account, person, population
from functions.segments.census_records import Cuts, Measure
from functions.segments.inputs import (
    ACCOUNT,
    ANYTHING,
    EVERYTHING,
    NOTHING,
    TRAITS,
    looks_at,
    may_change,
    of_field,
    touched_by,
)
from functions.segments.keeping import keep, take_in
from functions.segments.rules import SEGMENTS_FILE, Rules, rules_of
from functions.tracking.event import Event
from functions.tracking.fold import fold
from functions.tracking.merge import merge_profiles
from functions.tracking.permission import Consent, Permission
from functions.tracking.profile import Profile
from tests.oracle import conditions

NOON = datetime(2017, 6, 1, 12, tzinfo=UTC)
CUTS = Cuts(
    made=NOON,
    people=9,
    measures={
        name: Measure(9, Decimal(2), [Decimal(one) for one in (1, 2, 20, 60)])
        for name in ("orders", "revenue", "basket", "visits", "margin")
    },
    abc={name: (Decimal(60), Decimal(20)) for name in ("revenue", "margin")},
    recency=[NOON + timedelta(days=days) for days in (1, 2, 3, 4)],
)
OTHER_CUTS = Cuts(
    made=NOON + timedelta(days=1),
    people=9,
    measures={"orders": Measure(9, Decimal(1), [Decimal(1)] * 4)},
    abc={"revenue": (Decimal(10), Decimal(5))},
    recency=CUTS.recency,
)

_contexts = st.fixed_dictionaries(
    {},
    optional={
        "locale": st.sampled_from(["de-DE", "fr-FR"]),
        "timezone": st.just("Europe/Paris"),
        "location": st.just({"city": "Wien", "country": "AT"}),
        "device": st.sampled_from([{"type": "mobile"}, {"type": "desktop"}]),
        "campaign": st.just({"medium": "email"}),
        "page": st.just({"referrer": "https://www.google.com/", "path": "/premium"}),
    },
)
_traits = st.fixed_dictionaries(
    {},
    optional={
        "plan": st.sampled_from(["basic", "plus"]),
        "country": st.sampled_from(["DE", "FR"]),
        "tags": st.just(["vip"]),
        "role": st.just("buyer"),
        "name": st.just("Ada"),
        "employees": st.just(70),
        "locale": st.just("it-IT"),
        "firstName": st.just("Ada"),
    },
)
_properties = st.fixed_dictionaries(
    {"order_id": st.sampled_from(["o1", "o2"]), "query": st.sampled_from(["boots", "hats"])},
    optional={
        "revenue": st.sampled_from([10, 60.5, 200]),
        "cost": st.just(7),
        "coupon": st.just("C"),
        "products": st.just([{"sku": "a", "quantity": 2}]),
        "path": st.sampled_from(["/premium", "/home"]),
        "search": st.just("?q=shoes"),
        "account_id": st.just("g"),
        "edition": st.integers(1, 3),
        "account": st.just({"name": "Acme", "employees": 12}),
        "journey": st.sampled_from(["onboarding", "upsell"]),
        "message": st.just("letter"),
    },
)
_kinds = st.one_of(
    st.sampled_from(["identify", "page", "screen", "group", "alias"]).map(lambda kind: (kind, "")),
    st.sampled_from(
        [
            *("Order Completed", "Order Updated", "Order Refunded", "Order Cancelled"),
            *("Email Opened", "Email Link Clicked", "Products Searched", "Score Added"),
            *("Account Joined", "Account Changed", "Account Left", "Product Added", "Meeting Held"),
        ]
    ).map(lambda name: ("track", name)),
)


_orders = [("track", name) for name in ("Order Completed", "Order Refunded", "Order Cancelled")]


@st.composite
def lives(draw: Any) -> list[tuple[datetime, Event]]:
    """Events of every kind, each with the moment at which we hear of it; some come late."""
    found = []
    for number in range(draw(st.integers(1, 10))):
        kind, name = draw(st.one_of(st.sampled_from(_orders), _kinds))
        time = NOON + timedelta(hours=draw(st.integers(0, 3000)))
        late = timedelta(hours=draw(st.sampled_from([0, 0, 1, 200])))
        event = Event(
            type=kind,
            event=name,
            message_id=f"m{number}",
            time=time,
            received_at=time + late,
            client_time=time.isoformat(),
            group_id="g" if kind == "group" else "",
            properties=draw(_properties) if kind in ("track", "page", "screen") else {},
            traits=draw(_traits) if kind in ("identify", "group") else {},
            context=draw(_contexts),
            source="accounts" if name.startswith("Account") else "shop",
            person="ada",
        )
        found.append((time + late, event))
    return sorted(found, key=lambda one: one[0])


def _known(profile: Profile) -> dict[str, Any]:
    names = {*person.COMPUTED, *population.COMPUTED, *profile.traits, "first_name", "company"}
    return {name: person.values(profile, NOON, name, CUTS) for name in names}


@given(lives())
def test_an_event_changes_no_field_but_those_that_look_at_what_it_is_said_to_touch(
    life: list[tuple[datetime, Event]],
) -> None:
    profile = Profile(person="ada")
    for _, event in life:
        fields, company = _known(profile), account.fields(profile)
        fold(profile, event)
        touched = touched_by(event)
        for name, value in _known(profile).items():
            if value != fields.get(name, []):
                assert may_change(of_field(name), touched), (name, event)
        if account.fields(profile) != company:
            assert touched & {ACCOUNT, TRAITS}


FIXED: dict[str, Any] = {
    "vip": {"person": {"tags": {"contains": "vip"}}},
    "mobile": {"person": {"device": "mobile", "visits": {"at least": 1}}},
    "searched": {"person": {"searches": {"contains": "shoes"}}},
    "by-mail": {"person": {"channel": {"one of": ["email", "search"]}}},
    "small": {"account": {"employees": {"less than": 50}}},
    "buyer": {"account": {"role": "buyer"}},
    "met": {"person": {"last_contact": {"in the last": "20 days"}}},
    "large": {"person": {"basket": {"above": "average"}}},
    "a": {"person": {"abc": "A"}},
    "lately": {"person": {"recency_score": {"at least": 3}}},
    "reachable": {"may get": "email", "purpose": "offers"},
    "reachable-buyer": {
        "all of": [{"in segment": "reachable"}, {"person": {"orders": {"at least": 1}}}]
    },
    "quiet-a": {
        "all of": [
            {"in segment": "a"},
            {"none of": [{"did": "page", "in the last": "20 days"}]},
        ]
    },
    "at-home": {"person": {"country": {"one of": ["DE", "AT"]}}},
}


def rules(who: dict[str, Any], cuts: Cuts | None = None) -> Rules:
    """Segments with these conditions."""
    raw = {name: {"title": name, "who": one} for name, one in who.items()}
    return replace(rules_of({SEGMENTS_FILE: raw}, {"offers": True}), cuts=cuts)


def asking_all(by: Rules) -> Rules:
    """The same, each of which is asked whatever happens."""
    segments = {name: replace(one, looks_at=EVERYTHING) for name, one in by.segments.items()}
    return replace(by, segments=segments)


def _kept(profile: Profile) -> Any:
    return profile.segments, profile.due, profile.outbox, profile.ruled


Step = Callable[[Profile, Rules], None]


class Both:
    """One person, kept by the index and by asking everything."""

    def __init__(self, by: Rules) -> None:
        self.by = by
        self.pair = Profile(person="ada"), Profile(person="ada")

    def do(self, step: Step) -> None:
        """The same for both; nothing of it differs afterwards."""
        for profile, by in zip(self.pair, (self.by, asking_all(self.by)), strict=True):
            step(profile, by)
            profile.version += 1
        assert _kept(self.pair[0]) == _kept(self.pair[1])

    def look_until(self, moment: datetime, permission: Permission) -> None:
        """Each look that is due by then."""
        while (due := self.pair[0].due) and due <= moment:
            self.do(
                lambda profile, by, now=due: keep(profile, by, now, permission, touched=NOTHING)
            )  # type: ignore[misc]


@settings(max_examples=60)
@given(lives(), st.integers(0, 10**6), st.integers(0, 10), st.integers(0, 10), st.booleans())
def test_asking_only_what_an_event_may_change_keeps_people_as_asking_everything_does(
    life: list[tuple[datetime, Event]], seed: int, consents: int, turns: int, looks: bool
) -> None:
    both = Both(rules({**conditions.some(12, seed), **FIXED}, CUTS))
    permission = Permission(person="ada")
    for number, (now, event) in enumerate(life):
        if number == turns:
            both.by = replace(both.by, cuts=OTHER_CUTS)
        if looks:
            both.look_until(now, permission)

        def hear(profile: Profile, by: Rules, event: Event = event, at: datetime = now) -> None:
            fold(profile, event)
            take_in(profile, [event], by, at)

        both.do(hear)
        if number == consents:
            permission.addresses = {"email": "ada@shop.example"}
            permission.consents = {"email/offers": Consent(given=True, time=NOON)}
        both.do(lambda profile, by, at=now: keep(profile, by, at, permission, touched=NOTHING))  # type: ignore[misc]
    both.look_until(NOON + timedelta(days=400), permission)


def order(number: int, time: datetime = NOON, revenue: float = 30) -> Event:
    return Event(
        type="track",
        event="Order Completed",
        message_id=f"order{number}",
        time=time,
        received_at=time,
        properties={"order_id": f"o{number}", "revenue": revenue},
    )


def page(time: datetime) -> Event:
    return Event(type="page", message_id=f"page{time}", time=time, received_at=time)


def remember(profile: Profile, event: Event, by: Rules) -> None:
    fold(profile, event)
    take_in(profile, [event], by, event.time)
    profile.version += 1


def test_an_event_asks_no_condition_whose_answer_it_cannot_change() -> None:
    asked: list[str] = []
    by = rules({"buyers": {"person": {"orders": {"at least": 1}}}, "visitors": {"did": "page"}})
    for name, segment in by.segments.items():
        object.__setattr__(segment, "holds", lambda facts, name=name: asked.append(name))
    profile = Profile(person="ada")
    remember(profile, page(NOON), by)
    assert asked == ["buyers", "visitors"]  # a new person: everything
    asked.clear()
    remember(profile, page(NOON + timedelta(hours=1)), by)
    assert asked == ["visitors"]


def test_new_cut_points_count_at_an_event_that_has_nothing_to_do_with_them() -> None:
    by = rules({"a": {"person": {"abc": "A"}}}, CUTS)
    profile = Profile(person="ada")
    remember(profile, order(1), by)
    assert not profile.segments
    remember(profile, page(NOON + timedelta(hours=1)), replace(by, cuts=OTHER_CUTS))
    assert "a" in profile.segments


def test_who_was_merged_is_asked_everything_at_the_next_event() -> None:
    by = rules({"twice": {"person": {"orders": 2}}})
    ada, device = Profile(person="ada"), Profile(person="device")
    remember(ada, order(1), by)
    remember(device, order(2), by)
    merge_profiles(device, ada)
    remember(ada, page(NOON + timedelta(hours=1)), by)
    assert "twice" in ada.segments


def test_who_was_kept_by_other_rules_but_not_by_all_of_them_is_asked_everything() -> None:
    may = {"may get": "email", "purpose": "offers"}
    new = rules({"may": may, "buyers": {"person": {"orders": {"at least": 1}}}})
    old = rules({"may": may, "visitors": {"did": "page"}})
    profile = Profile(person="ada")
    remember(profile, page(NOON), new)
    remember(profile, order(1, NOON + timedelta(hours=1)), old)
    remember(profile, page(NOON + timedelta(hours=2)), new)
    assert "buyers" in profile.segments


@pytest.mark.parametrize(
    "who",
    [
        {"person": {"score": {"at least": 3}}},
        {"person": {"stage": "customer"}},
        {"in segment": "gone"},
        {"clicked": "guide"},
        {"did": "A", "same": "cart_id"},
        {"any of": [{"did": "A"}, {"entry": {"plan": "pro"}}]},
    ],
)
def test_a_condition_of_which_nothing_better_is_known_is_always_asked(who: Any) -> None:
    assert ANYTHING in looks_at(who, {})


def test_a_condition_looks_at_what_the_segments_in_it_look_at() -> None:
    segments = {"buyers": {"person": {"orders": 1}}, "own": {"in segment": "buyers"}}
    assert looks_at({"none of": [{"in segment": "own"}]}, segments) == of_field("orders")
