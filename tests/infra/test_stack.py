"""What holds for Lambdas, queues, tables, secrets, the API and the alarms."""

import ast
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from functions.folder import read_folder
from functions.handlers import breaking, coding, costing, pumping
from functions.storage.dynamo import _ListedRow, _Row
from functions.storage.kinds import LISTED_TABLES, TABLES
from infra.bundle import ROOT
from infra.journeys import content_hash
from tests.infra.stacks import DOMAIN, STAGES, Resource, said, synthesised

CONTRACT = {
    "collect_event",
    "answer_admin",
    "answer_page",
    "take_click",
    "take_leave",
    "process_event",
    "run_step",
    "start_run",
    "tell_webhooks",
    "close_run",
    "publish_journey",
    "compare_runs",
    "settle_messages",
    "find_due",
    "count_people",
    "learn_products",
    "forecast_journey",
}


def lambdas(stage: str) -> dict[str, dict[str, Any]]:
    """The properties of every Lambda by the name of its file."""
    found = [one["Properties"] for one in synthesised(stage).resources("Lambda::Function").values()]
    return {one["FunctionName"].removeprefix(f"tante-{stage}-"): one for one in found}


def readable() -> set[str]:
    """The environment variables that functions/settings.py reads."""
    tree = ast.parse((ROOT / "functions" / "settings.py").read_text("utf-8"))
    return {
        f"TANTE_{call.args[0].value}"
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("text", "time")
        and isinstance(call.args[0], ast.Constant)
    }


@pytest.mark.parametrize("stage", STAGES)
def test_every_lambda_is_a_file_with_a_handler(stage: str) -> None:
    assert lambdas(stage).keys() == CONTRACT
    for name, one in lambdas(stage).items():
        assert one["Handler"] == f"functions.handlers.{name}.handler"
        tree = ast.parse((ROOT / "functions" / "handlers" / f"{name}.py").read_text("utf-8"))
        assert any(isinstance(n, ast.FunctionDef) and n.name == "handler" for n in tree.body)


@pytest.mark.parametrize("stage", STAGES)
def test_every_setting_of_a_lambda_is_one_that_is_read_and_no_secret(stage: str) -> None:
    assert {"TANTE_STAGE", "TANTE_CLOCK_START"} <= readable()
    for name, one in lambdas(stage).items():
        variables = one["Environment"]["Variables"]
        assert variables.keys() <= readable(), name
        assert all(variables.values()), name
        for key in variables.keys() & {f"TANTE_{kind}_SECRET" for kind in ("IDENTITY", "LINK")}:
            assert said(variables[key]).startswith("{Secrets"), key
    assert "resolve:" not in json.dumps(synthesised(stage).template)


