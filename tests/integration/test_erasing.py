"""After an erasure nothing of the person is left anywhere, and nothing comes back."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from functions.folder import check_brand
from functions.handlers import erasing, process_event
from functions.problem import Problems
from functions.segments.census_records import Figures, SegmentFigures
from functions.storage.erasing import erasures_of
from functions.storage.kinds import KINDS
from functions.storage.packing import unpack
from functions.storage.people import People, find_profile
from functions.storage.remember import remember
from functions.storage.store import Contended
from functions.tracking.erasure import LOOK_AGAIN
from functions.tracking.event import Event, EventBatch, bodies
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile
from local.sqlite_store import SqliteStore
from tests.support.world import JOURNEYS, World

ADA = {"firstName": "Adalbertina", "email": "ada@lovelace.example", "phone": "+4915199988877"}
TRACES = ("adalbertina", "ada@lovelace", "15199988877", "ada-user", "ada-device", "ada's order")
ONCE = """
title: Once in a life
purpose: transactional
enter when: {event: identify}
once per: person
steps: [{wait: 7 days}]
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "data")
    return world


def everything(store: SqliteStore) -> Iterator[tuple[str, Any]]:
    """Every record of every table, decoded, as text."""
    for table in ("people", "timeline", "catalogue"):
        rows = store.connection.execute(f"SELECT pk, sk, version, body FROM {table}")
        for pk, sk, version, body in rows.fetchall():
            kind = next(
                kind
                for kind, where in KINDS.items()
                if where.table == table
                and (sk == where.prefix or sk.startswith(f"{where.prefix}#"))
            )
            yield f"{table} {pk} {sk}", unpack(kind, pk, body, version)


def traces(world: World, *words: str) -> list[str]:
    """Where any of the words stands: in records, in queues, or in the bytes of any file."""
    wanted = re.compile("|".join(map(re.escape, words)), re.IGNORECASE)
    found = [
        where
        for where, record in everything(world.store)
        if wanted.search(where) or wanted.search(msgspec.json.encode(record).decode())
    ]
    for file in sorted(world.system.data.rglob("*")):
        if file.is_file() and wanted.search(file.read_bytes().decode("latin-1")):
            found.append(f"the file {file.name}")
    return found


def erase(world: World, person: str) -> Any:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    answer = world.request("DELETE", f"/api/people/{person}", headers=key)
    assert answer["statusCode"] == 200, answer
    return answer["json"]


def known(world: World) -> str:
    """Ada, of whom there is something of nearly every kind; her key."""
    world.post("page", {"anonymousId": "ada-device", "name": "ada's order"})
    world.advance("1 minute")
    identified = {"userId": "ada-user", "anonymousId": "ada-device", "traits": ADA}
    world.post("identify", identified)
    for channel in ("email", "sms"):
        purposes = list(world.system.parts.library.brand().purposes)
        world.track("ada-user", "Consent Given", channel=channel, purposes=purposes)
    world.order("ada-user", "ada's order", "basic-1y")
    world.post("group", {"userId": "ada-user", "groupId": "acme", "traits": {"name": "Acme"}})
    world.advance("2 days")
    world.order("ada-user", "ada's order 2", "premium-1y")
    world.advance("2 days")
    return world.person("ada-user").person


def test_after_an_erasure_no_table_queue_or_file_holds_a_trace(world: World) -> None:
    person = known(world)
    world.system.queue.bury(b'{"events":[broken "ada@lovelace.example"', "not readable")
    assert len(traces(world, *TRACES)) > 10
    erase(world, person)
    world.settle()
    assert traces(world, *TRACES) == []
    proof = world.api(f"/api/erasures/{person}")["erasures"][0]
    assert proof["done"]
    assert proof["found_again"] == {}
    assert proof["found"]["event"] > 5
    assert proof["found"]["dead letter"] == 1


