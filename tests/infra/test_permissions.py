"""Who may do what: no more than it needs."""

import pytest

from tests.infra.stacks import DOMAIN, SENDER, STAGES, Statement, allowed, listed, said, synthesised

LOG_DELIVERY = {
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}
# Where AWS forces a `*`: whose policy -> (the actions, why).
FORCED = {
    "JourneysRoleDefaultPolicy": (
        LOG_DELIVERY,
        "the API of log deliveries knows no resources; Step Functions sets its log up by it",
    ),
    "EncryptionKey": (
        {"kms:*", "kms:Decrypt", "kms:GenerateDataKey"},
        "in a key's own policy * is that key; without the account's line nobody could change it",
    ),
}
# Patterns, and why there is no list instead.
PATTERNS = {
    "stateMachine:tante-{stage}-*": "journeys that have left the folder have runs for months",
    "execution:tante-{stage}-*": "every run has a name of its own",
}


def statements(stage: str) -> list[Statement]:
    found = list(allowed(stage))
    assert len(found) > 50
    return found


@pytest.mark.security("roles and encryption")
@pytest.mark.parametrize("stage", STAGES)
def test_no_action_is_a_pattern(stage: str) -> None:
    for one in statements(stage):
        for action in one.actions:
            if "*" in action:
                assert action in FORCED[one.owner][0], one
                assert one.principal == {
                    "AWS": {"Fn::Join": ["", ["arn:aws:iam::", {"Ref": "AWS::AccountId"}, ":root"]]}
                }


@pytest.mark.security("roles and encryption")
@pytest.mark.parametrize("stage", STAGES)
def test_no_resource_is_a_pattern_unless_aws_forces_it(stage: str) -> None:
    patterns = [pattern.format(stage=stage) for pattern in PATTERNS]
    for one in statements(stage):
        for resource in one.resources:
            if resource == "*":
                assert set(one.actions) <= FORCED.get(one.owner, (set(), ""))[0], one
            elif "*" in resource:
                assert any(resource.endswith(f":{pattern}") for pattern in patterns), one


@pytest.mark.parametrize("stage", STAGES)
def test_all_but_topics_may_be_published_to_only_where_a_phone_number_is_meant(stage: str) -> None:
    for one in statements(stage):
        if one.not_resources:
            assert one.owner == "RunStepRoleDefaultPolicy"
            assert one.actions == ["sns:Publish"]
            assert one.not_resources == ["arn:{Partition}:sns:*:*:*"]


