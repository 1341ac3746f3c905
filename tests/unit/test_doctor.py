"""What `tante doctor` says of a stage, and the keys of a stage in AWS."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber
from dns import resolver
from moto import mock_aws
from typer.testing import CliRunner, Result

from functions.storage.dynamo import DynamoStore
from functions.storage.read_source import key_hash
from functions.tracking.source import Source
from local import doctor
from local.command_line import app
from local.doctor import NOTHING, PERMISSIONS, Finding, NoAnswer, Stage, examine
from tests.support.aws_session import REGION, session

SENDER = "hello@news.shop.example"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
}
DEAD = "arn:aws:sqs:eu-central-1:123456789012:tante-prod-event-dead-letters"
URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/"


def queue(name: str, count: int = 0, dead: str = "") -> dict[str, str]:
    arn = f"arn:aws:sqs:eu-central-1:123456789012:{name}"
    policy = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})} if dead else {}
    return {"QueueArn": arn, "ApproximateNumberOfMessages": str(count), **policy}


QUEUES = {
    f"{URL}tante-prod-events": queue("tante-prod-events", 7, DEAD),
    f"{URL}tante-prod-event-dead-letters": queue("tante-prod-event-dead-letters"),
    f"{URL}tante-prod-failed-calls": queue("tante-prod-failed-calls"),
}
ALARM = {
    "AlarmName": "tante-prod-event-age",
    "StateValue": "OK",
    "StateUpdatedTimestamp": datetime(2027, 3, 1, tzinfo=UTC),
}
IDENTITY = {
    "IdentityType": "DOMAIN",
    "VerifiedForSendingStatus": True,
    "DkimAttributes": {"SigningEnabled": True, "Status": "SUCCESS", "Tokens": ["t1", "t2", "t3"]},
    "MailFromAttributes": {
        "MailFromDomain": "mail.shop.example",
        "MailFromDomainStatus": "SUCCESS",
    },
}
ACCOUNT = {
    "ProductionAccessEnabled": True,
    "SendingEnabled": True,
    "EnforcementStatus": "HEALTHY",
    "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 10.0},
}
QUOTAS = {
    "lambda": [{"QuotaName": "Concurrent executions", "QuotaCode": "L-B99A9384", "Value": 1000}],
    "states": [
        {"QuotaName": "StartExecution token refill rate", "QuotaCode": "L-1", "Value": 150},
        {"QuotaName": "Maximum open executions", "QuotaCode": "L-2", "Value": 1000000},
    ],
}


def identity_of(asked: dict[str, Any]) -> dict[str, Any]:
    """Only the parent domain is an identity."""
    if asked["EmailIdentity"] != "shop.example":
        raise refusal("GetEmailIdentity", "NotFoundException", "no such identity")
    return IDENTITY


def refusal(operation: str, code: str, words: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": words}}, operation)


# What AWS answers where all is well.
HEALTHY: dict[str, Any] = {
    "GetCallerIdentity": {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:role/ops"},
    "DescribeStacks": {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]},
    "ListStackResources": {
        "StackResourceSummaries": [
            {"ResourceType": "AWS::SQS::Queue", "PhysicalResourceId": url} for url in QUEUES
        ]
    },
    "GetAccount": ACCOUNT,
    "GetEmailIdentity": identity_of,
    "GetSMSSandboxAccountStatus": {"IsInSandbox": False},
    "GetSMSAttributes": {"attributes": {"MonthlySpendLimit": "100"}},
    "DescribeSpendLimits": {
        "SpendLimits": [{"Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT", "EnforcedLimit": 100}]
    },
    "ListServiceQuotas": lambda asked: {"Quotas": QUOTAS[asked["ServiceCode"]]},
    "ListAWSDefaultServiceQuotas": {"Quotas": []},
    "DescribeAlarms": {"MetricAlarms": [ALARM]},
    "GetQueueAttributes": lambda asked: {"Attributes": QUEUES[asked["QueueUrl"]]},
}
RECORDS = {
    ("mail.shop.example", "MX"): ["10 feedback-smtp.eu-central-1.amazonses.com."],
    ("mail.shop.example", "TXT"): ["v=spf1 include:amazonses.com ~all"],
    ("_dmarc.shop.example", "TXT"): ["v=DMARC1; p=quarantine; rua=mailto:d@shop.example"],
}


@contextmanager
def aws(answers: dict[str, Any]) -> Iterator[None]:
    """AWS answers like this; an exception is raised, a function is asked."""

    def call(client: Any, operation: str, asked: dict[str, Any]) -> Any:
        answer = {**HEALTHY, **answers}[operation]
        if isinstance(answer, Exception):
            raise answer
        return answer(asked) if callable(answer) else answer

    with (
        patch.dict("os.environ", ENVIRONMENT),
        patch("botocore.client.BaseClient._make_api_call", call),
    ):
        yield


def examined(
    stage: str = "prod", records: dict[tuple[str, str], list[str]] = RECORDS, **answers: Any
) -> list[Finding]:
    with aws(answers):
        look_up = lambda name, kind: records.get((name, kind), [])  # noqa: E731
        return list(examine(Stage(stage, REGION, SENDER, look_up, session())))


def of(what: str, findings: list[Finding], state: str = "") -> list[Finding]:
    return [one for one in findings if one.what == what and state in ("", one.state)]


def test_where_all_is_well_there_is_nothing_to_do() -> None:
    findings = examined()
    assert {one.state for one in findings} == {"fine"}, [f for f in findings if f.state != "fine"]
    assert {one.do for one in findings} == {NOTHING}
    assert {*doctor.CHECKS, "credentials", "DKIM", "SPF"} == {one.what for one in findings}


def changed(base: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**base, **more}


def identity(**more: Any) -> Any:
    return lambda asked: {**identity_of(asked), **more}


NO_STACK = refusal("DescribeStacks", "ValidationError", "Stack with id x does not exist")
# what is wrong: (the answers, the records, which check says so, how badly, a word of what to do)
TROUBLES: dict[str, tuple[dict[str, Any], dict[Any, list[str]], str, str, str]] = {
    "no stack": ({"DescribeStacks": NO_STACK}, RECORDS, "stack", "wrong", "make deploy"),
    "a stack that failed": (
        {"DescribeStacks": {"Stacks": [{"StackStatus": "UPDATE_ROLLBACK_FAILED"}]}},
        RECORDS,
        "stack",
        "wrong",
        "CloudFormation",
    ),
    "a stack that was rolled back": (
        {"DescribeStacks": {"Stacks": [{"StackStatus": "UPDATE_ROLLBACK_COMPLETE"}]}},
        RECORDS,
        "stack",
        "look",
        "make deploy",
    ),
    "a deployment under way": (
        {"DescribeStacks": {"Stacks": [{"StackStatus": "UPDATE_IN_PROGRESS"}]}},
        RECORDS,
        "stack",
        "look",
        "wait",
    ),
    "the sandbox of SES": (
        {"GetAccount": changed(ACCOUNT, ProductionAccessEnabled=False)},
        RECORDS,
        "SES",
        "wrong",
        "Request production access",
    ),
    "sending switched off": (
        {"GetAccount": changed(ACCOUNT, SendingEnabled=False)},
        RECORDS,
        "SES",
        "wrong",
        "put-account-sending-attributes",
    ),
    "probation": (
        {"GetAccount": changed(ACCOUNT, EnforcementStatus="PROBATION")},
        RECORDS,
        "SES",
        "look",
        "Reputation",
    ),
    "shut down": (
        {"GetAccount": changed(ACCOUNT, EnforcementStatus="SHUTDOWN")},
        RECORDS,
        "SES",
        "wrong",
        "Reputation",
    ),
    "a quota nearly used up": (
        {"GetAccount": changed(ACCOUNT, SendQuota={"Max24HourSend": 10, "SentLast24Hours": 9})},
        RECORDS,
        "SES",
        "look",
        "Service Quotas",
    ),
    "an unknown sender": (
        {"GetEmailIdentity": refusal("GetEmailIdentity", "NotFoundException")},
        RECORDS,
        "sender",
        "wrong",
        "domain=news.shop.example",
    ),
    "an unverified sender": (
        {"GetEmailIdentity": identity(VerifiedForSendingStatus=False)},
        RECORDS,
        "sender",
        "wrong",
        "DNS",
    ),
    "no DKIM": (
        {"GetEmailIdentity": identity(DkimAttributes={"Status": "PENDING", "Tokens": ["t1"]})},
        RECORDS,
        "DKIM",
        "wrong",
        "t1._domainkey.shop.example CNAME t1.dkim.amazonses.com",
    ),
    "a single address": (
        {"GetEmailIdentity": identity(IdentityType="EMAIL_ADDRESS")},
        RECORDS,
        "DKIM",
        "wrong",
        "verify the domain",
    ),
    "no MAIL FROM": (
        {"GetEmailIdentity": identity(MailFromAttributes={})},
        RECORDS,
        "MAIL FROM",
        "look",
        "--email-identity shop.example --mail-from-domain bounce.shop.example",
    ),
    "no MX": (
        {},
        {key: value for key, value in RECORDS.items() if key[1] != "MX"},
        "MAIL FROM",
        "wrong",
        "MX 10 feedback-smtp.eu-central-1.amazonses.com",
    ),
    "no SPF": (
        {},
        {**RECORDS, ("mail.shop.example", "TXT"): ["v=spf1 include:other.example -all"]},
        "SPF",
        "wrong",
        "include:amazonses.com",
    ),
    "two SPF records": (
        {},
        {**RECORDS, ("mail.shop.example", "TXT"): ["v=spf1 a", "v=spf1 include:amazonses.com"]},
        "SPF",
        "wrong",
        "leave one",
    ),
    "no DMARC": ({}, {}, "DMARC", "wrong", "_dmarc.news.shop.example TXT"),
    "a DMARC that only watches": (
        {},
        {**RECORDS, ("_dmarc.shop.example", "TXT"): ["v=DMARC1; p=none; sp=reject"]},
        "DMARC",
        "look",
        "p=quarantine",
    ),
    "a DMARC without a policy": (
        {},
        {**RECORDS, ("_dmarc.shop.example", "TXT"): ["v=DMARC1; sp=reject"]},
        "DMARC",
        "wrong",
        "p=none",
    ),
    "a DMARC too strict for a domain that signs for one below it": (
        {},
        {**RECORDS, ("_dmarc.shop.example", "TXT"): ["v=DMARC1; p=reject; adkim=s"]},
        "DMARC",
        "wrong",
        "take adkim=s out",
    ),
    "the sandbox of SMS": (
        {"GetSMSSandboxAccountStatus": {"IsInSandbox": True}},
        RECORDS,
        "SMS by SNS",
        "look",
        "Exit SMS sandbox",
    ),
    "a dollar a month": (
        {"GetSMSAttributes": {"attributes": {}}},
        RECORDS,
        "SMS by SNS",
        "look",
        "Service Quotas",
    ),
    "a dollar a month there": (
        {
            "DescribeSpendLimits": {
                "SpendLimits": [{"Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT", "EnforcedLimit": 1}]
            }
        },
        RECORDS,
        "SMS by End User Messaging",
        "look",
        "Service Quotas",
    ),
    "a new account's concurrency": (
        {
            "ListServiceQuotas": lambda asked: {
                "Quotas": [{**quota, "Value": 10} for quota in QUOTAS[asked["ServiceCode"]]]
            }
        },
        RECORDS,
        "quotas",
        "look",
        "--quota-code L-B99A9384",
    ),
    "quotas that are not told": (
        {"ListServiceQuotas": {"Quotas": []}},
        RECORDS,
        "quotas",
        "look",
        "console",
    ),
    "an alarm": (
        {"DescribeAlarms": {"MetricAlarms": [changed(ALARM, StateValue="ALARM")]}},
        RECORDS,
        "alarms",
        "wrong",
        "tante-prod-event-age",
    ),
    "no alarms at all": (
        {"DescribeAlarms": {"MetricAlarms": []}},
        RECORDS,
        "alarms",
        "look",
        "make deploy",
    ),
    "calls that failed": (
        {
            "GetQueueAttributes": lambda asked: {
                "Attributes": {
                    **QUEUES[asked["QueueUrl"]],
                    "ApproximateNumberOfMessages": str(int("failed" in asked["QueueUrl"])),
                }
            }
        },
        RECORDS,
        "dead letters",
        "wrong",
        "dead-letters list",
    ),
    "dead letters": (
        {
            "GetQueueAttributes": lambda asked: {
                "Attributes": {**QUEUES[asked["QueueUrl"]], "ApproximateNumberOfMessages": "3"}
            }
        },
        RECORDS,
        "dead letters",
        "wrong",
        "dead-letters list",
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_trouble_is_found_and_says_what_to_do(trouble: str) -> None:
    answers, records, what, state, word = TROUBLES[trouble]
    found = of(what, examined(records=records, **answers), state)
    assert any(word in one.do for one in found), found


def test_every_check_has_a_trouble_here() -> None:
    assert set(doctor.CHECKS) <= {what for _, _, what, _, _ in TROUBLES.values()}


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_whatever_is_not_fine_says_what_to_do(trouble: str, stage: str) -> None:
    answers, records, *_ = TROUBLES[trouble]
    for one in examined(stage, records, **answers):
        assert one.found
        assert (one.do == NOTHING) == (one.state == "fine"), one


@pytest.mark.parametrize("trouble", ["the sandbox of SES", "an unknown sender", "no DMARC"])
def test_what_only_real_mails_need_is_no_error_where_an_outbox_keeps_them(trouble: str) -> None:
    answers, records, *_ = TROUBLES[trouble]
    assert not [one for one in examined("dev", records, **answers) if one.state == "wrong"]


RUNBOOK = (Path(__file__).parents[2] / doctor.RUNBOOK).read_text("utf-8")


def test_the_runbook_has_the_sections_that_are_named() -> None:
    source = Path(doctor.__file__).read_text("utf-8")
    named = re.findall(r"\{RUNBOOK\}, “([^”]+)”", source)
    assert len(named) == 3
    for title in named:
        assert re.search(rf"^## {title}", RUNBOOK, re.MULTILINE), title


def test_the_runbook_names_every_permission_that_is_needed() -> None:
    missing = {one for one in PERMISSIONS.values() if f"`{one}`" not in RUNBOOK}
    assert missing == {"sts:GetCallerIdentity"}  # which nobody can be refused


def test_letters_waiting_in_a_living_queue_are_no_dead_letters() -> None:
    [found] = of("dead letters", examined())
    assert found.found == "none in 2 queues"


# --- one check never hides another


@pytest.mark.parametrize("operation", sorted(PERMISSIONS.keys() - {"GetCallerIdentity"}))
def test_a_missing_permission_is_named_and_hides_nothing_else(operation: str) -> None:
    """AWS does not always say which permission it was."""
    shown = {one.what for one in examined()}
    needed = {"ListServiceQuotas": {"Quotas": []}} if "Default" in operation else {}
    findings = examined(**needed, **{operation: refusal(operation, "AccessDeniedException")})
    told = [one for one in findings if PERMISSIONS[operation] in one.found]
    assert told
    assert all(one.state == "wrong" and PERMISSIONS[operation] in one.do for one in told)
    assert shown - {"DKIM", "SPF"} == {one.what for one in findings} - {"DKIM", "SPF"}


def test_the_permission_is_named_as_aws_names_it() -> None:
    words = "User: arn:aws:iam::1:user/x is not authorized to perform: ses:GetAccount on resource"
    found = of("SES", examined(GetAccount=refusal("GetAccount", "AccessDenied", words)))
    assert "ses:GetAccount" in found[0].do


def test_every_permission_is_one_that_a_check_uses() -> None:
    used: set[str] = set()

    def noted(name: str, answer: Any) -> Any:
        def call(asked: dict[str, Any]) -> Any:
            used.add(name)
            return answer(asked) if callable(answer) else answer

        return call

    examined(**{name: noted(name, answer) for name, answer in HEALTHY.items()})
    examined(
        **{name: noted(name, HEALTHY[name]) for name in ("ListAWSDefaultServiceQuotas",)},
        ListServiceQuotas={"Quotas": []},
    )
    assert used == set(PERMISSIONS)


def test_without_a_network_every_check_says_so() -> None:
    lost = EndpointConnectionError(endpoint_url="https://aws")
    answers = {name: lost for name in HEALTHY if name != "GetCallerIdentity"}
    findings = examined(**answers)
    assert len(findings) == 1 + len(doctor.CHECKS)
    for one in findings[1:]:
        assert one.what == "DMARC" or "did not answer" in one.found


def test_an_error_that_nobody_knows_is_passed_on_in_aws_s_words() -> None:
    findings = examined(GetAccount=refusal("GetAccount", "Throttling", "Rate exceeded"))
    assert [one.found for one in of("SES", findings)] == ["AWS answered Throttling: Rate exceeded"]


def test_a_dns_that_does_not_answer_is_told_in_a_line() -> None:
    def silent(name: str, kind: str) -> list[str]:
        raise NoAnswer(f"{name} (LifetimeTimeout)")

    with aws({}):
        findings = list(examine(Stage("prod", REGION, SENDER, silent, session())))
    for what in ("MAIL FROM", "DMARC"):
        [found] = of(what, findings)
        assert found.state == "look"
        assert "the DNS did not answer" in found.found
        assert "dig" in found.do


@pytest.mark.parametrize("error", [resolver.NXDOMAIN(), resolver.NoAnswer()])
def test_a_name_without_records_has_none(error: Exception) -> None:
    with (
        patch.object(resolver, "resolve", side_effect=error),
        patch.object(resolver.NoAnswer, "__init__", lambda self: None),
    ):
        assert doctor.look_up("shop.example", "TXT") == []


def test_a_resolver_that_is_not_there_is_no_traceback() -> None:
    with (
        patch.object(resolver, "resolve", side_effect=resolver.NoNameservers()),
        pytest.raises(NoAnswer, match=r"shop\.example"),
    ):
        doctor.look_up("shop.example", "TXT")


def test_the_pieces_of_a_long_text_record_are_put_together() -> None:
    class Record:
        strings = (b"v=spf1 include:", b"amazonses.com ~all")

    with patch.object(resolver, "resolve", return_value=[Record()]):
        assert doctor.look_up("shop.example", "TXT") == ["v=spf1 include:amazonses.com ~all"]


# --- the command


def called(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env=ENVIRONMENT)


def looked(stage: str = "prod", **answers: Any) -> Result:
    quiet = patch("local.doctor.look_up", lambda name, kind: RECORDS.get((name, kind), []))
    with aws(answers), quiet:
        return called("doctor", "--stage", stage)


def test_the_command_shows_every_line_and_what_to_do() -> None:
    shown = looked("dev")
    for what in doctor.CHECKS:
        assert what in shown.output
    assert "nothing to do" in shown.output
    assert "✓" in shown.output


def test_the_exit_status_is_1_only_where_something_is_wrong() -> None:
    sandbox = {"GetAccount": changed(ACCOUNT, ProductionAccessEnabled=False)}
    assert looked("dev", **sandbox).exit_code == 0
    shown = looked("prod", **sandbox)
    assert shown.exit_code == 1
    assert "✗" in shown.output


def test_without_credentials_there_is_one_sentence(tmp_path: Path) -> None:
    nobody = {
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with patch.dict("os.environ", clear=True, values=nobody):
        shown = CliRunner().invoke(app, ["doctor", "--stage", "dev"])
    assert shown.exit_code == 1
    assert "there are no AWS credentials" in shown.output
    assert shown.output.count("\n") == 1


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_credentials_that_are_refused_are_one_sentence_too(code: str) -> None:
    shown = looked("dev", GetCallerIdentity=refusal("GetCallerIdentity", code, "it has expired"))
    assert shown.exit_code == 1
    assert "log in again" in shown.output
    assert shown.output.count("\n") == 1


def test_a_network_that_is_not_there_is_not_blamed_on_the_credentials() -> None:
    lost = EndpointConnectionError(endpoint_url="https://sts.eu-central-9.amazonaws.com")
    shown = looked("dev", GetCallerIdentity=lost)
    assert shown.exit_code == 1
    assert "AWS cannot be reached" in shown.output
    assert "--region" in shown.output
    assert "log in" not in shown.output


def test_a_stage_that_moto_imitates_is_read_by_the_real_clients() -> None:
    """The fakes above answer whatever is asked; here AWS's own shapes are checked."""
    with patch.dict("os.environ", ENVIRONMENT), mock_aws():
        sqs, formation = boto3.client("sqs"), boto3.client("cloudformation")
        dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
        policy = json.dumps(
            {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": 5}
        )
        living = sqs.create_queue(QueueName="events", Attributes={"RedrivePolicy": policy})
        for url in (dead, living["QueueUrl"]):
            sqs.send_message(QueueUrl=url, MessageBody="{}")
        boto3.client("sesv2").create_email_identity(EmailIdentity="shop.example")
        boto3.client("cloudwatch").put_metric_alarm(
            AlarmName="tante-dev-errors",
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        stage = Stage("dev", REGION, SENDER, lambda name, kind: [])
        stage._clients["cloudformation"] = formation
        with Stubber(formation) as stubber:
            now = datetime.now(UTC)
            state = {"StackName": "tante-dev", "StackStatus": "CREATE_COMPLETE"}
            stubber.add_response("describe_stacks", {"Stacks": [{**state, "CreationTime": now}]})
            rows = [
                {
                    "LogicalResourceId": f"Queue{number}",
                    "PhysicalResourceId": url,
                    "ResourceType": "AWS::SQS::Queue",
                    "LastUpdatedTimestamp": now,
                    "ResourceStatus": "CREATE_COMPLETE",
                }
                for number, url in enumerate((dead, living["QueueUrl"]))
            ]
            stubber.add_response("list_stack_resources", {"StackResourceSummaries": rows})
            checks = ("stack", "sender", "alarms", "dead letters")
            found = {name: list(doctor.CHECKS[name](stage, name)) for name in checks}
    assert [one.state for one in found["stack"]] == ["fine"]
    assert "shop.example" in found["sender"][0].found
    assert [one.state for one in found["alarms"]] == ["fine"]
    assert [one.found for one in found["dead letters"]] == ["1 in dead"]


# --- the keys of a stage


@pytest.fixture
def tables() -> Iterator[DynamoStore]:
    with patch.dict("os.environ", ENVIRONMENT), mock_aws():
        store = DynamoStore("tante-dev-", REGION)
        store.create_tables()
        yield store


def test_a_key_made_for_a_stage_opens_its_door_and_is_kept_as_a_hash_only(
    tables: DynamoStore,
) -> None:
    shown = called("keys", "add", "web shop", "--trusted", "--stage", "dev")
    assert shown.exit_code == 0, shown.output
    key = shown.output.split()[0]
    source = tables.get(Source, key_hash(key))
    assert source is not None
    assert (source.name, source.trusted, source.revoked) == ("web shop", True, None)
    listed = called("keys", "list", "--stage", "dev")
    assert "web shop" in listed.output
    assert key not in listed.output


def test_a_key_revoked_in_a_stage_is_refused_there(tables: DynamoStore) -> None:
    key = called("keys", "add", "web shop", "--stage", "dev").output.split()[0]
    shown = called("keys", "revoke", "web shop", "--stage", "dev")
    assert "1 key(s) revoked" in shown.output
    source = tables.get(Source, key_hash(key))
    assert source is not None
    assert source.revoked
    assert called("keys", "revoke", "web shop", "--stage", "dev").exit_code == 1


@pytest.mark.parametrize("command", [["list"], ["add", "shop"], ["revoke", "shop"]])
def test_a_folder_and_a_stage_are_not_taken_together(command: list[str]) -> None:
    shown = called("keys", *command, "--stage", "dev", "--data", "data")
    assert shown.exit_code == 2
    assert "not both" in shown.output


def test_a_stage_that_is_not_there_is_told_in_words() -> None:
    with patch.dict("os.environ", ENVIRONMENT), mock_aws():
        shown = called("keys", "list", "--stage", "test")
    assert shown.exit_code == 1
    assert "make deploy STAGE=test" in shown.output
    assert "Traceback" not in shown.output


@pytest.mark.parametrize(
    "error",
    [
        refusal("GetItem", "AccessDeniedException", "not authorized to perform: dynamodb:GetItem"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
    ],
)
def test_tables_that_may_not_be_read_are_told_in_words(error: Exception) -> None:
    with aws({"GetItem": error}):
        shown = called("keys", "list", "--stage", "dev")
    assert shown.exit_code == 1
    assert "✗" in shown.output
