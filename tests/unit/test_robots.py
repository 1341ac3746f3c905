"""Robots: what gives them away, also afterwards, in whatever order their traces come."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.tracking import robots
from functions.tracking.message import as_judged, take_receipt
from functions.tracking.own_event import NO_SIGN_OF_LIFE
from functions.tracking.robots import CLICKED, HONEYPOT, OPENED
from tests.support.replay import error_rates, event, played, rates, row
from tests.support.scanners import (
    CHROME,
    GMAIL,
    HOMES,
    PATTERNS,
    Visit,
    mails,
)


def after(seconds: float, link: str = "1", **changed: str) -> Visit:
    said = {"name": CLICKED, "agent": CHROME, "network": HOMES[0], "link": link, **changed}
    return Visit(after=timedelta(seconds=seconds), robot=False, **said)  # type: ignore[arg-type]


def reasons(visit: Visit, *before: Visit) -> list[str]:
    made = played([*before])
    found: list[str] = as_judged(made, event(99, visit)).properties.get("robot", [])
    return found


def test_of_the_labelled_set_few_are_taken_for_the_other() -> None:
    found = error_rates(mails(seed=1, copies=60))
    people, machines = rates(found)
    assert people < 0.03
    assert machines < 0.07
    told = {name: c for name, c in found.items() if "leisure" not in name and "three" not in name}
    people, machines = rates(told)
    assert people == 0
    assert machines < 0.005


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"method": "HEAD"}, "asked for the head only"),
        ({"prefetch": "prefetch"}, "fetched ahead of time"),
        ({"agent": ""}, "no user agent"),
        ({"agent": "curl/8.5.0"}, "a program's user agent"),
        ({"agent": "Slackbot-LinkExpanding 1.0"}, "a program's user agent"),
        ({"network": "67.231.150.0/24"}, "from Proofpoint's network"),
        ({"link": HONEYPOT}, "the link that no person sees"),
        ({"name": OPENED, "link": "", "agent": "Mozilla/5.0"}, "Apple Mail loads every picture"),
    ],
)
def test_each_of_these_alone_gives_a_robot_away(changed: dict[str, str], reason: str) -> None:
    assert reasons(after(100)) == []
    assert reasons(after(100, **changed)) == [reason]


def test_before_anybody_could_have_read_it_only_robots_come() -> None:
    assert reasons(after(1.9)) == ["before anybody could have read it"]
    assert reasons(after(-20)) == ["before anybody could have read it"]
    assert reasons(after(2.1)) == []


def test_what_came_before_the_news_of_delivery_is_judged_when_that_comes() -> None:
    made = row(delivered=False)
    visits = [after(1, "1"), after(900, "1"), after(1.5, "2")]
    for number, visit in enumerate(visits):
        take_receipt(made, event(number, visit))
    assert made.clicked.keys() == {"1", "2"}
    delivered = event(9, after(0))
    delivered.event = "Email Delivered"
    take_receipt(made, delivered)
    assert made.clicked == {"1": event(1, visits[1]).time}, "the person's own click stands"
    assert made.robots == ["clicked"]


def test_many_links_at_once_are_a_robot_s_also_the_first_of_them() -> None:
    made = played([after(100, "1"), after(101, "2"), after(102, "3")])
    assert not made.clicked
    assert made.robots == ["clicked"]
    assert played([after(100, "1"), after(103, "2"), after(106, "3")]).clicked


def test_a_double_click_is_a_person_s() -> None:
    assert played([after(100, "1"), after(100.2, "1"), after(100.4, "1")]).clicked


def test_a_click_on_what_nobody_sees_tells_of_those_around_it() -> None:
    hidden = after(100, HONEYPOT)
    assert reasons(after(109), hidden)
    assert reasons(after(400), hidden), "the same agent and network, minutes later"
    assert not reasons(after(400, network=HOMES[1]), hidden)
    assert not reasons(after(800), hidden)
    made = played([after(95, "1"), after(30000, "1", network=HOMES[1]), hidden])
    assert made.clicked == {"1": event(1, after(30000)).time}


def test_who_opens_through_the_provider_s_proxy_is_a_person() -> None:
    seen = after(100, "", name=OPENED, agent=GMAIL, network="66.249.84.0/24")
    found = as_judged(played([]), event(99, seen))
    assert found.event == OPENED
    assert found.properties["proxied"] is True
    assert played([seen]).opened


def test_a_robot_s_touch_has_a_name_of_its_own_and_keeps_the_evidence() -> None:
    found = as_judged(played([]), event(99, after(100, method="HEAD")))
    assert found.event == "Email Link Clicked by Robot"
    assert found.event in NO_SIGN_OF_LIFE
    assert found.properties["method"] == "HEAD"
    assert found.properties["user_agent"] == CHROME


@given(st.sampled_from(sorted(PATTERNS)), st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_in_whatever_order_the_traces_come_the_ledger_says_the_same(
    pattern: str, seed: int, random: Random
) -> None:
    visits = PATTERNS[pattern](Random(seed))[: robots.MOST_TOUCHES]
    numbered = list(enumerate(visits))
    made, other = row(), row()
    for number, visit in numbered:
        take_receipt(made, event(number, visit))
    random.shuffle(numbered)
    for number, visit in numbered:
        take_receipt(other, event(number, visit))
    assert (made.opened, made.clicked, made.robots) == (other.opened, other.clicked, other.robots)
    assert made.touches == other.touches


@given(st.sampled_from(sorted(PATTERNS)), st.integers(0, 10_000))
def test_what_comes_again_changes_nothing(pattern: str, seed: int) -> None:
    visits = PATTERNS[pattern](Random(seed))[: robots.MOST_TOUCHES]
    made = played(visits)
    for number, visit in enumerate(visits):
        assert not take_receipt(made, event(number, visit))


@given(st.sampled_from(sorted(PATTERNS)), st.integers(0, 10_000))
def test_a_message_remembers_only_its_last_touches(pattern: str, seed: int) -> None:
    visits = [visit for _ in range(4) for visit in PATTERNS[pattern](Random(seed))]
    assert len(played(visits).touches) <= robots.MOST_TOUCHES
