"""The parts in AWS: versions by name, the stage's clock, secrets, and how light collecting is."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import botocore.session
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from functions.handlers import aws, aws_workflow
from functions.handlers.wiring import Parts
from functions.journeys.flow import compile_journey
from functions.journeys.journey import build
from functions.journeys.workflow import NoMachine
from functions.journeys.yaml_file import read
from functions.settings import Settings, from_environment, with_secrets
from functions.storage.read_source import find_source, key_hash, source_reader
from functions.tracking.source import Source
from tests.support.stores import dynamo_store

ROOT = Path(__file__).parents[2]
ARNS = "arn:aws:states:eu-central-1:123456789012:stateMachine:tante-dev-"
MACHINE = f"{ARNS}visit"
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:tante-dev-visit:visit-1"
NAMES = {"run": "visit-1", "person": "p1"}


class Library:
    """One journey with the name that Step Functions gave its version."""

    def version(self, journey: str, version: str) -> Any:
        return SimpleNamespace(machine=f"{ARNS}{journey}:7")


@pytest.fixture
def states() -> Iterator[tuple[Any, Stubber]]:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    session = botocore.session.get_session()
    client = session.create_client("stepfunctions", region_name="eu-central-1", **keys)
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


RUN = "arn:aws:lambda:eu-central-1:123456789012:function:tante-dev-run_step"
SETTINGS = Settings(state_machine_arns=ARNS, run_step=RUN)
STARTED = {"executionArn": EXECUTION, "startDate": datetime(2026, 1, 1, tzinfo=UTC)}
START = {"stateMachineArn": f"{MACHINE}:7", "name": "visit-1", "input": json.dumps(NAMES)}


def workflow(client: Any, put_off: Any = None) -> Any:
    return aws_workflow.workflow(client, SETTINGS, Library(), put_off)  # type: ignore[arg-type]


def machines(client: Any) -> Any:
    return aws_workflow.machines(client, SETTINGS, Library())  # type: ignore[arg-type]


# --- Step Functions


def test_a_run_starts_by_the_name_of_its_own_version(states: Any) -> None:
    client, stubber = states
    stubber.add_response("start_execution", STARTED, START)
    workflow(client).start("visit", "v", "visit-1", NAMES)


def test_starting_again_changes_nothing(states: Any) -> None:
    client, stubber = states
    stubber.add_client_error("start_execution", "ExecutionAlreadyExists")
    workflow(client).start("visit", "v", "visit-1", NAMES)


@pytest.mark.parametrize("code", aws_workflow.TOO_BUSY)
def test_what_step_functions_is_too_busy_for_waits_in_the_start_queue(
    states: Any, code: str
) -> None:
    client, stubber = states
    stubber.add_client_error("start_execution", code)
    later: list[bytes] = []
    workflow(client, later.append).start("visit", "v", "visit-1", NAMES)
    [body] = later
    assert json.loads(body) == {
        "journey": "visit",
        "version": "v",
        "run": "visit-1",
        "person": "p1",
    }


def test_the_paced_starter_does_not_put_off_again_but_fails(states: Any) -> None:
    client, stubber = states
    stubber.add_client_error("start_execution", "ThrottlingException")
    with pytest.raises(Exception, match="ThrottlingException"):
        machines(client).start_now("visit", "v", "visit-1", NAMES)


def test_a_machine_that_is_missing_is_an_error_and_no_delay(states: Any) -> None:
    client, stubber = states
    stubber.add_client_error("start_execution", "StateMachineDoesNotExist")
    with pytest.raises(Exception, match="StateMachineDoesNotExist"):
        workflow(client).start("visit", "v", "visit-1", NAMES)


def test_stopping_names_the_execution_without_a_version(states: Any) -> None:
    client, stubber = states
    asked = {"executionArn": EXECUTION, "error": "Exit", "cause": "gone"}
    stubber.add_response("stop_execution", {"stopDate": STARTED["startDate"]}, asked)
    stubber.add_client_error("stop_execution", "ExecutionDoesNotExist")
    over = "Execution is not running"
    stubber.add_client_error("stop_execution", "ValidationException", service_message=over)
    workflow(client).stop("visit", "visit-1", "gone")
    workflow(client).stop("visit", "visit-1", "gone")
    workflow(client).stop("visit", "visit-1", "gone")


@pytest.mark.parametrize("code", aws_workflow.TOKEN_IS_DEAD)
def test_a_token_that_was_answered_before_is_no_error(states: Any, code: str) -> None:
    client, stubber = states
    stubber.add_response("send_task_success", {}, {"taskToken": "t", "output": "{}"})
    stubber.add_client_error("send_task_success", code)
    stubber.add_client_error("send_task_failure", code)
    assert workflow(client).succeed("t", {}) is True
    assert workflow(client).succeed("t", {}) is False
    assert workflow(client).fail("t", "Hold", "") is False


def definition(version: str) -> str:
    """As the compiler writes it."""
    parameters = {"FunctionName": "${RunStep}", "Payload": {"version": version}}
    return json.dumps({"States": {"a": {"Parameters": parameters}}})


def stands(version: str) -> dict[str, Any]:
    return {
        "stateMachineArn": MACHINE,
        "name": "tante-dev-visit",
        "definition": definition(version).replace("${RunStep}", RUN),
        "roleArn": "arn:aws:iam::123456789012:role/machine",
        "type": "STANDARD",
        "creationDate": STARTED["startDate"],
        "revisionId": "r2",
    }


def test_publishing_freezes_the_revision_it_looked_at_and_points_the_alias_there(
    states: Any,
) -> None:
    client, stubber = states
    stubber.add_response("describe_state_machine", stands("v2"), {"stateMachineArn": MACHINE})
    version = {"stateMachineVersionArn": f"{MACHINE}:2", "creationDate": STARTED["startDate"]}
    asked = {"stateMachineArn": MACHINE, "description": "v2", "revisionId": "r2"}
    stubber.add_response("publish_state_machine_version", version, asked)
    routes = [{"stateMachineVersionArn": f"{MACHINE}:2", "weight": 100}]
    alias = {"stateMachineAliasArn": f"{MACHINE}:newest", "routingConfiguration": routes}
    stubber.add_client_error(
        "update_state_machine_alias", "ResourceNotFound", expected_params=alias
    )
    made = {"stateMachineAliasArn": f"{MACHINE}:newest", "creationDate": STARTED["startDate"]}
    create = {"name": "newest", "routingConfiguration": routes}
    stubber.add_response("create_state_machine_alias", made, create)
    assert machines(client).publish("visit", "v2", definition("v2")) == f"{MACHINE}:2"


def test_a_machine_that_holds_another_definition_is_brought_up_to_date_first(states: Any) -> None:
    client, stubber = states
    stubber.add_response("describe_state_machine", stands("v1"), {"stateMachineArn": MACHINE})
    wanted = {"stateMachineArn": MACHINE, "definition": definition("v2").replace("${RunStep}", RUN)}
    updated = {"updateDate": STARTED["startDate"], "revisionId": "r3"}
    stubber.add_response("update_state_machine", updated, wanted)
    version = {"stateMachineVersionArn": f"{MACHINE}:3", "creationDate": STARTED["startDate"]}
    asked = {"stateMachineArn": MACHINE, "description": "v2", "revisionId": "r3"}
    stubber.add_response("publish_state_machine_version", version, asked)
    stubber.add_response("update_state_machine_alias", {"updateDate": STARTED["startDate"]})
    assert machines(client).publish("visit", "v2", definition("v2")) == f"{MACHINE}:3"


def test_a_journey_without_a_machine_asks_for_a_deployment(states: Any) -> None:
    client, stubber = states
    stubber.add_client_error("describe_state_machine", "StateMachineDoesNotExist")
    with pytest.raises(NoMachine, match="deploy once"):
        machines(client).publish("visit", "v2", definition("v2"))


def test_an_execution_that_never_was_is_told_from_one_that_ended(states: Any) -> None:
    client, stubber = states
    said = {**STARTED, "stateMachineArn": MACHINE, "status": "SUCCEEDED", "output": "{}"}
    stubber.add_response("describe_execution", {**said, "input": json.dumps(NAMES)})
    stubber.add_client_error("describe_execution", "ExecutionDoesNotExist")
    found = machines(client).describe("visit", "visit-1")
    assert (found.status, found.person, found.output) == ("SUCCEEDED", "p1", "{}")
    assert machines(client).describe("visit", "visit-1") is None


def event(kind: str, number: int, **more: Any) -> dict[str, Any]:
    return {"timestamp": STARTED["startDate"], "type": kind, "id": number, **more}


def test_where_an_execution_is_is_the_state_that_it_entered_last(states: Any) -> None:
    client, stubber = states
    entered = {"name": "wait 5 days", "input": json.dumps({**NAMES, "last": {}})}
    newest = [
        event("WaitStateEntered", 9, stateEnteredEventDetails=entered),
        event("TaskStateExited", 8),
        event("TaskStateEntered", 2, stateEnteredEventDetails={"name": "before", "input": "{}"}),
    ]
    ended = [event("ExecutionAborted", 10), *newest]
    for events in (newest, ended, [event("ExecutionStarted", 1)]):
        stubber.add_response("get_execution_history", {"events": events})
    stubber.add_client_error("get_execution_history", "ExecutionDoesNotExist")
    found = machines(client).position("visit", "visit-1")
    assert (found.state, found.entered) == ("wait 5 days", STARTED["startDate"])
    assert found.data == {**NAMES, "last": {}}
    assert [machines(client).position("visit", "visit-1") for _ in range(3)] == [None] * 3


def test_a_second_execution_that_is_put_off_is_a_start_of_its_run(states: Any) -> None:
    client, stubber = states
    stubber.add_client_error("start_execution", "ThrottlingException")
    bodies: list[bytes] = []
    workflow(client, bodies.append).start("visit", "v1", "visit-1-2", NAMES)
    [body] = bodies
    assert json.loads(body) == {**NAMES, "journey": "visit", "version": "v1"}


# --- the stage's clock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MOMENTS = st.timedeltas(-timedelta(days=3000), timedelta(days=3000)).map(lambda past: NOON + past)


@given(MOMENTS, MOMENTS, st.timedeltas(-timedelta(days=9), timedelta(days=9)), st.floats(1, 5000))
def test_a_stage_s_time_and_real_time_lead_to_one_another(
    start: datetime, zero: datetime, since: timedelta, speed: float
) -> None:
    fast = Settings(clock_start=start, clock_zero=zero, clock_speed=speed)
    back = fast.in_reality(fast.on_stage(zero + since))
    assert abs(back - (zero + since)) < timedelta(milliseconds=1)
    later = fast.on_stage(zero + since + timedelta(seconds=1)) - fast.on_stage(zero + since)
    assert abs(later.total_seconds() - speed) < 0.001


def test_without_a_clock_of_its_own_a_stage_has_real_time() -> None:
    assert Settings().on_stage(NOON) == NOON == Settings().in_reality(NOON)
    assert abs(Settings().now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_fast_stage_waits_less_but_looks_back_as_long() -> None:
    text = """
