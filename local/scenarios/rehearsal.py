"""Trying scenarios on the whole system, in virtual time: real handlers, journeys and templates."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from functions.codes import issue
from functions.handlers.desk import journey_desk
from functions.journeys.enter import start_by_journey
from functions.journeys.hold_out import is_held_out
from functions.journeys.journey import Journey
from functions.journeys.run import Run, Task
from functions.journeys.steps.split import arms_at, key_of
from functions.messages.tracked import PURPOSE as TRACKING
from functions.problem import Problem, Problems
from functions.segments.condition import field_tests
from functions.segments.operators import find
from functions.segments.person import fields
from functions.storage.people import profile_of
from functions.tracking.event import Event as TrackedEvent
from functions.tracking.identity import person_key
from functions.tracking.message import Kept, Message
from functions.tracking.profile import Profile
from local import outbox
from local.app import App
from local.keys import Keys
from local.scenarios.scenario import (
    Bounces,
    Changes,
    Clicks,
    Enters,
    Event,
    Happens,
    Joins,
    Line,
    Opens,
    Person,
    Placed,
    Scenario,
    Stage,
    Unsubscribes,
    moment,
)
from local.system import System

URL = "http://127.0.0.1:8000"
CONTEXT = SimpleNamespace(aws_request_id="scenario", function_name="scenario")
# The same keys each time: a person's key, and with it the arm of a split, must not change.
KEYS = Keys(
    write_key="wk_scenario", secret_key="sk_scenario", identity_key="5c" * 32, link_key="a3" * 32
)
PUBLISHED = datetime(2000, 1, 1, tzinfo=UTC)
KNOWN_BEFORE = timedelta(hours=1)  # the person is known before anything happens
A_DAY = timedelta(days=1)
SAMPLES = 50  # codes of each list: more than one person can be given
LONGEST = timedelta(days=400)  # after what happens last; `until` may ask for more
MOST_TRIES = 10_000  # to find somebody who goes the arms that were asked for


@dataclass(frozen=True)
class Came:
    """Something that came of it: as a line of `expect` would say it, and when.

    `by` is a message's channel or a task's team; `name` has its journey before it where that is
    not the scenario's own.
    """

    at: datetime
    verb: str
    name: str
    by: str = ""


@dataclass(frozen=True)
class Played:
    """What a scenario led to, oldest first. `unsent` has the reason for each message that did not
    go; `mishaps` are lines of `happens` that could not happen; `untrue` the lines of `expect`
    about the person that were not so at the end."""

    came: list[Came]
    unsent: dict[str, str]
    mishaps: list[Placed[str]]
    untrue: list[Placed[str]]
    ended: datetime


class Rehearsal:
    """A folder of journeys, published once; each scenario gets a fresh copy of that."""

    def __init__(self, journeys: Path, work: Path) -> None:
        """`work` is an empty folder. Raises Problems."""
        self._journeys, self._work, self._numbers = journeys, work, count(1)
        self._published = self._folder("published")
        system = System(self._published, journeys, URL, PUBLISHED)
        system.publish()
        _stock(system)
        # Journeys that let in by a condition look at everybody first; that is done in no time.
        system.catch_up(PUBLISHED)
        system.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        system.store.close()

    def _folder(self, name: str) -> Path:
        folder = self._work / name
        folder.mkdir()
        (folder / "keys.json").write_bytes(msgspec.json.encode(KEYS))
        return folder

    def play(self, scenario: Scenario) -> Played:
        """What comes of it. Raises Problems when nobody can be found who goes its arms."""
        folder = self._folder(f"scenario-{next(self._numbers)}")
        shutil.copyfile(self._published / "tante.db", folder / "tante.db")
        start = scenario.happens[0][0] - KNOWN_BEFORE
        system = System(folder, self._journeys, URL, start)
        try:
            return _Play(system, scenario).to_the_end()
        finally:
            system.store.close()
            shutil.rmtree(folder)


def _stock(system: System) -> None:
    """Codes that say what they are, where a shop's list would be."""
    for name, rule in system.parts.library.codes().items():
        if rule.kind == "list":
            samples = (f"SAMPLE-{name.upper()}-{number}" for number in range(1, SAMPLES + 1))
            issue.add(system.store, name, samples)


