"""The best channel and the best time, learned from what people do, in a whole Tante."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.handlers import wiring
from functions.messages import best_time
from functions.messages.holding import BEST_TIME
from functions.segments.census_records import Cuts
from functions.tracking.message import Message
from tests.journeys.test_when_messages_go import NIGHT, folder_of
from tests.support.world import World

BERLIN, DAY = ZoneInfo("Europe/Berlin"), timedelta(days=1)
BEST = "  - send: both\n    by: best channel\n"
AT_BEST = "  - send: a\n    best time: within 24 hours\n"
Begin = Callable[..., World]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Makes a Tante with a journey `cart` of these steps, which `Cart Filled` starts, and Ada."""

    def begin(steps: str, brand: str = "", purpose: str = "offers") -> World:
        folder = folder_of(tmp_path / "folder", steps, "", brand, purpose)
        world = World(tmp_path / "data", folder)
        world.customer("ada", timezone="Europe/Berlin")
        return world

    yield begin
    wiring.use(None)


def had(world: World, channel: str, answered: int, of: int, user: str = "ada") -> None:
    """So many messages that went in the last days, and so many of them were clicked."""
    person = world.person(user).person
    for number in range(of):
        time = world.now - (2 + number) * DAY
        message = Message(
            person=person,
            run_id=f"earlier-{channel}",
            step="s",
            send_id=f"{channel}{number}",
            journey="earlier",
            message="m",
            channel=channel,
            purpose="offers",
            state="sent",
            claimed=time,
            clicked={"": time} if number < answered else {},
        )
        world.store.put(message)


def fill_carts(world: World, *users: str) -> None:
    for user in users or ("ada",):
        world.track(user, "Cart Filled")


def came(world: World, user: str = "ada", language: str = "en") -> str:
    path = f"/api/people/{world.person(user).person}/journeys/cart/why"
    run = world.api(path, **{"in": language})["runs"][0]
    return str(run["stations"][0]["came"])


def newest(world: World, user: str = "ada") -> Message:
    return next(one for one in world.messages(user) if one.journey == "cart")


# --- the channel


def test_who_answers_text_messages_gets_one_and_it_is_told_why(begin: Begin) -> None:
    world = begin(BEST)
    had(world, "sms", 19, 20)
    had(world, "email", 0, 20)
    fill_carts(world)
    assert newest(world).channel == "sms"
    reasons = (
        "by SMS, the best as far as is known (e-mail: 0 of 20 answered, SMS: 19 of 20 answered)"
    )
    assert came(world) == f"sent; {reasons}"
    assert "SMS: 19 von 20 beantwortet" in came(world, language="de")


@pytest.mark.parametrize("wanted", ["email", "sms"])
def test_the_persons_own_choice_wins_over_all_that_was_learned(begin: Begin, wanted: str) -> None:
    world = begin(BEST)
    had(world, "sms" if wanted == "email" else "email", 20, 20)
    world.identify("ada", preferred_channel=wanted)
    world.advance("1 minute")
    fill_carts(world)
    assert newest(world).channel == wanted
    assert "as the person wants it" in came(world)


def test_their_own_choice_is_no_permission(begin: Begin) -> None:
    world = begin(BEST)
    world.identify("ada", preferred_channel="sms")
    world.track("ada", "Consent Withdrawn", channel="sms", purposes=["offers"])
    world.advance("1 minute")
    fill_carts(world)
    assert newest(world).channel == "email"
    assert "the only channel that was open" in came(world)


def test_a_text_message_that_costs_more_than_its_answers_are_worth_does_not_go(
    begin: Begin,
) -> None:
    world = begin(BEST, 'answer worth: 0.50\nsms costs: {"+49": 0.60, others: 0.01}\n')
    had(world, "sms", 12, 14)
    fill_carts(world)
    assert newest(world).channel == "email"


# --- the time


def was_there(world: World, *users: str, hour: int = 18, days: int = 9) -> None:
    """They came to the website at that hour (in Berlin) of the last days."""
    for number in range(1, days):
        there = world.now.astimezone(BERLIN).replace(hour=hour, minute=10) - number * DAY
        for user in users:
            call = {"userId": user, "name": "Home", "timestamp": there.isoformat()}
            world.post("page", call)


def hours(world: World, *users: str) -> dict[str, Any]:
    found = {user: newest(world, user).claimed for user in users}
    return {user: time.astimezone(BERLIN).hour if time else None for user, time in found.items()}


def test_a_message_waits_for_the_hour_in_which_the_person_is_there(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best_time, "TRIES", 0)
    world = begin(AT_BEST)
    users = [f"user{number}" for number in range(4)]
    for user in users:
        world.customer(user, timezone="Europe/Berlin")
    was_there(world, *users)
    fill_carts(world, *users)  # 10:00
    assert {newest(world, user).reason for user in users} == {BEST_TIME}
    assert "there most (8 of 8 times in that hour)" in came(world, users[0])
    world.advance("1 day")
    assert hours(world, *users) == dict.fromkeys(users, 18)
    assert world.outcomes("cart") == ["finished"] * 4


def test_the_hour_is_settled_once_and_a_withdrawal_meanwhile_counts(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best_time, "TRIES", 0)
    world = begin(AT_BEST)
    was_there(world, "ada")
    fill_carts(world)
    settled = newest(world).by_time
    assert settled
    assert settled.at > world.now
    was_there(world, "ada", hour=14, days=8)
    world.track("ada", "Consent Withdrawn", channel="email", purposes=["offers"])
    world.advance("1 day")
    found = newest(world)
    assert (found.by_time, found.state, found.reason) == (settled, "not sent", "consent withdrawn")


def test_nobody_waits_beyond_skip_after_or_into_the_quiet_hours(begin: Begin) -> None:
    steps = f"{AT_BEST}    skip after: 3 hours\n"
    world = begin(steps, NIGHT)
    was_there(world, "ada", hour=23)
    started = world.now
    fill_carts(world)
    world.advance("4 hours")
    claimed = newest(world).claimed
    assert claimed
    assert claimed - started <= timedelta(hours=3)


# --- all people


def test_how_all_people_respond_is_known_a_day_later_and_decides_for_the_new(begin: Begin) -> None:
    world = begin(BEST, "answer worth: 5.00\n")
    users = [f"user{number}" for number in range(40)]
    for user in users:
        world.customer(user)
        had(world, "sms", 4, 5, user)
        had(world, "email", 0, 5, user)
    world.advance("1 day")
    [cuts, *_] = world.store.listing(Cuts)[0]
    assert cuts.responding
    assert cuts.responding.people == 40
    assert cuts.responding.rates["sms"].mean > 0.5
    assert cuts.responding.rates["email"].mean < 0.05
    assert sum(cuts.responding.hours) == 160
    fill_carts(world)
    assert newest(world).channel == "sms"
    assert "SMS: none sent yet" in came(world)


def test_where_no_journey_asks_nobody_is_counted(begin: Begin) -> None:
    world = begin("  - send: a\n")
    had(world, "email", 1, 5)
    world.advance("1 day")
    assert not any(one.responding for one in world.store.listing(Cuts)[0])