title: Waits
purpose: transactional
enter when: {event: Signed Up}
once per: person
steps:
  - wait: 5 days
  - wait for: {event: Survey Answered}
    at most: 7 days
"""
    journey = build("waits", read("journey.yaml", text).value)
    slow = compile_journey(journey, "v1")["States"]
    fast = compile_journey(journey, "v1", pace=86_400)["States"]
    assert slow["wait 5 days"]["Seconds"] == 5 * 86_400
    assert fast["wait 5 days"]["Seconds"] == 5
    wait = "wait for Survey Answered"
    assert (slow[wait]["TimeoutSeconds"], fast[wait]["TimeoutSeconds"]) == (7 * 86_400, 7)
    since = [states[wait]["Parameters"]["Payload"]["since"] for states in (slow, fast)]
    assert since == [{"seconds": 5 * 86_400}] * 2


# --- secrets


def test_keys_come_from_the_secrets_that_a_lambda_is_told_of_and_from_no_other() -> None:
    asked: list[str] = []
    secrets = {
        "identity": json.dumps({"key": "00ff"}),
        "links": json.dumps({"1": "aa", "2": "bb"}),
        "admin": json.dumps({"key": "sk_1"}),
    }

    def read(name: str) -> str:
        asked.append(name)
        return secrets[name]

    env = {"TANTE_LINK_SECRET": "links", "TANTE_ADMIN_SECRET": "admin"}
    settings = with_secrets(from_environment(env), read)
    assert asked == ["links", "admin"]
    assert settings.identity_key == b""
    assert list(settings.link_keys.items()) == [("1", b"\xaa"), ("2", b"\xbb")]
    assert settings.admin_key_hash == key_hash("sk_1")
    all_three = with_secrets(from_environment({**env, "TANTE_IDENTITY_SECRET": "identity"}), read)
    assert all_three.identity_key == b"\x00\xff"


def test_a_secret_that_is_no_json_object_is_named_without_its_value() -> None:
    settings = from_environment({"TANTE_LINK_SECRET": "links"})
    with pytest.raises(ValueError, match="the secret links is not a JSON object") as raised:
        with_secrets(settings, lambda name: "top secret")
    assert "top secret" not in str(raised.value)


# --- collecting is light


def test_the_light_reader_of_write_keys_says_what_the_store_says() -> None:
    with dynamo_store() as store:
        client = botocore.session.get_session().create_client("dynamodb", "eu-central-1")
        prefix = store._models["catalogue"].Meta.table_name.removesuffix("catalogue")
        light = source_reader(client, prefix)
        assert light("wk_unknown") is None is find_source(store, "wk_unknown")
        shop = Source(key_hash=key_hash("wk_1"), name="shop", trusted=True, created=NOON)
        store.put(shop)
        assert light("wk_1") == find_source(store, "wk_1") == shop
        shop.revoked = NOON
        store.put(shop)
        assert light("wk_1") is None is find_source(store, "wk_1")


# What a cold start of collecting loads of ours and of others, the standard library apart.
MAY_LOAD = {
    "botocore",
    "certifi",
    "dateutil",
    "functions",
    "jmespath",
    "msgspec",
    "six",
    "typing_extensions",
    "urllib3",
}
OF_OURS = {
    "functions.handlers.aws",
    "functions.handlers.aws_clients",
    "functions.handlers.collect_event",
    "functions.handlers.wiring",
    "functions.settings",
    "functions.storage.kinds",
    "functions.storage.dictionary",
    "functions.storage.packing",
    "functions.storage.read_source",
    "functions.storage.store",
}
COLLECT = """
import sys
from functions.handlers import collect_event, wiring
parts = wiring.parts()
parts.source, parts.send_events, parts.settings.public_url
from functions.handlers import aws
aws.client("sqs"), aws.client("dynamodb")
print("\\n".join(sorted(sys.modules)))
"""


def loaded(code: str) -> set[str]:
    env = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_a_cold_start_of_collecting_loads_only_what_it_needs() -> None:
    """boto3, PynamoDB, Powertools, YAML, Liquid and the journeys' steps would double it."""
    bare = loaded('import sys; print("\\n".join(sorted(sys.modules)))')
    found = loaded(COLLECT) - bare
    tops = {name.partition(".")[0] for name in found} - sys.stdlib_module_names
    assert {top for top in tops if not top.startswith("_")} <= MAY_LOAD
    ours = {name for name in found if name.startswith("functions.")}
    data_types = (
        *("functions.tracking", "functions.journeys.run", "functions.journeys"),
        *("functions.sales.records", "functions.segments.census_records"),
        # What a day's model is made of: formulas, which need `math` alone.
        *("functions.segments.buying", "functions.segments.spending", "functions.segments.maximum"),
        *("functions.segments.cluster_records", "functions.codes", "functions.doors"),
        *("functions.forecast.record", "functions.forecast.asked"),
        "functions.handlers.headers",
        "functions.products.product",
    )
    beside = {name for name in ours if not name.startswith(data_types)}
    packages = {
        *("functions.handlers", "functions.storage"),
        *("functions.sales", "functions.segments", "functions.products", "functions.forecast"),
    }
    assert beside - packages == OF_OURS


def test_every_part_is_there_in_aws_also_those_that_nothing_is_named_for() -> None:
    parts = aws.AwsParts({})
    without = {one.name for one in fields(Parts) if one.default_factory is not MISSING}
    assert without
    for name in without:
        assert getattr(parts, name) is getattr(parts, name), name
    with pytest.raises(AttributeError):
        _ = parts.store


def test_a_part_is_made_at_its_first_use_and_once() -> None:
    made: list[str] = []
    parts = aws.AwsParts({"store": lambda: made.append("store") or "the store"})
    assert made == []
    assert (parts.store, parts.store) == ("the store", "the store")
    assert made == ["store"]
    with pytest.raises(AttributeError):
        parts.nothing  # noqa: B018


def test_a_message_is_buried_with_its_reason_beside_it() -> None:
    sent: list[dict[str, Any]] = []
    queue = SimpleNamespace(send_message=lambda **of: sent.append(of))
    with patch.object(aws, "client", lambda name: queue):
        aws.send("https://dead", [b"{}"], "not an event batch")
        aws.send("https://events", [b"{}"])
    assert sent[0]["MessageAttributes"]["reason"]["StringValue"] == "not an event batch"
    assert sent[1]["MessageAttributes"] == {}
