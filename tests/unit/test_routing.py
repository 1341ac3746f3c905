"""Routing: the same question has the same answer, and nobody gets who is away or has no room."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from functions.sales.routing import Customer, Routed, covers, customer, route
from functions.sales.rules import Sales, build
from functions.segments.condition import Facts
from functions.tracking.event import Event
from functions.tracking.permission import Permission
from functions.tracking.profile import Cart, Profile, Trait

NOW = datetime(2027, 7, 5, 12, tzinfo=UTC)
TODAY = NOW.date()
TEAM = "sales"
NAMES = ("anna", "ben", "carl")


def facts(**traits: Any) -> Facts:
    values = {name: Trait(value, NOW, "m") for name, value in traits.items()}
    entry = Event(type="track", message_id="e", time=NOW, received_at=NOW)
    profile = Profile(person="p", created=NOW, traits=values)
    return Facts(profile, Permission(person="p"), NOW, "j", "r", entry, NOW, "", {})


def sales(**parts: Any) -> Sales:
    people = {name: {"name": name, "email": f"{name}@shop.example"} for name in NAMES}
    for name, more in parts.pop("people", {}).items():
        people[name] |= more
    found = build({"people": people, "otherwise": [*NAMES, TEAM], **parts})
    assert found
    return found


def routed(
    rules: Sales,
    own: str = "",
    loads: dict[str, int] | None = None,
    whom: Customer | None = None,
    today: date = TODAY,
    **traits: Any,
) -> Routed:
    asked = facts(**traits)
    found = whom or customer(asked.profile, None, NOW)
    return route(rules, found, asked, own, today, lambda name: (loads or {}).get(name, 0), TEAM)


# --- one after the other


def test_the_first_line_that_fits_is_taken() -> None:
    lines = [
        {"when": {"person": {"country": "DE"}}, "to": ["ben"]},
        {"when": {"person": {"country": {"known": True}}}, "to": ["carl"]},
    ]
    rules = sales(routing=lines)
    assert routed(rules, country="DE").owner == "ben"
    assert routed(rules, country="FR").owner == "carl"
    assert routed(rules).owner == "anna"
    assert routed(rules, country="DE").why == "line 1 of the routing, 0 open tasks"


def test_of_several_the_one_with_the_fewest_open_tasks_then_the_first_in_the_file() -> None:
    assert routed(sales(), loads={"anna": 2, "ben": 1, "carl": 1}).owner == "ben"
    assert routed(sales()).owner == "anna"


def test_who_has_as_many_as_agreed_gets_no_more_and_the_team_takes_what_nobody_can() -> None:
    rules = sales(people={name: {"at most": "3 open tasks"} for name in NAMES})
    assert routed(rules, loads={"anna": 3, "ben": 4, "carl": 2}).owner == "carl"
    full = routed(rules, loads=dict.fromkeys(NAMES, 3))
    assert (full.owner, full.stays) == (TEAM, False)
    assert routed(replace(rules, otherwise=())).owner == TEAM


def test_a_line_without_anybody_free_leaves_it_to_the_next() -> None:
    lines = [{"when": {"person": {"country": "DE"}}, "to": ["anna"]}]
    rules = sales(routing=lines, away={"anna": [{"from": "2027-07-01", "to": "2027-07-14"}]})
    assert routed(rules, country="DE").owner == "ben"


def test_an_absence_has_its_first_and_its_last_day() -> None:
    rules = sales(away={"anna": [{"from": "2027-07-01", "to": "2027-07-14"}]})
    taken = {
        day: routed(rules, today=date.fromisoformat(day)).owner
        for day in ("2027-06-30", "2027-07-01", "2027-07-14", "2027-07-15")
    }
    assert list(taken.values()) == ["anna", "ben", "ben", "anna"]


def test_who_has_an_owner_keeps_them_however_full_they_are() -> None:
    rules = sales(people={"ben": {"at most": "1 open task", "regions": ["FR"]}})
    kept = routed(rules, own="ben", loads={"ben": 9}, country="DE")
    assert (kept.owner, kept.stays) == ("ben", False)
    assert routed(rules, own="Ben@shop.example").owner == "ben"


def test_an_owner_on_holiday_is_stood_in_for_and_one_who_left_is_replaced() -> None:
    holiday = routed(sales(away={"ben": [{"from": "2027-07-01", "to": "2027-07-14"}]}), own="ben")
    assert (holiday.owner, holiday.stays) == ("anna", False)
    assert holiday.why.startswith("ben is away until 2027-07-14; ")
    left = routed(sales(away={"ben": [{"from": "2027-07-01"}]}), own="ben")
    assert (left.owner, left.stays) == ("anna", True)


def test_an_owner_whom_the_file_does_not_know_is_believed() -> None:
    assert routed(sales(), own="crm-4711").owner == "crm-4711"


def test_a_colleague_s_lists_exclude_what_is_not_in_them_but_not_what_is_unknown() -> None:
    one = sales(people={"anna": {"regions": ["de"], "languages": ["DE"], "products": ["pro"]}})
    anna = one.people["anna"]
    assert covers(anna, Customer())
    assert covers(anna, Customer("DE", "de", frozenset({"pro", "basic"})))
    assert not covers(anna, Customer("AT", "de", frozenset({"pro"})))
    assert not covers(anna, Customer("DE", "fr", frozenset({"pro"})))
    assert not covers(anna, Customer("DE", "de", frozenset({"basic"})))


def test_a_customer_is_known_by_country_language_cart_and_what_began_the_run() -> None:
    profile = facts(address={"country": "at"}, language="de-AT").profile
    profile.carts = {"c": Cart(NOW, {"pro": 1.0})}
    entry = Event(
        type="track",
        message_id="e",
        time=NOW,
        received_at=NOW,
        properties={"products": [{"sku": "basic"}], "product": {"odd": 1}},
    )
    assert customer(profile, entry, NOW) == Customer("AT", "de", frozenset({"pro", "basic"}))


def test_nobody_s_load_is_asked_who_is_not_in_question() -> None:
    asked: list[str] = []
    lines = [{"when": {"person": {"country": "DE"}}, "to": ["ben"]}]
    found = facts(country="DE")

    def load(name: str) -> int:
        asked.append(name)
        return 0

    rules = sales(routing=lines, people={"ben": {"at most": "9 open tasks"}})
    assert route(rules, Customer(), found, "", TODAY, load, TEAM).owner == "ben"
    assert asked == ["ben"]
    route(rules, Customer(), found, "anna", TODAY, load, TEAM)
    assert asked == ["ben"]


# --- whatever the rules


lists = st.lists(st.sampled_from([*NAMES, TEAM]), min_size=1, max_size=4)
lines = st.lists(
    st.builds(
        lambda country, to: {"when": {"person": {"country": country}}, "to": to},
        st.sampled_from(["DE", "FR"]),
        lists,
    ),
    max_size=3,
)
absences = st.dictionaries(
    st.sampled_from(NAMES),
    st.lists(
        st.sampled_from(
            [
                {"from": "2027-07-01", "to": "2027-07-05"},
                {"from": "2027-07-05"},
                {"from": "2027-07-06"},
            ]
        ),
        max_size=2,
    ),
)
bounds = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 4))
loads = st.fixed_dictionaries({name: st.integers(0, 5) for name in NAMES})
owners = st.sampled_from(["", *NAMES])


@given(lines, lists, absences, bounds, loads, owners, st.sampled_from(["DE", "FR", "IT"]))
@example([], [TEAM], {}, {}, dict.fromkeys(NAMES, 0), "anna", "DE")
def test_whoever_is_chosen_is_there_has_room_and_is_always_the_same(
    routing: list[Any],
    otherwise: list[str],
    away: dict[str, Any],
    most: dict[str, int],
    load: dict[str, int],
    own: str,
    country: str,
) -> None:
    people = {name: {"at most": f"{number} open tasks"} for name, number in most.items()}
    rules = sales(routing=routing, otherwise=otherwise, away=away, people=people)
    found = routed(rules, own, load, country=country)
    turned = dict(reversed(load.items()))
    assert routed(rules, own, turned, country=country) == found
    assert found.owner in (*NAMES, TEAM)
    is_away = {name: rules.absence(name, TODAY) is not None for name in NAMES}
    if own and not is_away[own]:
        assert (found.owner, found.stays) == (own, False)
        return
    if found.owner in NAMES:
        assert not is_away[found.owner]
        assert load[found.owner] < most.get(found.owner, 99)
    if found.stays:
        assert found.owner in NAMES
        assert not own or any("to" not in one for one in away[own])
    # Who is chosen stays chosen: the next task goes there too, without another choice.
    if found.stays:
        assert routed(rules, found.owner, load, country=country).owner == found.owner