def test_whoever_comes_anew_is_somebody_new(world: World) -> None:
    person = known(world)
    old = {
        "userId": "ada-user",
        "event": "Visited",
        "messageId": "late",
        "timestamp": world.now.isoformat(),
    }
    erase(world, person)
    world.settle()
    world.advance("1 hour")
    world.post("track", old)
    world.post(
        "track", {**old, "messageId": "by device", "userId": None, "anonymousId": "ada-device"}
    )
    assert traces(world, *TRACES) == [], "what happened before is dropped"

    world.post("identify", {"userId": "ada-user", "anonymousId": "ada-device", "traits": ADA})
    again = world.person("ada-user")
    assert again.trait("email") == ADA["email"]
    assert not again.orders
    assert not again.merged
    assert not world.permission("ada-user").consents
    assert not world.permission("ada-user").erased
    world.track("ada-user", "Consent Given", channel="email", purposes=["tips"])
    world.post("track", {"anonymousId": "ada-device", "event": "Visited"})
    assert set(world.person("ada-user").events) >= {"identify", "Consent Given", "Visited"}
    world.post("track", {**old, "messageId": "later still"})
    assert world.person("ada-user").events["Visited"].count == 1

    erase(world, again.person)
    world.settle()
    assert traces(world, *TRACES) == []


def test_nothing_is_sent_to_who_was_erased_and_their_runs_end(world: World) -> None:
    person = known(world)
    live = {run_id: live.journey for run_id, live in world.permission("ada-user").live.items()}
    assert live
    assert world.outbox()
    erase(world, person)
    world.advance("60 days")
    machines = world.system.parts.machines
    ended = [machines.describe(journey, run_id) for run_id, journey in live.items()]
    assert {one.status for one in ended if one} <= {"ABORTED"}
    assert not any(run_id in machines.under_way(journey) for run_id, journey in live.items())
    assert world.outbox() == []
    assert traces(world, *TRACES) == []


def test_an_opened_mail_brings_nobody_back(world: World) -> None:
    person = known(world)
    mail = next(kept for kept in world.outbox() if kept.channel == "email")
    erase(world, person)
    world.settle()
    world.advance("1 hour")
    event = {
        "type": "track",
        "event": "Email Opened",
        "person": person,
        "source": "receipts",
        "message_id": "r1",
        "time": world.now,
        "received_at": world.now,
        "trusted": True,
        "properties": {
            "email_id": mail.send_id,
            "run_id": mail.tags["run"],
            "subject": "Adalbertina",
        },
    }
    world.system.queue.send([msgspec.json.encode({"events": [event]})])
    world.settle()
    assert traces(world, *TRACES) == []
    world.post("identify", {"userId": "ada-user"})
    world.system.queue.send([msgspec.json.encode({"events": [event]})])
    world.settle()
    assert traces(world, "Adalbertina") == [], "nor does it tell of an earlier life"


@pytest.mark.parametrize("is_back", [True, False])
def test_a_complaint_of_before_rules_the_address_out_all_the_same(
    world: World, is_back: bool
) -> None:
    """Somebody may call a mail spam after they were erased, and come back without knowing."""
    person = known(world)
    mail = next(kept for kept in world.outbox() if kept.channel == "email")
    erase(world, person)
    world.settle()
    world.advance("1 hour")
    if is_back:
        world.post("identify", {"userId": "ada-user", "traits": ADA})
        world.advance("1 minute")
    said = {"email_id": mail.send_id, "run_id": mail.tags["run"], "address": mail.tags["address"]}
    event = Event(
        type="track",
        event="Email Marked as Spam",
        message_id="r1",
        time=world.now,
        received_at=world.now,
        person=person,
        source="receipts",
        trusted=True,
        properties=said,
    )
    world.system.queue.send(bodies(EventBatch([event])))
    world.settle()
    world.advance("1 minute")
    world.post("identify", {"userId": "ada-user", "traits": ADA})
    assert world.permission("ada-user").suppressed == {"email": "marked as spam"}
    assert "Email Marked as Spam" not in world.person("ada-user").events


def test_who_was_merged_and_parted_leaves_no_word_with_anybody(world: World) -> None:
    """The record of an undone merge names both, and what was frozen of them stays until then."""
    world.post("track", {"anonymousId": "tab", "event": "Visited"})
    world.advance("1 minute")
    person = known(world)
    world.post("identify", {"userId": "bob", "anonymousId": "tab"})
    bob = world.person("bob").person
    world.advance("1 minute")
    world.post("alias", {"userId": "ada-user", "previousId": "bob"})
    assert world.person("bob").person == person
    (merge, *_) = world.api(f"/api/people/{person}/merges")["merges"]
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    undone = world.request("POST", f"/api/people/{person}/merges/{merge['id']}/undo", headers=key)
    assert undone["statusCode"] == 200
    world.settle()
    assert world.person("bob").person == bob
    assert traces(world, "ada-user")
    erase(world, person)
    world.settle()
    assert traces(world, *TRACES) == []
    assert "Visited" in world.person("bob").events