class _Play:
    """One person's scenario on a system of its own."""

    def __init__(self, system: System, scenario: Scenario) -> None:
        self._system, self._scenario = system, scenario
        self._app, self._ids = App(system), count(1)
        self._user = self._somebody()
        self._key = person_key(system.parts.settings.identity_key, "user_id", self._user)
        self._mishaps: list[Placed[str]] = []

    def _somebody(self) -> str:
        """A user id that goes the wanted arms, and whom neither `hold out` nor the share of
        `limit` keeps from the journey's messages: chance is a hash of it."""
        secret = self._system.parts.settings.identity_key
        published = self._system.parts.library.newest(self._scenario.journey)
        if published is None:
            raise LookupError(f'there is no journey "{self._scenario.journey}"')
        for number in range(1, MOST_TRIES):
            user = f"scenario-{number}"
            if self._is_wanted(published.journey, person_key(secret, "user_id", user)):
                return user
        words = f"nobody of {MOST_TRIES:,} goes these arms and is let in to get messages"
        raise Problems([Problem(self._scenario.file, self._scenario.line, words)])

    def _is_wanted(self, journey: Journey, person: str) -> bool:
        arms = {key_of(split): arm for split, arm in self._scenario.arms.items()}
        limit = journey.limit
        return (
            arms.items() <= arms_at(journey, person).items()
            and not is_held_out(journey, person)
            and (limit is None or limit.has_a_place_for(person, journey.name))
        )

    def to_the_end(self) -> Played:
        self._become_known()
        for at, line in self._scenario.happens:
            self._pass_time(at)
            self._happen(line)
        self._go_on()
        untrue = list(self._untrue())
        return Played(self._came(), self._unsent(), self._mishaps, untrue, self._now)

    @property
    def _now(self) -> datetime:
        return self._system.clock.now()

    def _pass_time(self, moment: datetime) -> None:
        self._system.catch_up(moment)
        self._system.clock.move_to(moment, keep=False)

    # --- the beginning and the end

    def _become_known(self) -> None:
        where, line = {"timezone": str(self._scenario.zone)}, self._scenario.line
        self._post(line, "identify", traits=where | self._scenario.person)
        for channel, purposes in self._scenario.consents.items():
            if purposes:
                # What follows from a click is tried with somebody of whom clicks may be told.
                said = {"channel": channel, "purposes": [*purposes, TRACKING]}
                self._post(line, "track", event="Consent Given", properties=said)

    def _go_on(self) -> None:
        """Until what was asked for; else until a day after the last thing that was said to
        happen, and after the journey's last run has ended."""
        while self._now < (end := self._scenario.until or self._end()):
            self._pass_time(min(self._now + A_DAY, end))

    def _end(self) -> datetime:
        happens = [at for at, _ in self._scenario.happens]
        expect = [placed.what for placed in self._scenario.expect]
        dated = [line.at for line in expect if isinstance(line, Line) and line.at]
        said = [moment(at, self._scenario.zone) for at in dated]
        runs = self._runs(f"{self._scenario.journey}/")
        if any(run.status == "open" for run in runs) and self._now < happens[-1] + LONGEST:
            return self._now + A_DAY
        return max([*happens, *said, *(run.ended for run in runs if run.ended)]) + A_DAY

    # --- what happens

    def _happen(self, line: Placed[Happens]) -> None:
        what = line.what
        if isinstance(what, Event):
            self._post(line.line, "track", event=what.event, properties=what.with_)
        elif isinstance(what, Changes):
            self._post(line.line, "identify", traits=what.changes)
        elif isinstance(what, Joins):
            self._post(line.line, "group", groupId=what.joins, traits=what.with_)
        elif isinstance(what, Enters):
            if not self._enter(what):
                words = f'was not let into "{what.enters}": once per, only if, or there already'
                self._mishaps.append(Placed(line.line, f"the person {words}"))
        else:
            kept = self._last(what.object)
            words = self._handle(what, kept) if kept else "was not sent by then"
            if words:
                self._mishaps.append(Placed(line.line, f'"{what.object}" {words}'))
        self._system.catch_up(self._now)

    def _post(self, line: int, kind: str, **call: Any) -> None:
        """A call of the website or shop, as Segment's libraries make it; `line` says it."""
        now = self._now.isoformat()
        whole = {
            "writeKey": KEYS.write_key,
            "userId": self._user,
            "messageId": f"scenario-{next(self._ids)}",
            "timestamp": now,
            "sentAt": now,
            **call,
        }
        answer = self._request("POST", f"/v1/{kind}", json.dumps(whole))
        if answer["statusCode"] != 200:
            reason = json.loads(answer["body"])["message"]
            self._mishaps.append(Placed(line, f"the event was refused: {reason}"))
        self._system.catch_up(self._now)

    def _request(self, method: str, path: str, body: str = "") -> dict[str, Any]:
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"host": "127.0.0.1:8000", "user-agent": outbox.BROWSER},
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
                "stage": "$default",
            },
            "isBase64Encoded": False,
            "body": body,
        }
        return self._app.route(method, path)(event, CONTEXT)

    def _enter(self, what: Enters) -> bool:
        entry = TrackedEvent(
            type="track",
            message_id=f"scenario-{next(self._ids)}",
            event="Started",
            time=self._now,
            received_at=self._now,
            user_id=self._user,
            properties=what.with_,
        )
        desk = journey_desk(self._system.parts)
        with self._system.store.together():
            return start_by_journey(desk, self._profile(), what.enters, entry, entry.message_id)

    def _last(self, name: str) -> Kept | None:
        """The message of this name that was sent last, as its reader has it."""
        rows = [row for row in self._messages() if row.claimed and self._named(row) == name]
        rows.sort(key=lambda row: row.claimed or PUBLISHED)
        return self._system.store.get(Kept, rows[-1].send_id) if rows else None

    def _handle(self, what: Happens, kept: Kept) -> str:
        """What a reader does with a mail; why they cannot, or ""."""
        if isinstance(what, Unsubscribes):
            address = kept.headers.get("List-Unsubscribe", "").strip("<>")
            if not address:
                return "has no link to leave: its purpose needs no consent"
            self._request("POST", address.removeprefix(URL))
        elif isinstance(what, Bounces):
            self._system.queue.send([_bounce(kept, self._now)])
        elif isinstance(what, Opens | Clicks):
            return self._touch(what, kept)
        return ""

    def _touch(self, what: Opens | Clicks, kept: Kept) -> str:
        keys = self._system.parts.settings.link_keys
        links = list(outbox.links(kept, self._system.store, keys, self._now))
        if isinstance(what, Opens):
            wanted = [link for link in links if link.path.startswith("/o/")]
            if not wanted:
                return "has no picture that tells of an open"
        else:
            links = [link for link in links if link.url]
            names = [link.name for link in links if not link.name.isdecimal()]
            asked = what.link or next(iter(names), "")
            wanted = [link for link in links if link.name == asked]
            if not wanted:
                return f'has no link "{what.link}"; there are: {", ".join(names) or "none"}'
        self._request("GET", wanted[0].path)
        return ""

    # --- what came of it

    def _profile(self) -> Profile:
        return profile_of(self._system.store, self._key)

    def _messages(self) -> list[Message]:
        return list(self._system.store.query(Message, self._key))

    def _runs(self, prefix: str = "") -> list[Run]:
        return list(self._system.store.query(Run, self._key, prefix=prefix))

    def _named(self, row: Message) -> str:
        return self._name(row.journey, row.message)

    def _name(self, journey: str, name: str) -> str:
        return name if journey == self._scenario.journey else f"{journey}/{name}"

    def _came(self) -> list[Came]:
        return sorted(self._each(), key=lambda came: came.at)

    def _each(self) -> Iterator[Came]:
        for run in self._runs():
            yield Came(run.entered, "starts", run.journey)
            if run.ended:
                yield Came(run.ended, "ends", self._name(run.journey, run.outcome))
        for row in self._messages():
            if row.claimed and row.state in ("sent", "unknown"):
                yield Came(row.claimed, "sent", self._named(row), row.channel)
        for task in self._system.store.query(Task, self._key):
            yield Came(task.created, "task", task.text, task.owner)
        if any(isinstance(line.what, Stage) for line in self._scenario.expect):
            yield from self._stages()

    def _stages(self) -> Iterator[Came]:
        """The stages that the person came to; of the first model without its name."""
        for number, (model, stay) in enumerate(self._profile().stages.items()):
            for move in stay.history:
                yield Came(move.time, "stage", f"{model}/{move.stage}" if number else move.stage)

    def _unsent(self) -> dict[str, str]:
        rows = (row for row in self._messages() if row.state in ("not sent", "held", "failed"))
        return {self._named(row): row.reason for row in rows}

    def _untrue(self) -> Iterator[Placed[str]]:
        has = fields(self._profile(), self._now)
        for line in self._scenario.expect:
            for path, wanted in line.what.person.items() if isinstance(line.what, Person) else ():
                if not field_tests({path: wanted})(lambda at: find(has, at), self._now):
                    yield Placed(line.line, f"{path} is {has.get(path)!r} at the end")
        for _, reason, _ in self._system.queue.dead():
            yield Placed(self._scenario.line, f"an event could not be processed: {reason}")


def _bounce(kept: Kept, now: datetime) -> bytes:
    """What SES tells of a mail that came back, in its own shape (event publishing to SNS)."""
    event = {
        "eventType": "Bounce",
        "mail": {
            "timestamp": kept.time.isoformat(),
            "messageId": f"outbox-{kept.send_id}",
            "tags": {name: [value] for name, value in kept.tags.items()},
            "commonHeaders": {"subject": kept.subject},
        },
        "bounce": {
            "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "bounceType": "Permanent",
            "bounceSubType": "General",
        },
    }
    return json.dumps({"Type": "Notification", "Message": json.dumps(event)}).encode()
