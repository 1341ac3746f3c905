"""Twenty people in the cloud and in a forecast: the same messages, decided by the same code.

The cloud's handlers go by the stage's clock, and so does the forecast; MiniStack only comes late.
What is compared is therefore what lateness cannot decide (see fair.py): what each person says comes
in one request, so that it keeps its order; they answer when the cloud stands where it was foretold
that it would; and the forecast knows when they really did. It comes first: nobody publishes yet.
"""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import pytest
import requests

from functions.journeys.run import Run, Waits, run_key
from functions.storage.remember import timeline
from functions.tracking.message import RECEIPTS, Message
from functions.virtual import catalogue
from functions.virtual.plan import Plan, Someone
from functions.virtual.stage import Stage
from tests.e2e import fair, receipts
from tests.e2e.cloud import PATIENCE, Cloud
from tests.e2e.patience import eventually

PEOPLE = range(20)
# So many at a time that they are processed within a Lambda's minute, however busy the machine is.
GROUPS = [PEOPLE[first : first + 3] for first in PEOPLE[::3]]
SETTLED = timedelta(days=40)  # after their last word; then nothing can happen for years
# Seconds: what a Lambda did not manage in its minute comes again after six.
LONG = 480
ASKED_AGAIN = 1.0  # seconds: MiniStack has little time for more
SHOP = "e2e shop"  # the source of what comes with the write key
PURPOSES = ["product tips", "offers"]
CLICKED = ("reminder", "friendly-reminder", "guide")

Said = dict[str, Any]


class Told(NamedTuple):
    """What became of a message; when is left out, for MiniStack is late."""

    journey: str
    step: str
    message: str
    channel: str
    locale: str
    state: str
    reason: str
    subject: str


class Stand(NamedTuple):
    """Where a run stands: ended, or in a wait."""

    journey: str
    version: str
    status: str
    outcome: str
    waits_for: str


class Came(NamedTuple):
    """What came of somebody."""

    stands: list[Stand]
    messages: list[Told]


def name(number: int) -> str:
    return f"foretold-{number}"


def address(number: int) -> str:
    return f"{name(number)}@elsewhere.example"


def is_at_the_fair(stand: Stand) -> bool:
    return (stand.journey, stand.status) == ("fair", "open")


def told(message: Message) -> Told:
    return Told(
        *(message.journey, message.step, message.message, message.channel, message.locale),
        *(message.state, message.reason, message.subject),
    )


def came(store: Any, person: str) -> Came:
    """By the records of a store, the cloud's or the forecast's."""

    def stand(run: Run) -> Stand:
        waits = store.get(Waits, person, run_key(run.journey, run.run_id))
        latest = waits.latest if waits and run.status == "open" else None
        where = latest.step if latest else ""
        return Stand(run.journey, run.journey_version, run.status, run.outcome, where)

    # The runs first: what one has sent that has ended, or waits, is in the ledger before that.
    stands = sorted(map(stand, store.query(Run, person)))
    return Came(stands, sorted(map(told, store.query(Message, person))))


# --- what they say


