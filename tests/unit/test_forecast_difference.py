"""The difference of two forecasts: what is gained, lost and moved, however it is added up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.forecast.compared import JourneyRow, _said_of
from functions.forecast.difference import Difference, add, difference, together
from functions.forecast.log import Log
from functions.forecast.report import Range
from functions.journeys.run import Run, Task
from functions.tracking.event import Event
from functions.tracking.message import Message

BEGIN = datetime(2027, 3, 1, 9, tzinfo=UTC)


def message(person: str, name: str, day: float = 0, **more: Any) -> Message:
    said: dict[str, Any] = {
        "run_id": f"r-{person}",
        "step": f"send {name}",
        "send_id": f"{person}-{name}-{more.get('iteration', 0)}",
        "journey": "onboarding",
        "channel": "email",
        "purpose": "tips",
        "state": "sent",
        "subject": name,
        "claimed": BEGIN + timedelta(days=day),
    }
    return Message(person=person, message=name, **{**said, **more})


def run(person: str, outcome: str = "finished") -> Run:
    entry = Event(type="track", message_id="m1", time=BEGIN, received_at=BEGIN, event="Signed Up")
    return Run(
        person=person,
        run_id=f"r-{person}",
        journey="onboarding",
        journey_version="v1",
        entered=BEGIN,
        entry=entry,
        status="ended" if outcome else "open",
        outcome=outcome,
    )


def task(person: str, text: str) -> Task:
    said = {"run_id": f"r-{person}", "journey": "onboarding", "owner": "sales", "created": BEGIN}
    return Task(person=person, task_id=f"{person}{text}", text=text, **said)  # type: ignore[arg-type]


rows = st.builds(
    message,
    st.sampled_from(["ada", "bob"]),
    st.sampled_from(["one", "two"]),
    st.integers(0, 5),
    channel=st.sampled_from(["email", "sms"]),
    subject=st.sampled_from(["Hello", "Hi"]),
    state=st.sampled_from(["sent", "unknown", "not sent", "held"]),
    iteration=st.integers(0, 2),
)
logs = st.builds(
    lambda messages, runs, tasks: Log(people=2, messages=messages, runs=runs, tasks=tasks),
    st.lists(rows, max_size=4, unique_by=lambda row: row.send_id),
    st.lists(
        st.builds(run, st.sampled_from(["ada", "bob"]), st.sampled_from(["", "finished", "left"])),
        max_size=2,
        unique_by=lambda run: run.run_id,
    ),
    st.lists(st.builds(task, st.sampled_from(["ada", "bob"]), st.just("Call")), max_size=2),
)


def went(log: Log) -> int:
    return sum(row.state in ("sent", "unknown") for row in log.messages)


@given(logs)
def test_a_forecast_is_not_different_from_itself(log: Log) -> None:
    assert difference(log, log) == Difference(people=2)
    assert difference(log, log).is_nothing


@given(logs, logs)
def test_what_is_gained_less_what_is_lost_is_what_is_more(before: Log, after: Log) -> None:
    found = difference(before, after)
    assert sum(one.more for one in found.messages.values()) == went(after) - went(before)
    tasks = [(one.tasks_gained, one.tasks_lost) for one in found.journeys.values()]
    assert sum(more - less for more, less in tasks) == len(after.tasks) - len(before.tasks)
    runs = sum(one.entered - one.stayed_out for one in found.journeys.values())
    assert runs == len(after.runs) - len(before.runs)


@given(logs, logs)
def test_the_way_back_gains_what_the_way_there_lost(before: Log, after: Log) -> None:
    there, back = difference(before, after), difference(after, before)
    assert there.concerned == back.concerned <= 2
    for name, change in there.messages.items():
        other = back.messages[name]
        assert (change.gained, change.within, change.earlier) == (
            *(other.lost, other.beyond, other.later),
        )
        assert (change.seconds_earlier, change.reworded) == (other.seconds_later, other.reworded)


@given(st.lists(st.tuples(logs, logs), min_size=1, max_size=3), st.permutations(range(3)))
def test_in_whatever_order_shards_are_added_it_is_the_same(
    shards: list[tuple[Log, Log]], order: list[int]
) -> None:
    found = [difference(before, after) for before, after in shards]
    mixed = [found[place] for place in order if place < len(found)]
    assert together(found) == together(mixed)
    assert add(Difference(), found[0]) == found[0]


def test_a_message_that_goes_two_days_later_is_neither_gained_nor_lost() -> None:
    before = Log(people=1, messages=[message("ada", "one", 3)])
    after = Log(people=1, messages=[message("ada", "one", 5, step="send one 2")])
    [change] = difference(before, after).messages.values()
    assert (change.later, change.seconds_later, change.more) == (1, 2 * 86400, 0)


def test_a_message_whose_run_goes_on_at_the_end_is_not_lost_but_moved_out_of_these_days() -> None:
    before = Log(people=1, messages=[message("ada", "one", 59)], runs=[run("ada")])
    after = Log(people=1, runs=[run("ada", "")])
    [change] = difference(before, after).messages.values()
    assert (change.beyond, change.lost, change.more) == (1, 0, -1)


def test_a_message_by_another_channel_is_lost_on_the_one_and_gained_on_the_other() -> None:
    before = Log(people=1, messages=[message("ada", "one")])
    after = Log(people=1, messages=[message("ada", "one", channel="sms")])
    found = difference(before, after).messages
    assert found["onboarding/one/email"].lost == found["onboarding/one/sms"].gained == 1


def test_who_ends_otherwise_is_told_with_both_ends() -> None:
    before, after = Log(people=1, runs=[run("ada", "")]), Log(people=1, runs=[run("ada", "left")])
    found = difference(before, after)
    assert found.journeys["onboarding"].outcomes == {"under way → left": 1}
    assert found.concerned == 1


def test_there_are_few_examples_of_each_kind_however_many_people_there_are() -> None:
    people = [f"p{number:03}" for number in range(50)]
    before = Log(people=50, messages=[message(person, "one") for person in people])
    found = difference(before, Log(people=50))
    assert [one.person for one in found.examples] == ["p000", "p001", "p002"]
    assert found.messages["onboarding/one/email"].lost == found.concerned == 50


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (
            1,
            [
                "“news” is entered 1 time instead of 2.",
                "1 run of “news” ends otherwise: bought instead of finished.",
                "Sales gets 1 more task from “news”.",
            ],
        ),
        (
            3,
            [
                "“news” is entered 3 times instead of 2.",
                "3 runs of “news” end otherwise: bought instead of finished.",
                "Sales gets 3 more tasks from “news”.",
            ],
        ),
    ],
)
def test_one_and_many_are_said_as_people_say_them(count: int, said: list[str]) -> None:
    row = JourneyRow(
        journey="news",
        before=Range(2, 2, 2),
        after=Range(count, count, count),
        outcomes={"finished → bought": count},
        tasks=Range(count, count, count),
    )
    assert list(_said_of(row)) == said
