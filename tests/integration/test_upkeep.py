"""What keeps the cloud in order: the paced starter, the daily comparison, the hourly settling,
and the one publisher."""

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from functions.folder import read_folder
from functions.handlers import (
    close_run,
    compare_runs,
    process_event,
    publish_journey,
    settle_messages,
    start_run,
    wiring,
)
from functions.journeys.run import JourneyVersion, Run, run_id_of
from functions.journeys.workflow import Execution, Machines
from functions.problem import Problems
from functions.storage.library import NEWEST
from functions.storage.people import People, permission_of
from functions.storage.remember import timeline
from functions.storage.store import change
from functions.tracking.event import Event, EventBatch
from functions.tracking.message import BEING_SENT, GIVEN_UP, RECEIPTS, Message, send_id
from functions.tracking.permission import Claim, Live
from tests.support.world import CONTEXT, JOURNEYS, World

JOURNEY = """
title: A day after each visit
purpose: transactional
enter when: {event: Visited}
once per: place
leave when: [{event: Bye, as: gone}]
steps:
  - wait: 1 day
  - send: again
"""
ALONE = JOURNEY.replace("once per: place", "once per: 7 days").replace("Visited", "Looked")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "journeys"
    folder.mkdir()
    shutil.copy(JOURNEYS / "brand.yaml", folder)
    for name, text in (("visit", JOURNEY), ("weekly", ALONE)):
        (folder / name).mkdir()
        (folder / name / "journey.yaml").write_text(text)
        for language in ("de", "en"):
            (folder / name / f"again.{language}.sms").write_text("Hallo!")
    return folder


@pytest.fixture
def world(tmp_path: Path, folder: Path) -> Iterator[World]:
    world = World(tmp_path / "data", folder)
    world.customer("ada")
    yield world
    wiring.use(None)


class FakeMachines:
    """Step Functions as a table of executions, too busy for some runs."""

    def __init__(self) -> None:
        self.executions: dict[str, Execution] = {}
        self.busy_for: set[str] = set()
        self.started: list[str] = []
        self.published: list[tuple[str, str]] = []

    @property
    def functions(self) -> Machines:
        return Machines(self._publish, self._start_now, self._under_way, self._describe)

    def _publish(self, journey: str, version: str, definition: str) -> str:
        self.published.append((journey, version))
        return f"arn:{journey}:{len(self.published)}"

    def _start_now(self, journey: str, version: str, name: str, names: dict[str, Any]) -> None:
        if name in self.busy_for:
            raise RuntimeError("ThrottlingException")
        self.started.append(name)

    def _under_way(self, journey: str) -> list[str]:
        return [
            name
            for name, one in self.executions.items()
            if one.status == "RUNNING" and name.startswith(f"{journey}-")
        ]

    def _describe(self, journey: str, name: str) -> Execution | None:
        return self.executions.get(name)


@pytest.fixture
def machines(world: World) -> FakeMachines:
    """In place of the engine's; what the World starts is still the engine's affair."""
    fake = FakeMachines()
    wiring.use(replace(world.system.parts, machines=fake.functions))
    return fake


def the_run(world: World, journey: str = "visit") -> Run:
    person = world.person("ada").person
    [found] = list(world.store.query(Run, person, prefix=f"{journey}/"))
    return found


def put_off(run: Run) -> dict[str, Any]:
    body = {"journey": run.journey, "version": run.journey_version, "run": run.run_id}
    return {
        "messageId": run.run_id,
        "body": json.dumps({**body, "person": run.person}),
        "eventSource": "aws:sqs",
    }


# --- the paced starter


def test_a_start_that_was_put_off_is_made_up_for(world: World, machines: FakeMachines) -> None:
    world.track("ada", "Visited", place="here")
    run = the_run(world)
    done = start_run.handler({"Records": [put_off(run)]}, CONTEXT)
    assert done == {"batchItemFailures": []}
    assert machines.started == [run.run_id]