def test_a_long_life_is_erased_in_parts_and_who_comes_meanwhile_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = known(world)
    for number in range(30):
        world.track("ada-user", f"Visited {number}")
    monkeypatch.setattr("functions.storage.erasing.MOST_AT_ONCE", 10)
    monkeypatch.setattr("functions.storage.erasing.NOTED_AT_ONCE", 4)
    erase(world, person)
    world.advance("1 minute")  # the clock alone: what is due is done with what comes next
    world.post("identify", {"userId": "ada-user", "traits": {"firstName": "Grace"}})
    assert traces(world, "adalbertina", "Visited") == []
    assert world.person("ada-user").trait("firstName") == "Grace"
    assert world.api(f"/api/erasures/{person}")["erasures"][0]["found"]["event"] > 30


def test_events_of_somebody_who_is_being_erased_are_put_off(world: World) -> None:
    person = known(world)
    erase(world, person)  # nobody has worked on it yet
    world.system.clock.move_to(world.now + timedelta(minutes=1))
    event = Event(
        type="identify", message_id="m", user_id="ada-user", time=world.now, received_at=world.now
    )
    finder = People(world.store, world.system.parts.settings.identity_key)
    with pytest.raises(Contended, match="being erased"):
        finder.person(event)
    with pytest.raises(Contended, match="being erased"):
        remember(world.store, person, [event])
    before = msgspec.structs.replace(event, time=world.now - timedelta(minutes=2))
    assert finder.person(before) == ""
    assert remember(world.store, person, [before])[1] == []


def test_events_of_who_comes_back_at_once_wait_for_as_long_as_erasing_takes(world: World) -> None:
    """A quarter of an hour at least: five tries within minutes would bury them."""
    person = known(world)
    erase(world, person)  # nobody has worked on it yet
    world.system.clock.move_to(world.now + timedelta(minutes=1))
    now, sent, buried = world.now, list[tuple[list[bytes], int]](), list[str]()
    stub = {
        "send_events": lambda bodies, delay: sent.append((bodies, delay)),
        "bury": lambda body, reason: buried.append(reason),
    }
    parts = replace(world.system.parts, **stub)
    about: dict[str, Any] = {"user_id": "ada-user", "time": now, "received_at": now}
    identified = Event(type="identify", message_id="m1", **about)
    batch = EventBatch([identified, Event(type="track", event="Visited", message_id="m2", **about)])
    for _ in range(50):
        process_event.process(parts, [batch])
        ((body,), delay) = sent.pop()
        assert delay >= LOOK_AGAIN / 2
        batch = msgspec.json.decode(body, type=EventBatch)
        assert len(batch.events) == 2, "together"
    assert (buried, sent) == ([], [])


def test_who_comes_anew_goes_through_a_journey_once_more(tmp_path: Path) -> None:
    files = tmp_path / "files"
    (files / "greet").mkdir(parents=True)
    (files / "brand.yaml").write_text((JOURNEYS / "brand.yaml").read_text())
    (files / "greet" / "journey.yaml").write_text(ONCE)
    world = World(tmp_path / "data", files)
    runs = []
    for _ in range(2):
        world.identify("ada-user")
        world.advance("1 hour")
        ((run_id, live),) = world.permission("ada-user").live.items()
        execution = world.system.parts.machines.describe("greet", run_id)
        assert execution is not None
        assert execution.status == "RUNNING"
        runs.append(run_id)
        erase(world, live.person)
        world.settle()
        world.advance("1 hour")
    assert runs[0] != runs[1], "Step Functions keeps a name for 90 days"


