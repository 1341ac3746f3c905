"""A log's tally: counts that add up, the same in whatever order they are added."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.forecast.log import KeptOut, Log, Seen
from functions.forecast.shape import Map, Shape, map_of
from functions.forecast.tally import Tally, add, reason_of, tally, together
from functions.forecast.times import Bucket, note, quantile
from functions.forecast.way import visits
from functions.journeys import journey as journeys
from functions.journeys.flow import BadName, flow_of
from functions.journeys.run import Run, Task
from functions.journeys.yaml_file import read
from functions.segments import limit_words
from functions.tracking.event import Event
from functions.tracking.message import Message
from tests.support.any_journey import any_journey

START = datetime(2027, 1, 1, 22, tzinfo=UTC)
DAY = timedelta(days=1)

LOOP = """
title: A loop
purpose: offers
enter when: {event: Signed Up}
once per: person
steps:
  - repeat:
      - send: reminder
        if not sent:
          - update: {add tag: silent}
      - wait for: {clicked: reminder}
        at most: 2 days
    times: 3
  - if: {did: Order Completed}
    then: [{end: bought}]
  - send: last
"""


def a_map(text: str = LOOP) -> Map:
    return map_of("loop", "1", {"journey.yaml": text})


SHAPE = Shape(journeys={"loop": a_map()}, zone="Europe/Berlin")
STATES = sorted(SHAPE.journeys["loop"].states)


def an_event(name: str, time: datetime, **more: Any) -> Event:
    return Event(
        type="track", event=name, message_id=f"{name} {time}", time=time, received_at=time, **more
    )


def a_run(number: int, **more: Any) -> Run:
    entered = START + number * timedelta(hours=5)
    return Run(
        person=f"p{number // 2}",
        run_id=f"loop-{number}",
        journey="loop",
        journey_version="1",
        entered=entered,
        entry=an_event("Signed Up", entered),
        **more,
    )


def a_message(run: Run, **more: Any) -> Message:
    said: dict[str, Any] = {"step": "send last", "state": "sent", "claimed": run.entered} | more
    step = said["step"]
    return Message(
        person=run.person,
        run_id=run.run_id,
        send_id=f"{run.run_id} {step} {said.get('iteration', 0)}",
        journey="loop",
        message=step.removeprefix("send "),
        channel="email",
        purpose="offers",
        **said,
    )


@dataclass
class Way:
    """A run that came to these states, and what became of it."""

    states: list[str]
    ended: str
    message: str
    clicked: bool


WAYS = st.builds(
    Way,
    st.lists(st.sampled_from(STATES), max_size=6),
    st.sampled_from(["", "finished", "bought", "failed"]),
    st.sampled_from(["", "sent", "unknown", "not sent", "held"]),
    st.booleans(),
)


def a_log(number: int, way: Way) -> Log:
    """The log of one person; numbers tell people apart."""
    first = a_run(2 * number)
    end = first.entered + 30 * DAY
    run = a_run(
        2 * number,
        status="ended" if way.ended else "open",
        outcome=way.ended,
        ended=end if way.ended else None,
    )
    seen = [
        Seen(run.entered + n * DAY, "loop", run.run_id, state) for n, state in enumerate(way.states)
    ]
    clicked = {"": run.entered + DAY} if way.clicked else {}
    messages = [
        a_message(run, step=step, state=way.message, reason="x", clicked=clicked)
        for step in ("send last", "send reminder")
        if way.message
    ]
    order = an_event(
        "Order Completed",
        run.entered + 2 * DAY,
        person=run.person,
        properties={"order_id": "1", "revenue": 10.5, "currency": "eur"},
    )
    task = Task(
        person=run.person,
        task_id=f"t{number}",
        run_id=run.run_id,
        journey="loop",
        text="Call",
        owner="anna",
        created=run.entered,
    )
    kept_out = [KeptOut(run.entered, "loop", run.person, "full")] * len(way.states)
    return Log(
        people=1,
        runs=[run],
        messages=messages,
        tasks=[task],
        kept_out=kept_out,
        texts={"loop": {"DE": number}},
        before={"loop": number},
        seen=seen,
        events=[order],
    )


LOGS = st.lists(WAYS, max_size=4).map(lambda ways: [a_log(n, one) for n, one in enumerate(ways)])


@settings(max_examples=40)
@given(LOGS, st.randoms(use_true_random=False))
def test_tallies_added_in_any_order_are_the_same(logs: list[Log], random: Random) -> None:
    tallies = [tally(log, SHAPE) for log in logs]
    mixed = list(tallies)
    random.shuffle(mixed)
    assert together(mixed) == together(tallies)


@settings(max_examples=40)
@given(LOGS)
def test_the_tally_of_all_is_the_sum_of_the_tallies_of_each(logs: list[Log]) -> None:
    whole = Log(
        people=len(logs),
        runs=[run for log in logs for run in log.runs],
        messages=[row for log in logs for row in log.messages],
        tasks=[task for log in logs for task in log.tasks],
        kept_out=[one for log in logs for one in log.kept_out],
        before={"loop": sum(log.before["loop"] for log in logs)} if logs else {},
        texts={"loop": {"DE": sum(log.texts["loop"]["DE"] for log in logs)}} if logs else {},
        seen=sorted((one for log in logs for one in log.seen), key=lambda one: one.time),
        events=[event for log in logs for event in log.events],
    )
    assert tally(whole, SHAPE) == together(tally(log, SHAPE) for log in logs)


@settings(max_examples=40)
@given(LOGS)
def test_whoever_came_to_a_step_went_on_left_or_is_still_there(logs: list[Log]) -> None:
    found = together(tally(log, SHAPE) for log in logs)
    for journey in found.journeys.values():
        assert sum(journey.outcomes.values()) == journey.runs
        for step in journey.steps.values():
            assert step.came == sum(step.on.values()) + sum(step.left.values()) + step.there
        came: dict[str, int] = {}
        for step in journey.steps.values():
            for following, count in step.on.items():
                came[following] = came.get(following, 0) + count
        for name, count in came.items():
            assert not name or count <= journey.steps[name].came


@settings(max_examples=40)
@given(LOGS)
def test_messages_by_day_are_all_messages_and_by_minute_all_that_went(logs: list[Log]) -> None:
    found = together(tally(log, SHAPE) for log in logs)
    every = [row for log in logs for row in log.messages]
    counted = [one for journey in found.journeys.values() for one in journey.messages.values()]
    assert sum(one.wanted for one in counted) == len(every)
    went = sum(row.state in ("sent", "unknown") for row in every)
    assert sum(one.sent for one in counted) == went
    assert sum(n for minutes in found.minutes.values() for n in minutes.values()) == went
    people = {row.person for row in every if row.state in ("sent", "unknown")}
    assert sum(found.busiest.values()) == len(people)


@settings(max_examples=40)
@given(LOGS)
def test_a_tally_is_the_same_after_it_was_json(logs: list[Log]) -> None:
    found = together(tally(log, SHAPE) for log in logs)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Tally) == found


def test_adding_leaves_both_tallies_as_they_were() -> None:
    one = tally(a_log(0, Way(["send last"], "finished", "sent", True)), SHAPE)
    other = tally(a_log(1, Way(["send last"], "", "sent", True)), SHAPE)
    before = msgspec.json.encode([one, other])
    add(one, other)
    assert msgspec.json.encode([one, other]) == before


# --- the way of a run


def way(*states: str, text: str = LOOP) -> list[str]:
    seen = [Seen(START + n * DAY, "loop", "r", state) for n, state in enumerate(states)]
    return [step for step, _ in visits(a_map(text), seen)]


FUSED = "send reminder, wait for clicked reminder"
ONE_PASS = ["send reminder", "wait for clicked reminder"]


def loop() -> str:
    return a_map().stations[0].step


def test_a_message_and_the_wait_that_is_one_state_with_it_are_two_steps() -> None:
    assert way(loop(), FUSED) == [loop(), *ONE_PASS]


def test_whoever_s_message_is_held_comes_to_the_wait_once_it_went() -> None:
    assert way(loop(), FUSED, "hold send reminder") == [loop(), "send reminder"]
    assert way(loop(), FUSED, "hold send reminder", FUSED) == [loop(), *ONE_PASS]


def test_whoever_s_message_is_not_sent_comes_to_the_wait_after_the_arm() -> None:
    states = (loop(), FUSED, "update add tag silent", "wait for clicked reminder")
    assert way(*states) == [
        *(loop(), "send reminder", "update add tag silent", "wait for clicked reminder")
    ]


def test_each_pass_of_a_loop_counts() -> None:
    again = f"again: {loop()}"
    assert way(loop(), FUSED, again, FUSED, again) == [loop(), *ONE_PASS, *ONE_PASS]


def test_each_pass_of_a_loop_of_one_step_counts() -> None:
    text = LOOP.replace("- send: reminder", "- wait: 1 day").partition("        if not sent")[0]
    text += "    times: 3\n"
    wait = a_map(text).stations[1].step
    again = f"again: {a_map(text).stations[0].step}"
    repeat = a_map(text).stations[0].step
    assert way(repeat, wait, again, wait, again, text=text) == [repeat, wait, wait]


def test_a_run_that_goes_on_in_a_new_execution_does_not_come_to_the_first_step_again() -> None:
    asked = "if did Order Completed"
    went_on = (loop(), "go on", "go on at", "send last")
    assert way(loop(), FUSED, asked, *went_on) == [loop(), *ONE_PASS, asked, "send last"]


@settings(max_examples=15)
@given(any_journey())
@example(LOOP)
def test_every_state_that_a_run_rests_in_belongs_to_a_step(text: str) -> None:
    """Otherwise people would be lost on the map."""
    built = journeys.build("loop", read("f", text).value)
    try:
        flow = flow_of(built, "1")
    except BadName:
        return
    known = a_map(text).states
    assert {step for steps in known.values() for step in steps} == {
        step.name for step in built.every_step()
    }
    resting = {
        name
        for name, state in flow.states.items()
        if state["Type"] == "Wait" or "waitForTaskToken" in state.get("Resource", "")
    }
    assert resting <= known.keys()


# --- messages


def test_a_run_that_ends_as_its_file_says_went_on_to_the_end() -> None:
    run = a_run(0, status="ended", outcome="bought", ended=START + DAY)
    log = Log(people=1, runs=[run], seen=[Seen(START, "loop", run.run_id, "end bought")])
    step = tally(log, SHAPE).journeys["loop"].steps["end bought"]
    assert (step.on, step.left) == ({"": 1}, {})


def test_days_are_those_of_the_zone() -> None:
    run = a_run(1)  # at three in the morning in UTC, four in Berlin
    late = a_message(run, claimed=START + timedelta(hours=1, minutes=30))  # half past midnight
    found = tally(Log(people=1, runs=[run], messages=[late]), SHAPE).journeys["loop"]
    assert found.messages["last/email"].days == {"2027-01-02": {"sent": 1}}


def test_what_was_not_sent_counts_on_the_day_on_which_the_run_came_to_it() -> None:
    run = a_run(0)
    seen = [Seen(START + 3 * DAY, "loop", run.run_id, "send last")]
    row = a_message(run, state="not sent", claimed=None, reason="no consent")
    log = Log(people=1, runs=[run], messages=[row], seen=seen)
    found = tally(log, SHAPE).journeys["loop"].messages["last/email"]
    assert found.days == {"2027-01-04": {"not sent": 1}}
    assert found.why == {"not sent": {"no consent": 1}}


def test_a_message_that_waited_for_its_hour_is_told_as_such() -> None:
    run = a_run(0)
    seen = [Seen(START, "loop", run.run_id, "send last")]
    rows = [a_message(run, claimed=START + timedelta(hours=9))]
    found = tally(Log(people=1, runs=[run], messages=rows, seen=seen), SHAPE)
    assert found.journeys["loop"].messages["last/email"].waited == {"an hour in which it may go": 1}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            "limit reached: 3 of 4 in 7 days; next 2027-01-04 09:00",
            "limit reached: 4 in 7 days",
        ),
        ("no consent", "no consent"),
    ],
)
def test_reasons_lose_what_is_one_person_s(said: str, kept: str) -> None:
    assert reason_of(said) == kept


def test_reasons_of_a_limit_say_that_others_of_a_higher_rank_wait() -> None:
    full = limit_words.full(1, 3, "7 days", ["email"], False)
    said = limit_words.until(limit_words.behind(full, 2), START)
    assert reason_of(said) == "limit reached: 3 in 7 days, email, others of a higher rank waiting"


@given(st.lists(st.integers(0, 40 * 24), min_size=1, max_size=12))
def test_the_busiest_seven_days_of_a_person_are_found(hours: list[int]) -> None:
    run = a_run(0)
    times = [START + timedelta(hours=n) for n in hours]
    rows = [a_message(run, iteration=n, claimed=time) for n, time in enumerate(times)]
    found = tally(Log(people=1, runs=[run], messages=rows), SHAPE)
    most = max(sum(begin <= time < begin + 7 * DAY for time in times) for begin in times)
    assert found.busiest == {most: 1}
    assert [one.messages for one in found.examples] == [most]


# --- lengths of time


@given(st.lists(st.integers(0, 400 * 86400), min_size=1), st.sampled_from([0.5, 0.9]))
def test_a_quantile_is_at_most_4_percent_off(seconds: list[int], part: float) -> None:
    buckets: dict[int, Bucket] = {}
    for one in seconds:
        note(buckets, timedelta(seconds=one))
    exact = sorted(seconds)[int(part * (len(seconds) - 1))]
    found = quantile(buckets, part)
    assert found is not None
    assert abs(found.total_seconds() - exact) <= 0.04 * exact + 1


def test_a_quantile_of_waits_of_one_length_is_that_length() -> None:
    buckets: dict[int, Bucket] = {}
    for _ in range(7):
        note(buckets, 5 * DAY)
    assert quantile(buckets, 0.5) == quantile(buckets, 0.9) == 5 * DAY
    assert quantile({}, 0.5) is None


# --- orders


def order(time: datetime, number: int = 1, **more: Any) -> Event:
    said = {"order_id": str(number), "revenue": "19.90", "currency": "EUR"} | more
    return an_event("Order Completed", time, person="p0", properties=said)


def credited(orders: list[Event], **touches: Any) -> dict[str, int]:
    """How many orders each message is credited with; `touches`: when it was opened, clicked."""
    run = a_run(0)
    rows = [
        a_message(
            run,
            step=f"send {name}",
            opened=opened,
            clicked={"a": clicked} if clicked else {},
        )
        for name, (opened, clicked) in touches.items()
    ]
    found = tally(Log(people=1, runs=[run], messages=rows, events=orders), SHAPE)
    assert found.orders == len({event.properties["order_id"] for event in orders})
    messages = found.journeys["loop"].messages
    for one in messages.values():
        assert one.revenue == ({"EUR": one.orders * Decimal("19.90")} if one.orders else {})
    return {key.removesuffix("/email"): one.orders for key, one in messages.items() if one.orders}


def test_an_order_counts_for_the_last_message_clicked_though_a_later_one_was_opened() -> None:
    touches = {"reminder": (START, START + DAY), "last": (START + 2 * DAY, None)}
    assert credited([order(START + 3 * DAY)], **touches) == {"reminder": 1}


def test_an_order_counts_for_the_last_one_opened_where_none_was_clicked() -> None:
    touches = {"reminder": (START, None), "last": (START + 2 * DAY, None)}
    assert credited([order(START + 3 * DAY)], **touches) == {"last": 1}


def test_an_order_counts_for_no_message_after_seven_days_nor_before_the_click() -> None:
    touches = {"reminder": (START, START)}
    assert credited([order(START + 7 * DAY)], **touches) == {"reminder": 1}
    assert credited([order(START + 8 * DAY)], **touches) == {}
    assert credited([order(START - DAY)], **touches) == {}


def test_an_order_told_twice_counts_once() -> None:
    twice = [order(START + DAY), order(START + 2 * DAY)]
    assert credited(twice, reminder=(START, START)) == {"reminder": 1}
