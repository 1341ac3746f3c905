"""What a shop sends becomes people, runs, messages and tasks; what people do comes back."""

import json
from typing import Any

import pytest
import requests

from tests.e2e import receipts
from tests.e2e.cloud import PATIENCE, Cloud
from tests.e2e.patience import eventually

ADA, BOB, CLEO = "ada@reader.example", "bob@elsewhere.example", "cleo@elsewhere.example"
GIL, PHONE = "gil@reader.example", "+4915112345678"
TIPS, OFFERS = "product tips", "offers"


@pytest.fixture(scope="module", autouse=True)
def cast(cloud: Cloud) -> None:
    """Everybody begins at once, so that their waits pass together.

    Ada reads what she gets. Bob is not on the allow-list. Cleo buys premium soon. Dan permits
    nothing. Gil has ordered something else and permits text messages. The doors are opened first:
    on a busy machine a Lambda may take a minute to start, which is a month here.
    """
    cloud.get("/api/people")
    _open_half_a_link(cloud)
    with cloud.shop() as shop:
        for name, address in (("ada", ADA), ("bob", BOB), ("cleo", CLEO), ("dan", "dan@e.example")):
            shop.identify(name, {"email": address, "firstName": name.title(), "language": "en"})
            if name != "dan":
                _permit(shop, name, "email", [TIPS])
            _order(shop, name, "1", "basic-1y")
        shop.identify("gil", {"email": GIL, "phone": PHONE, "language": "en"})
        _permit(shop, "gil", "email", [OFFERS])
        _permit(shop, "gil", "sms", [OFFERS])
        _order(shop, "gil", "1", "paper")


def _open_half_a_link(cloud: Cloud) -> requests.Response:
    """Also opens the door behind the button: a first call takes MiniStack half a minute, which are
    two weeks of this stage."""
    requests.post(f"{cloud.url}/leave/1.half-a-link", timeout=PATIENCE)
    return requests.get(f"{cloud.url}/leave/1.half-a-link", timeout=PATIENCE)


def _permit(shop: Any, user: str, channel: str, purposes: list[str]) -> None:
    said = {"channel": channel, "purposes": purposes, "text": "2026-11 form"}
    shop.track(user, "Consent Given", said)


def _order(shop: Any, user: str, order_id: str, sku: str) -> None:
    order = {"order_id": order_id, "revenue": 99, "currency": "EUR", "products": [{"sku": sku}]}
    shop.track(user, "Order Completed", order)


def _only_run(cloud: Cloud, user: str, journey: str = "onboarding") -> dict[str, Any]:
    (run,) = eventually(f"{user} to be in {journey}", lambda: cloud.runs(user, journey))
    return run


def _ended(cloud: Cloud, user: str, journey: str = "onboarding") -> dict[str, Any]:
    def run() -> dict[str, Any]:
        return _only_run(cloud, user, journey)

    return eventually(f"{user}'s run of {journey} to end", run, lambda r: r["status"] == "ended")


def test_what_the_stock_client_sends_becomes_a_profile(cloud: Cloud) -> None:
    profile = eventually("Ada's profile in DynamoDB", lambda: cloud.profile("ada"))
    assert profile.trait("email") == ADA
    assert [order.skus for order in profile.orders.values()] == [["basic-1y"]]
    (shown,) = cloud.get("/api/people", email=ADA)["people"]
    assert shown["id"] == profile.person
    assert {consent["purpose"] for consent in shown["consents"]} == {TIPS}


def test_who_enters_a_journey_is_a_run_of_its_state_machine(cloud: Cloud) -> None:
    run = _only_run(cloud, "ada")
    assert run["entered_by"] == "Order Completed"
    pages = cloud.client("stepfunctions").list_executions(
        stateMachineArn=cloud.machine("onboarding"), statusFilter="RUNNING"
    )
    assert run["id"] in [execution["name"] for execution in pages["executions"]]


def test_a_reader_on_the_allow_list_gets_mail_from_ses(cloud: Cloud) -> None:
    mails = eventually("Ada's welcome from SES", lambda: cloud.mails(ADA))
    assert mails[0]["Subject"] == "Welcome to Rechnungswerk: your licence is active"
    assert "Hello Ada," in mails[0]["BodyText"]


def test_mail_for_anybody_else_stays_in_the_outbox(cloud: Cloud) -> None:
    kept = eventually("Bob's welcome in the outbox", lambda: cloud.kept(BOB))
    assert kept[0].subject == "Welcome to Rechnungswerk: your licence is active"
    assert not cloud.mails(BOB)


def test_a_link_that_is_not_complete_is_refused_in_words(cloud: Cloud) -> None:
    answer = _open_half_a_link(cloud)
    assert answer.status_code == 404
    assert "Dieser Link ist unvollständig." in answer.text