def test_webhooks_that_ask_for_it_hear_that_a_person_was_erased(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    brand = (JOURNEYS / "brand.yaml").read_text()
    hook = "webhooks: {crm: {url: 'https://crm.example.com/t', tell: [Person Erased]}}\n"
    (files / "brand.yaml").write_text(brand + hook)
    world = World(tmp_path / "data", files)
    world.customer("ada-user")
    person = world.person("ada-user").person
    erase(world, person)
    world.settle()
    (told,) = (kept for kept in world.outbox() if kept.channel == "webhook")
    said = msgspec.json.decode(told.text)
    assert said["type"] == "Person Erased"
    assert said["data"] == {"person": person}


def test_who_was_not_heard_of_for_long_enough_is_erased_and_nobody_else(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    brand = (JOURNEYS / "brand.yaml").read_text()
    (files / "brand.yaml").write_text(brand + "forget after: 2 years\n")
    world = World(tmp_path / "data", files)
    world.identify("ada-user", firstName="Adalbertina")
    world.identify("bob", firstName="Bob")
    world.advance("1 year")
    world.track("bob", "Visited")
    world.advance("1 year")
    assert world.person("ada-user")
    world.advance("2 days")
    world.track("carl", "Visited")  # with the first that happens on a day everybody is counted
    world.advance("1 day")
    assert traces(world, "Adalbertina") == []
    assert world.person("bob").trait("firstName") == "Bob"
    (erasure,) = world.api("/api/erasures")["erasures"]
    assert erasure["why"] == "not heard of"


@pytest.mark.parametrize("said", ["soon", "3 days", "364 days"])
def test_a_time_after_which_nobody_may_be_forgotten_yet_is_refused(said: str) -> None:
    brand = (JOURNEYS / "brand.yaml").read_text()
    with pytest.raises(Problems, match=r"brand.yaml:[0-9]+: "):
        check_brand(brand + f"forget after: {said}\n")


def test_examples_in_reports_name_nobody_who_was_erased(world: World) -> None:
    person = known(world)
    other = "0" * 32
    figures = SegmentFigures(name="all", count=2, share=1, sample=[other, person], apart=[])
    world.store.write([Figures(made=world.now, people=2, segments=[figures])])
    erase(world, person)
    world.settle()
    samples = [
        one.sample for found in world.store.query(Figures, "figures") for one in found.segments
    ]
    assert [other] in samples
    assert not any(person in sample for sample in samples)


class Crash(BaseException):
    """The process is gone."""


class Crashing:
    """A store on which the process dies at a call with an effect, before or after it."""

    def __init__(self, store: SqliteStore, at: int, before: bool) -> None:
        self.store, self.left, self.before = store, at, before

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.store, name)
        if name not in ("put", "put_together", "write", "delete"):
            return call

        def effect(record: Any) -> None:
            self.left -= 1
            if self.left == 0 and self.before:
                raise Crash
            call(record)
            if self.left == 0:
                raise Crash

        return effect


def erased_with_a_crash(world: World, saved: sqlite3.Connection, at: int, before: bool) -> Any:
    """Ada erased, with a crash at one effect; the store, and whether there were so many."""
    store = SqliteStore(":memory:")
    saved.backup(store.connection)
    queue: list[bytes] = []
    stub = {
        "store": Crashing(store, at, before),
        "send_events": lambda bodies, _: queue.extend(bodies),
    }
    parts = replace(world.system.parts, **stub)
    finder = People(store, parts.settings.identity_key)
    person = finder.by("user_id", "ada-user").person
    crashed = False
    try:
        erasing.ask(parts, find_profile(store, person), "")
    except Crash:
        crashed = True
        left = find_profile(store, person)  # whoever got no answer asks again
        erasing.ask(parts, left, "") if left else erasing.go_on(
            parts, erasures_of(store, person)[0]
        )
    while queue:
        asked = erasing.read(queue[0].decode())
        try:
            erasing.carry_out(parts, asked, lambda *_: 0, lambda *_: 0)
        except Crash:
            crashed = True
            continue
        queue.pop(0)
    return store, crashed


def is_left(record: Any) -> bool:
    """Whether a record is one that an erasure of the only person there is ought to have deleted."""
    if KINDS[type(record)].is_of_person and not isinstance(record, Profile | Permission):
        return True
    return any(word in msgspec.json.encode(record).decode().lower() for word in TRACES)


@pytest.mark.parametrize("before", [True, False])
def test_a_crash_at_any_point_of_an_erasure_is_mended(world: World, before: bool) -> None:
    person = known(world)
    saved = world.store.connection
    for at in range(1, 1000):
        store, crashed = erased_with_a_crash(world, saved, at, before)
        left = [where for where, record in everything(store) if is_left(record)]
        assert left == [], at
        assert erasures_of(store, person)[0].done
        if not crashed:
            assert at > 30
            return
