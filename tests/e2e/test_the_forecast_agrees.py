"""Twenty people in the cloud and in a forecast: the same messages, decided by the same code."""

import time
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import pytest

from functions.folder import read_folder
from functions.storage.remember import timeline
from functions.tracking.message import Message
from functions.virtual.plan import Plan, Someone
from functions.virtual.stage import Stage, catalogue_of
from tests.e2e.cloud import Cloud
from tests.e2e.patience import eventually

PEOPLE = 20
A_MOMENT = 0.005  # seconds between two calls: what has one and the same time has no order
AHEAD = timedelta(days=60)  # then the next thing that can happen is 240 days away
SHOP = "e2e shop"  # the source of what the stock client sends
PURPOSES = ("product tips", "offers")


class Told(NamedTuple):
    """What became of a message; when is left out, for MiniStack is late."""

    person: str
    journey: str
    step: str
    message: str
    channel: str
    locale: str
    state: str
    reason: str
    subject: str


def told(rows: Iterable[Message]) -> list[Told]:
    """Those of which it is decided."""
    return sorted(
        Told(
            *(row.person, row.journey, row.step, row.message, row.channel, row.locale),
            *(row.state, row.reason, row.subject),
        )
        for row in rows
        if row.state != "held"
    )


by_key = attrgetter("person")


def name(number: int) -> str:
    return f"foretold-{number}"


def traits(number: int) -> dict[str, Any]:
    """Some have no e-mail address, some a phone; some read German, some live far away."""
    language = {0: "de", 1: "en", 2: "fr"}[number % 3]
    said: dict[str, Any] = {"firstName": f"Person {number}", "language": language}
    said |= {"email": f"{name(number)}@elsewhere.example"} if number % 7 else {}
    said |= {"phone": f"+49151{20_000_000 + number}"} if number % 2 else {}
    return said | ({"timezone": "America/New_York"} if number % 5 == 0 else {})


def say(shop: Any, number: int) -> None:
    """Who they are, what they permit, and what they buy: the basic licence, paper, or both."""
    user = name(number)
    shop.identify(user, traits(number))
    time.sleep(A_MOMENT)
    for channel, purposes in (("email", PURPOSES[: number % 3]), ("sms", PURPOSES[1:])):
        if purposes and (channel == "email" or number % 4 < 3):
            shop.track(user, "Consent Given", {"channel": channel, "purposes": [*purposes]})
            time.sleep(A_MOMENT)
    skus = [("basic-1y",), ("paper",), ("basic-1y", "paper")][number % 3 - 1]
    for place, sku in enumerate(skus):
        order = {
            "order_id": f"{place}",
            "revenue": 9,
            "currency": "EUR",
            "products": [{"sku": sku}],
        }
        shop.track(user, "Order Completed", order)
        time.sleep(A_MOMENT)


@pytest.fixture(scope="module", autouse=True)
def cast(cloud: Cloud) -> None:
    with cloud.shop() as shop:
        for number in range(PEOPLE):
            say(shop, number)


def events_of(cloud: Cloud, number: int) -> Someone | None:
    """The person as the forecast gets them: all that the shop said, with the stage's times."""
    profile = cloud.profile(name(number))
    said = [one for one in timeline(cloud.store, profile) if one.source == SHOP] if profile else []
    orders = [event for event in said if event.event == "Order Completed"]
    is_whole = len(orders) == (2 if number % 3 == 0 else 1)
    return Someone(profile.person, (), said) if profile and is_whole else None


def all_there(cloud: Cloud) -> list[Someone]:
    """Everybody, one after the other: who looks at all of them again and again keeps MiniStack so
    busy that its Lambdas starve."""

    def there(number: int) -> Someone:
        found = eventually(f"{name(number)}'s orders", lambda: events_of(cloud, number))
        assert found
        return found

    return [there(number) for number in range(PEOPLE)]


def test_the_forecast_and_the_cloud_agree_on_every_message_of_twenty_people(cloud: Cloud) -> None:
    people = all_there(cloud)
    begin = min(one.events[0].time for one in people) - timedelta(days=1)
    last = max(one.events[-1].time for one in people)
    catalogue = catalogue_of(read_folder(cloud.journeys), begin)
    log = Stage(Plan(catalogue, begin, last + AHEAD)).run(people)
    foretold = told(log.messages)
    assert {one.state for one in foretold} == {"sent", "not sent"}
    assert len({(one.journey, one.message, one.locale) for one in foretold}) > 6

    def sent(person: str) -> list[Told]:
        return told(cloud.store.query(Message, person))

    for one in people:
        own = [message for message in foretold if message.person == one.person]
        eventually("the messages foretold", partial(sent, one.person), own.__eq__)
    assert [message for one in sorted(people, key=by_key) for message in sent(one.person)] == (
        foretold
    )
