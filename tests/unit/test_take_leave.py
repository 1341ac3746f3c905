"""The light door to leave by: in force, then told, then answered; or not answered as done."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError

from functions.handlers import take_leave
from functions.handlers.light_aws import AwsError, Unreachable
from functions.handlers.process_event import read
from functions.handlers.take_leave import Door, answer
from functions.messages.link import sign
from functions.storage import people
from functions.storage.dynamo import DynamoStore
from functions.storage.say import MOST_WORDS
from functions.storage.store import Conflict
from functions.tracking.consent import hear
from functions.tracking.permission import Consent, Permission, refusal, take_in
from tests.support.stores import REGION, dynamo_store

NOW = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
KEYS = {"1": b"k" * 32}
PERSON = "0123456789abcdef" * 2
SAID = (PERSON, "email", "product tips", "en", "a1b2c3d4")


class Outside:
    """What the door sees of the rest; `done` has it in its order."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Any]] = []
        self.is_there, self.now = True, NOW
        self.fails: set[str] = set()
        self.door = Door(self.keys, self.say, self.send, lambda: self.now)

    def keys(self) -> dict[str, bytes]:
        self._fail("keys")
        return KEYS

    def say(self, person: str, word: str) -> bool:
        self._fail("say")
        self.done.append(("said", (person, word)))
        return self.is_there

    def send(self, body: bytes) -> None:
        self._fail("send")
        self.done.append(("sent", body))

    def _fail(self, what: str) -> None:
        if what in self.fails:
            raise Unreachable("nobody answers")

    def post(self, *said: str, purpose: str = "leave") -> dict[str, Any]:
        token = sign(purpose, said or SAID, KEYS)
        return answer(self.door, {"rawPath": f"/leave/{token}"})


@pytest.fixture
def outside() -> Outside:
    return Outside()


def test_it_is_in_force_before_it_is_told_and_told_before_it_is_answered(outside: Outside) -> None:
    found = outside.post()
    assert found["statusCode"] == 200
    assert [what for what, _ in outside.done] == ["said", "sent"]
    assert outside.done[0][1] == (PERSON, "2027-03-01T09:30:00+00:00 email/product tips")


def test_what_goes_to_the_queue_is_an_event_that_says_the_same(outside: Outside) -> None:
    outside.post()
    [event] = read(outside.done[1][1].decode()).events
    assert (event.name, event.person, event.source) == (
        "Consent Withdrawn",
        PERSON,
        "unsubscribe link",
    )
    assert event.properties == {"channel": "email", "purposes": ["product tips"]}
    permission = Permission(person=PERSON)
    take_in(permission, [outside.done[0][1][1]])
    assert not hear(permission, event), "it is in force already, from the very same moment"


@pytest.mark.parametrize("what", ["keys", "say", "send"])
def test_whatever_fails_nobody_is_told_to_have_left(
    outside: Outside, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outside.fails.add(what)
    found = outside.post()
    assert found["statusCode"] == 503
    assert "try once more" in found["body"]
    assert "unsubscribed" not in found["body"]
    assert found["headers"]["retry-after"]
    line = json.loads(capsys.readouterr().out)
    assert line["message"] == take_leave.FAILED
    assert PERSON not in json.dumps(line)
    outside.fails.clear()
    assert outside.post()["statusCode"] == 200


def test_of_somebody_who_is_gone_nothing_comes_back(outside: Outside) -> None:
    outside.is_there = False
    assert outside.post()["statusCode"] == 200
    assert [what for what, _ in outside.done] == ["said"]


def test_pressing_twice_is_leaving_once_and_leaving_again_later_is_another(
    outside: Outside,
) -> None:
    outside.post()
    outside.now += timedelta(minutes=5)
    outside.post()
    outside.now += timedelta(hours=3)
    outside.post()
    events = [json.loads(body)["events"][0] for what, body in outside.done if what == "sent"]
    one, again, later = (event["message_id"] for event in events)
    assert one == again != later


@pytest.mark.parametrize("purpose", ["preferences", "click", "confirm"])
def test_a_link_for_something_else_does_not_leave(outside: Outside, purpose: str) -> None:
    assert outside.post(purpose=purpose)["statusCode"] == 404
    assert not outside.done


def test_a_link_that_we_signed_with_other_fields_is_refused(outside: Outside) -> None:
    assert outside.post("p")["statusCode"] == 404
    assert outside.post(*SAID, "title", "brand", "more")["statusCode"] == 404
    assert not outside.done


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "You are unsubscribed"), ("de-AT", "Sie sind abgemeldet"), ("fr", "unsubscribed")],
)
def test_it_answers_in_the_language_that_the_link_names(
    outside: Outside, language: str, words: str
) -> None:
    assert words in outside.post(PERSON, "email", "offers", language)["body"]