def test_a_run_that_has_ended_before_it_could_begin_is_not_started(
    world: World, machines: FakeMachines
) -> None:
    world.track("ada", "Visited", place="here")
    world.track("ada", "Bye")
    assert the_run(world).outcome == "gone"
    assert start_run.handler({"Records": [put_off(the_run(world))]}, CONTEXT) == {
        "batchItemFailures": []
    }
    assert machines.started == []


def test_only_the_starts_that_failed_come_again(world: World, machines: FakeMachines) -> None:
    for place in "abc":
        world.track("ada", "Visited", place=place)
    runs = list(world.store.query(Run, world.person("ada").person, prefix="visit/"))
    assert len(runs) == 3
    machines.busy_for = {runs[1].run_id}
    done = start_run.handler({"Records": [put_off(run) for run in runs]}, CONTEXT)
    assert done == {"batchItemFailures": [{"itemIdentifier": runs[1].run_id}]}
    assert machines.started == [runs[0].run_id, runs[2].run_id]


def test_when_no_start_of_a_batch_works_all_of_them_come_again(
    world: World, machines: FakeMachines
) -> None:
    world.track("ada", "Visited", place="here")
    run = the_run(world)
    machines.busy_for = {run.run_id}
    done = start_run.handler({"Records": [put_off(run)]}, CONTEXT)
    assert done == {"batchItemFailures": [{"itemIdentifier": run.run_id}]}


# --- the daily comparison


@pytest.mark.parametrize(
    ("status", "output", "outcome"),
    [
        ("SUCCEEDED", None, "finished"),
        ("SUCCEEDED", '{"outcome": "won"}', "won"),
        ("FAILED", None, "failed"),
        ("TIMED_OUT", None, "failed"),
        ("ABORTED", None, "stopped"),
    ],
)
def test_a_run_whose_end_was_not_heard_of_is_closed(
    world: World, machines: FakeMachines, status: str, output: str | None, outcome: str
) -> None:
    world.track("ada", "Visited", place="here")
    run = the_run(world)
    machines.executions[run.run_id] = Execution(status, run.person, output)
    world.system.clock.move_to(world.now + timedelta(hours=2))
    assert compare_runs.handler({}, CONTEXT) == {"closed": 1, "started": 0, "stopped": 0}
    assert (the_run(world).status, the_run(world).outcome) == ("ended", outcome)
    assert run.run_id not in world.permission("ada").live
    assert compare_runs.handler({}, CONTEXT) == {"closed": 0, "started": 0, "stopped": 0}


def test_a_run_that_runs_is_left_alone(world: World, machines: FakeMachines) -> None:
    world.track("ada", "Visited", place="here")
    run = the_run(world)
    machines.executions[run.run_id] = Execution("RUNNING", run.person)
    world.system.clock.move_to(world.now + timedelta(days=200))
    assert compare_runs.handler({}, CONTEXT) == {"closed": 0, "started": 0, "stopped": 0}
    assert the_run(world).status == "open"


def test_a_run_that_never_began_is_begun_once_it_is_an_hour_old(
    world: World, machines: FakeMachines
) -> None:
    world.track("ada", "Visited", place="here")
    run = the_run(world)
    begun: list[str] = []
    workflow = replace(world.system.parts.workflow, start=lambda *of: begun.append(of[2]))
    wiring.use(replace(wiring.parts(), workflow=workflow))
    world.system.clock.move_to(world.now + timedelta(minutes=59))
    assert compare_runs.handler({}, CONTEXT)["started"] == 0
    world.system.clock.move_to(world.now + timedelta(minutes=2))
    assert compare_runs.handler({}, CONTEXT)["started"] == 1
    assert begun == [run.run_id]


def test_a_run_that_step_functions_has_forgotten_is_closed_and_not_begun_again(
    world: World, machines: FakeMachines
) -> None:
    world.track("ada", "Visited", place="here")
    world.system.clock.move_to(world.now + timedelta(days=90))
    assert compare_runs.handler({}, CONTEXT) == {"closed": 1, "started": 0, "stopped": 0}
    assert the_run(world).outcome == "failed"


