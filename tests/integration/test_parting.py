"""Merges as admins, journeys and the command line see them: told, undone, nothing sent twice."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from functions.handlers import process_event, undoing, wiring
from functions.tracking.event import Event, EventBatch
from functions.tracking.merge_record import Merge
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from local.keys import add_source, new_key
from tests.support.world import JOURNEYS, World

FILES = {
    "greet": """
        title: A message a day after each visit
        purpose: transactional
        enter when: {event: Visited}
        once per: person
        leave when: [{event: Bye, as: gone}]
        steps:
          - wait: 1 day
          - send: hello
          - wait: 1 day
    """,
    "fans": """
        title: Who has the plan
        purpose: transactional
        enter when: {person: {plan: premium}}
        once per: person
        steps:
          - send: hello
    """,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("journeys")
    shutil.copy(JOURNEYS / "brand.yaml", folder)
    for name, text in FILES.items():
        (folder / name).mkdir()
        (folder / name / "journey.yaml").write_text(text)
        for language in ("de", "en"):
            (folder / name / f"hello.{language}.sms").write_text("Hallo!")
    return folder


@pytest.fixture
def world(tmp_path: Path, folder: Path) -> Iterator[World]:
    yield World(tmp_path / "data", folder)
    wiring.use(None)


def asked(world: World, path: str, method: str = "GET") -> dict[str, Any]:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    return world.request(method, path, headers=key)


def visitor(world: World, event: str, **more: Any) -> None:
    world.post("track", {"anonymousId": "tab", "event": event, "properties": more})


def sign_in(world: World, **traits: Any) -> None:
    world.post("identify", {"userId": "ada", "anonymousId": "tab", "traits": traits})


def found(world: World, **by: str) -> list[dict[str, Any]]:
    people: list[dict[str, Any]] = world.api("/api/people", **by)["people"]
    return people


def one(world: World, **by: str) -> dict[str, Any]:
    (person,) = found(world, **by)
    whole: dict[str, Any] = world.api(f"/api/people/{person['id']}")
    return whole


def merges(world: World, person: str, **query: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = world.api(f"/api/people/{person}/merges", **query)["merges"]
    return told


def undo(world: World, **by: str) -> None:
    """Undo the last merge of whoever is found by this."""
    person = one(world, **(by or {"user_id": "ada"}))["id"]
    merge = merges(world, person)[0]
    answer = asked(world, f"/api/people/{person}/merges/{merge['id']}/undo", "POST")
    assert answer["statusCode"] == 200, answer
    world.settle()


# --- what is told


def test_a_merge_is_told_in_words_and_in_its_parts(world: World) -> None:
    visitor(world, "Visited")
    sign_in(world)
    ada = one(world, user_id="ada")
    (merge,) = merges(world, ada["id"])
    assert merge["sentence"] == (
        "On 1 March 2027 at 09:00 UTC the visitor of the device “tab” became this person, because "
        "somebody signed in there with the user id “ada” (event “identify” from “first source”)."
    )
    (told,) = merges(world, ada["id"], **{"in": "de"})
    assert told["sentence"] == (
        "Am 1. März 2027 um 09:00 UTC wurde der Besucher am Gerät „tab“ zu dieser Person, weil "
        "sich dort jemand mit der Benutzer-ID „ada“ angemeldet hat (Ereignis „identify“ von "
        "„first source“)."
    )
    assert (merge["kind"], merge["value"], merge["why_not"]) == ("anonymous_id", "tab", "")
    assert len(ada["merged"]) == 1


def test_an_undo_parts_the_two_and_both_are_told_of_it(world: World) -> None:
    visitor(world, "Visited")
    sign_in(world, plan="basic")
    visitor(world, "Looked")
    undo(world)
    ada, tab = one(world, user_id="ada"), one(world, anonymous_id="tab")
    assert ada["id"] != tab["id"]
    assert set(ada["events"]) == {"identify"}
    assert set(tab["events"]) == {"Visited", "Looked"}
    assert ada["merged"] == []
    for person, words in ((ada, "became this person"), (tab, "became another person")):
        (merge,) = merges(world, person["id"])
        assert words in merge["sentence"]
        assert "This was undone on 1 March 2027 at 09:00 UTC" in merge["sentence"]
        assert merge["why_not"] == "it was undone already"
    sign_in(world)
    assert one(world, anonymous_id="tab")["id"] == tab["id"]


def test_undoing_again_changes_nothing_and_what_is_not_there_is_not_found(world: World) -> None:
    visitor(world, "Visited")
    sign_in(world)
    undo(world)
    before = one(world, user_id="ada"), one(world, anonymous_id="tab")
    undo(world)
    assert (one(world, user_id="ada"), one(world, anonymous_id="tab")) == before
    answer = asked(world, f"/api/people/{before[0]['id']}/merges/none/undo", "POST")
    assert answer["statusCode"] == 404


def test_a_merge_whose_rows_are_gone_is_refused_with_the_reason(world: World) -> None:
    visitor(world, "Visited")
    sign_in(world)
    world.system.clock.move_to(world.now + timedelta(days=401))
    ada = one(world, user_id="ada")
    (merge,) = merges(world, ada["id"])
    assert merge["why_not"] == "what the two were before is not kept any longer"
    answer = asked(world, f"/api/people/{ada['id']}/merges/{merge['id']}/undo", "POST")
    assert answer["statusCode"] == 409
    assert answer["json"] == {
        "code": "conflict",
        "message": f"this merge cannot be undone: {merge['why_not']}",
    }


def test_people_are_found_by_phone_however_it_is_written(world: World) -> None:
    world.identify("ada", phone="+49 (0)151 1234-5678")
    # The second as an address has it where nobody wrote the plus as %2B.
    ways = ("+4915112345678", " 4915112345678", "0151 12345678", "0049 151 12345678")
    for written in ways:
        people = asked(world, f"/api/people?phone={written}")["json"]["people"]
        assert [person["user_id"] for person in people] == ["ada"], written
    assert found(world, phone="0151") == []


def test_an_address_of_two_known_people_leads_to_the_first_and_both_are_told(world: World) -> None:
    world.identify("ada", email="we@example.com")
    world.identify("bob", email="We@example.com")
    world.identify("bob", email="we@example.com", phone="0151 1234567")
    ada, bob = one(world, user_id="ada"), one(world, user_id="bob")
    assert one(world, email="we@example.com")["id"] == ada["id"] != bob["id"]
    assert bob["email"] == "we@example.com"
    assert ada["notes"] == [
        'email: "we@example.com": another known person has the same: whoever is looked up by it '
        "is this one"
    ]
    assert bob["notes"] == [
        'email: "we@example.com" leads to another person, who was known by it first'
    ]


# --- alias


def alias(world: World, trusted: bool) -> None:
    key = new_key("wk")
    add_source(world.store, key, "crm" if trusted else "website", trusted, world.now)
    call = {"writeKey": key, "userId": "ada", "previousId": "ada-old"}
    assert world.post("alias", call)["statusCode"] == 200


def test_an_alias_of_a_trusted_source_makes_two_known_people_one(world: World) -> None:
    world.identify("ada-old", plan="basic")
    world.identify("ada", city="Ulm")
    alias(world, trusted=True)
    ada = one(world, user_id="ada")
    assert ada["id"] == one(world, user_id="ada-old")["id"]
    assert ada["traits"] == {"plan": "basic", "city": "Ulm"}
    (merge,) = merges(world, ada["id"])
    assert merge["sentence"] == (
        "On 1 March 2027 at 09:00 UTC the person with the user id “ada-old” became this person, "
        "because “crm” said that it is the same person as the one with the user id “ada” (event "
        "“alias”)."
    )
    world.identify("ada-old", plan="premium")
    undo(world)
    old = one(world, user_id="ada-old")
    assert old["user_id"] == "ada-old"
    assert old["traits"] == {"plan": "premium"}
    assert one(world, user_id="ada")["traits"] == {"city": "Ulm"}
    alias(world, trusted=True)
    assert one(world, user_id="ada-old")["id"] == old["id"], "they stay apart"


def test_an_alias_of_any_other_source_makes_no_two_known_people_one(world: World) -> None:
    world.identify("ada-old")
    world.identify("ada")
    alias(world, trusted=False)
    ada, old = one(world, user_id="ada"), one(world, user_id="ada-old")
    assert ada["id"] != old["id"]
    assert old["notes"] == [
        'alias: the source "website" asked to make this person ("ada-old") one with another known '
        "one; only a trusted source may"
    ]


def test_a_trusted_alias_counts_also_for_somebody_who_comes_later(world: World) -> None:
    """Queues do not keep the order."""
    alias(world, trusted=True)
    world.identify("ada-old", plan="basic")
    assert one(world, user_id="ada")["traits"] == {"plan": "basic"}


# --- journeys


def test_a_run_stays_with_whom_it_began_and_nothing_is_sent_twice(world: World) -> None:
    visitor(world, "Visited")
    world.post(
        "identify",
        {"anonymousId": "tab", "traits": {"email": "e@example.com", "phone": "0151 7654321"}},
    )
    world.customer("ada")
    world.advance("1 hour")
    world.identify("ada", email="e@example.com")
    undo(world)
    assert world.permission("ada").live == {}
    visitor(world, "Visited")  # once per person: not again
    world.track("ada", "Visited")  # but she has not been there herself
    world.advance("3 days")
    assert [kept.to for kept in world.outbox()] == ["+491517654321", "+4915112345678"]
    assert world.outcomes("greet") == ["finished", "finished"]


def test_who_began_as_a_visitor_can_leave_as_one_after_the_undo(world: World) -> None:
    visitor(world, "Visited")
    sign_in(world)
    undo(world)
    world.track("ada", "Bye")
    assert world.outcomes("greet") == ["open"]
    visitor(world, "Bye")
    assert world.outcomes("greet") == ["gone"]


def test_an_event_that_comes_again_after_the_undo_lets_nobody_in_a_second_time(
    world: World,
) -> None:
    sign_in(world)
    visitor(world, "Looked")
    world.post("identify", {"userId": "ada", "anonymousId": "tab2", "traits": {}})
    event = Event(
        type="track",
        event="Visited",
        message_id="again",
        time=world.now,
        received_at=world.now,
        client_time=world.now.isoformat(),
        anonymous_id="tab3",
    )
    page = msgspec.structs.replace(event, message_id="before", event="Looked")
    deliver(page)
    world.post("identify", {"userId": "ada", "anonymousId": "tab3", "traits": {}})
    deliver(event)
    world.settle()
    undo(world)
    deliver(event)  # by our own queue: nobody knows how far we came with it
    world.settle()
    assert set(one(world, anonymous_id="tab3")["events"]) == {"Looked", "Visited"}
    assert world.outcomes("greet") == ["open"]


def deliver(event: Event) -> None:
    body = msgspec.json.encode(EventBatch([event])).decode()
    process_event.handler({"Records": [{"messageId": "1", "body": body}]}, None)


def test_what_held_before_the_undo_is_no_news_after_it(world: World) -> None:
    """A journey that is entered when a condition becomes true is not entered by being parted."""
    world.customer("ada", plan="premium")
    world.post("identify", {"anonymousId": "tab", "traits": {"email": "e@example.com"}})
    world.identify("ada", email="e@example.com")
    world.post(
        "identify", {"anonymousId": "tab", "traits": {"email": "e@example.com", "plan": "premium"}}
    )
    world.advance("1 hour")
    undo(world)
    world.advance("1 hour")
    tab = one(world, anonymous_id="tab")
    assert (tab["traits"]["plan"], tab["journeys"]) == ("premium", [])
    assert len(world.runs("fans")) == 1


def test_an_undo_waits_for_events_that_are_just_being_written(world: World) -> None:
    visitor(world, "Visited")
    sign_in(world)
    (merge,) = world.store.query(Merge, one(world, user_id="ada")["merged"][0])
    told: list[bytes] = []
    parts = world.system.parts

    class Late:
        """A store that does not show the rows yet."""

        def get(self, kind: type, *key: str) -> Any:
            return None if kind.__name__ == "TimelineRow" else world.store.get(kind, *key)

        def query(self, kind: type, *key: str, **more: Any) -> Any:
            rows = world.store.query(kind, *key, **more)
            return iter(()) if kind.__name__ == "TimelineRow" else rows

        def __getattr__(self, name: str) -> Any:
            return getattr(world.store, name)

    late: Any = replace(parts, store=Late(), send_events=lambda bodies, delay: told.extend(bodies))
    wiring.use(late)
    undoing.ask(late, merge)
    for times in range(1, 4):
        body = told.pop().decode()
        process_event.handler({"Records": [{"messageId": "1", "body": body}]}, None)
        assert json.loads(told[0])["put_off"] == times
    wiring.use(parts)
    process_event.handler({"Records": [{"messageId": "1", "body": told.pop().decode()}]}, None)
    assert one(world, anonymous_id="tab")["id"] != one(world, user_id="ada")["id"]


def test_a_message_that_only_looks_like_an_undo_is_buried(world: World) -> None:
    process_event.handler({"Records": [{"messageId": "1", "body": '{"undo":5}'}]}, None)
    ((_, reason, _),) = world.system.queue.dead()
    assert reason.startswith("an undoing of a merge that cannot be read: ")


# --- as typed


@pytest.fixture
def shop(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr("local.people_commands.PATIENCE", 0.1)  # here nothing goes on by itself
    with serving(application(App(world.system).route)) as url:

        def type_(*words: str) -> Result:
            where = ["--data", str(tmp_path / "data"), "--at", url]
            return CliRunner().invoke(app, ["people", *words, *where])

        yield type_


def test_the_commands_find_show_tell_and_part(world: World, shop: Any) -> None:
    visitor(world, "Visited")
    sign_in(world, email="ada@example.com", phone="0151 1234567", plan="basic")
    (merge,) = merges(world, one(world, user_id="ada")["id"])
    for words in (("find", "--phone", "0151 1234567"), ("show", "ada@example.com")):
        said = shop(*words)
        assert said.exit_code == 0
        assert "ada@example.com" in said.output
    assert shop("find", "--user-id", "nobody").exit_code == 1
    assert shop("find").exit_code == 2
    assert shop("show", "nobody").exit_code == 1
    told = shop("merges", "ada").output
    assert merge["id"] in told
    assert "the visitor of the device “tab” became this person" in told
    assert "there are: " + merge["id"] in shop("unmerge", "ada", "none", "--yes").output
    assert "it goes on" in shop("unmerge", "ada", merge["id"], "--yes").output
    world.settle()
    assert "This was undone on" in shop("merges", "ada").output
    assert "they are two people again" in shop("unmerge", "ada", merge["id"], "--yes").output
    assert "Visited" in one(world, anonymous_id="tab")["events"]


# --- segments


def test_who_is_in_a_segment_is_counted_anew_for_both_and_lets_nobody_in(
    tmp_path: Path, folder: Path
) -> None:
    files = tmp_path / "files"
    shutil.copytree(folder, files)
    (files / "segments.yaml").write_text(
        "often: {title: Often here, who: {did: Visited, times: {at least: 3}}}\n"
        "seen: {title: Seen, who: {did: Visited}}\n"
    )
    (files / "left").mkdir()
    (files / "left" / "journey.yaml").write_text(
        "title: x\npurpose: transactional\nenter when: {event: Segment Left}\n"
        "once per: occasion\nsteps: [{wait: 1 day}]\n"
    )
    world = World(tmp_path / "data", files)
    visitor(world, "Visited")
    visitor(world, "Visited")
    sign_in(world)
    world.track("ada", "Visited")
    world.advance("5 minutes")
    assert set(world.person("ada").segments) == {"often", "seen"}
    undo(world)
    world.advance("5 minutes")
    ada, tab = world.person("ada"), one(world, anonymous_id="tab")
    assert set(ada.segments) == {"seen"}
    assert [tally.count for tally in ada.tallies.values()] == [1]
    assert set(tab["segments"]) == {"seen"}
    assert "Segment Left" in tab["events"]
    assert world.runs("left") == []
    visitor(world, "Visited")
    world.advance("5 minutes")
    assert set(one(world, anonymous_id="tab")["segments"]) == {"seen", "often"}
    wiring.use(None)
