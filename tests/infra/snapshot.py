"""The stacks as text to review: `python -m tests.infra.snapshot` writes it anew."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.infra.stacks import DOMAIN, SENDER, STAGES, Resource, allowed, plain, said, synthesised

HERE = Path(__file__).parent

# type -> the properties worth a look; a dot leads into a property.
SHOWN = {
    "AWS::ApiGatewayV2::Route": ("RouteKey",),
    "AWS::ApiGatewayV2::Stage": ("DefaultRouteSettings",),
    "AWS::CloudWatch::Alarm": ("MetricName", "Threshold", "Period"),
    "AWS::DynamoDB::Table": (
        "TableName",
        "BillingMode",
        "DeletionProtectionEnabled",
        "SSESpecification.KMSMasterKeyId",
    ),
    "AWS::Events::Rule": ("ScheduleExpression", "EventPattern.detail-type"),
    "AWS::KMS::Key": ("EnableKeyRotation", "PendingWindowInDays"),
    "AWS::Lambda::EventInvokeConfig": ("MaximumRetryAttempts", "MaximumEventAgeInSeconds"),
    "AWS::Lambda::EventSourceMapping": (
        "EventSourceArn",
        "BatchSize",
        "ScalingConfig.MaximumConcurrency",
    ),
    "AWS::Lambda::Function": ("Runtime", "MemorySize", "Timeout"),
    "AWS::Logs::LogGroup": ("LogGroupName", "RetentionInDays"),
    "AWS::Route53::RecordSet": ("Type", "Name"),
    "AWS::SES::EmailIdentity": ("EmailIdentity", "MailFromAttributes.MailFromDomain"),
    "AWS::SNS::Subscription": ("Protocol", "Endpoint"),
    "AWS::SQS::Queue": ("QueueName", "VisibilityTimeout", "RedrivePolicy.maxReceiveCount"),
    "AWS::StepFunctions::StateMachine": ("StateMachineType",),
    "Custom::Published": ("ServiceTimeout",),
}
# Told by the statements below.
POLICIES = ("AWS::IAM::Policy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")


def snapshot(stage: str) -> str:
    """One line a resource, one a permission, one a setting of a Lambda. Journeys come and go
    without a word here: what each of them brings is shown once."""
    kinds = (resources(stage), permissions(stage), settings(stage))
    parts = [sorted({_own(line) for line in lines}) for lines in kinds]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def resources(stage: str) -> Iterator[str]:
    for name, one in synthesised(stage).template["Resources"].items():
        kind, properties = one["Type"], one.get("Properties", {})
        if kind in POLICIES:
            continue
        if _is_of_a_journey(one):
            name = "of each journey"
        values = [
            f"{path.rpartition('.')[2]}={said(value)}"
            for path in SHOWN.get(kind, ())
            if (value := _at(properties, path)) is not None
        ]
        kept = ["kept"] if one.get("DeletionPolicy", "Delete") != "Delete" else []
        yield "  ".join([kind.removeprefix("AWS::"), plain(name), *values, *kept])


def permissions(stage: str) -> Iterator[str]:
    for one in allowed(stage):
        if one.principal and one.kind == "AWS::IAM::Role":
            continue
        who = one.owner.removesuffix("RoleDefaultPolicy").removesuffix("DefaultPolicy")
        if one.principal:
            who = f"{said(one.principal)} at {who}"
        what = one.resources or [f"all but {resource}" for resource in one.not_resources]
        yield f"{who} may {', '.join(one.actions)} on {', '.join(sorted(map(_own, what)))}"


def settings(stage: str) -> Iterator[str]:
    for one in synthesised(stage).resources("Lambda::Function").values():
        properties = one["Properties"]
        for name, value in properties["Environment"]["Variables"].items():
            yield f"{properties['FunctionName']} is told {name}={said(value)}"


def _own(text: str) -> str:
    """The same for every company."""
    return text.replace(SENDER, "sender@own.example").replace(DOMAIN, "own.example")


def _is_of_a_journey(one: Resource) -> bool:
    dimensions = one.get("Properties", {}).get("Dimensions") or [{}]
    machine = one["Type"] == "AWS::StepFunctions::StateMachine"
    return machine or dimensions[0].get("Name") == "StateMachineArn"


def _at(properties: Any, path: str) -> Any:
    for part in path.split("."):
        properties = properties.get(part) if isinstance(properties, dict) else None
    return properties


def file_of(stage: str) -> Path:
    return HERE / f"snapshot-{stage}.txt"


if __name__ == "__main__":
    for stage in STAGES:
        file_of(stage).write_text(snapshot(stage), "utf-8")
