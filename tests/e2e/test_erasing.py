"""Who asks to be erased is in no table, queue, dead letter or execution of the cloud."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.storage.kinds import KINDS
from functions.storage.packing import unpack
from tests.e2e.cloud import PREFIX, Cloud
from tests.e2e.patience import eventually

EVE, PHONE, NAME = "eve@elsewhere.example", "+4915199988877", "Evelina-Sophie"
WORDS = (EVE, PHONE, NAME.lower(), "erased-eve")


@pytest.fixture(scope="module", autouse=True)
def cast(cloud: Cloud) -> None:
    """Eve permits tips by e-mail and buys the basic licence, so that a run of hers waits."""
    with cloud.shop() as shop:
        shop.identify("erased-eve", {"email": EVE, "phone": PHONE, "firstName": NAME})
        said = {"channel": "email", "purposes": ["product tips"], "text": "2026-11 form"}
        shop.track("erased-eve", "Consent Given", said)
        order = {"order_id": "eve-1", "revenue": 9, "currency": "EUR"}
        shop.track("erased-eve", "Order Completed", {**order, "products": [{"sku": "basic-1y"}]})


def kind_of(sort: str) -> type[Any] | None:
    """None of what other tests wrote to see whether they may."""
    kinds = (
        kind
        for kind, where in KINDS.items()
        if sort == where.prefix or sort.startswith(f"{where.prefix}#")
    )
    return next(kinds, None)


def records(cloud: Cloud) -> Iterator[str]:
    """Every item of every table, decoded, as text."""
    tables = cloud.client("dynamodb").list_tables()["TableNames"]
    for table in (name for name in tables if name.startswith(PREFIX)):
        for page in cloud.client("dynamodb").get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                key, kind = item["pk"]["S"], kind_of(item["sk"]["S"])
                record = unpack(kind, key, item["body"]["B"], None) if kind else item
                yield f"{table} {key} {item['sk']['S']} {record!r}"


def executions(cloud: Cloud) -> Iterator[str]:
    """What every execution was given and has answered."""
    client = cloud.client("stepfunctions")
    for machine in client.list_state_machines()["stateMachines"]:
        arn = machine["stateMachineArn"]
        for one in client.list_executions(stateMachineArn=arn)["executions"]:
            said = client.describe_execution(executionArn=one["executionArn"])
            yield f"{said['name']} {said['input']} {said.get('output')} {said.get('cause')}"


def queues(cloud: Cloud) -> Iterator[str]:
    """What lies in queues and dead letters; it is seen, not taken."""
    client = cloud.client("sqs")
    for url in client.list_queues(QueueNamePrefix=PREFIX)["QueueUrls"]:
        asked = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
        for letter in client.receive_message(QueueUrl=url, **asked).get("Messages", []):
            yield f"{url} {letter['Body']}"


def traces(cloud: Cloud) -> list[str]:
    """Where any of Eve's words stands."""
    places = [*records(cloud), *executions(cloud), *queues(cloud)]
    return [place for place in places if any(word in place.lower() for word in WORDS)]


def test_after_an_erasure_no_table_execution_or_queue_knows_the_person(cloud: Cloud) -> None:
    eventually("Eve's welcome", lambda: cloud.kept(EVE))
    profile = cloud.profile("erased-eve")
    assert profile
    assert traces(cloud)
    (run,) = eventually("Eve's run", lambda: cloud.runs("erased-eve", "onboarding"))

    said = json.dumps(cloud.delete(f"/api/people/{profile.person}"))
    assert not any(word in said.lower() for word in WORDS)
    eventually("nothing of her", lambda: traces(cloud), lambda left: not left)
    # Stopped; or it came to a step just then, which told it that the person is gone.
    status = cloud.execution(run)["status"]
    assert status in ("ABORTED", "SUCCEEDED")
    assert cloud.get(f"/api/erasures/{profile.person}")["erasures"][0]["found"]