def test_who_leaves_with_one_click_gets_no_more_of_it(cloud: Cloud) -> None:
    kept = eventually("Bob's guide", lambda: cloud.kept(BOB), lambda kept: len(kept) > 1)
    guide = kept[1]
    assert guide.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = cloud.here(guide.headers["List-Unsubscribe"].strip("<>"))
    answer = requests.post(url, data={"List-Unsubscribe": "One-Click"}, timeout=30)
    assert answer.status_code == 200, answer.text

    (shown,) = cloud.get("/api/people", email=BOB)["people"]
    given = {consent["purpose"]: consent["given"] for consent in shown["consents"]}
    assert given == {TIPS: False}
    hacks = eventually("the end of Bob's next mail", lambda: cloud.message("bob", "hacks"))
    assert (hacks.state, len(cloud.kept(BOB))) == ("not sent", 2)


def test_an_exit_event_stops_the_run(cloud: Cloud) -> None:
    eventually("Cleo's welcome", lambda: cloud.kept(CLEO))
    with cloud.shop() as shop:
        _order(shop, "cleo", "2", "premium-1y")
    run = _ended(cloud, "cleo")
    assert run["outcome"] == "upgraded"
    assert cloud.execution(run)["status"] == "ABORTED"


def test_an_unknown_write_key_is_refused_in_words(cloud: Cloud) -> None:
    answer = requests.post(
        f"{cloud.url}/v1/track",
        json={"userId": "x", "event": "y"},
        auth=("wk_nobody", ""),
        timeout=30,
    )
    assert answer.status_code == 401
    assert answer.json() == {
        "code": "invalid_write_key",
        "message": "The write key is unknown or revoked.",
    }


def test_the_admin_api_is_closed_without_its_key(cloud: Cloud) -> None:
    answer = requests.get(f"{cloud.url}/api/people", timeout=30)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthorized"
    assert requests.get(f"{cloud.url}/openapi.json", timeout=30).json()["openapi"]


def test_garbage_goes_to_the_dead_letters_with_a_reason_and_the_rest_is_done(cloud: Cloud) -> None:
    sqs, now = cloud.client("sqs"), "2027-01-01T00:00:00+00:00"
    event = {
        "type": "identify",
        "message_id": "beside-garbage",
        "time": now,
        "received_at": now,
        "client_time": now,
        "user_id": "hal",
    }
    bodies = ["no JSON", json.dumps({"events": [event]}, separators=(",", ":")), '{"events": 7}']
    entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
    sqs.send_message_batch(QueueUrl=cloud.outputs["EventQueueUrl"], Entries=entries)
    eventually("the good message's person", lambda: cloud.profile("hal"))
    dead: dict[str, str] = {}

    def look() -> dict[str, str]:
        found = sqs.receive_message(
            QueueUrl=cloud.outputs["EventDeadLettersUrl"],
            MessageAttributeNames=["All"],
            MaxNumberOfMessages=10,
        )
        for letter in found.get("Messages", []):
            attributes = letter.get("MessageAttributes", {})
            dead[letter["Body"]] = attributes.get("reason", {}).get("StringValue", "")
        return dead

    eventually("two dead letters", look, lambda seen: len(seen) == 2)
    assert dead.keys() == {"no JSON", '{"events": 7}'}
    assert all(reason.startswith("not an event batch: ") for reason in dead.values()), dead


def test_a_text_message_goes_by_sns(cloud: Cloud) -> None:
    (text,) = eventually("Gil's text message", lambda: cloud.texts(PHONE))
    assert text["Message"].startswith("Rechnungswerk: ")
    assert [mail["Subject"] for mail in cloud.mails(GIL)] == ["It has been a while"]


def test_a_receipt_of_ses_comes_back_and_releases_the_wait(cloud: Cloud) -> None:
    run = _only_run(cloud, "ada")
    eventually("Ada's run to wait", lambda: _only_run(cloud, "ada")["waits_for"])
    guide, hacks = (cloud.message("ada", name) for name in ("guide", "hacks"))
    assert guide
    assert hacks
    cloud.tell(receipts.delivery(hacks, ADA))
    cloud.tell(receipts.click(guide, ADA))

    _only_run(cloud, "ada", "upsell")
    assert _ended(cloud, "ada")["outcome"] == "finished"
    assert cloud.states_of(run)[-1] == "start journey upsell"
    happened = {event["event"]: event["properties"] for event in cloud.timeline("ada")}
    assert happened["Email Delivered"]["email_id"] == hacks.send_id
    assert happened["Email Link Clicked"]["email_id"] == guide.send_id
    assert happened["Email Link Clicked"]["link_id"] == "guide-video"
    clicked = cloud.message("ada", "guide")
    assert clicked
    assert list(clicked.clicked) == ["guide-video"]


def test_a_run_that_ends_by_itself_is_closed_and_its_task_is_there(cloud: Cloud) -> None:
    run = _ended(cloud, "dan")
    assert run["outcome"] == "finished"
    assert cloud.execution(run)["status"] == "SUCCEEDED"
    (task,) = [one for one in cloud.get("/api/tasks")["tasks"] if one["person"] == run["person"]]
    assert (task["text"], task["owner"]) == ("Call and ask whether everything works", "sales")
