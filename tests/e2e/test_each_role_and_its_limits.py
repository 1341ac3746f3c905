"""Every Lambda's role allows what its Lambda does, and nothing beside it.

The other tests prove the first half: MiniStack enforces IAM, so whatever they see done, a role
allowed. Here each role is lent to the test, which tries what it must not do.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.e2e.cloud import PREFIX, Cloud
from tests.e2e.own_cloud import ACCOUNT, REGION

Call = Callable[[Cloud, Callable[[str], Any]], Any]


class Probe(NamedTuple):
    """Something to try, with its name in a failure."""

    words: str
    call: Call


def probe(make: Callable[..., Call]) -> Callable[..., Probe]:
    """Names what a function makes after its call: get(people)."""

    def named(*asked: str) -> Probe:
        return Probe(f"{make.__name__}({', '.join(asked)})", make(*asked))

    return named


KEY = {"pk": {"S": "nobody"}, "sk": {"S": "nothing"}}
NO_START = '{"journey":"none","version":"none","run":"none-1","person":"nobody"}'
TO_NOBODY = {
    "Destination": {"ToAddresses": ["nobody@elsewhere.example"]},
    "Content": {"Simple": {"Subject": {"Data": "-"}, "Body": {"Text": {"Data": "-"}}}},
}


@probe
def get(table: str) -> Call:
    return lambda cloud, client: client("dynamodb").get_item(TableName=PREFIX + table, Key=KEY)


@probe
def query(table: str, index: str = "") -> Call:
    names = {"#k": index or "pk"}
    more = {"IndexName": index} if index else {}
    return lambda cloud, client: client("dynamodb").query(
        TableName=PREFIX + table,
        KeyConditionExpression="#k = :k",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={":k": {"S": "nobody"}},
        **more,
    )


@probe
def scan(table: str) -> Call:
    return lambda cloud, client: client("dynamodb").scan(TableName=PREFIX + table, Limit=1)


@probe
def put(table: str) -> Call:
    def call(cloud: Cloud, client: Callable[[str], Any]) -> Any:
        return client("dynamodb").put_item(TableName=PREFIX + table, Item=KEY)

    return call


@probe
def where_moved(table: str) -> Call:
    return lambda cloud, client: client("dynamodb").get_item(
        TableName=PREFIX + table, Key=KEY, ProjectionExpression="sk, moved"
    )


@probe
def drop(table: str) -> Call:
    return lambda cloud, client: client("dynamodb").delete_table(TableName=PREFIX + table)


@probe
def send(queue: str) -> Call:
    body = NO_START if queue == "StartQueueUrl" else '{"events":[]}'
    return lambda cloud, client: client("sqs").send_message(
        QueueUrl=cloud.outputs[queue], MessageBody=body
    )


@probe
def receive(queue: str) -> Call:
    return lambda cloud, client: client("sqs").receive_message(
        QueueUrl=cloud.outputs[queue], VisibilityTimeout=0
    )


@probe
def secret(name: str) -> Call:
    return lambda cloud, client: client("secretsmanager").get_secret_value(
        SecretId=cloud.outputs[f"{name}SecretArn"]
    )


@probe
def start(machine: str) -> Call:
    return lambda cloud, client: client("stepfunctions").start_execution(
        stateMachineArn=f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{machine}", name="n"
    )


@probe
def stop(journey: str) -> Call:
    return lambda cloud, client: client("stepfunctions").stop_execution(
        executionArn=f"{cloud.machine(journey)}:no-run".replace(":stateMachine:", ":execution:")
    )


@probe
def history(journey: str) -> Call:
    return lambda cloud, client: client("stepfunctions").get_execution_history(
        executionArn=f"{cloud.machine(journey)}:no-run".replace(":stateMachine:", ":execution:")
    )


@probe
def change(journey: str) -> Call:
    return lambda cloud, client: client("stepfunctions").update_state_machine(
        stateMachineArn=cloud.machine(journey), definition="{}"
    )


@probe
def mail(sender: str = "hello@rechnungswerk.example") -> Call:
    return lambda cloud, client: client("sesv2").send_email(FromEmailAddress=sender, **TO_NOBODY)


@probe
def text() -> Call:
    return lambda cloud, client: client("sns").publish(PhoneNumber="+4915100000000", Message="-")


@probe
def publish(topic: str) -> Call:
    return lambda cloud, client: client("sns").publish(TopicArn=cloud.outputs[topic], Message="{}")


@probe
def invoke(function: str) -> Call:
    return lambda cloud, client: client("lambda").invoke(FunctionName=PREFIX + function)


# What a role may do, to see that the probe itself works; and what it must not. There is no journey
# "none": whoever may change or start any of ours hears that it does not exist.
MAY: dict[str, list[Probe]] = {
    "collect_event": [get("catalogue"), send("EventQueueUrl")],
    "answer_admin": [
        *(query("people"), query("people", "listing"), put("people"), get("timeline")),
        *(start(f"{PREFIX}none"), stop("onboarding")),
        *(send("EventQueueUrl"), send("StartQueueUrl")),
        *(secret("Admin"), secret("Identity"), invoke("publish_journey")),
    ],
    "answer_page": [get("people"), secret("Link")],
    "take_click": [get("people"), send("EventQueueUrl"), secret("Link")],
    "take_leave": [where_moved("people"), send("EventQueueUrl"), secret("Link")],
    "process_event": [
        *(query("people"), start(f"{PREFIX}none"), stop("onboarding")),
        *(send("EventQueueUrl"), send("StartQueueUrl"), send("TellQueueUrl")),
    ],
    "run_step": [
        *(get("timeline"), start(f"{PREFIX}none"), stop("onboarding")),
        *(send("EventQueueUrl"), send("StartQueueUrl"), secret("Link")),
    ],
    "start_run": [
        *(put("people"), get("catalogue"), history("onboarding")),
        *(start(f"{PREFIX}none"), stop("onboarding"), send("StartQueueUrl")),
    ],
    "tell_webhooks": [
        *(get("people"), get("timeline"), get("catalogue"), secret("Link")),
        *(send("TellQueueUrl"), send("EventDeadLettersUrl")),
    ],
    "close_run": [put("people"), get("catalogue")],
    "compare_runs": [
        *(put("people"), start(f"{PREFIX}none"), stop("onboarding"), send("StartQueueUrl")),
    ],
    "settle_messages": [put("people"), query("people", "listing")],
    "find_due": [get("people"), query("people", "listing"), send("EventQueueUrl")],
    "count_people": [
        *(query("people", "listing"), put("catalogue"), send("EventQueueUrl")),
    ],
    "learn_products": [
        *(query("people", "listing"), get("timeline"), put("catalogue")),
    ],
    "forecast_journey": [
        *(query("people", "listing"), get("timeline"), get("catalogue"), put("catalogue")),
        secret("Identity"),
    ],
    "publish_journey": [
        *(put("catalogue"), query("people", "listing"), history("onboarding"), change("none")),
        *(send("EventQueueUrl"), send("StartQueueUrl")),
    ],
}
# Those that erase or forecast write to a few partitions of the catalogue; MiniStack knows no
# LeadingKeys, so that they may write to no other is held by tests/infra/test_permissions.py.
MAY_NOT: dict[str, list[Probe]] = {
    "collect_event": [
        *(get("people"), get("timeline"), query("catalogue"), put("catalogue"), scan("catalogue")),
        *(secret("Identity"), secret("Link"), secret("Admin")),
        *(send("EventDeadLettersUrl"), receive("EventQueueUrl"), start(f"{PREFIX}onboarding")),
        *(mail(), text(), invoke("run_step"), invoke("publish_journey")),
    ],
    "answer_admin": [
        *(drop("people"), put("timeline"), secret("Link")),
        *(start("of-somebody-else"), history("onboarding"), change("onboarding"), mail(), text()),
        invoke("run_step"),
    ],
    "answer_page": [
        *(get("timeline"), put("catalogue"), secret("Admin"), start(f"{PREFIX}onboarding")),
        *(stop("onboarding"), mail(), text(), send("EventDeadLettersUrl")),
    ],
    "take_click": [
        *(query("people"), put("people"), get("timeline"), get("catalogue")),
        *(secret("Identity"), secret("Admin"), send("StartQueueUrl"), mail(), text()),
        *(receive("EventQueueUrl"), start(f"{PREFIX}onboarding"), invoke("run_step")),
    ],
    "take_leave": [
        *(get("people"), put("people"), query("people"), where_moved("timeline")),
        *(get("catalogue"), secret("Identity"), secret("Admin"), send("StartQueueUrl")),
        *(receive("EventQueueUrl"), start(f"{PREFIX}onboarding"), invoke("run_step")),
        *(mail(), text()),
    ],
    "process_event": [
        *(drop("people"), secret("Link"), secret("Admin")),
        *(mail(), text(), start("of-somebody-else"), change("onboarding"), invoke("run_step")),
        invoke("publish_journey"),
    ],
    "run_step": [
        *(put("timeline"), drop("people"), secret("Admin"), send("EventDeadLettersUrl")),
        *(mail("chief@elsewhere.example"), publish("EventTopicArn"), publish("AlarmTopicArn")),
        *(start("of-somebody-else"), change("onboarding"), invoke("publish_journey")),
    ],
    "start_run": [
        *(drop("people"), get("timeline"), put("catalogue"), secret("Identity"), secret("Link")),
        *(send("EventQueueUrl"), change("onboarding"), mail(), text(), start("of-somebody-else")),
    ],
    "tell_webhooks": [
        *(put("people"), put("timeline"), secret("Identity"), secret("Admin"), mail(), text()),
        *(send("EventQueueUrl"), send("StartQueueUrl"), start(f"{PREFIX}onboarding")),
    ],
    "close_run": [
        *(put("catalogue"), get("timeline"), secret("Identity"), start(f"{PREFIX}onboarding")),
        *(stop("onboarding"), mail(), text(), send("EventQueueUrl"), send("StartQueueUrl")),
    ],
    "compare_runs": [
        *(get("timeline"), put("catalogue"), secret("Identity"), secret("Link")),
        *(mail(), text(), send("EventQueueUrl"), history("onboarding"), change("onboarding")),
    ],
    "settle_messages": [
        *(get("timeline"), get("catalogue"), secret("Identity"), start(f"{PREFIX}onboarding")),
        *(mail(), text(), send("EventQueueUrl")),
    ],
    "find_due": [
        *(put("people"), get("timeline"), get("catalogue"), secret("Identity")),
        *(start(f"{PREFIX}onboarding"), stop("onboarding"), mail(), text()),
        *(send("StartQueueUrl"), invoke("publish_journey")),
    ],
    "count_people": [
        *(put("people"), get("timeline"), secret("Identity"), secret("Link"), secret("Admin")),
        *(start(f"{PREFIX}onboarding"), stop("onboarding"), mail(), text()),
        *(send("StartQueueUrl"), invoke("publish_journey")),
    ],
    "learn_products": [
        *(put("people"), put("timeline"), secret("Identity"), secret("Link"), secret("Admin")),
        *(start(f"{PREFIX}onboarding"), stop("onboarding"), mail(), text()),
        *(send("EventQueueUrl"), send("StartQueueUrl"), invoke("publish_journey")),
    ],
    "forecast_journey": [
        *(put("people"), put("timeline"), secret("Link"), secret("Admin"), mail(), text()),
        *(start(f"{PREFIX}onboarding"), stop("onboarding"), invoke("run_step")),
        *(send("EventQueueUrl"), send("StartQueueUrl"), invoke("publish_journey")),
    ],
    "publish_journey": [
        *(put("people"), get("timeline"), secret("Identity"), secret("Link"), secret("Admin")),
        *(start(f"{PREFIX}onboarding"), stop("onboarding"), mail(), text()),
    ],
}


@contextmanager
def lent(cloud: Cloud, role_arn: str) -> Iterator[Callable[[str], Any]]:
    """Clients that act with a role, as it is; for as long only somebody else may take it on."""
    iam, name = cloud.client("iam"), role_arn.rpartition("/")[2]
    before = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    us = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    both = {**before, "Statement": [*before["Statement"], us]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(both))
    try:
        taken = cloud.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="e2e")
        found = taken["Credentials"]
        session = boto3.Session(
            found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], REGION
        )
        yield session.client
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(before))


def role_of(cloud: Cloud, function: str) -> str:
    found = cloud.client("lambda").get_function_configuration(FunctionName=PREFIX + function)
    return str(found["Role"])


def is_refused(probe: Probe, cloud: Cloud, client: Callable[[str], Any]) -> bool:
    """Whether IAM says no; any other answer means that it said yes."""
    try:
        probe.call(cloud, client)
    except ClientError as error:
        return error.response["Error"]["Code"].startswith(("AccessDenied", "AuthorizationError"))
    return False


@pytest.mark.parametrize("function", MAY_NOT)
def test_a_lambda_may_do_its_own_work_only(cloud: Cloud, function: str) -> None:
    with lent(cloud, role_of(cloud, function)) as client:
        refused = [one.words for one in MAY[function] if is_refused(one, cloud, client)]
        assert not refused, "its own work is refused"
        tried = MAY_NOT[function]
        allowed = [one.words for one in tried if not is_refused(one, cloud, client)]
        assert not allowed, "what is none of its work is allowed"


def test_a_journey_may_run_steps_and_call_nothing_else(cloud: Cloud) -> None:
    machine = cloud.client("stepfunctions").describe_state_machine(
        stateMachineArn=cloud.machine("onboarding")
    )
    with lent(cloud, machine["roleArn"]) as client:
        others = [name for name in MAY_NOT if name != "run_step"]
        assert all(is_refused(invoke(name), cloud, client) for name in others)
        assert is_refused(get("people"), cloud, client)
        assert is_refused(mail(), cloud, client)
        assert not is_refused(invoke("run_step"), cloud, client)


def test_an_error_has_the_name_by_which_journeys_try_again(cloud: Cloud) -> None:
    no_run = {"journey": "onboarding", "version": "?", "step": "?", "run": "?", "person": "?"}
    answer = cloud.client("lambda").invoke(
        FunctionName=f"{PREFIX}run_step", Payload=json.dumps(no_run)
    )
    assert json.load(answer["Payload"])["errorType"] == "Temporary"


def test_every_lambda_of_the_stack_is_probed(cloud: Cloud) -> None:
    pages = cloud.client("lambda").get_paginator("list_functions").paginate()
    names = [function["FunctionName"] for page in pages for function in page["Functions"]]
    ours = {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)}
    assert ours == MAY.keys() == MAY_NOT.keys()
