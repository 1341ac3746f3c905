"""Tasks and leads: what colleagues may do with them, each change told once and always alike."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.journeys.run import Task
from functions.sales.records import Lead
from functions.sales.work import (
    NotSo,
    created,
    decide,
    finish,
    gives_owner,
    hand_on,
    lead_event,
    owner_then,
    reassign,
    reopen,
    task_event,
)

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def a_task(owner: str = "anna", is_new_owner: bool = False) -> Task:
    return Task(
        person="ada",
        task_id="t1",
        run_id="r1",
        journey="upsell",
        text="Call",
        owner=owner,
        created=NOW,
        history=[created(NOW, is_new_owner)],
    )


def test_a_task_is_done_once_and_the_first_word_counts() -> None:
    task = a_task()
    assert finish(task, "reached", "anna", "likes it", NOW)
    assert not finish(task, "not reached", "ben", "", LATER)
    assert (task.status, task.outcome, task.finished) == ("done", "reached", NOW)
    event = task_event(task, -1)
    assert event is not None
    assert event.properties["outcome"] == "reached"
    assert "likes it" not in str(event.properties)


def test_a_task_that_is_opened_again_can_be_done_again_and_both_are_told() -> None:
    task = a_task()
    finish(task, "not reached", "anna", "", NOW)
    assert reopen(task, "ben", "one more try", LATER)
    assert not reopen(task, "ben", "", LATER)
    assert (task.status, task.outcome, task.finished) == ("open", "", None)
    finish(task, "reached", "anna", "", LATER)
    events = [task_event(task, index) for index in range(4)]
    assert len({event.message_id for event in events if event}) == 4


def test_nobody_gets_back_what_they_have_handed_on() -> None:
    task = a_task()
    assert reassign(task, "ben", "anna", "", NOW)
    assert not reassign(task, "ben", "anna", "", NOW)
    with pytest.raises(NotSo, match="anna had this task before"):
        reassign(task, "anna", "ben", "", LATER)
    assert reassign(task, "carl", "ben", "", LATER)
    assert task.owner == "carl"


def test_a_task_that_is_done_is_not_handed_on() -> None:
    task = a_task()
    finish(task, "done", "", "", NOW)
    with pytest.raises(NotSo, match="open it again"):
        reassign(task, "ben", "", "", NOW)


def test_what_was_told_of_a_task_does_not_change_when_it_is_told_again() -> None:
    task = a_task(is_new_owner=True)
    before = task_event(task, 0)
    reassign(task, "ben", "anna", "", LATER)
    finish(task, "done", "ben", "", LATER)
    assert task_event(task, 0) == before
    assert [owner_then(task, index) for index in (0, 1, 2)] == ["anna", "ben", "ben"]
    assert gives_owner(task) == "anna"
    assert gives_owner(a_task()) == ""


def test_a_task_from_before_there_was_a_history_is_told_from_its_end_on() -> None:
    task = a_task()
    task.history = []
    assert task_event(task, -1) is None
    assert finish(task, "done", "", "", NOW)
    assert task_event(task, -1) is not None


def test_a_lead_is_decided_on_with_a_reason_where_marketing_learns_from_it() -> None:
    lead = Lead(person="ada", lead_id="t1", owner="anna", handed=NOW, score=80)
    for status in ("rejected", "lost"):
        with pytest.raises(NotSo, match=f"why it is {status}"):
            decide(lead, status, "anna", " ", NOW)  # type: ignore[arg-type]
    assert decide(lead, "accepted", "anna", "", LATER)
    assert not decide(lead, "accepted", "ben", "", LATER)
    assert lead.accepted == LATER
    assert decide(lead, "lost", "anna", "too dear", LATER)
    event = lead_event(lead, -1)
    assert event.event == "Lead Lost"
    assert (event.properties["score"], event.properties["reason"]) == (80, "too dear")


def test_a_lead_goes_where_its_task_goes_and_that_is_counted() -> None:
    lead = Lead(person="ada", lead_id="t1", owner="anna", handed=NOW)
    assert hand_on(lead, "ben")
    assert not hand_on(lead, "ben")
    assert (lead.owner, lead.forwarded) == ("ben", 1)