def test_an_execution_whose_run_has_ended_is_stopped(world: World, machines: FakeMachines) -> None:
    world.track("ada", "Visited", place="here")
    world.track("ada", "Bye")
    run = the_run(world)
    machines.executions[run.run_id] = Execution("RUNNING", run.person)
    stopped: list[tuple[str, ...]] = []
    workflow = replace(world.system.parts.workflow, stop=lambda *of: stopped.append(of))
    wiring.use(replace(wiring.parts(), workflow=workflow))
    assert compare_runs.handler({}, CONTEXT) == {"closed": 0, "started": 0, "stopped": 1}
    assert stopped == [("visit", run.run_id, "gone")]


def test_all_open_runs_are_compared_however_many_have_ended(
    world: World, machines: FakeMachines
) -> None:
    """The listing has open runs first, page after page."""
    for number in range(130):
        run = Run(
            person=world.person("ada").person,
            run_id=f"visit-{number:016x}",
            journey="visit",
            journey_version="v",
            entered=world.now + timedelta(seconds=number),
            entry=world_entry(world),
            status="ended" if number % 10 else "open",
        )
        world.store.put(run)
        machines.executions[run.run_id] = Execution("SUCCEEDED", run.person)
    world.system.clock.move_to(world.now + timedelta(hours=2))
    assert compare_runs.handler({}, CONTEXT)["closed"] == 13


def world_entry(world: World) -> Any:
    world.track("ada", "Seen")
    return list(timeline(world.store, world.person("ada")))[-1]


def test_runs_of_a_journey_that_is_gone_from_the_folder_are_compared_too(
    world: World, machines: FakeMachines, folder: Path
) -> None:
    world.track("ada", "Visited", place="here")
    run = the_run(world)
    machines.executions[run.run_id] = Execution("SUCCEEDED", run.person)
    shutil.rmtree(folder / "visit")
    world.system.publish()
    world.system.clock.move_to(world.now + timedelta(hours=2))
    assert compare_runs.handler({}, CONTEXT)["closed"] == 1


def test_closing_by_the_rule_and_by_the_comparison_is_the_same(world: World) -> None:
    world.track("ada", "Visited", place="here")
    run = the_run(world)
    names = json.dumps({"run": run.run_id, "person": run.person})
    detail = {"name": run.run_id, "status": "FAILED", "input": names, "output": None}
    close_run.handler({"detail": detail}, CONTEXT)
    assert the_run(world).outcome == "failed"
    assert run.run_id not in world.permission("ada").live


def test_a_live_mark_left_behind_by_an_ended_run_lets_the_person_in_again(world: World) -> None:
    world.track("ada", "Looked")
    old = the_run(world, "weekly")
    world.track("ada", "Bye")
    assert the_run(world, "weekly").outcome == "gone"
    person = world.person("ada").person

    def left_behind(permission: Any) -> bool:
        permission.live[old.run_id] = Live("weekly", person, world.now)
        return True

    change(world.store, lambda: world.permission("ada"), left_behind)
    world.advance("8 days")
    world.track("ada", "Looked")
    assert world.outcomes("weekly") == ["open", "gone"]


def half_made(world: World, **more: Any) -> str:
    """A mark whose run never came to be."""
    person = world.person("ada").person
    live = Live("weekly", person, world.now, **more)

    def mark(permission: Any) -> bool:
        permission.live["weekly-x"] = live
        return True

    change(world.store, lambda: world.permission("ada"), mark)
    return "weekly-x"


def test_a_mark_whose_run_never_came_to_be_goes_after_an_hour(world: World) -> None:
    world.track("ada", "Seen")
    name = half_made(world)
    world.advance("50 minutes")
    world.track("ada", "Seen")
    assert name in world.permission("ada").live
    world.advance("20 minutes")
    world.track("ada", "Seen")
    assert name not in world.permission("ada").live


