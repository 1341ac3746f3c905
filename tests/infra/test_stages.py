"""What a stage may be told, and what it refuses because it would silently go wrong."""

from typing import Any

import pytest

from infra.stages import STAGES, StageError, check_sender, read_stage

IN_PROD = {"stage": "prod", "domain": "shop.example", "alarm_email": "us@shop.example"}
FAST = {
    "clock_speed": "1440",
    "clock_start": "2026-01-01T00:00:00+00:00",
    "clock_zero": "2026-06-01T00:00:00Z",
}


def test_without_a_word_it_is_dev_in_frankfurt_in_real_time_and_writes_to_nobody() -> None:
    stage = read_stage({})
    assert stage == STAGES["dev"]
    assert (stage.prefix, stage.region, stage.clock_speed) == ("tante-dev", "eu-central-1", 1)
    assert not stage.writes_to_people


def test_words_of_the_command_line_become_values() -> None:
    said = {"allow_list": "a@x.example, +49151 ,", "host": "true", "burst": "7", **FAST}
    stage = read_stage({**said, "monthly_budget": "9.5", "alarm_email": "us@x.example"})
    assert stage.allow_list == ("a@x.example", "+49151")
    assert (stage.host, stage.burst, stage.monthly_budget) == (True, 7, 9.5)
    assert stage.clock_speed == 1440


def test_values_of_cdk_json_count_as_they_are() -> None:
    stage = read_stage({"allow_list": ["a@x.example", "b@x.example"], "host": True, "burst": 7})
    assert stage.allow_list == ("a@x.example", "b@x.example")
    assert (stage.host, stage.burst) == (True, 7)


def test_what_cdk_itself_keeps_in_the_context_is_left_alone() -> None:
    of_cdk = {
        "@aws-cdk/core:checkSecretUsage": True,
        "aws:cdk:bundling-stacks": ["*"],
        "availability-zones:account=1:region=eu-central-1": ["a"],
        "acknowledged-issue-numbers": [1],
        "cli-telemetry": False,
    }
    assert read_stage(of_cdk) == STAGES["dev"]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"stage": "staging"}, 'There is no stage "staging"; there are: dev, prod.'),
        ({"alarm-email": "us@x.example"}, 'There is no option "alarm-email"; there are: stage, '),
        ({"host": "yes"}, 'The option host cannot be "yes"; it is true or false.'),
        ({"burst": "many"}, 'The option burst cannot be "many"; it is a whole number.'),
        ({"region": "Frankfurt"}, 'region cannot be "Frankfurt"; it is called like eu-central-1.'),
        ({"region": "us-east-1"}, "us-east-1 is not in Europe"),
        ({"log_days": "90"}, "erasure ends within 30 days"),
        ({"hosted_zone_id": "Z1"}, "add -c domain=example.com"),
        ({"monthly_budget": "10"}, "add -c alarm_email=you@example.com"),
        ({"public_url": "http://shop.example"}, "public_url begins with https://"),
        ({"clock_start": "tomorrow", "clock_zero": "2026-01-01T00:00:00Z"}, 'cannot be "tomorrow"'),
        ({**FAST, "clock_zero": "2026-06-01T00:00:00"}, "it is a time like 2026-01-01T08:00:00+0"),
        ({"clock_start": FAST["clock_start"]}, "belong together"),
        ({"clock_speed": "60"}, "clock_speed needs clock_start and clock_zero"),
        ({**FAST, "clock_speed": "0"}, "clock_speed is more than 0."),
        ({**IN_PROD, **FAST}, "prod lives in real time"),
        ({**IN_PROD, "clock_speed": "2"}, "prod lives in real time"),
        ({**IN_PROD, "host": "true"}, "prod runs in Lambda"),
        ({**IN_PROD, "allow_list": "a@x.example"}, "prod writes to everybody who agreed"),
        ({**IN_PROD, "alarm_email": ""}, "Nobody would hear prod's alarms"),
        ({**IN_PROD, "domain": ""}, "ends as spam: add -c domain=example.com"),
    ],
)
def test_what_would_silently_go_wrong_is_refused_in_words(told: dict[str, Any], words: str) -> None:
    with pytest.raises(StageError) as refused:
        read_stage(told)
    assert words in str(refused.value)


def test_data_may_leave_europe_where_somebody_says_so() -> None:
    assert read_stage({"region": "us-east-1", "outside_eu": "true"}).region == "us-east-1"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(StageError) as refused:
        read_stage({"stage": "prod", **FAST})
    assert len(str(refused.value).splitlines()) == 3


@pytest.mark.parametrize("sender", ["hello@shop.example", "hello@News.Shop.example"])
def test_a_sender_in_the_domain_or_below_it_is_fine(sender: str) -> None:
    check_sender(read_stage(IN_PROD), sender)


@pytest.mark.parametrize("sender", ["hello@other.example", "hello@workshop.example"])
def test_a_sender_of_another_domain_is_refused(sender: str) -> None:
    with pytest.raises(StageError, match=r"SES would refuse every e-mail: brand\.yaml sends as"):
        check_sender(read_stage(IN_PROD), sender)
