"""What a scenario expects against what came: all of it, in order, to the minute."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from local.scenarios.rehearsal import Came, Played
from local.scenarios.scenario import (
    Ends,
    Event,
    Expects,
    NotSent,
    Placed,
    Scenario,
    Sent,
    Starts,
    Task,
)
from local.scenarios.verdict import Verdict, judge

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2027, 3, 1, 10, tzinfo=BERLIN)


def days(number: float) -> datetime:
    return START + timedelta(days=number)


def scenario(*expect: Expects) -> Scenario:
    """One that begins with an order; its lines of `expect` are numbered from 11."""
    return Scenario(
        file="welcome/first.scenario.yaml",
        line=1,
        journey="welcome",
        title="A test",
        person={},
        consents={},
        arms={},
        zone=BERLIN,
        happens=[(START, Placed(2, Event(event="Order Completed")))],
        expect=[Placed(11 + number, line) for number, line in enumerate(expect)],
        until=None,
    )


def verdict(expect: list[Expects], *came: Came, unsent: dict[str, str] | None = None) -> Verdict:
    return judge(scenario(*expect), Played(list(came), unsent or {}, [], [], days(30)))


def wrong(expect: list[Expects], *came: Came, unsent: dict[str, str] | None = None) -> list[str]:
    return [f"{one.line}: {one.what}" for one in verdict(expect, *came, unsent=unsent).wrong]


def sent(number: float, name: str, by: str = "email") -> Came:
    return Came(days(number), "sent", name, by)


def test_what_comes_as_expected_is_right() -> None:
    expect = [
        Sent(sent="hello", at="2027-03-01 10:00"),
        Sent(sent="guide", by="sms", after="5 days"),
        Task(task="Call", for_="sales"),
        Ends(ends="finished"),
        NotSent(not_sent="never"),
    ]
    came = [sent(0, "hello"), sent(5, "guide", "sms")]
    came += [Came(days(6), "task", "Call", "sales"), Came(days(6), "ends", "finished")]
    assert wrong(expect, *came) == []
    rows = verdict(expect, *came).rows
    assert [row.mark for row in rows] == ["happens", *["as expected"] * 4]


def test_a_message_or_task_that_nobody_expects_is_wrong() -> None:
    came = [sent(0, "hello"), sent(1, "upsell/offer"), Came(days(2), "task", "Call", "sales")]
    assert wrong([Sent(sent="hello")], *came) == [
        "1: sent upsell/offer at 2027-03-02 10:00: nothing in expect speaks of it",
        "1: task Call for sales at 2027-03-03 10:00: nothing in expect speaks of it",
    ]


def test_a_second_message_of_the_same_name_has_to_be_expected_too() -> None:
    assert len(wrong([Sent(sent="hello")], sent(0, "hello"), sent(1, "hello"))) == 1
    twice: list[Expects] = [Sent(sent="hello"), Sent(sent="hello", after="1 day")]
    assert wrong(twice, sent(0, "hello"), sent(1, "hello")) == []


def test_that_a_journey_began_or_ended_need_not_be_said() -> None:
    came = [Came(START, "starts", "welcome"), Came(days(1), "ends", "finished")]
    assert wrong([NotSent(not_sent="hello")], *came) == []


def test_what_does_not_come_is_wrong_and_the_reason_is_told() -> None:
    assert wrong([Sent(sent="hello")]) == ["11: sent hello: this never came"]
    assert wrong([Sent(sent="hello")], unsent={"hello": "no consent"}) == [
        "11: sent hello: this never came; it was not sent: no consent"
    ]
    assert wrong([Ends(ends="goal")], Came(days(1), "ends", "finished")) == [
        "11: ends goal: this never came; it ended as finished at 2027-03-02 10:00"
    ]


def test_another_channel_or_team_is_wrong() -> None:
    assert wrong([Sent(sent="hello", by="email")], sent(0, "hello", "sms")) == [
        "11: sent hello by email: it was sms"
    ]
    task = Came(START, "task", "Call", "care")
    assert wrong([Task(task="Call", for_="sales")], task) == [
        "11: task Call for sales: it was care"
    ]


def test_what_must_not_be_sent_and_was_is_wrong_twice_over() -> None:
    [unexpected, must_not] = wrong([NotSent(not_sent="hello")], sent(1, "hello"))
    assert unexpected.startswith("1: sent hello")
    assert must_not == "11: not sent hello: it was, at 2027-03-02 10:00"


def test_the_reason_for_not_sending_is_compared() -> None:
    line: list[Expects] = [NotSent(not_sent="hello", because="no consent")]
    assert wrong(line, unsent={"hello": "no consent"}) == []
    assert wrong(line, unsent={"hello": "no address"}) == [
        '11: not sent hello because no consent: the reason was "no address"'
    ]
    assert wrong(line) == ["11: not sent hello because no consent: the journey did not come to it"]


def test_the_order_of_the_lines_is_the_order_of_time() -> None:
    expect: list[Expects] = [Sent(sent="guide"), Sent(sent="hello")]
    assert wrong(expect, sent(0, "hello"), sent(5, "guide")) == [
        "12: sent hello: came at 2027-03-01 10:00, before the line above it"
    ]


def test_a_line_means_the_one_that_came_after_the_line_above() -> None:
    came = [Came(START, "starts", "welcome"), Came(days(3), "ends", "left")]
    again = [Came(days(3), "starts", "welcome")]
    assert wrong([Ends(ends="left"), Starts(starts="welcome")], *came, *again) == []


@given(minutes=st.integers(-2, 2) | st.integers(-10_000, 10_000), seconds=st.integers(0, 59))
@settings(max_examples=60)
def test_times_are_compared_to_the_minute(minutes: int, seconds: int) -> None:
    came = Came(days(10) + timedelta(minutes=minutes, seconds=seconds), "sent", "hello", "email")
    lines: list[list[Expects]] = [
        [Sent(sent="hello", after="10 days")],
        [Sent(sent="hello", at="2027-03-11 10:00")],
    ]
    for expect in lines:
        assert (wrong(expect, came) == []) == (minutes == 0)
