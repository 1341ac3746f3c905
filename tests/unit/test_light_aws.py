"""The light caller of AWS: signed like botocore, tried once more, by one connection."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

import boto3
import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from functions.handlers import light_aws
from functions.handlers.light_aws import AwsError, Unreachable, call, signed
from functions.light_settings import Account
from tests.support.environment import aws

TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2060, 1, 1))  # noqa: DTZ001 naive on purpose


def by_botocore(
    headers: dict[str, str], body: bytes, service: str, who: Account, at: datetime
) -> dict[str, str]:
    request = AWSRequest("POST", f"https://{headers['host']}/", data=body, headers=headers)
    made = Credentials(who.key_id, who.secret_key, who.session_token or None)
    with patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: at):
        SigV4Auth(made, service, who.region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@given(st.binary(max_size=300), TEXT, TEXT, st.one_of(st.just(""), TEXT), TIMES)
def test_a_call_is_signed_as_botocore_signs_it(
    body: bytes, key_id: str, secret: str, token: str, at: datetime
) -> None:
    who = Account("eu-central-1", key_id, secret, token, "")
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "host": "sqs.eu-central-1.amazonaws.com",
        "x-amz-target": "AmazonSQS.SendMessage",
    }
    ours = signed(headers, body, "sqs", who, at.replace(tzinfo=UTC))
    theirs = by_botocore(headers, body, "sqs", who, at)
    assert ours["authorization"] == theirs["authorization"]
    assert ours["x-amz-date"] == theirs["x-amz-date"]
    assert ours.get("x-amz-security-token") == theirs.get("x-amz-security-token")


class Server:
    """Answers one call after the other as it is told (None: not at all), and counts connections;
    what it was not told, as `by` says."""

    def __init__(
        self,
        *answers: tuple[int, dict[str, Any]] | None,
        by: Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]]] = lambda *_: (200, {}),
    ) -> None:
        self.answers, self.connections, self.calls, self.by = list(answers), 0, 0, by


@contextmanager
def serving(server: Server) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            server.connections += 1
            super().setup()

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["content-length"]))
            server.calls += 1
            said = (self.headers["x-amz-target"], json.loads(asked))
            answer = server.answers.pop(0) if server.answers else server.by(*said)
            if answer is None:
                self.close_connection = True
                return
            body = json.dumps(answer[1], default=str).encode()
            self.send_response(answer[0])
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    light_aws._kept.clear()
    try:
        there = f"http://127.0.0.1:{made.server_address[1]}"
        # What moto answers must not be asked of ourselves again.
        with aws(AWS_ENDPOINT_URL=there, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true"):
            yield
    finally:
        made.shutdown()
        made.server_close()


SERVICES = {target: name for name, (target, _) in light_aws.PROTOCOLS.items()}


def by_moto(target: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """What moto answers to this call; it has no server of its own here."""
    service, _, operation = target.partition(".")
    client = boto3.client(SERVICES[service], region_name="eu-central-1")
    try:
        answer = client._make_api_call(operation, body)
    except ClientError as error:
        said = error.response["Error"]
        return 400, {"__type": f"com.amazonaws#{said['Code']}", "message": said["Message"]}
    return 200, {name: value for name, value in answer.items() if name != "ResponseMetadata"}


@mock_aws
def test_a_queue_a_table_and_a_secret_can_be_used() -> None:
    with serving(Server(by=by_moto)):
        queue = call("sqs", "CreateQueue", {"QueueName": "events"})["QueueUrl"]
        asked = {"Name": "links", "SecretString": '{"1": "00"}'}
        secret = call("secretsmanager", "CreateSecret", asked)["ARN"]
        table = {
            "TableName": "people",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
        boto3.client("dynamodb", region_name="eu-central-1").create_table(**table)
        assert call("sqs", "SendMessage", {"QueueUrl": queue, "MessageBody": "ä"})["MessageId"]
        found = call("secretsmanager", "GetSecretValue", {"SecretId": secret})
        assert found["SecretString"] == '{"1": "00"}'
        item = {"pk": {"S": "p"}, "word": {"S": "hello"}}
        put = {"TableName": "people", "Item": item}
        call("dynamodb", "PutItem", put)
        got = call("dynamodb", "GetItem", {"TableName": "people", "Key": {"pk": {"S": "p"}}})
        assert got["Item"] == item
        with pytest.raises(AwsError) as refused:
            call("dynamodb", "PutItem", {**put, "ConditionExpression": "attribute_not_exists(pk)"})
        assert refused.value.code == "ConditionalCheckFailedException"
        bodies = call("sqs", "ReceiveMessage", {"QueueUrl": queue})["Messages"]
        assert [one["Body"] for one in bodies] == ["ä"]


def ask() -> dict[str, Any]:
    return call("sqs", "SendMessage", {}, nap=lambda seconds: None)


def test_calls_to_one_host_share_a_connection() -> None:
    server = Server()
    with serving(server):
        assert [ask(), ask(), ask()] == [{}, {}, {}]
    assert (server.calls, server.connections) == (3, 1)


@pytest.mark.parametrize(
    "first",
    [None, (500, {}), (503, {}), (400, {"__type": "com.amazon.coral#ThrottlingException"})],
)
def test_what_another_try_can_mend_is_tried_once_more(first: Any) -> None:
    server = Server(first, (200, {"MessageId": "1"}))
    with serving(server):
        assert ask() == {"MessageId": "1"}
    assert server.calls == 2


def test_two_tries_are_all() -> None:
    server = Server((500, {}), (500, {}), (200, {}))
    with serving(server), pytest.raises(AwsError):
        ask()
    assert server.calls == 2


def test_a_refusal_is_not_asked_again() -> None:
    server = Server((400, {"__type": "AccessDeniedException", "message": "no"}))
    with serving(server), pytest.raises(AwsError, match="AccessDeniedException: no"):
        ask()
    assert server.calls == 1


def test_who_cannot_be_reached_is_told_apart() -> None:
    light_aws._kept.clear()
    with aws(AWS_ENDPOINT_URL="http://127.0.0.1:9"), pytest.raises(Unreachable):
        ask()
