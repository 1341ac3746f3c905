"""Erasing: whom an event means, what a dead letter says of a person, and DynamoDB's own ways."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.handlers import aws, erasing
from functions.storage.erasing import erasures_of
from functions.storage.people import People, find_profile
from functions.storage.remember import remember
from functions.tracking.erasure import Erasure, identifiers_in, mentions, predates
from functions.tracking.event import Event, EventBatch, bodies
from functions.tracking.identity import person_key
from functions.tracking.profile import Profile, TimelineRow
from tests.support.stores import dynamo_store

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
SECRET = b"secret"
ADA = person_key(SECRET, "email", "ada@example.com")
times = st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda length: NOW + length)


def event(**more: Any) -> Event:
    said: dict[str, Any] = {"type": "track", "event": "Visited", "message_id": "m1"}
    return Event(**{**said, "time": NOW, "received_at": NOW, "user_id": "ada", **more})


@given(times, times, times)
def test_only_what_happened_and_came_after_an_erasure_is_of_a_new_life(
    time: datetime, received: datetime, erased: datetime
) -> None:
    told = event(time=time, received_at=received)
    assert predates(told, erased) == (time <= erased or received <= erased)
    assert not predates(told, None)


@given(st.text(), st.text())
def test_a_person_is_found_in_any_text_however_they_are_written(before: str, after: str) -> None:
    text = msgspec.json.encode({before: [after, {"to": " Ada@Example.com "}]})
    assert mentions(SECRET, {ADA}, text)
    assert mentions(SECRET, {ADA}, b"[broken " + text[:-2])
    assert mentions(SECRET, {ADA}, msgspec.json.encode({"person": ADA}))


@given(st.text())
def test_others_are_not(text: str) -> None:
    assert not mentions(SECRET, {ADA}, msgspec.json.encode({"email": f"bob {text}"}))


def test_every_identifier_that_an_event_names_is_known_as_it_is_kept() -> None:
    told = event(
        type="identify", anonymous_id="tab", traits={"email": "A@B.de ", "phone": "0151 1234567"}
    )
    assert dict(identifiers_in(told)) == {
        "user_id": "ada",
        "anonymous_id": "tab",
        "email": "a@b.de",
        "phone": "+491511234567",
    }


class Sqs:
    """A dead-letter queue whose messages are hidden once they were received."""

    def __init__(self, *letters: bytes) -> None:
        self.letters = {f"r{number}": body.decode() for number, body in enumerate(letters)}
        self.hidden: set[str] = set()
        self.sent: list[dict[str, Any]] = []

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        reason = {"reason": {"StringValue": "too odd", "DataType": "String"}}
        found = [
            {"MessageId": one, "ReceiptHandle": one, "Body": body, "MessageAttributes": reason}
            for one, body in self.letters.items()
            if one not in self.hidden
        ][:2]
        self.hidden |= {one["MessageId"] for one in found}
        return {"Messages": found} if found else {}

    def delete_message(self, **asked: Any) -> None:
        del self.letters[asked["ReceiptHandle"]]

    def send_message(self, **asked: Any) -> None:
        self.sent.append(asked)


def test_dead_letters_in_the_cloud_lose_what_is_about_the_person_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    letters = [
        body for name in ("ada", "bob", "ada") for body in bodies(EventBatch([event(user_id=name)]))
    ]
    both = bodies(EventBatch([event(user_id="ada"), event(user_id="bob")]))
    queue = Sqs(*letters, *both)
    monkeypatch.setattr(aws, "client", lambda name: queue)
    key = person_key(SECRET, "user_id", "ada")
    erasure = Erasure(person=key, asked=NOW, keys=[key])
    parts: Any = SimpleNamespace(settings=SimpleNamespace(identity_key=SECRET))
    assert aws.search_dead("url", lambda body: erasing.less(parts, erasure, body)) == 3
    assert list(queue.letters) == ["r1"]
    (left,) = queue.sent
    assert msgspec.json.decode(left["MessageBody"], type=EventBatch).events[0].user_id == "bob"
    assert left["MessageAttributes"]["reason"]["StringValue"] == "too odd"


@pytest.fixture
def dynamo() -> Iterator[Any]:
    with dynamo_store() as store:
        yield store


def test_in_dynamodb_a_person_is_erased_like_anywhere_else(dynamo: Any) -> None:
    told = [
        event(type="identify", traits={"email": "ada@example.com"}, anonymous_id="tab"),
        *(event(message_id=f"v{number}") for number in range(30)),
    ]
    finder = People(dynamo, SECRET)
    (person,) = {finder.person(one) for one in told}
    remember(dynamo, person, told)
    queue: list[bytes] = []
    parts: Any = SimpleNamespace(
        store=dynamo,
        settings=SimpleNamespace(identity_key=SECRET),
        now=lambda: NOW + timedelta(hours=1),
        send_events=lambda bodies, delay: queue.extend(bodies),
        search_dead=lambda less: 0,
        scrub=lambda records: None,
        library=SimpleNamespace(subscriptions=dict),
        workflow=SimpleNamespace(stop=None),
    )
    profile = find_profile(dynamo, person)
    assert profile
    erasing.ask(parts, profile, "")
    while queue:
        erasing.carry_out(parts, erasing.read(queue.pop(0).decode()), _never, _never)
    assert list(dynamo.query(TimelineRow, person)) == []
    (proof,) = erasures_of(dynamo, person)
    assert proof.done
    assert proof.found["event"] == 31
    for key in (*proof.keys, *proof.links):
        left = dynamo.get(Profile, key)
        assert left == Profile(person=key, version=left.version, erased=proof.asked)
    assert dynamo.listing(Profile) == ([], "")


def _never(times: int, name: str) -> int | None:
    raise AssertionError("nothing is in the way")
