"""The parts in AWS: DynamoDB, SQS, Step Functions, SES and SNS, by boto3; clients made once."""

import hashlib
import json
from datetime import datetime
from functools import cache
from time import monotonic
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from functions.channels.channel import Channel, Outgoing
from functions.channels.email import Email
from functions.channels.outbox import Outbox
from functions.channels.sms import Sms
from functions.handlers.wiring import Busy, Parts
from functions.journeys.workflow import Workflow
from functions.settings import Settings, from_environment
from functions.storage.dynamo import DynamoStore
from functions.storage.library import Library
from functions.storage.store import Store
from functions.tracking.message import Kept
from functions.tracking.source import Source

BUSY = ("RequestThrottled", "ThrottlingException", "OverLimit", "KMS.ThrottlingException")


# When an answer is lost, boto3 would send a message a second time.
ONCE_ONLY = ("sesv2", "sns")


@cache
def _client(name: str) -> Any:
    retries = 0 if name in ONCE_ONLY else 4
    return boto3.client(name, config=Config(retries={"mode": "standard", "max_attempts": retries}))


def aws_parts() -> Parts:
    """Everything as this Lambda's environment names it."""
    settings = from_environment()
    store = DynamoStore(settings.table_prefix, settings.region)
    return Parts(
        settings=settings,
        store=store,
        library=Library(store, monotonic),
        workflow=Workflow(_start(settings), _stop(settings), _succeed, _fail),
        channels=_channels(settings, store),
        now=settings.now,
        send_events=lambda bodies: _send(settings.event_queue_url, bodies, ""),
        bury=lambda body, reason: _send(settings.dead_letter_queue_url, [body], reason),
        source=lambda write_key: find_source(store, write_key),
    )


def find_source(store: Store, write_key: str) -> Source | None:
    """Who sends with this write key; keys are kept as hashes only."""
    source = store.get(Source, hashlib.sha256(write_key.encode()).hexdigest())
    return None if source is None or source.revoked else source


def _send(queue_url: str, bodies: list[bytes], reason: str) -> None:
    attributes = {"reason": {"DataType": "String", "StringValue": reason}} if reason else {}
    for body in bodies:
        try:
            _client("sqs").send_message(
                QueueUrl=queue_url, MessageBody=body.decode(), MessageAttributes=attributes
            )
        except ClientError as error:
            if error.response["Error"]["Code"].split(".")[-1] in BUSY:
                raise Busy from error
            raise


def _start(settings: Settings) -> Any:
    def start(journey: str, version: str, name: str, names: dict[str, Any]) -> None:
        machine = f"{settings.state_machine_arns}{journey}"
        try:
            _client("stepfunctions").start_execution(
                stateMachineArn=machine, name=name, input=json.dumps(names)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise

    return start


def _stop(settings: Settings) -> Any:
    def stop(journey: str, name: str, outcome: str) -> None:
        machine = f"{settings.state_machine_arns}{journey}"
        arn = machine.replace(":stateMachine:", ":execution:") + f":{name}"
        try:
            _client("stepfunctions").stop_execution(executionArn=arn, error="Exit", cause=outcome)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise

    return stop


def _answered(error: ClientError) -> bool:
    """Whether the token is dead already, which is not an error."""
    return error.response["Error"]["Code"] in ("TaskTimedOut", "TaskDoesNotExist")


def _succeed(token: str, output: dict[str, Any]) -> bool:
    try:
        _client("stepfunctions").send_task_success(taskToken=token, output=json.dumps(output))
    except ClientError as error:
        if _answered(error):
            return False
        raise
    return True


def _fail(token: str, name: str, cause: str) -> bool:
    try:
        _client("stepfunctions").send_task_failure(taskToken=token, error=name, cause=cause)
    except ClientError as error:
        if _answered(error):
            return False
        raise
    return True


def _channels(settings: Settings, store: Store) -> dict[str, Channel]:
    email = Email(_client("sesv2"), settings.configuration_set)
    sms = Sms(_client("sns"), settings.sms_sender_id)
    if settings.is_prod:
        return {"email": email, "sms": sms}

    def keep(channel: str) -> Any:
        return lambda message: store.write([kept(channel, message, settings.now())])

    allowed = settings.allow_list
    return {
        "email": Outbox(keep("email"), email, allowed),
        "sms": Outbox(keep("sms"), sms, allowed),
    }


def kept(channel: str, message: Outgoing, now: datetime) -> Kept:
    """The record that the outbox keeps of a message."""
    return Kept(
        send_id=message.send_id,
        channel=channel,
        to=message.to,
        time=now,
        subject=message.subject,
        text=message.text,
        html=message.html,
        headers=dict(message.headers),
        tags=dict(message.tags),
        person=message.person,
    )