def test_where_a_day_takes_two_seconds_a_run_s_record_may_still_be_an_hour_late(
    world: World,
) -> None:
    parts = world.system.parts
    wiring.use(replace(parts, settings=replace(parts.settings, clock_speed=43_200)))
    world.track("ada", "Seen")
    name = half_made(world)
    world.advance("2 hours")
    world.track("ada", "Seen")
    assert name in world.permission("ada").live
    world.advance("1801 days")
    world.track("ada", "Seen")
    assert name not in world.permission("ada").live


def test_a_mark_whose_run_never_came_to_be_keeps_nobody_out_for_longer_than_an_hour(
    world: World,
) -> None:
    world.track("ada", "Seen")
    half_made(world)
    world.advance("2 hours")
    world.track("ada", "Looked")
    assert world.outcomes("weekly") == ["open"]


# --- who turns out to be one person


def test_who_entered_twice_before_a_merge_goes_on_in_the_run_that_began_first(
    world: World,
) -> None:
    looked = {"event": "Looked"}
    world.post("track", {**looked, "userId": "ada"})
    world.advance("1 hour")
    world.post("track", {**looked, "anonymousId": "v"})
    world.post("identify", {"userId": "ada", "anonymousId": "v"})
    assert sorted(world.outcomes("weekly")) == ["merged", "open"]
    world.advance("2 days")
    assert sorted(world.outcomes("weekly")) == ["finished", "merged"]
    assert len(world.sent("ada")) == 1
    assert world.permission("ada").live == {}


def test_who_was_through_with_it_under_one_name_does_not_go_on_under_the_other(
    world: World,
) -> None:
    world.post("track", {"event": "Visited", "userId": "ada", "properties": {"place": "here"}})
    world.advance("20 hours")
    visited = {"event": "Visited", "properties": {"place": "here"}, "anonymousId": "v"}
    world.post("track", visited)
    world.advance("10 hours")
    assert world.outcomes("visit") == ["open", "finished"]
    world.post("identify", {"userId": "ada", "anonymousId": "v"})
    assert world.outcomes("visit") == ["merged", "finished"]
    world.advance("2 days")
    assert len(world.sent("ada")) == 1


# --- what is known of a message before its row is written


def claimed_only(world: World) -> str:
    """Ada's message of a visit was claimed; then nothing more was heard. Returns the run's id."""
    world.track("ada", "Visited", place="here")
    run = the_run(world, "visit")

    def claim(permission: Any) -> bool:
        key = send_id(run.run_id, "send again", 0)
        permission.claims = [Claim(key, world.now, "sms", "transactional")]
        return True

    change(world.store, lambda: world.permission("ada"), claim)
    return run.run_id


def test_what_was_being_sent_when_the_run_ended_is_unknown(world: World) -> None:
    claimed_only(world)
    world.track("ada", "Bye")
    [row] = world.messages("ada")
    assert (row.message, row.state, row.reason) == ("again", "unknown", BEING_SENT)
    assert row.claimed


def test_a_receipt_that_is_faster_than_the_sender_s_own_note_counts(world: World) -> None:
    run_id = claimed_only(world)
    event = Event(
        type="track",
        event="SMS Delivered",
        message_id="r1",
        time=world.now,
        received_at=world.now,
        properties={"sms_id": send_id(run_id, "send again", 0), "run_id": run_id},
        source=RECEIPTS,
        trusted=True,
        person=world.person("ada").person,
    )
    process_event.process(wiring.parts(), [EventBatch([event])])
    [row] = world.messages("ada")
    assert (row.message, row.state) == ("again", "sent")
    assert row.delivered == world.now


# --- the hourly settling


