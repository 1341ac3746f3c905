"""Webhooks hear of the events they asked for: signed, at least once, never of their own echo."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.channels.channel import Outgoing, Permanent, Temporary
from functions.folder import check_brand
from functions.handlers import process_event, tell_webhooks, wiring
from functions.messages.signature import secret
from functions.messages.subscription import Tell, is_tell
from functions.problem import Problems
from functions.tracking.profile import TimelineRow
from local import dead_letters
from local.keys import add_source
from tests.support.world import JOURNEYS, World

CRM = """webhooks:
  crm:
    url: https://crm.example.com/tante
    tell: [Order Completed, person changed, "Segment Entered"]
    not from: [hubspot]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator["Shop"]:
    yield Shop(tmp_path)
    wiring.use(None)


class Shop(World):
    """A world whose CRM hears of orders and changes, and may be out of order."""

    def __init__(self, place: Path) -> None:
        folder = place / "statemachines"
        (folder / "parts").mkdir(parents=True)
        brand = (JOURNEYS / "brand.yaml").read_text("utf-8")
        (folder / "brand.yaml").write_text(brand + "\n" + CRM, "utf-8")
        super().__init__(place / "data", folder)

    def heard(self) -> list[dict[str, Any]]:
        """What the CRM was told, oldest first."""
        return [json.loads(kept.text) for kept in self.outbox() if kept.channel == "webhook"]

    def receiver(self, send: Any) -> None:
        """Put another CRM in its place."""
        object.__setattr__(self.system.parts, "channels", {"webhook": Receiver(send)})


class Receiver:
    """A channel that does what the test says."""

    def __init__(self, send: Any) -> None:
        self._send = send

    def send(self, message: Outgoing) -> str:
        self._send(message)
        return message.send_id


def test_what_was_asked_for_is_told_and_nothing_else(shop: Shop) -> None:
    shop.identify("ada", email="ada@example.com", plan="pro")
    shop.track("ada", "Signed In")
    shop.advance("1 minute")
    shop.order("ada", "o1", "x")
    change, order = shop.heard()
    assert (change["type"], order["type"]) == ("person changed", "Order Completed")
    assert change["data"]["event"]["properties"] == {"email": "ada@example.com", "plan": "pro"}
    assert order["data"]["event"]["properties"]["order_id"] == "o1"
    assert order["data"]["email"] == "ada@example.com"
    assert order["data"]["version"] > change["data"]["version"]
    assert order["timestamp"] == shop.now.isoformat()


def test_every_message_is_signed_for_its_receiver(shop: Shop) -> None:
    shop.order("ada", "o1", "x")
    [kept] = shop.outbox()
    said = kept.headers
    signed = f"{kept.send_id}.{said['webhook-timestamp']}.{kept.text}".encode()
    key = secret(bytes.fromhex(shop.system.keys.link_key), "crm")
    mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert said["webhook-signature"] == f"v1,{mac}"
    assert said["webhook-id"] == kept.send_id


def test_the_receivers_own_changes_are_not_told_back_but_what_follows_from_them_is(
    shop: Shop,
) -> None:
    add_source(shop.store, "wk_hubspot", "hubspot", True, shop.now)
    shop.post("identify", {"userId": "ada", "traits": {"plan": "pro"}, "writeKey": "wk_hubspot"})
    assert shop.heard() == []
    shop.identify("ada", plan="max")
    assert [one["type"] for one in shop.heard()] == ["person changed"]


def test_an_import_tells_nobody_unless_it_may_start_journeys(shop: Shop) -> None:
    for number, said in enumerate(({"quiet": True}, {}, {"name": "hubspot"})):
        context = {"import": {"name": "till", **said}}
        call = {"userId": f"u{number}", "event": "Order Completed", "context": context}
        shop.post("track", call)
    assert [one["data"]["user_id"] for one in shop.heard()] == ["u1"]


def test_the_same_event_sent_again_is_told_once_and_a_try_again_has_the_same_id(
    shop: Shop,
) -> None:
    asked, answers = [], iter([Temporary("busy"), Temporary("busy"), None])

    def send(message: Outgoing) -> None:
        asked.append((message.send_id, json.loads(message.text)["data"]["event"]["message_id"]))
        if error := next(answers):
            raise error

    shop.receiver(send)
    call = {"userId": "ada", "event": "Order Completed", "messageId": "once"}
    for _ in range(2):
        shop.post("track", {**call, "timestamp": "2027-03-01T08:00:00Z"})
        shop.advance("1 minute")
    assert len(asked) == 3
    assert len(set(asked)) == 1
    assert asked[0][1] == "once"