def first_words(number: int) -> Iterator[Said]:
    """Who they are and what they permit. Some have no address, some a phone; some read German, some
    live far away. All hear of the fair; most buy the basic licence, something else, or both."""
    language = {0: "de", 1: "en", 2: "fr"}[number % 3]
    traits: Said = {"firstName": f"Person {number}", "language": language}
    traits |= {"email": address(number)} if number % 7 else {}
    traits |= {"phone": f"+49151{20_000_000 + number}"} if number % 2 else {}
    traits |= {"timezone": "America/New_York"} if number % 5 == 0 else {}
    traits |= {"plan": "pro"} if number % 4 == 1 else {}
    yield {"type": "identify", "traits": traits}
    for channel, purposes in (("email", PURPOSES[: (number // 3 + 1) % 3]), ("sms", PURPOSES[1:])):
        if purposes and (channel == "email" or number % 4 < 3):
            yield track("Consent Given", channel=channel, purposes=purposes)
    yield track(fair.ENTERED_BY)
    skus = [(), ("basic-1y",), ("paper",), ("basic-1y", "paper")][number // 2 % 4]
    if skus:
        products = [{"sku": sku} for sku in skus]
        yield track("Order Completed", order_id="1", revenue=9, currency="EUR", products=products)


def answer(number: int) -> list[Said]:
    """A fifth take a seat, a fifth leave, a fifth want no more offers before they take theirs."""
    seat, less = track(fair.TAKEN), track("Consent Withdrawn", channel="email", purposes=["offers"])
    refund = track("Order Refunded", order_id="1")
    return {0: [seat], 1: [track(fair.CANCELLED), refund], 2: [less, seat]}.get(number % 5, [])


def track(event: str, **properties: Any) -> Said:
    return {"type": "track", "event": event, "properties": properties}


def say(cloud: Cloud, said: dict[int, list[Said]]) -> None:
    """In one request, so that nobody's words are processed before their earlier ones. What has one
    and the same time has no order: they speak ten milliseconds apart."""
    now = datetime.now(UTC)
    everything = [(number, event) for number, events in said.items() for event in events]
    first = now - timedelta(seconds=1)
    batch = [
        {
            **event,
            "userId": name(number),
            "messageId": f"{name(number)}-{place}-{now.isoformat()}",
            "timestamp": (first + timedelta(milliseconds=10 * place)).isoformat(),
        }
        for place, (number, event) in enumerate(everything)
    ]
    body = {"batch": batch, "sentAt": now.isoformat()}

    def post() -> int:
        url, key = f"{cloud.url}/v1/batch", (cloud.write_key, "")
        return requests.post(url, json=body, auth=key, timeout=PATIENCE).status_code

    eventually("the events to be taken", post, (200).__eq__, within=LONG)


def click(cloud: Cloud, number: int, message: str) -> bool:
    """On whatever link; False where the message was not sent."""
    found = cloud.message(name(number), message)
    if found is None or found.state != "sent":
        return False
    cloud.tell(receipts.click(found, address(number)))
    return True


# --- the same twice


def greeted(cloud: Cloud, number: int) -> bool:
    """Whether it is decided of the first message of the fair that they were to get."""
    return any(cloud.message(name(number), message) for message in ("hello", "note"))


def heard(cloud: Cloud, answers: dict[int, int]) -> dict[int, Someone]:
    """Everybody as the forecast gets them: all that they said and did, at the stage's times, as
    soon as it is there. They have answered so often."""

    def someone(number: int) -> Someone | None:
        profile = cloud.profile(name(number))
        told = timeline(cloud.store, profile) if profile else ()
        events = [event for event in told if event.source in (SHOP, RECEIPTS)]
        is_whole = len(events) == len([*first_words(number)]) + answers.get(number, 0)
        return Someone(profile.person, (), events) if profile and is_whole else None

    found = {}
    for number in PEOPLE:
        there = eventually(f"all that {name(number)} said", partial(someone, number), within=LONG)
        assert there
        found[number] = there
    return found


def foretold(cloud: Cloud, people: dict[int, Someone]) -> dict[int, Came]:
    """What comes of them by a forecast, of what is published in the cloud."""
    times = [event.time for one in people.values() for event in one.events]
    begin = min(times) - timedelta(days=1)
    stage = Stage(Plan(catalogue.live(cloud.store), begin, max(times) + SETTLED))
    stage.run(people.values())
    return {number: came(stage.store, one.person) for number, one in people.items()}


def as_foretold(cloud: Cloud, people: dict[int, Someone]) -> dict[int, Came]:
    """What came of them in the cloud, as soon as all that they have begun has ended or waits where
    it was foretold. Fails with what differs."""
    expected = foretold(cloud, people)
    deadline = time.monotonic() + LONG
    happened = {
        number: settled(cloud, one.person, expected[number].stands, deadline)
        for number, one in people.items()
    }
    differs = [
        f"{name(number)}, {where}: {line}"
        for number in people
        for where, mine, others in (
            ("only in the forecast", expected[number], happened[number]),
            ("only in the cloud", happened[number], expected[number]),
        )
        for line in lines(mine) - lines(others)
    ]
    assert not differs, "\n".join(["forecast and cloud differ:", *differs])
    return happened


def lines(one: Came) -> Counter[str]:
    return Counter(map(str, [*one.stands, *one.messages]))


def settled(cloud: Cloud, person: str, stands: list[Stand], deadline: float) -> Came:
    """What came of somebody, as soon as their runs stand so; at the deadline in any case."""
    while (found := came(cloud.store, person)).stands != stands and time.monotonic() < deadline:
        time.sleep(ASKED_AGAIN)
    return found


@pytest.mark.timeout(1800)
def test_the_forecast_and_the_cloud_agree_on_every_message_of_twenty_people(cloud: Cloud) -> None:
    for group in GROUPS:
        say(cloud, {number: list(first_words(number)) for number in group})
        for number in group:
            look = partial(greeted, cloud, number)
            eventually(f"{name(number)}'s first message", look, within=LONG)
    as_foretold(cloud, heard(cloud, {}))

    answers = {number: answer(number) for number in PEOPLE}
    for group in GROUPS:
        say(cloud, {number: answers[number] for number in group})
    clicks = {
        number: sum(click(cloud, number, message) for message in CLICKED)
        for number in PEOPLE
        if number % 5 == 3
    }
    everything = heard(cloud, {n: len(answers[n]) + clicks.get(n, 0) for n in PEOPLE})
    happened = as_foretold(cloud, everything)

    stands = [stand for one in happened.values() for stand in one.stands]
    messages = [message for one in happened.values() for message in one.messages]
    assert {one.journey for one in stands} == {"fair", "onboarding", "recovery", "upsell"}
    assert {one.outcome for one in stands} == {"", "finished", "cancelled", "refunded"}
    assert {one.state for one in messages} == {"sent", "not sent"}
    assert len({(one.journey, one.message, one.channel, one.locale) for one in messages}) > 20
    # Nobody is to wake up while other tests run.
    waiting = [number for number in PEOPLE if any(map(is_at_the_fair, happened[number].stands))]
    say(cloud, {number: [track(fair.CANCELLED)] for number in waiting})