@pytest.mark.parametrize("stage", STAGES)
def test_no_role_has_a_policy_of_aws(stage: str) -> None:
    for role in synthesised(stage).resources("IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]
        trusted = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert len(trusted) == 1
        assert trusted[0]["Principal"].keys() == {"Service"}


@pytest.mark.parametrize("stage", STAGES)
def test_services_may_only_come_on_behalf_of_what_is_ours(stage: str) -> None:
    """Or another account could have them write to our queues and topics."""
    for one in statements(stage):
        if one.principal and one.kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
            conditions = {key.lower() for test in one.condition.values() for key in test}
            assert "aws:sourcearn" in conditions, one


def test_only_the_topic_of_receipts_may_send_to_the_event_queue() -> None:
    let_in = [one for one in statements("prod") if one.owner == "EventsPolicy"]
    assert [one.principal for one in let_in] == [{"Service": "sns.amazonaws.com"}]
    assert let_in[0].condition == {"ArnEquals": {"aws:SourceArn": _ref("DeliveryReceipts")}}


def _ref(name: str) -> dict[str, str]:
    topics = synthesised("prod").resources("SNS::Topic")
    (found,) = [one for one in topics if one.startswith(name)]
    return {"Ref": found}


SENDING = ("ses:", "sns:Publish", "sms-voice:")


def senders(stage: str, *changes: tuple[str, str]) -> dict[str, list[str]]:
    return {
        action: one.resources
        for one in allowed(stage, *changes)
        if one.kind == "AWS::IAM::Policy"
        for action in one.actions
        if action.startswith(SENDING)
    }


def test_a_stage_that_may_write_to_nobody_has_no_permission_to() -> None:
    assert senders("dev", ("allow_list", "")) == {}


def test_only_our_sender_may_be_used_and_in_dev_only_for_those_on_the_list() -> None:
    own = "arn:{Partition}:ses:eu-central-1:{AccountId}:"
    assert sorted(senders("prod")["ses:SendEmail"]) == sorted(
        [
            f"{own}configuration-set/tante-prod",
            f"{own}identity/{SENDER}",
            f"{own}identity/{DOMAIN}",
        ]
    )
    assert f"{own}identity/tester@shop.example" in senders("dev")["ses:SendEmail"]
    webhooks = ("allow_list", "@crm.example.com,https://erp.example.com/a@b")
    assert not [one for one in senders("dev", webhooks)["ses:SendEmail"] if "example.com" in one]


def test_sms_go_through_the_origination_identity_where_there_is_one() -> None:
    assert senders("prod")["sms-voice:SendTextMessage"] == [
        "arn:aws:sms-voice:eu-central-1:123456789012:pool/pool-1"
    ]
    assert "sns:Publish" not in senders("prod")
    assert "sns:Publish" in senders("dev")


WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}
# The line of each Lambda: which tables it may write, and which services it may talk to besides.
MAY = {
    "CollectEvent": (set(), {"sqs"}),
    "AnswerAdmin": ({"People"}, {"kms", "lambda", "secretsmanager", "sqs", "states"}),
    "AnswerPage": ({"People"}, {"kms", "secretsmanager", "sqs"}),
    "TakeClick": (set(), {"kms", "secretsmanager", "sqs"}),
    "TakeLeave": (set(), {"kms", "secretsmanager", "sqs"}),  # a word to an item: see below
    "ProcessEvent": ({"People", "Timeline"}, {"kms", "secretsmanager", "sqs", "states"}),
    "RunStep": ({"People"}, {"kms", "secretsmanager", "sqs", "states", "ses", "sms-voice"}),
    "StartRun": ({"People"}, {"kms", "sqs", "states"}),
    "TellWebhooks": (set(), {"kms", "secretsmanager", "sqs"}),
    "CloseRun": ({"People"}, {"kms", "sqs"}),
    "CompareRuns": ({"People"}, {"kms", "sqs", "states"}),
    "SettleMessages": ({"People"}, {"kms", "sqs"}),
    "FindDue": (set(), {"kms", "sqs"}),
    "LearnProducts": ({"Catalogue"}, {"kms", "sqs"}),
    "CountPeople": ({"Catalogue"}, {"kms", "sqs"}),
    "ForecastJourney": (set(), {"kms", "secretsmanager", "sqs"}),
    "PublishJourney": ({"Catalogue"}, {"kms", "sqs", "states"}),
}


def test_each_lambda_may_do_what_its_line_in_the_table_says() -> None:
    found: dict[str, tuple[set[str], set[str]]] = {}
    for one in statements("prod"):
        if one.kind == "AWS::IAM::Policy" and not one.owner.startswith("Journeys"):
            name = one.owner.removesuffix("RoleDefaultPolicy")
            tables, services = found.setdefault(name, (set(), set()))
            actions = [action.partition(":") for action in one.actions]
            services |= {service for service, _, _ in actions} - {"logs", "dynamodb"}
            writes = any(service == "dynamodb" and a in WRITES for service, _, a in actions)
            if writes and not one.condition:
                tables |= {
                    resource.removeprefix("{Tables").removesuffix(".Arn}")
                    for resource in one.resources
                }
    assert found == MAY