def test_after_a_day_of_tries_it_is_a_dead_letter_that_can_be_sent_back(shop: Shop) -> None:
    tries = []

    def send(message: Outgoing) -> None:
        tries.append(message)
        raise Temporary("answered 503")

    shop.receiver(send)
    shop.order("ada", "o1", "x")
    assert len(tries) == tell_webhooks.MOST_TRIES
    [letter] = dead_letters.OneMachine(shop.system.queue).letters()
    assert letter.reason == 'the webhook "crm" was busy for a day: answered 503'
    contents = dead_letters.read(letter)
    assert (contents.what, contents.tries) == ("news for the webhook crm", len(tries))
    assert dead_letters.advise(contents).helps
    shop.receiver(lambda message: tries.clear())
    dead_letters.OneMachine(shop.system.queue).redrive(letter, contents)
    shop.settle()
    assert tries == []
    assert shop.system.queue.dead() == []


def test_the_tries_of_a_message_last_about_a_day() -> None:
    tries = range(1, tell_webhooks.MOST_TRIES)
    waits = [sum(tell_webhooks.delay(n, f"m{number}") for n in tries) for number in range(20)]
    assert min(waits) > 18 * 3600
    assert max(waits) < 26 * 3600


def test_a_refusal_is_a_dead_letter_at_once(shop: Shop) -> None:
    def send(message: Outgoing) -> None:
        raise Permanent("answered 410")

    shop.receiver(send)
    shop.order("ada", "o1", "x")
    [(_, reason, body)] = shop.system.queue.dead()
    assert reason == 'the webhook "crm" refused: answered 410'
    assert is_tell(body.decode())
    assert b"@" not in body  # ids only


def test_one_that_does_not_answer_costs_one_wait_of_a_batch(shop: Shop) -> None:
    waited = []

    def send(message: Outgoing) -> None:
        waited.append(message)
        raise Temporary("no answer")

    shop.order("ada", "o1", "x")
    shop.order("ada", "o2", "x")
    [first, second] = [
        tell(row) for row in shop.store.query(TimelineRow, shop.person("ada").person)
    ]
    shop.receiver(send)
    records = [{"messageId": str(n), "body": body} for n, body in enumerate((first, second))]
    assert tell_webhooks.handler({"Records": records}, None) == {"batchItemFailures": []}
    assert len(waited) == 1
    assert shop.system.tells.size() == 2


def tell(row: TimelineRow) -> str:
    asked = Tell("crm", row.person, row.key, row.event.message_id)
    return msgspec.json.encode(asked).decode()


def test_what_nobody_asks_for_any_more_or_nobody_knows_any_more_is_dropped(shop: Shop) -> None:
    shop.order("ada", "o1", "x")
    [row] = shop.store.query(TimelineRow, shop.person("ada").person)
    for asked in (
        Tell("old", row.person, row.key, row.event.message_id),
        Tell("crm", "erased", row.key, row.event.message_id),
        Tell("crm", row.person, "2020#none", "none"),
    ):
        shop.system.tells.send([msgspec.json.encode(asked)])
    shop.settle()
    assert len(shop.heard()) == 1
    assert shop.system.queue.dead() == []


def test_a_crash_before_the_queue_has_it_tells_it_at_the_redelivery(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, sent = shop.system.parts, list[bytes]()
    crash = iter([True])

    def send(bodies: list[bytes], delay: int) -> None:
        if next(crash, False):
            raise KeyboardInterrupt  # nothing catches it: the Lambda is gone
        sent.extend(bodies)

    call = {"userId": "ada", "event": "Order Completed", "writeKey": shop.system.keys.write_key}
    shop.request("POST", "/v1/track", {**call, "messageId": "m1", "timestamp": "2027-03-01"})
    records = shop.system.queue.receive(10)
    object.__setattr__(parts, "send_tells", send)
    with pytest.raises(KeyboardInterrupt):
        process_event.handler({"Records": records}, None)
    process_event.handler({"Records": records}, None)
    assert [msgspec.json.decode(one, type=Tell).event_id for one in sent] == ["m1"]


def test_without_a_subscription_nothing_is_queued(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.order("ada", "o1", "x")
    assert not world.system.parts.library.subscriptions()
    assert [kept for kept in world.outbox() if kept.channel == "webhook"] == []
    wiring.use(None)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("tell: [identify]", 'write "person changed" instead of "identify"'),
        ("tell: [A, A]", "stands there twice"),
        ('tell: [" "]', "is no name of an event"),
        ("not from: [hubspot]", 'says nothing without "tell"'),
        ("tells: [A]", "unknown field"),
    ],
)
def test_a_subscription_that_cannot_be_meant_is_told_with_its_line(said: str, words: str) -> None:
    text = (JOURNEYS / "brand.yaml").read_text("utf-8")
    where = "  crm:\n    url: https://crm.example.com/\n"
    with pytest.raises(Problems) as found:
        check_brand(f"{text}\nwebhooks:\n{where}    {said}\n")
    assert words in str(found.value.found[0])
    assert found.value.found[0].line >= text.count("\n")


@given(st.text(), st.text())
def test_the_id_hangs_on_webhook_and_event_alone(webhook: str, event_id: str) -> None:
    one, other = Tell(webhook, "p", "k", event_id), Tell(webhook, "q", "l", event_id, 3, "busy")
    assert one.message_id == other.message_id
    assert Tell(webhook, "p", "k", event_id + "x").message_id != one.message_id
