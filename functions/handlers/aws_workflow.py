"""Step Functions in AWS: starting, stopping and answering runs; versions of their machines."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from functions.journeys.flow import RUN_STEP
from functions.journeys.workflow import (
    Execution,
    Machines,
    NoMachine,
    Position,
    Start,
    Workflow,
)
from functions.settings import Settings
from functions.storage.library import Library
from functions.storage.store import Unavailable

NEWEST = "newest"  # the alias that shows people in the console which version is newest
TOO_BUSY = ("ThrottlingException", "ExecutionLimitExceeded", "TooManyRequestsException")
NEWEST_EVENTS = 1000  # of a history: a state that is tried a hundred times makes four for each
TOKEN_IS_DEAD = ("TaskTimedOut", "TaskDoesNotExist")


class _Machines:
    """The functions of Workflow and Machines over one `stepfunctions` client."""

    def __init__(self, client: Any, settings: Settings, library: Library) -> None:
        self._client, self._library, self._settings = client, library, settings
        self._machines = settings.state_machine_arns
        self._run_step = settings.run_step

    def _execution(self, journey: str, name: str) -> str:
        return f"{self._machines}{journey}:{name}".replace(":stateMachine:", ":execution:", 1)

    def start_now(self, journey: str, version: str, name: str, names: dict[str, Any]) -> None:
        """By the version's own name, so that what is deployed meanwhile changes nothing."""
        machine = self._library.version(journey, version).machine
        try:
            self._client.start_execution(
                stateMachineArn=machine, name=name, input=json.dumps(names)
            )
        except ClientError as error:
            if code_of(error) != "ExecutionAlreadyExists":
                raise

    def stop(self, journey: str, name: str, outcome: str) -> None:
        execution = self._execution(journey, name)
        try:
            self._client.stop_execution(executionArn=execution, error="Exit", cause=outcome)
        except ClientError as error:
            if not _is_over(error):
                raise _told(error) from error

    def succeed(self, token: str, output: dict[str, Any]) -> bool:
        return _answered(
            lambda: self._client.send_task_success(taskToken=token, output=json.dumps(output))
        )

    def fail(self, token: str, name: str, cause: str) -> bool:
        return _answered(
            lambda: self._client.send_task_failure(taskToken=token, error=name, cause=cause)
        )

    def publish(self, journey: str, version: str, definition: str) -> str:
        """Freeze this version's definition, which mostly stands there already: a deployment has
        put it there."""
        machine = f"{self._machines}{journey}"
        wanted = definition.replace(RUN_STEP, self._run_step)
        stands = self._describe_machine(machine, journey)
        if json.loads(stands["definition"]) != json.loads(wanted):
            stands = self._client.update_state_machine(stateMachineArn=machine, definition=wanted)
        asked = {"stateMachineArn": machine, "description": version}
        if stands.get("revisionId"):  # refused if somebody changes it between the two calls
            asked["revisionId"] = stands["revisionId"]
        published = str(
            self._client.publish_state_machine_version(**asked)["stateMachineVersionArn"]
        )
        self._point(machine, published)
        return published

    def _describe_machine(self, machine: str, journey: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._client.describe_state_machine(stateMachineArn=machine)
        except ClientError as error:
            if code_of(error) != "StateMachineDoesNotExist":
                raise
            raise NoMachine(
                f'deploy once: "{journey}" is a new journey and needs its state machine'
            ) from None
        return found

    def _point(self, machine: str, version_arn: str) -> None:
        routes = [{"stateMachineVersionArn": version_arn, "weight": 100}]
        try:
            self._client.update_state_machine_alias(
                stateMachineAliasArn=f"{machine}:{NEWEST}", routingConfiguration=routes
            )
        except ClientError as error:
            if code_of(error) not in ("ResourceNotFound", "StateMachineDoesNotExist"):
                raise
            self._client.create_state_machine_alias(name=NEWEST, routingConfiguration=routes)

    def under_way(self, journey: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_executions").paginate(
            stateMachineArn=f"{self._machines}{journey}", statusFilter="RUNNING"
        )
        for page in pages:
            yield from (execution["name"] for execution in page["executions"])

    def describe(self, journey: str, name: str) -> Execution | None:
        try:
            said = self._client.describe_execution(executionArn=self._execution(journey, name))
        except ClientError as error:
            if code_of(error) == "ExecutionDoesNotExist":
                return None
            raise
        names = json.loads(said.get("input") or "{}")
        person, run = names.get("person", ""), names.get("run", "")
        return Execution(said["status"], person, said.get("output"), run)

    def position(self, journey: str, name: str) -> Position | None:
        """The state entered last; nothing where the execution is over, or at its very beginning."""
        asked = {"executionArn": self._execution(journey, name), "reverseOrder": True}
        try:
            said = self._client.get_execution_history(**asked, maxResults=NEWEST_EVENTS)
        except ClientError as error:
            if code_of(error) == "ExecutionDoesNotExist":
                return None
            raise _told(error) from error
        for event in said["events"]:
            if event["type"].startswith("Execution") and event["type"] != "ExecutionStarted":
                return None
            entered = event.get("stateEnteredEventDetails")
            if entered:
                data = json.loads(entered.get("input") or "{}")
                moment = self._settings.on_stage(event["timestamp"])
                return Position(entered["name"], moment, data)
        return None


def workflow(
    client: Any, settings: Settings, library: Library, put_off: Callable[[bytes], None]
) -> Workflow:
    """The workflow; what Step Functions is too busy to start is put off to the start queue."""
    there = _Machines(client, settings, library)

    def start(journey: str, version: str, name: str, names: dict[str, Any]) -> None:
        try:
            there.start_now(journey, version, name, names)
        except ClientError as error:
            if code_of(error) not in TOO_BUSY:
                raise
            put_off(msgspec.json.encode(Start(journey, version, names["run"], names["person"])))

    return Workflow(start, there.stop, there.succeed, there.fail)


def machines(client: Any, settings: Settings, library: Library) -> Machines:
    """What the publisher, the starter and the comparison ask."""
    there = _Machines(client, settings, library)
    return Machines(there.publish, there.start_now, there.under_way, there.describe, there.position)


def code_of(error: ClientError) -> str:
    """The name of what AWS answered."""
    return str(error.response["Error"]["Code"])


def _answered(call: Callable[[], Any]) -> bool:
    """Whether the token was still open; a dead one is not an error."""
    try:
        call()
    except ClientError as error:
        if code_of(error) in TOKEN_IS_DEAD:
            return False
        raise _told(error) from error
    return True


def _is_over(error: ClientError) -> bool:
    """Whether there was nothing to stop: it ended by itself a moment before."""
    ended = "not running" in error.response["Error"].get("Message", "")
    return code_of(error) == "ExecutionDoesNotExist" or ended


def _told(error: ClientError) -> Exception:
    return Unavailable(f"Step Functions: {code_of(error)}") if code_of(error) in TOO_BUSY else error