def test_the_catalogue_is_written_only_where_it_is_about_people() -> None:
    """Erasing notes whom it erased, and takes them out of reports; forecasts are asked for and
    written; no journey can be changed."""
    found = {
        one.owner: one.condition
        for one in statements("prod")
        if "dynamodb:PutItem" in one.actions and one.condition
    }
    keys = "dynamodb:LeadingKeys"
    reports = ["erasure *", "figures", "clusters", "referrals"]
    assert found == {
        "AnswerAdminRoleDefaultPolicy": {
            "ForAllValues:StringLike": {keys: ["erasure *", "forecast *"]}
        },
        "ForecastJourneyRoleDefaultPolicy": {"ForAllValues:StringLike": {keys: ["forecast *"]}},
        "ProcessEventRoleDefaultPolicy": {"ForAllValues:StringLike": {keys: reports}},
    }


def test_outside_prod_the_outbox_may_be_written() -> None:
    for stage, tables in (("dev", {"People", "Catalogue"}), ("prod", {"People"})):
        written = {
            resource
            for one in statements(stage)
            if one.owner == "RunStepRoleDefaultPolicy" and "dynamodb:PutItem" in one.actions
            for resource in one.resources
        }
        assert written == {f"{{Tables{name}.Arn}}" for name in tables}


def test_leaving_may_say_a_word_to_an_item_and_see_nothing_of_it() -> None:
    """Whoever has a mail can reach it."""
    found = {
        tuple(one.actions): one.condition
        for one in statements("prod")
        if one.owner == "TakeLeaveRoleDefaultPolicy"
        and any(action.startswith("dynamodb:") for action in one.actions)
    }
    known = {"dynamodb:Attributes": ["pk", "sk", "version", "said", "moved"]}
    assert found == {
        ("dynamodb:UpdateItem",): {
            "ForAllValues:StringEquals": known,
            "StringEqualsIfExists": {"dynamodb:ReturnValues": "NONE"},
        },
        ("dynamodb:GetItem",): {
            "ForAllValues:StringEquals": known,
            "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
        },
    }


def test_collecting_may_look_one_key_up_and_send_to_one_queue() -> None:
    """It answers the whole internet."""
    found = {
        action: one.resources
        for one in statements("prod")
        if one.owner.startswith("CollectEvent")
        for action in one.actions
    }
    log = ["{CollectEventLog.Arn}"]
    assert found == {
        "logs:CreateLogStream": log,
        "logs:PutLogEvents": log,
        "dynamodb:GetItem": ["{TablesCatalogue.Arn}"],
        "sqs:SendMessage": ["{Events.Arn}"],
    }


@pytest.mark.parametrize("stage", STAGES)
def test_keys_are_used_through_dynamodb_only(stage: str) -> None:
    for one in statements(stage):
        if one.kind == "AWS::IAM::Policy" and any(a.startswith("kms:") for a in one.actions):
            through = {"kms:ViaService": "dynamodb.eu-central-1.amazonaws.com"}
            assert one.condition == {"StringEquals": through}, one


@pytest.mark.parametrize(
    ("topic", "publishers"),
    [
        ("DeliveryReceipts", {"ses.amazonaws.com", "sms-voice.amazonaws.com"}),
        ("MonitoringAlarms", {"cloudwatch.amazonaws.com"}),
    ],
)
def test_who_publishes_to_a_topic_may_and_may_use_its_key(topic: str, publishers: set[str]) -> None:
    """A topic with a policy of its own lets nobody in by itself, and says nothing of it."""
    let_in = {
        one.principal["Service"]
        for one in statements("prod")
        if one.owner == f"{topic}Policy" and "sns:Publish" in one.actions
    }
    assert let_in == publishers
    keyed = {
        service
        for one in statements("prod")
        if one.owner == "EncryptionKey" and "kms:GenerateDataKey" in one.actions
        for service in listed(one.principal["Service"])
    }
    assert publishers <= keyed
    for name, made in synthesised("prod").resources("SNS::Topic").items():
        if name.startswith(topic):
            assert said(made["Properties"]["KmsMasterKeyId"]) == "{EncryptionKey.Arn}"
