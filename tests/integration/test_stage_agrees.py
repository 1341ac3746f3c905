"""What happens on a forecast's stage is what happens on one machine, message by message."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings

from bench.reference import folder as reference_folder
from functions.channels.channel import Outgoing
from functions.folder import Folder, check, read_folder
from functions.handlers import wiring
from functions.journeys.run import Decision
from functions.problem import Problems
from functions.tracking.event import Event
from functions.tracking.identity import person_key
from functions.tracking.message import RECEIPTS
from functions.virtual.plan import Plan, Someone
from functions.virtual.stage import Stage, catalogue_of
from local.keys import Keys
from tests.support.any_journey import MESSAGES, any_journey
from tests.support.local_run import LocalRun, decided, told
from tests.support.world import JOURNEYS

START = datetime(2027, 1, 1, 9, tzinfo=UTC)
KEYS = Keys(write_key="wk", secret_key="sk", identity_key="ab" * 32, link_key="cd" * 32)
SKUS = ("basic-1y", "premium-1y", "extra-1", "extra-2")


@pytest.fixture(autouse=True)
def _no_parts() -> Iterator[None]:
    yield
    wiring.use(None)


class Buyers:
    """People who sign up, permit, order and send back, by seed; some answer their messages."""

    def __init__(self, names: tuple[str, ...], days: int) -> None:
        self._names, self._days = names, days

    def events(self, number: int) -> list[Event]:
        random = Random(f"buyer {number}")
        came = START + timedelta(seconds=random.randrange(86400 * 3) + random.random())
        at = [came + timedelta(days=random.random() * self._days) for _ in range(9)]
        said = [self._said(random, number, one) for one in range(len(at))]
        traits = {"email": f"u{number}@example.com", "firstName": f"A{number}", "plan": "pro"}
        traits["language"] = random.choice(("de", "en"))
        if random.random() < 0.5:
            traits["phone"] = f"+49151123{number:05}"
        first = [
            {"type": "identify", "traits": traits},
            *(
                {
                    "event": "Consent Given",
                    "properties": {"channel": channel, "purposes": ["product tips", "offers"]},
                }
                for channel in ("email", "sms")
                if random.random() < 0.8
            ),
            {"event": self._names[0], "properties": {}},
        ]
        moments = [came + timedelta(minutes=one) for one in range(len(first))] + at
        return [
            Event(
                **{"type": "track", **one},
                message_id=f"{number}-{place}",
                time=moment,
                received_at=moment,
                client_time=moment.isoformat(),
                user_id=f"u{number}",
                trusted=True,
                source="shop",
            )
            for place, (one, moment) in enumerate(zip([*first, *said], moments, strict=True))
        ]

    def _said(self, random: Random, number: int, place: int) -> dict[str, Any]:
        name = random.choice(self._names + ("Order Completed",) * 2)
        order = f"o{number}-{random.randrange(3)}" if "Refund" in name else f"o{number}-{place}"
        products = [
            {"sku": random.choice(SKUS), "quantity": 1, "price": 5.5}
            for _ in range(random.randrange(1, 3))
        ]
        properties = {"order_id": order, "revenue": 9.9, "currency": "EUR", "products": products}
        if name == "Consent Withdrawn":
            properties = {"channel": "email", "purposes": ["offers"]}
        return {"event": name, "properties": properties}


def answers(message: Outgoing, at: datetime) -> Iterator[Event]:
    """Half of them open what they get; half of those click on something."""
    random = Random(f"answer {message.send_id}")
    for name, delay in (("Email Opened", 40), ("Email Link Clicked", 45)):
        if not message.subject or random.random() < 0.5:
            return
        time = at + timedelta(minutes=delay, seconds=60 * random.random())
        tags = message.tags
        yield Event(
            type="track",
            event=name,
            message_id=f"{name}-{message.send_id}",
            time=time,
            received_at=time,
            client_time=time.isoformat(),
            properties={
                "email_id": message.send_id,
                "run_id": tags["run"],
                "journey": tags["run"].rpartition("-")[0],
                "message": tags.get("message"),
                "link_id": "shop",
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0",
            },
            source=RECEIPTS,
            trusted=True,
            person=message.person,
        )


def both(data: Path, folder: Folder, buyers: Buyers, number: int, days: int) -> tuple[Any, Any]:
    """The logs of both, as they can be compared."""
    data.mkdir(exist_ok=True)
    (data / "keys.json").write_bytes(msgspec.json.encode(KEYS))
    real = LocalRun(data, folder, START, answers)
    people = [
        Someone(person_key(real.identity_key, "user_id", f"u{one}"), (), buyers.events(one))
        for one in range(number)
    ]
    until = START + timedelta(days=days)
    happened = told(real.run(people, until))
    happened["decisions"] = decided(real.every(Decision))
    wiring.use(None)
    stage = Stage(
        Plan(
            catalogue_of(folder, START),
            START,
            until,
            answers=answers,
            identity_key=real.identity_key,
        )
    )
    forecast = told(stage.run(people))
    forecast["decisions"] = decided(stage.store.every(Decision))
    return happened, forecast


def test_two_hundred_people_in_the_reference_journey(tmp_path: Path) -> None:
    folder = reference_folder()
    folder.journeys = {"reference": folder.journeys["reference"]}
    folder.live = {}
    buyers = Buyers(("Signed Up", "Account Deleted", "Viewed", "Viewed"), 40)
    happened, forecast = both(tmp_path, folder, buyers, 200, 40)
    assert forecast == happened
    assert len(happened["messages"]) > 400
    outcomes = {outcome for _, _, _, _, outcome, _, _ in happened["runs"]}
    assert outcomes >= {"bought", "deleted", "finished"}


BUYERS = {
    "title": "For those who have bought",
    "purpose": "product tips",
    "enter when": {"event": "Viewed"},
    "once per": "occasion",
    "only if": {"in segment": "customers"},
    "steps": [{"wait": "2 days"}, {"send": "a"}],
}


@pytest.mark.parametrize("asks", [False, True])
def test_people_in_the_shipped_journeys_with_all_rules(tmp_path: Path, asks: bool) -> None:
    """Also where nothing asks for what the rules say, so that the stage leaves them out."""
    folder = read_folder(JOURNEYS)
    if asks:
        mails = {f"a.{language}.mjml": MAIL for language in ("de", "en")}
        folder.journeys["buyers"] = {"journey.yaml": yaml.safe_dump(BUYERS), **mails}
    buyers = Buyers(("Order Completed", "Order Refunded", "Viewed", "Consent Withdrawn"), 60)
    happened, forecast = both(tmp_path, folder, buyers, 30, 120)
    assert forecast == happened
    assert any(run.startswith("buyers-") for _, run, *_ in happened["runs"]) == asks
    assert len(happened["messages"]) > 60
    assert happened["tasks"]


ENTRY = {"enter when": {"event": "Login"}, "leave when": [{"event": "Gone", "as": "gone"}]}
MAIL = """<mjml><mj-head><mj-title>{{ person.first_name }}, {{ person.orders }}</mj-title></mj-head>
<mj-body><mj-section><mj-column><mj-text>Hello <a href="{{ links.shop }}">shop</a>
<a href="{{ unsubscribe }}">leave</a></mj-text></mj-column></mj-section></mj-body></mjml>"""


def written(text: str) -> Folder | None:
    """A folder in which this is the one journey that people enter; None when it is refused."""
    folder = read_folder(JOURNEYS)
    files = {
        name: MAIL if name.endswith(".mjml") else "Hello {{ person.first_name }}"
        for message in MESSAGES
        for name in (message, message.replace(".de.", ".en."))
    }
    raw = {**yaml.safe_load(text), **ENTRY}
    raw["purpose"] = "offers"
    upsell = {"title": "Upsell", "purpose": "offers", "once per": "person"}
    upsell["steps"] = [{"wait": "3 days"}, {"send": "a"}]
    folder.journeys = {
        "any": {"journey.yaml": yaml.safe_dump(raw, allow_unicode=True), **files},
        "upsell": {"journey.yaml": yaml.safe_dump(upsell), **files},
    }
    folder.live = {}
    try:
        check(folder)
    except Problems:
        return None
    return folder


@settings(max_examples=6, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(any_journey())
def test_people_in_any_journey(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = written(text)
    assume(folder)
    assert folder
    buyers = Buyers(("Login", "Visit", "Gone", "Viewed"), 30)
    happened, forecast = both(tmp_path_factory.mktemp("any"), folder, buyers, 8, 60)
    assert forecast == happened
