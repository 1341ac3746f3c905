"""What counts as a response to a message, and what all people's responses tell."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.segments.responding import FEW, STRENGTH, ChannelSums, ResponseSums, rate
from functions.tracking.message import Message
from functions.tracking.profile import Order, Profile, Seen, Visits
from functions.tracking.response import OPENED, TEXT_RECEIVED, Response, engaged, responses

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def message(days: float, channel: str = "email", **more: Any) -> Message:
    said = {"purpose": "offers", "state": "sent", "send_id": f"{days}"} | more
    return Message(
        person="p",
        run_id="r",
        step="s",
        journey="j",
        message="m",
        channel=channel,
        claimed=NOW - days * DAY,
        **said,
    )


def worths(*messages: Message, profile: Profile | None = None) -> list[float]:
    asks = {"offers": True, "transactional": False}.__getitem__
    found = responses(messages, profile or Profile(person="p"), asks, NOW)
    return [one.worth for one in found]


def bought(days: float) -> Profile:
    placed = NOW - days * DAY
    order = Order("o", placed, amount=Decimal(1))
    return Profile(person="p", orders={"o": order})


@pytest.mark.parametrize(
    ("one", "worth"),
    [
        (message(5), [0]),
        (message(5, clicked={"shop": NOW}), [1]),
        (message(5, opened=NOW), [OPENED]),
        (message(5, robots=["opened", "clicked"]), [0]),
        (message(5, bounced=NOW), []),
        (message(5, state="not sent"), []),
        (message(5, purpose="transactional", clicked={"parcel": NOW}), []),
        (message(0.5), []),  # it may still be answered
        (message(0.5, clicked={"": NOW}), [1]),
        (message(366, clicked={"": NOW}), []),
    ],
)
def test_a_click_is_an_answer_an_open_a_little_of_one_a_robots_visit_none(
    one: Message, worth: list[float]
) -> None:
    assert worths(one) == worth


def test_an_order_answers_the_last_message_before_it_if_that_was_not_long_ago() -> None:
    assert worths(message(9), message(6), message(2), profile=bought(5)) == [0, 1, 0]
    assert worths(message(9), profile=bought(5)) == [0]


def test_a_reply_answers_the_last_text_message() -> None:
    wrote = NOW - 4 * DAY
    profile = Profile(person="p", events={TEXT_RECEIVED: Seen(1, wrote, wrote)})
    found = worths(message(6, "sms"), message(5, "sms"), message(4.5), profile=profile)
    assert found == [0, 1, 0]


def test_a_person_is_there_when_they_open_click_buy_or_come_to_the_website() -> None:
    profile = bought(5)
    profile.visits = Visits(3, [(int((NOW - DAY).timestamp()), int(NOW.timestamp()))])
    one = message(3, opened=NOW - 2 * DAY, clicked={"a": NOW - HOUR, "b": NOW - 400 * DAY})
    assert engaged([one], profile, NOW) == [NOW - 5 * DAY, NOW - 2 * DAY, NOW - DAY, NOW - HOUR]


# --- all people


def counted(people: int, good: float, bad: float, seed: int) -> ResponseSums:
    chance, sums = random.Random(seed), ResponseSums()
    for _ in range(people):
        own, sent = chance.betavariate(good, bad), chance.randint(1, 30)
        found = [Response("sms", NOW, float(chance.random() < own)) for _ in range(sent)]
        sums.take(found, [], ZoneInfo("UTC"))
    return sums


@pytest.mark.parametrize(("good", "bad"), [(0.6, 5.4), (3, 27), (2, 2)])
def test_the_rates_of_people_are_found_again(good: float, bad: float) -> None:
    found = counted(2000, good, bad, seed=3).found().rates["sms"]
    assert found.mean == pytest.approx(good / (good + bad), rel=0.1)
    assert found.strength == pytest.approx(good + bad, rel=0.25)


def test_with_few_people_hardly_anything_is_concluded() -> None:
    assert rate(ChannelSums()).strength == STRENGTH
    few = counted(FEW - 1, 5, 5, seed=1).found().rates["sms"]
    assert few.strength == STRENGTH
    assert rate(ChannelSums(1, 1, 1, 1_000_000, 1_000_000)).mean < 0.1


def test_people_who_are_all_alike_make_the_strongest_prior_and_one_message_each_none() -> None:
    sums = ResponseSums()
    for _ in range(100):
        alike = [Response("sms", NOW, float(number == 0)) for number in range(10)]
        sums.take(alike, [], ZoneInfo("UTC"))
    assert sums.found().rates["sms"].strength == 200
    single = ResponseSums()
    for number in range(100):
        single.take([Response("sms", NOW, float(number < 9))], [], ZoneInfo("UTC"))
    assert single.found().rates["sms"].strength == STRENGTH


def test_hours_are_those_of_the_clocks_where_the_person_is_and_the_order_of_people_is_nothing() -> (
    None
):
    people = [("Europe/Berlin", 1.0), ("Asia/Tokyo", 0.3), ("UTC", 0.0)]
    found = []
    for order in (people, people[::-1]):
        sums = ResponseSums()
        for zone, worth in order:
            sums.take([Response("email", NOW, worth)] * 3, [NOW], ZoneInfo(zone))
        found.append(sums.found())
    assert found[0] == found[1]
    assert [hour for hour, many in enumerate(found[0].hours) if many] == [12, 13, 21]


def test_the_sample_is_about_as_large_as_it_should_be() -> None:
    sums = ResponseSums()
    in_it = sum(sums.takes(f"person{number}", 40_000) for number in range(40_000))
    assert in_it == pytest.approx(2000, rel=0.1)
    assert all(sums.takes(f"person{number}", 0) for number in range(100))
    sums.people = 2000
    assert not sums.takes("person1", 0)
