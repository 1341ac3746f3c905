"""What a forecast warns of, and what it does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.forecast.report import About, Limits, Report
from functions.forecast.reporting import report
from functions.forecast.shape import Shape, map_of
from functions.forecast.tally import Example, JourneyTally, MessageTally, StepTally, Tally

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
DAY = "2027-01-05"
MINUTE = int(datetime(2027, 1, 5, 9, tzinfo=UTC).timestamp()) // 60
JOURNEY = """
title: News
purpose: offers
enter when: {event: Signed Up}
once per: person
steps:
  - send: news
  - if: {did: Order Completed}
    then:
      - wait: 2 days
      - send: thanks
    otherwise: [{send: again}]
  - send: last
"""
STEPS = ("send news", "if did Order Completed", "send again", "send last")
SHAPE = Shape(journeys={"news": map_of("news", "1", {"journey.yaml": JOURNEY})})


def warned(
    about: dict[str, Any] | None = None,
    limits: Limits | None = None,
    busiest: dict[int, int] | None = None,
    minutes: dict[int, int] | None = None,
    **more: Any,
) -> dict[str, str]:
    """The warnings by kind, of a journey that a thousand people went through."""
    journey = {
        "entered": {DAY: 100},
        "people": 100,
        "outcomes": {"finished": 100},
        "steps": {name: StepTally(came=100, on={"": 100}) for name in ALL_STEPS},
        "messages": {"news/email": MessageTally(days={DAY: {"sent": 100}})},
    } | more
    spread = {MINUTE + 61 * n: 1 for n in range(100)}
    found = Tally(
        people=1000,
        journeys={"news": JourneyTally(**journey)},
        minutes={"email": minutes or spread} if journey["messages"] else {},
        busiest=busiest or {1: 100},
        examples=(Example(5, "ada"),),
    )
    said: dict[str, Any] = {"begin": BEGIN, "until": BEGIN + timedelta(days=90)} | (about or {})
    made: Report = report([found], SHAPE, About(journeys=["news"], **said), limits)
    return {one.kind: one.says for one in made.warnings}


ALL_STEPS = [station.step for station in SHAPE.journeys["news"].stations]


def test_nothing_is_warned_of_where_all_is_well() -> None:
    assert warned() == {}


def test_people_who_get_more_messages_a_week_than_the_limit() -> None:
    assert warned(busiest={3: 90, 5: 10}) == {
        "many messages": "10 people (1 %) get more than 3 messages in seven days; the most is 5."
    }
    assert warned(busiest={3: 90, 5: 10}, limits=Limits(a_week=5)) == {}


def test_more_mails_a_day_than_the_quota_of_ses() -> None:
    assert warned(limits=Limits(mails_a_day=99)) == {
        "quota": "100 e-mails go on 5 January 2027; the quota of SES is 99 a day."
    }
    assert warned(limits=Limits(mails_a_day=100)) == {}


def test_more_mails_in_a_minute_than_the_sending_rate_takes() -> None:
    said = warned(limits=Limits(mails_a_second=1), minutes={MINUTE: 90, MINUTE + 500: 10})
    assert said == {
        "sending rate": "90 e-mails are due in one minute (5 January 2027, 09:00); at 1 a second "
        "they take 1.5 minutes."
    }
    assert warned(limits=Limits(mails_a_second=1.5), minutes={MINUTE: 90}) == {}
    assert warned(limits=Limits(texts_a_second=1), minutes={MINUTE: 90}) == {}


def test_messages_that_pile_up_in_one_hour() -> None:
    days = {DAY: {"sent": 1000}}
    many = {"messages": {"news/email": MessageTally(days=days)}}
    said = warned(minutes={MINUTE: 600, MINUTE + 500: 400}, **many)
    assert said["pile-up"].startswith(
        "600 e-mails (60 % of all) go within one hour, on 5 January 2027"
    )
    spread = {MINUTE + 60 * n: 100 for n in range(10)}
    assert warned(minutes=spread, **many) == {}


def test_a_few_messages_of_a_sample_do_not_make_a_pile() -> None:
    assert warned(about={"matching": 1_000_000}, minutes={MINUTE: 2, MINUTE + 500: 1}) == {}


def test_an_arm_that_nobody_takes_is_told_once_and_not_each_step_in_it() -> None:
    steps = {name: StepTally(came=100, on={"": 100}) for name in STEPS}
    assert list(warned(steps=steps).values()) == [
        "Nobody comes to the step “wait 2 days after if did Order Completed” (then)."
    ]


def test_where_nobody_gets_further_the_first_step_that_nobody_reaches_is_told() -> None:
    steps = {name: StepTally(came=100, on={"": 100}) for name in STEPS[:3]}
    said = warned(steps=steps, outcomes={"bought": 100})
    assert said["step not reached"] == "Nobody comes to the step “send last”."


def test_a_message_that_mostly_is_not_sent_and_why() -> None:
    message = MessageTally(
        days={DAY: {"sent": 20, "not sent": 80}}, why={"not sent": {"no consent": 70, "asleep": 10}}
    )
    assert warned(messages={"news/email": message}) == {
        "mostly not sent": "The message “news” (email) is mostly not sent: 80 of 100, above all "
        "because: no consent (70)."
    }


@pytest.mark.parametrize(
    ("before", "kinds"),
    [(1000, ["many fewer"]), (10, ["many more"]), (100, []), (0, [])],
)
def test_far_more_or_fewer_than_entered_in_the_last_90_days(before: int, kinds: list[str]) -> None:
    assert list(warned(before=before)) == kinds


def test_nobody_enters() -> None:
    empty = {"entered": {}, "people": 0, "outcomes": {}, "steps": {}, "messages": {}}
    assert warned(**empty) == {"nobody enters": "Nobody enters “news”."}


def test_a_horizon_that_is_too_short_for_the_journey() -> None:
    said = warned(outcomes={"": 60, "finished": 40})
    assert said["too short"].startswith("60 of 100 are still in “news” at the end")


def test_runs_that_fail() -> None:
    assert warned(outcomes={"failed": 2, "finished": 98})["failed"] == "2 runs of “news” fail."
