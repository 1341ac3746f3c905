"""The parts in AWS, each made when it is first asked for: collecting needs only the queue."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from functions.handlers.aws_clients import client
from functions.handlers.wiring import Busy, Less, Parts
from functions.settings import Settings, from_environment, with_secrets

BUSY = ("RequestThrottled", "ThrottlingException", "OverLimit", "KMS.ThrottlingException")


class AwsParts(Parts):
    """Makes each part when it is first asked for, and keeps it."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        object.__setattr__(self, "_makers", makers)  # the class it extends is frozen

    def __getattr__(self, name: str) -> Any:
        make = self._makers.get(name) or _WITHOUT.get(name)
        if make is None:
            raise AttributeError(name)
        part = make()
        object.__setattr__(self, name, part)
        return part


# What the parts have where nothing is named for them, as they say themselves.
_WITHOUT = {
    one.name: one.default_factory for one in fields(Parts) if one.default_factory is not MISSING
}


def aws_parts() -> Parts:
    """Everything as this Lambda's environment names it."""
    settings = with_secrets(from_environment(), _secret)

    def store() -> Any:
        from functions.storage.dynamo import DynamoStore

        return DynamoStore(settings.table_prefix, settings.region)

    def library() -> Any:
        from time import monotonic

        from functions.storage.library import Library

        return Library(parts.store, monotonic)

    def workflow() -> Any:
        from functions.handlers import aws_workflow

        return aws_workflow.workflow(client("stepfunctions"), settings, parts.library, _put_off)

    def machines() -> Any:
        from functions.handlers import aws_workflow

        return aws_workflow.machines(client("stepfunctions"), settings, parts.library)

    def channels() -> Any:
        from functions.handlers import aws_channels

        return aws_channels.channels(settings, parts.store, client)

    def source() -> Any:
        from functions.storage.read_source import source_reader

        return source_reader(client("dynamodb"), settings.table_prefix)

    def _put_off(body: bytes) -> None:
        send(settings.start_queue_url, [body])

    parts = AwsParts(
        {
            "settings": lambda: settings,
            "store": store,
            "library": library,
            "workflow": workflow,
            "machines": machines,
            "channels": channels,
            "now": lambda: settings.now,
            "send_events": lambda: _sender(settings),
            "send_starts": lambda: (
                lambda bodies, delay: send(settings.start_queue_url, bodies, delay=delay)
            ),
            "send_tells": lambda: (
                lambda bodies, delay: send(settings.tell_queue_url, bodies, delay=delay)
            ),
            "publisher": lambda: _publisher(settings),
            "forecast": lambda: _forecaster(settings),
            "bury": lambda: _burier(settings),
            "source": source,
            "search_dead": lambda: lambda less: search_dead(settings.dead_letter_queue_url, less),
            "scrub": lambda: lambda records: None,  # there are no files
        }
    )
    return parts


def _secret(name: str) -> str:
    return str(client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])


def _sender(settings: Settings) -> Callable[[list[bytes], int], None]:
    return lambda bodies, delay: send(settings.event_queue_url, bodies, delay=delay)


def _publisher(settings: Settings) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Calls the publisher's Lambda and waits: it alone may change journeys and machines."""

    def order(asked: dict[str, Any]) -> dict[str, Any]:
        answer = client("lambda").invoke(
            FunctionName=settings.publisher, Payload=msgspec.json.encode(asked)
        )
        found: dict[str, Any] = msgspec.json.decode(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise RuntimeError(f"the publisher failed: {found.get('errorMessage')}")
        return found

    return order


def _forecaster(settings: Settings) -> Callable[[str], None]:
    """Calls the forecasts' Lambda, and does not wait."""

    def forecast(forecast_id: str) -> None:
        client("lambda").invoke(
            FunctionName=settings.forecaster,
            InvocationType="Event",
            Payload=msgspec.json.encode({"forecast": forecast_id}),
        )

    return forecast


def _burier(settings: Settings) -> Callable[[bytes, str], None]:
    return lambda body, reason: send(settings.dead_letter_queue_url, [body], reason)


def search_dead(queue_url: str, less: Less) -> int:
    """See Parts. What is looked at is hidden from others for a minute; a letter of which some is
    left goes back as a new one, with its reason."""
    changed, seen = 0, set[str]()
    while True:
        letters = client("sqs").receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=60,
            WaitTimeSeconds=1,
            MessageAttributeNames=["reason"],
        )
        fresh = [one for one in letters.get("Messages", ()) if one["MessageId"] not in seen]
        if not fresh:
            return changed
        for letter in fresh:
            seen.add(letter["MessageId"])
            left = less(letter["Body"].encode())
            if left is None:
                continue
            if left:
                reason = letter.get("MessageAttributes", {}).get("reason", {})
                send(queue_url, [left], reason.get("StringValue", ""))
            client("sqs").delete_message(QueueUrl=queue_url, ReceiptHandle=letter["ReceiptHandle"])
            changed += 1


def send(queue_url: str, bodies: list[bytes], reason: str = "", delay: int = 0) -> None:
    """Put messages on a queue, to come after `delay` seconds. Raises Busy."""
    attributes = {"reason": {"DataType": "String", "StringValue": reason}} if reason else {}
    for body in bodies:
        try:
            client("sqs").send_message(
                QueueUrl=queue_url,
                MessageBody=body.decode(),
                MessageAttributes=attributes,
                DelaySeconds=delay,
            )
        except ClientError as error:
            if error.response["Error"]["Code"].split(".")[-1] in BUSY:
                raise Busy from error
            raise
