"""After all that the other tests did: nothing was refused, and nothing lies where it failed."""

import pytest

from tests.e2e.cloud import PREFIX, Cloud


def test_no_lambda_was_refused_a_call(cloud: Cloud) -> None:
    logs = cloud.client("logs")
    pages = logs.get_paginator("filter_log_events")
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{PREFIX}")["logGroups"]
    assert groups
    refused = [
        (group["logGroupName"], event["message"][:500])
        for group in groups
        for page in pages.paginate(logGroupName=group["logGroupName"])
        for event in page["events"]
        if "AccessDenied" in event["message"]
    ]
    assert not refused


@pytest.mark.parametrize("queue", ["StartDeadLettersUrl", "FailedCallsUrl"])
def test_nothing_was_given_up(cloud: Cloud, queue: str) -> None:
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = cloud.client("sqs").get_queue_attributes(
        QueueUrl=cloud.outputs[queue], AttributeNames=counts
    )
    assert found["Attributes"] == dict.fromkeys(counts, "0")