@pytest.mark.parametrize("stage", STAGES)
def test_every_lambda_has_a_role_a_log_a_limit_and_memory_of_its_own(stage: str) -> None:
    made = synthesised(stage)
    logs = made.resources("Logs::LogGroup")
    found = lambdas(stage)
    assert len({said(one["Role"]) for one in found.values()}) == len(found)
    assert len({said(one["LoggingConfig"]["LogGroup"]) for one in found.values()}) == len(found)
    for name, one in found.items():
        log = logs[one["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]
        assert log["LogGroupName"] == f"/aws/lambda/tante-{stage}-{name}"
        assert one["LoggingConfig"]["LogFormat"] == "JSON"
        assert 10 <= one["Timeout"] <= 900
        # Only what keeps many people in its memory at once has more.
        assert 512 <= one["MemorySize"] <= (3072 if name == "forecast_journey" else 1024)
        assert one["Runtime"] == "python3.13"
        assert one["Architectures"] == ["arm64"]
        assert "ReservedConcurrentExecutions" not in one
    assert all(log["Properties"]["RetentionInDays"] <= 30 for log in logs.values())


def queues(stage: str) -> dict[str, dict[str, Any]]:
    found = synthesised(stage).resources("SQS::Queue")
    return {name: one["Properties"] for name, one in found.items()}


def dead_letters(stage: str) -> set[str]:
    """Queues that something ends in: a queue's, a subscription's, a rule's, a Lambda's."""
    made = synthesised(stage)
    ends = [
        one.get("RedrivePolicy", {}).get("deadLetterTargetArn") for one in queues(stage).values()
    ]
    for one in made.resources("SNS::Subscription").values():
        ends.append(one["Properties"].get("RedrivePolicy", {}).get("deadLetterTargetArn"))
    for one in made.resources("Events::Rule").values():
        ends += [target["DeadLetterConfig"]["Arn"] for target in one["Properties"]["Targets"]]
    for one in made.resources("Lambda::EventInvokeConfig").values():
        ends.append(one["Properties"]["DestinationConfig"]["OnFailure"]["Destination"])
    return {end["Fn::GetAtt"][0] for end in ends if end}


@pytest.mark.parametrize("stage", STAGES)
def test_every_queue_that_is_worked_on_has_dead_letters_a_consumer_and_patience(stage: str) -> None:
    made = synthesised(stage)
    sources = {
        one["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]: one["Properties"]
        for one in made.resources("Lambda::EventSourceMapping").values()
    }
    worked_on = queues(stage).keys() - dead_letters(stage)
    assert len(worked_on) == 3
    functions = made.resources("Lambda::Function")
    for name in worked_on:
        queue, source = queues(stage)[name], sources[name]
        consumer = functions[source["FunctionName"]["Ref"]]["Properties"]
        assert queue["VisibilityTimeout"] >= 6 * consumer["Timeout"]
        assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["ScalingConfig"]["MaximumConcurrency"] >= 2


@pytest.mark.parametrize("stage", STAGES)
def test_every_queue_is_encrypted_and_keeps_what_it_has_for_two_weeks(stage: str) -> None:
    for queue in queues(stage).values():
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["MessageRetentionPeriod"] == timedelta(days=14).total_seconds()
    policies = synthesised(stage).resources("SQS::QueuePolicy").values()
    with_tls_only = {
        one["Properties"]["Queues"][0]["Ref"]
        for one in policies
        if '"aws:SecureTransport": "false"' in json.dumps(one)
    }
    assert with_tls_only == queues(stage).keys()


def alarms(stage: str) -> list[dict[str, Any]]:
    found = synthesised(stage).resources("CloudWatch::Alarm").values()
    return [one["Properties"] for one in found]


def watched(stage: str, metric: str) -> set[str]:
    """The logical ids whose metric an alarm watches."""
    found = set()
    for one in alarms(stage):
        if one["MetricName"] == metric:
            for dimension in one.get("Dimensions", []):
                value = dimension["Value"]
                found.add(value.get("Ref") or value["Fn::GetAtt"][0])
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_every_dead_letter_queue_and_every_lambda_and_machine_has_its_alarms(stage: str) -> None:
    made = synthesised(stage)
    assert watched(stage, "ApproximateNumberOfMessagesVisible") == dead_letters(stage)
    assert watched(stage, "ApproximateAgeOfOldestMessage") == queues(stage).keys() - dead_letters(
        stage
    )
    for metric in ("Errors", "Throttles"):
        assert watched(stage, metric) == made.resources("Lambda::Function").keys()
    for metric in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionThrottled"):
        assert watched(stage, metric) == made.resources("StepFunctions::StateMachine").keys()
    for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
        assert watched(stage, metric) == made.resources("DynamoDB::Table").keys()


@pytest.mark.parametrize("stage", STAGES)
def test_every_alarm_says_what_it_means_and_tells_the_topic(stage: str) -> None:
    for one in alarms(stage):
        assert one["AlarmDescription"].endswith("."), one["AlarmName"]
        assert said(one["AlarmActions"][0]) == "{MonitoringAlarms}"
        assert one["TreatMissingData"] == "notBreaching"


LINES = {
    "BudgetExceeded": {costing.OVER, costing.WILL_BE_OVER, costing.NOT_CHECKED},
    "CodesLow": {coding.NONE_LEFT, coding.LOW},
    "SendingStopped": {breaking.SAID},
    "SmsPumping": {pumping.PUMPING},
}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("stage", STAGES)
def test_what_the_code_logs_as_an_alarm_rings(stage: str, name: str) -> None:
    made = synthesised(stage).resources("Logs::MetricFilter").values()
    filters = [one["Properties"] for one in made]
    found = [one for one in filters if one["MetricTransformations"][0]["MetricName"] == name]
    assert found
    for one in found:
        assert set(re.findall(r'= "([^"]*)"', one["FilterPattern"])) == LINES[name]
    assert [one["Threshold"] for one in alarms(stage) if one["MetricName"] == name] == [1]


def test_ses_and_money_are_watched_account_wide() -> None:
    limits = {one["MetricName"]: one["Threshold"] for one in alarms("prod")}
    assert limits["Reputation.BounceRate"] == 0.05
    assert limits["Reputation.ComplaintRate"] == 0.001
    assert limits["SMSMonthToDateSpentUSD"] == 100
    Template.from_json(synthesised("prod").template).has_resource_properties(
        "AWS::Budgets::Budget",
        {"Budget": Match.object_like({"BudgetLimit": {"Amount": 200, "Unit": "USD"}})},
    )
    assert not synthesised("dev").resources("Budgets::Budget")


KEPT = ("DynamoDB::Table", "SecretsManager::Secret", "KMS::Key", "StepFunctions::StateMachine")


@pytest.mark.parametrize("kind", [*KEPT, "SQS::Queue"])
def test_what_holds_data_stays_in_prod_and_goes_in_dev(kind: str) -> None:
    def policies(stage: str) -> set[tuple[str, str]]:
        found = synthesised(stage).resources(kind).values()
        return {(one["DeletionPolicy"], one["UpdateReplacePolicy"]) for one in found}

    assert policies("prod") == {("RetainExceptOnCreate", "Retain")}
    assert policies("dev") == {("Delete", "Delete")}


def test_prod_cannot_be_deleted_by_mistake_and_dev_can_be_destroyed() -> None:
    assert synthesised("prod").stack.termination_protection is True
    assert synthesised("dev").stack.termination_protection is False
    for stage, protected in (("prod", True), ("dev", False)):
        for table in synthesised(stage).resources("DynamoDB::Table").values():
            assert table["Properties"].get("DeletionProtectionEnabled", False) is protected


@pytest.mark.parametrize("stage", STAGES)
def test_tables_are_those_that_the_store_expects(stage: str) -> None:
    found = [one["Properties"] for one in synthesised(stage).resources("DynamoDB::Table").values()]
    tables = {one["TableName"].removeprefix(f"tante-{stage}-"): one for one in found}
    assert tables.keys() == set(TABLES)
    index = _ListedRow.index
    for name, one in tables.items():
        assert _keys(one) == [_Row._hash_keyname, _Row._range_keyname]
        assert one["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
        assert one["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert one["BillingMode"] == "PAY_PER_REQUEST"
        encrypted = one.get("SSESpecification", {}).get("KMSMasterKeyId")
        assert bool(encrypted) is (name in ("people", "timeline"))
        indexes = one.get("GlobalSecondaryIndexes", [])
        assert len(indexes) == (name in LISTED_TABLES)
        for made in indexes:
            assert made["IndexName"] == index.Meta.index_name
            assert _keys(made) == ["listing", "listed"]
            assert made["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def _keys(of: Resource) -> list[str]:
    assert [one["KeyType"] for one in of["KeySchema"]] == ["HASH", "RANGE"]
    return [one["AttributeName"] for one in of["KeySchema"]]


@pytest.mark.parametrize("stage", STAGES)
def test_secrets_are_made_by_aws_and_consist_of_hexadecimal_digits(stage: str) -> None:
    made = synthesised(stage).resources("SecretsManager::Secret")
    assert len(made) == 3
    for one in made.values():
        assert "SecretString" not in one["Properties"]
        how = one["Properties"]["GenerateSecretString"]
        printable = {chr(code) for code in range(33, 127)}
        assert printable - set(how["ExcludeCharacters"]) == set("0123456789abcdef")
        assert how["PasswordLength"] == 64
        assert how["GenerateStringKey"] in ("key", "1")


@pytest.mark.parametrize("stage", STAGES)
def test_routes_lead_to_those_who_answer_them(stage: str) -> None:
    made = synthesised(stage)
    integrations = made.resources("ApiGatewayV2::Integration")
    routes = {}
    for one in made.resources("ApiGatewayV2::Route").values():
        target = one["Properties"]["Target"]["Fn::Join"][1][1]["Ref"]
        integration = integrations[target]["Properties"]
        assert integration["PayloadFormatVersion"] == "2.0"
        routes[one["Properties"]["RouteKey"]] = said(integration["IntegrationUri"])
    assert routes == {
        "$default": "{CollectEventFunction.Arn}",
        **{
            f"{method} /api/{{proxy+}}": "{AnswerAdminFunction.Arn}"
            for method in ("GET", "POST", "PUT", "DELETE")
        },
        "GET /openapi.json": "{AnswerAdminFunction.Arn}",
        "GET /leave/{token}": "{AnswerPageFunction.Arn}",
        **{
            f"{method} /{door}/{{token}}": "{TakeClickFunction.Arn}"
            for door in "cods"
            for method in ("GET", "HEAD")
        },
        "GET /preferences/{token}": "{AnswerPageFunction.Arn}",
        "POST /preferences/{token}": "{AnswerPageFunction.Arn}",
        "GET /confirm/{token}": "{AnswerPageFunction.Arn}",
        "POST /confirm/{token}": "{AnswerPageFunction.Arn}",
        **{
            f"{method} /forms/{{name}}": "{AnswerPageFunction.Arn}"
            for method in ("GET", "POST", "OPTIONS")
        },
        "POST /leave/{token}": "{TakeLeaveFunction.Arn}",
    }


@pytest.mark.parametrize("stage", STAGES)
def test_the_access_log_says_nothing_of_the_caller_and_the_api_is_throttled(stage: str) -> None:
    (door,) = synthesised(stage).resources("ApiGatewayV2::Stage").values()
    logged = json.loads(door["Properties"]["AccessLogSettings"]["Format"])
    assert {"requestId", "route", "status", "milliseconds"} <= logged.keys()
    for value in logged.values():
        assert not any(word in value for word in ("identity", "path", "agent", "protocol", "Ip"))
    limits = door["Properties"]["DefaultRouteSettings"]
    assert 0 < limits["ThrottlingRateLimit"] <= limits["ThrottlingBurstLimit"]


@pytest.mark.parametrize("stage", STAGES)
def test_logs_of_runs_hold_no_data(stage: str) -> None:
    for one in synthesised(stage).resources("StepFunctions::StateMachine").values():
        log = one["Properties"]["LoggingConfiguration"]
        assert log["IncludeExecutionData"] is False
        assert log["Level"] == "ERROR"


@pytest.mark.parametrize("stage", STAGES)
def test_publishing_comes_after_every_machine(stage: str) -> None:
    made = synthesised(stage)
    (published,) = made.resources("Custom::Published").values()
    machines = made.resources("StepFunctions::StateMachine")
    assert machines.keys() <= set(published["DependsOn"])
    names = {one["Properties"]["StateMachineName"] for one in machines.values()}
    assert {f"tante-{stage}-{name}" for name in published["Properties"]["Journeys"]} == names
    folder = read_folder(ROOT / "statemachines")
    assert published["Properties"]["Folder"] == content_hash(folder)


def test_publishing_comes_again_when_a_word_has_changed() -> None:
    before = content_hash(read_folder(ROOT / "statemachines"))
    for change in ("brand", "segments", "parts", "journeys"):
        folder = read_folder(ROOT / "statemachines")
        if change == "brand":
            folder.brand += " "
        elif change == "segments":
            folder.live["segments.yaml"] += " "
        elif change == "parts":
            folder.parts["../parts/header.mjml"] += " "
        else:
            folder.journeys["upsell"]["journey.yaml"] += " "
        assert content_hash(folder) != before


def test_the_end_of_every_run_of_ours_is_told() -> None:
    rules = [one["Properties"] for one in synthesised("prod").resources("Events::Rule").values()]
    (told,) = [one for one in rules if "EventPattern" in one]
    detail = told["EventPattern"]["detail"]
    assert set(detail["status"]) == {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
    assert said(detail["stateMachineArn"][0]["prefix"]).endswith(":stateMachine:tante-prod-")
    assert said(told["Targets"][0]["Arn"]) == "{CloseRunFunction.Arn}"
    clocks = {said(one["Targets"][0]["Arn"]): one.get("ScheduleExpression") for one in rules}
    assert clocks["{CompareRunsFunction.Arn}"] == "rate(1 day)"
    assert clocks["{SettleMessagesFunction.Arn}"] == "rate(1 hour)"


def test_mail_needs_tls_and_its_receipts_come_back_as_notifications() -> None:
    found = Template.from_json(synthesised("prod").template)
    found.has_resource_properties(
        "AWS::SES::ConfigurationSet",
        {
            "Name": "tante-prod",
            "DeliveryOptions": {"TlsPolicy": "REQUIRE"},
            "ReputationOptions": {"ReputationMetricsEnabled": True},
            "SuppressionOptions": {"SuppressedReasons": []},
        },
    )
    (told,) = synthesised("prod").resources("SES::ConfigurationSetEventDestination").values()
    kinds = set(told["Properties"]["EventDestination"]["MatchingEventTypes"])
    assert {"send", "delivery", "bounce", "complaint"} <= kinds
    assert not kinds & {"open", "click"}, "our own links tell of them, and only where permitted"
    subscriptions = synthesised("prod").resources("SNS::Subscription").values()
    (to_queue,) = [one for one in subscriptions if one["Properties"]["Protocol"] == "sqs"]
    assert "RawMessageDelivery" not in to_queue["Properties"]
    assert said(to_queue["Properties"]["Endpoint"]) == "{Events.Arn}"


def test_the_domain_signs_its_mail_and_its_records_are_set_and_told() -> None:
    records = [
        one["Properties"] for one in synthesised("prod").resources("Route53::RecordSet").values()
    ]
    kinds = sorted(one["Type"] for one in records)
    assert kinds == ["CNAME", "CNAME", "CNAME", "MX", "TXT", "TXT"]
    names = {one["Name"] for one in records if isinstance(one["Name"], str)}
    assert names == {f"bounce.{DOMAIN}", f"_dmarc.{DOMAIN}"}
    outputs = synthesised("prod").template["Outputs"]
    assert len([name for name in outputs if name.startswith("DnsRecord")]) == 6
    assert not synthesised("dev").resources("Route53::RecordSet")


def test_what_exists_already_is_not_made_again() -> None:
    assert not synthesised("dev", ("identity_exists", "true")).resources("SES::EmailIdentity")


@pytest.mark.parametrize("stage", STAGES)
def test_everything_is_tagged_with_project_and_stage(stage: str) -> None:
    tags = synthesised(stage).stack.tags.tag_values()
    assert tags == {"project": "tante", "stage": stage}