def test_what_the_page_says_is_text_and_no_markup(outside: Outside) -> None:
    nasty = "<b>{purpose}</b>&\"'{0}"
    body = outside.post(PERSON, "email", "x", "en", "", nasty, nasty)["body"]
    assert "<b>" not in body
    assert body.count("&lt;b&gt;{purpose}&lt;/b&gt;&amp;&quot;&#x27;{0}") == 2


def test_nothing_is_imported_but_the_standard_library_and_the_light_modules() -> None:
    """Mail programs wait a few seconds only, and a cold start is most of them."""
    code = (
        "import sys; from functions.handlers import take_leave; take_leave.aws_door();"
        "print(*sorted(sys.modules))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=root,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(root), "AWS_REGION": REGION},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.split()
    ours = {name for name in loaded if name.startswith("functions")}
    assert {name.rpartition(".")[2] for name in ours} == {
        *("functions", "handlers", "messages", "storage"),
        *("take_leave", "headers", "light_aws", "light_http", "light_keys", "light_log"),
        *("light_settings", "link", "say"),
    }
    assert not {"typing", "http", "email", "html", "msgspec", "urllib", "logging"} & {*loaded}


# --- against DynamoDB as moto imitates it


@contextmanager
def by_boto3() -> Iterator[None]:
    """The light caller's calls, made by boto3 within this process."""

    def call(service: str, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        client = boto3.client(service, region_name=REGION)
        name = {"UpdateItem": "update_item", "GetItem": "get_item"}[operation]
        try:
            return dict(getattr(client, name)(**asked))
        except ClientError as error:
            raise AwsError(error.response["Error"]["Code"], "") from None

    with patch.object(take_leave, "call", call):
        yield


@pytest.fixture(scope="module")
def store() -> Iterator[DynamoStore]:
    with dynamo_store() as made, by_boto3():
        yield made


def door(store: DynamoStore, sent: list[bytes]) -> Door:
    table = store._models["people"].Meta.table_name
    return Door(
        lambda: KEYS,
        lambda person, word: take_leave.say(take_leave._ask, table, person, word),
        sent.append,
        lambda: NOW,
    )


def agreed(store: DynamoStore, person: str, moved_to: str = "") -> Permission:
    consents = {"email/product tips": Consent(True, NOW + timedelta(minutes=1), "web")}
    made = Permission(person=person, consents=consents, moved_to=moved_to)
    store.put(made)
    return made


def leave(store: DynamoStore, person: str) -> tuple[int, list[bytes]]:
    sent: list[bytes] = []
    token = sign("leave", (person, *SAID[1:]), KEYS)
    found = answer(door(store, sent), {"rawPath": f"/leave/{token}"})
    return found["statusCode"], sent


def test_no_claim_that_was_under_way_succeeds_after_the_answer(store: DynamoStore) -> None:
    """Also if the consent was given by a clock that is ahead of ours."""
    agreed(store, "p1")
    under_way = store.get(Permission, "p1")
    assert leave(store, "p1")[0] == 200
    with pytest.raises(Conflict):
        store.put(under_way)
    found = store.get(Permission, "p1")
    assert found
    assert refusal(found, "email", "product tips", True) == "consent withdrawn"


def test_a_link_leads_to_whom_the_person_became(store: DynamoStore) -> None:
    agreed(store, "p2", moved_to="p3")
    agreed(store, "p3", moved_to="p4")
    agreed(store, "p4")
    assert leave(store, "p2")[0] == 200
    found = people.permission_of(store, "p2")
    assert found.person == "p4"
    assert refusal(found, "email", "product tips", True) == "consent withdrawn"


def test_nobody_is_made_by_a_link_of_somebody_who_is_gone(store: DynamoStore) -> None:
    status, sent = leave(store, "p5")
    assert (status, sent) == (200, [])
    assert store.get(Permission, "p5") is None


def test_who_presses_all_day_is_asked_to_wait_and_has_left_all_the_same(
    store: DynamoStore,
) -> None:
    agreed(store, "p6")
    for number in range(MOST_WORDS):
        store.say(Permission, "p6", f"{NOW.isoformat()} email/{number}")
    assert leave(store, "p6")[0] == 503


def test_a_merge_that_is_being_written_is_waited_for(store: DynamoStore) -> None:
    agreed(store, "p7")
    real, refused = take_leave.call, [True, True]

    def busy(service: str, operation: str, asked: Any) -> Any:
        if refused:
            refused.pop()
            raise AwsError("TransactionConflictException", "")
        return real(service, operation, asked)

    with patch.object(take_leave, "call", busy), patch.object(take_leave, "sleep", lambda _: None):
        assert leave(store, "p7")[0] == 200
        refused.extend([True] * 3)
        assert leave(store, "p7")[0] == 503