def unknown(world: World, **more: Any) -> Message:
    row = Message(
        person=world.person("ada").person,
        run_id="visit-1",
        step="send again",
        send_id="s1",
        journey="visit",
        message="again",
        channel="sms",
        purpose="transactional",
        state="unknown",
        reason="no answer: ReadTimeout",
        claimed=world.now,
    )
    row = msgspec.structs.replace(row, **more)
    world.store.put(row)
    return row


def test_an_unknown_message_is_given_up_after_72_hours_and_not_before(world: World) -> None:
    row = unknown(world)
    world.system.clock.move_to(world.now + timedelta(hours=71))
    assert settle_messages.handler({}, CONTEXT) == {"given up": 0, "unknown": 1}
    world.system.clock.move_to(world.now + timedelta(hours=2))
    assert settle_messages.handler({}, CONTEXT) == {"given up": 1, "unknown": 0}
    found = world.store.get(Message, row.person, row.key)
    assert (found.state, found.reason) == ("not sent", GIVEN_UP)
    assert settle_messages.handler({}, CONTEXT) == {"given up": 0, "unknown": 0}


def test_what_was_sent_or_not_sent_for_sure_is_never_looked_at(world: World) -> None:
    for number, state in enumerate(("sent", "not sent", "failed", "held")):
        unknown(world, send_id=f"s{number}", state=state)
    world.system.clock.move_to(world.now + timedelta(days=9))
    assert settle_messages.handler({}, CONTEXT) == {"given up": 0, "unknown": 0}


# --- the one publisher


def test_into_a_journey_whose_folder_is_gone_nobody_enters_but_those_inside_go_on(
    world: World, folder: Path
) -> None:
    world.track("ada", "Visited", place="here")
    shutil.rmtree(folder / "visit")
    world.system.publish()
    world.track("ada", "Visited", place="there")
    assert world.outcomes("visit") == ["open"]
    world.advance("2 days")
    assert world.outcomes("visit") == ["finished"]
    assert world.sent("ada") == ["again"]


def test_a_journey_that_comes_back_is_open_again(world: World, folder: Path) -> None:
    away = folder.parent / "away"
    shutil.move(folder / "visit", away)
    world.system.publish()
    shutil.move(away, folder / "visit")
    published = {name: is_new for name, _, is_new in world.system.publish()}
    assert published == {"visit": True, "weekly": False}
    world.track("ada", "Visited", place="here")
    assert world.outcomes("visit") == ["open"]


def test_the_machine_of_a_version_is_frozen_before_anybody_is_sent_there(
    world: World, machines: FakeMachines, folder: Path
) -> None:
    text = (folder / "visit" / "journey.yaml").read_text()
    (folder / "visit" / "journey.yaml").write_text(text.replace("1 day", "2 days"))
    [(name, version, is_new), _] = publish_journey.publish(wiring.parts(), read_folder(folder))
    assert (name, is_new) == ("visit", True)
    assert machines.published == [("visit", version)]  # the other had not changed
    row = world.store.get(JourneyVersion, "visit", version)
    assert row.machine == "arn:visit:1"
    assert wiring.parts().library.newest("visit").machine == "arn:visit:1"


def test_publishing_the_same_again_asks_nothing_of_step_functions(
    world: World, machines: FakeMachines, folder: Path
) -> None:
    publish_journey.publish(wiring.parts(), read_folder(folder))
    assert machines.published == []


def test_a_deployment_over_a_version_of_the_studio_fails_and_says_which_is_newer(
    world: World, folder: Path
) -> None:
    def taken(newest: JourneyVersion) -> bool:
        newest.owner, newest.points_to = "studio", "0123456789abcdef"
        return True

    change(world.store, lambda: world.store.get(JourneyVersion, "visit", NEWEST), taken)
    with pytest.raises(Problems, match="by the studio \\(version 0123456789abcdef"):
        publish_journey.publish(wiring.parts(), read_folder(folder))
    assert world.store.get(JourneyVersion, "visit", NEWEST).points_to == "0123456789abcdef"


