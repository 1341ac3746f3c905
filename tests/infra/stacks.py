"""The stacks of both stages, synthesised once in a test process, without their zips."""

import atexit
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "1")

import aws_cdk
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from functions.folder import check_brand, read_folder
from infra.bundle import ROOT
from infra.stack import Tante
from infra.stages import read_stage

Resource = dict[str, Any]
# A company writes its own name into brand.yaml, and nothing here minds.
SENDER = check_brand(read_folder(ROOT / "statemachines").brand).sender.email
DOMAIN = SENDER.rpartition("@")[2]

OPTIONS: dict[str, dict[str, Any]] = {
    "dev": {"allow_list": "tester@shop.example,+4915112345678"},
    "prod": {
        "domain": DOMAIN,
        "hosted_zone_id": "Z0123456789",
        "alarm_email": "alarms@team.example",
        "monthly_budget": "200",
        "sms_origination": "arn:aws:sms-voice:eu-central-1:123456789012:pool/pool-1",
    },
}
STAGES = tuple(OPTIONS)


class Synthesised(NamedTuple):
    """A template, what it was made from, and what cdk-nag said of it."""

    app: aws_cdk.App
    stack: Tante
    file: Path
    template: dict[str, Any]
    report: dict[str, Any]

    def resources(self, kind: str) -> dict[str, Resource]:
        """The resources of a type, such as `SQS::Queue`, by logical id."""
        return {
            name: resource
            for name, resource in self.template["Resources"].items()
            if resource["Type"] in (f"AWS::{kind}", kind)
        }


@cache
def synthesised(stage: str, *changes: tuple[str, Any]) -> Synthesised:
    """The stack of a stage; `changes` are further options."""
    context = {
        **json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"],
        "aws:cdk:bundling-stacks": [],
        "stage": stage,
        **OPTIONS[stage],
        **dict(changes),
    }
    folder = Path(tempfile.mkdtemp(prefix="tante-synth-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    app = aws_cdk.App(analytics_reporting=False, context=context, outdir=str(folder))
    stack = Tante(app, read_stage(context))
    aws_cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    report = {"pluginReports": [{"pluginName": "none", "violations": []}]}
    try:
        app.synth()
    except RuntimeError as failed:
        if "ValidationFailed" not in str(failed):
            raise
    found = folder / "validation-report.json"
    if found.exists():
        report = json.loads(found.read_text("utf-8"))
    file = folder / f"{stack.stack_name}.template.json"
    return Synthesised(app, stack, file, json.loads(file.read_text("utf-8")), report)


class Statement(NamedTuple):
    """One statement of a policy: whose, and what it allows on what."""

    owner: str  # logical id without its hash
    kind: str  # the type of the resource that has the policy
    actions: list[str]
    resources: list[str]
    not_resources: list[str]
    principal: Any
    condition: Any


def allowed(stage: str, *changes: tuple[str, Any]) -> Iterator[Statement]:
    """Every statement that allows something, in whatever policy."""
    made = synthesised(stage, *changes)
    for name, resource in made.template["Resources"].items():
        properties = resource.get("Properties", {})
        documents = [properties.get("PolicyDocument"), properties.get("KeyPolicy")]
        documents += [one["PolicyDocument"] for one in properties.get("Policies", [])]
        for document in filter(None, documents):
            for one in document["Statement"]:
                if one["Effect"] == "Allow":
                    yield _statement(made, name, resource["Type"], one)


def _statement(made: Synthesised, name: str, kind: str, one: dict[str, Any]) -> Statement:
    def texts(key: str) -> list[str]:
        return [said(value) for value in listed(one.get(key, []))]

    return Statement(
        plain(name),
        kind,
        [str(action) for action in listed(one["Action"])],
        texts("Resource"),
        texts("NotResource"),
        one.get("Principal"),
        one.get("Condition"),
    )


def listed(value: Any) -> list[Any]:
    """A value that may stand alone or in a list, as a list."""
    return value if isinstance(value, list) else [value]


def plain(logical_id: str) -> str:
    """A logical id without the hash that CDK puts behind it."""
    return re.sub(r"[0-9A-F]{8}$", "", logical_id)


def said(value: Any) -> str:
    """A value of a template in one line, references as {Name.Attribute}."""
    if not isinstance(value, dict):
        return json.dumps(value) if isinstance(value, list | bool) else str(value)
    (function, content), *more = value.items()
    if more or function not in _FUNCTIONS:
        return json.dumps(value, sort_keys=True)
    return _FUNCTIONS[function](content)


_FUNCTIONS = {
    "Ref": lambda content: "{" + plain(content.removeprefix("AWS::")) + "}",
    "Fn::GetAtt": lambda content: "{" + f"{plain(content[0])}.{content[1]}" + "}",
    "Fn::Join": lambda content: content[0].join(map(said, content[1])),
    "Fn::Sub": str,
}
