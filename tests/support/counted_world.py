"""Tante in virtual time over a store that counts: real handlers, our engine, long task tokens."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from random import Random
from types import SimpleNamespace
from typing import Any

from functions.channels.channel import Outgoing
from functions.engine.engine import Engine
from functions.engine.execution import Execution
from functions.engine.machine import Machine, TaskFailed, load
from functions.folder import Folder
from functions.handlers import (
    close_run,
    collect_event,
    find_due,
    process_event,
    publish_journey,
    run_step,
    wiring,
)
from functions.journeys.flow import compile_journey
from functions.journeys.step import Exit, Temporary
from functions.journeys.workflow import Machines, Workflow
from functions.settings import Settings
from functions.storage.library import Library
from functions.storage.people import People
from functions.tracking.profile import Profile
from functions.tracking.source import Source
from local.due import next_look
from local.sqlite_store import SqliteStore
from tests.support.counted_store import CountedStore

SOURCE = Source(key_hash="", name="shop", trusted=True)
SETTINGS = Settings(
    stage="prod",
    public_url="https://tante.example",
    identity_key=b"identity",
    link_keys={"1": b"link"},
)
CONTEXT = SimpleNamespace(aws_request_id="test", function_name="test")
TOKEN_BYTES = 1536  # 2,048 characters of base64, the longest token that Step Functions makes


@dataclass
class Provider:
    """Takes every message and answers with an id as long as SES's."""

    random: Random
    sent: list[Outgoing] = field(default_factory=list)

    def send(self, message: Outgoing) -> str:
        self.sent.append(message)
        return f"0107{self.random.randbytes(6).hex()}-{self.random.randbytes(16).hex()}-000000"


class CountedWorld:
    """One stage with the journeys of a folder; `store.written` says what everything cost.

    `store.work` is the handler at work, the outer one where one calls another by way of Step
    Functions. What publishing cost is not kept.
    """

    def __init__(self, folder: Folder, start: datetime) -> None:
        self.now = start
        self._random = Random(1)
        self._short: dict[str, str] = {}  # Step Functions' token -> the engine's
        records = self._records = SqliteStore(":memory:")
        self.store = CountedStore(records)
        # A warm Lambda has read the library before.
        self.library = Library(records, lambda: 0.0)
        self.engine = Engine(self._invoke, self._machine(), ended=self._close)
        self.provider = Provider(self._random)
        self.parts = self._parts()
        wiring.use(self.parts)
        publish_journey.publish(self.parts, folder)
        self.store.take()

    def _machine(self) -> Any:
        @cache
        def machine(key: str) -> Machine:
            journey, _, version = key.rpartition("@")
            return load(compile_journey(self.library.version(journey, version).journey, version))

        return machine

    def _parts(self) -> wiring.Parts:
        return wiring.Parts(
            settings=SETTINGS,
            store=self.store,
            library=self.library,
            workflow=Workflow(self._start, self._stop, self._succeed, self._fail),
            machines=Machines(
                lambda journey, version, definition: f"{journey}@{version}",
                self._start,
                lambda journey: (),
                lambda journey, name: None,
            ),
            channels={"email": self.provider, "sms": self.provider},
            now=lambda: self.now,
            send_events=lambda bodies, delay: self.deliver(*bodies),
            send_starts=_fail_the_test,
            publisher=_fail_the_test,
            bury=_fail_the_test,
            source=lambda write_key: SOURCE,
        )

    # --- what comes from outside

    def say(self, *calls: dict[str, Any]) -> None:
        """One request of a client with these calls, and all that follows from it now."""
        body = json.dumps({"writeKey": "key", "batch": calls})
        request = {
            "rawPath": "/v1/batch",
            "headers": {},
            "requestContext": {"http": {"method": "POST", "path": "/v1/batch", "sourceIp": ""}},
            "body": body,
        }
        answer = json.loads(collect_event.handler(request, CONTEXT)["body"])
        assert answer == {"success": True}, answer
        self.advance(timedelta())

    def deliver(self, *bodies: bytes) -> None:
        """Messages of the event queue, as one batch of SQS."""
        records = [
            {"messageId": str(number), "body": body.decode()} for number, body in enumerate(bodies)
        ]
        with self._working("process_event"):
            done = process_event.handler({"Records": records}, None)
        assert done == {"batchItemFailures": []}

    def advance(self, length: timedelta) -> None:
        """Let time pass; what falls due on the way is done at its own time."""
        moment = self.now + length
        while (due := self._next_due()) is not None and due <= moment:
            self.now = max(self.now, due)
            if due == next_look(self._records):
                with self._working("find_due"):
                    find_due.handler({}, None)
            else:
                self.engine.run_until(self.now)
        self.now = moment

    def _next_due(self) -> datetime | None:
        dues = (self.engine.next_due(), next_look(self._records))
        return min((due for due in dues if due), default=None)

    def person(self, user: str) -> Profile:
        """The profile of a user id; looking is not counted."""
        read = self.store.read_units.copy()
        found = People(self.store, SETTINGS.identity_key).by("user_id", user)
        self.store.read_units = read
        assert found, f"nobody is known as {user}"
        return found

    # --- Step Functions

    @contextmanager
    def _working(self, handler: str) -> Iterator[None]:
        before, self.store.work = self.store.work, self.store.work or handler
        try:
            yield
        finally:
            self.store.work = before

    def _invoke(self, function: str, payload: dict[str, Any]) -> Any:
        if "token" in payload:
            payload = {**payload, "token": self._token(payload["token"])}
        try:
            with self._working("run_step"):
                return run_step.handler(payload, None)
        except (Exit, Temporary) as error:
            raise TaskFailed(type(error).__name__, str(error)) from None

    def _token(self, short: str) -> str:
        """Step Functions' token: long, and nothing in it that could be compressed."""
        token = base64.b64encode(self._random.randbytes(TOKEN_BYTES)).decode()
        self._short[token] = short
        return token

    def _close(self, execution: Execution) -> None:
        names = {key: execution.data[key] for key in ("run", "person")}
        detail = {
            "name": execution.name,
            "status": execution.status,
            "input": json.dumps(names),
            "output": None if execution.output is None else json.dumps(execution.output),
        }
        with self._working("close_run"):
            close_run.handler({"detail": detail}, None)

    def _start(self, journey: str, version: str, name: str, names: dict[str, Any]) -> None:
        self.engine.start(f"{journey}@{version}", name, names, self.now)

    def _stop(self, journey: str, name: str, outcome: str) -> None:
        self.engine.stop(name, self.now, "Exit", outcome)

    def _succeed(self, token: str, output: dict[str, Any]) -> bool:
        return self.engine.succeed(self._short[token], output, self.now)

    def _fail(self, token: str, error: str, cause: str) -> bool:
        return self.engine.fail(self._short[token], error, cause, self.now)


def _fail_the_test(*said: Any) -> Any:
    raise AssertionError(f"set aside: {said}")