class CloudFormation(HTTPServer):
    """Listens for the answer of a custom resource."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Answers)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def asks(self, kind: str, **more: Any) -> dict[str, Any]:
        event = {
            "RequestType": kind,
            "ResponseURL": f"http://127.0.0.1:{self.server_port}/answer",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Published",
            "ResourceProperties": {},
            **more,
        }
        publish_journey.handler(event, CONTEXT)
        return self.said[-1]


class _Answers(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        length = int(self.headers["content-length"])
        self.server.said.append(json.loads(self.rfile.read(length)))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *of: Any) -> None:
        pass


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    server = CloudFormation()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_deployment_publishes_the_bundled_folder_and_says_which_versions(
    world: World,
    folder: Path,
    cloudformation: CloudFormation,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setattr(publish_journey, "BUNDLED", folder)
    said = cloudformation.asks(kind)
    assert (said["Status"], said["StackId"], said["RequestId"]) == ("SUCCESS", "stack", "request")
    newest = {p.journey.name: p.version for p in wiring.parts().library.journeys()}
    assert said["Data"] == newest


def test_a_deployment_of_a_broken_folder_fails_with_the_place_of_the_mistake(
    world: World,
    folder: Path,
    cloudformation: CloudFormation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "visit" / "journey.yaml").write_text(JOURNEY.replace("wait: 1 day", "wait: a while"))
    monkeypatch.setattr(publish_journey, "BUNDLED", folder)
    said = cloudformation.asks("Update", PhysicalResourceId="journeys")
    assert said["Status"] == "FAILED"
    assert "visit/journey.yaml:8" in said["Reason"]
    assert len(json.dumps(said)) < 4096


def test_deleting_the_stack_publishes_nothing_and_holds_nothing_up(
    world: World, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish_journey, "BUNDLED", Path("nowhere"))
    assert cloudformation.asks("Delete", PhysicalResourceId="journeys")["Status"] == "SUCCESS"


def test_a_comparison_that_dies_half_way_is_made_up_for_by_the_next(
    world: World, machines: FakeMachines
) -> None:
    world.track("ada", "Visited", place="here")
    run = the_run(world)
    machines.executions[run.run_id] = Execution("SUCCEEDED", run.person)
    world.system.clock.move_to(world.now + timedelta(hours=2))
    puts = iter(["the mark goes"])

    class Dying:
        """A store whose Lambda dies after the first write."""

        def __getattr__(self, name: str) -> Any:
            return getattr(world.store, name)

        def put(self, record: Any) -> None:
            if not next(puts, None):
                raise RuntimeError("the Lambda died")
            world.store.put(record)

    parts = wiring.parts()
    wiring.use(replace(parts, store=Dying()))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="died"):
        compare_runs.handler({}, CONTEXT)
    wiring.use(parts)
    assert compare_runs.handler({}, CONTEXT)["closed"] == 1
    assert the_run(world).status == "ended"
    assert run.run_id not in world.permission("ada").live


def test_an_entry_half_made_before_a_merge_is_taken_over_by_its_retry(world: World) -> None:
    """The mark was set, the Lambda died; before the event came again, the visitor was known."""
    world.post("track", {"anonymousId": "v", "event": "Seen"})
    parts = wiring.parts()
    found = People(parts.store, parts.settings.identity_key).by("anonymous_id", "v")
    assert found
    visitor = found.person
    run_id = run_id_of(visitor, "weekly", "m-looked")

    def half_made(permission: Any) -> bool:
        permission.live[run_id] = Live("weekly", visitor, world.now)
        return True

    change(world.store, lambda: permission_of(world.store, visitor), half_made)
    world.post("identify", {"userId": "ada", "anonymousId": "v"})
    assert world.person("ada").person != visitor
    looked = {"anonymousId": "v", "event": "Looked", "messageId": "m-looked"}
    world.post("track", looked)
    assert [run["id"] for run in world.runs("weekly")] == [run_id]
    world.advance("2 days")
    assert world.outcomes("weekly") == ["finished"]
    assert world.permission("ada").live == {}
