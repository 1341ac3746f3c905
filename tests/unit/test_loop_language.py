"""The words of loops and waits: what the checker says of mistakes, what they compile to, how a
change of them is told; and points, whatever the order in which they come."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.journeys.difference import differences
from functions.journeys.journey import Journey, build
from functions.journeys.yaml_file import read
from functions.segments.condition import of_message
from functions.segments.person import fields
from functions.tracking.event import JOURNEYS, SCORE_ADDED, Event
from functions.tracking.fold import fold
from functions.tracking.merge import merge_profiles
from functions.tracking.message import Message
from functions.tracking.profile import Profile
from tests.support.journeys import compiled
from tests.unit.test_journey_files import problems, with_steps

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def journey(steps: str) -> Journey:
    return build("cart", read("j", with_steps(steps)).value)


# --- mistakes

MISTAKES = {
    "no number of times": ("repeat: [{send: welcome}]", '5: "times" is missing beside "repeat"'),
    "never": ("repeat: [{send: welcome}]\n    times: 0", '6: "times": 0 is less than'),
    "too often": ("repeat: [{send: welcome}]\n    times: 1001", '6: "times": 1001 is greater'),
    "half a time": ("repeat: [{send: welcome}]\n    times: 1.5", '"times": 1.5 is not a number'),
    "no steps": ("repeat: []\n    times: 3", '5: "repeat": must not be empty'),
    "until of an event": (
        "repeat: [{send: welcome}]\n    times: 3\n    until: {event: A}",
        "7: a condition has exactly one of",
    ),
    "a loop in a loop": (
        "repeat:\n      - if: {opened: welcome}\n        then:\n"
        "          - repeat: [{send: welcome}]\n            times: 2\n    times: 3",
        "5: a repeat does not stand in another; put its steps into this one, or into a journey",
    ),
    "a loop that ends at once": (
        "repeat: [{send: welcome}, {end: a}]\n    times: 3",
        "5: ends the run in the first pass, so there is nothing to repeat",
    ),
    "a misspelt step in a loop": (
        "repeat:\n      - sned: welcome\n    times: 3",
        '6: "sned" is not a step; did you mean "send"?',
    ),
    "a message that is not there, in a loop": (
        "repeat:\n      - send: nothing\n    times: 3",
        '6: there is no message "nothing" in this folder',
    ),
    "a misspelt word": (
        "repeat: [{send: welcome}]\n    times: 3\n    untill: {opened: welcome}",
        '7: "untill" is unknown beside "repeat"; did you mean "until"?',
    ),
    "a condition after the last": (
        "wait: 4 hours\n    after the last: {clicked: welcome}",
        "6: {'clicked': 'welcome'} is not an event",
    ),
    "after the last, unknown word": (
        "wait: 4 hours\n    after the last: {event: A, were: {a: b}}",
        '6: "were" is unknown',
    ),
    "after the last, too long": (
        "wait: 151 days\n    after the last: {event: A}",
        "5: '151 days' is longer than 150 days, the longest time without an event",
    ),
    "after the last, too long by the calendar": (
        "wait: 5 months\n    after the last: {event: A}",
        "5: '5 months' is longer than 150 days",
    ),
    "no longest time": (
        "wait for first of: [{event: A}, {event: B}]",
        '5: "at most" is missing beside "wait for first of"',
    ),
    "a longest time by the calendar": (
        "wait for first of: [{event: A}, {event: B}]\n    at most: 1 month",
        "6: '1 month' is not exact",
    ),
    "one happening": (
        "wait for first of: [{event: A}]\n    at most: 1 day",
        '5: has one happening only; write "wait for"',
    ),
    "no list": ("wait for first of: {event: A}\n    at most: 1 day", "is not a list"),
    "a happening that cannot be read": (
        "wait for first of:\n      - {event: A}\n      - {evnt: B}\n    at most: 1 day",
        "7: a condition has exactly one of",
    ),
    "a mistake in an arm": (
        "wait for first of:\n      - {event: A}\n      - event: B\n        then: [{send: x}]\n"
        "    at most: 1 day",
        '8: there is no message "x"',
    ),
    "a message that is not there": (
        "wait for first of: [{event: A}, {clicked: x}]\n    at most: 1 day",
        '5: there is no message "x"',
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_at_its_line(mistake: str) -> None:
    text, said = MISTAKES[mistake]
    found = problems(with_steps(f"  - {text}\n"))
    assert [problem for problem in found if said in problem] == found != []


def test_a_wait_after_the_last_may_be_as_long_as_an_execution_may_be_quiet() -> None:
    assert problems(with_steps("  - wait: 150 days\n    after the last: {event: A}\n")) == []
    assert problems(with_steps("  - wait: 151 days\n")) == []


# --- what they compile to

LOOP = (
    "  - send: welcome\n  - wait for: {opened: welcome}\n    at most: 1 day\n"
    "  - repeat:\n      - send: guide\n      - if: {opened: guide}\n        then: [{end: a}]\n"
    "      - wait: 1 day\n    times: 20\n  - send: hacks\n"
)


def test_only_the_tasks_of_a_loop_are_told_the_pass() -> None:
    states = compiled(journey(LOOP))["States"]
    told = {
        state["Parameters"]["Payload"]["step"]
        for state in states.values()
        if "pass.$" in state.get("Parameters", {}).get("Payload", {})
    }
    assert told == {"send guide", "if opened guide", "repeat send guide"}
    head = states["repeat send guide"]["Parameters"]["Payload"]
    assert "pass.$" not in head


def test_a_pass_costs_two_transitions_more_than_its_steps() -> None:
    states = compiled(journey(LOOP))["States"]
    choice = states["once more or on: repeat send guide"]
    assert states["again: repeat send guide"]["Next"] == "once more or on: repeat send guide"
    assert choice["Choices"][0]["Next"] == "send guide"
    assert choice["Default"] == "send hacks"
    waits = [state for state in states.values() if state["Type"] == "Wait" and "Seconds" in state]
    assert [state["Next"] for state in waits] == ["again: repeat send guide"]


def test_steps_of_a_loop_are_called_once_for_each_pass_and_others_once() -> None:
    passes = [(step.name, number) for step, number in journey(LOOP).every_pass()]
    assert [number for name, number in passes if name == "send guide"] == list(range(20))
    assert [number for name, number in passes if name == "send hacks"] == [0]
    assert len(passes) == len(set(passes))


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_of_the_passes_of_a_message_the_latest_counts_for_each_step(order: list[int]) -> None:
    def row(step: str, number: int, run: str = "r") -> Message:
        return Message(
            person="p",
            run_id=run,
            step=step,
            iteration=number,
            send_id=f"{step}{number}",
            journey="cart",
            message="guide",
            channel="sms",
            purpose="tips",
            state="sent",
        )

    rows = [row("a", number) for number in order] + [row("b", 0), row("a", 7, "another")]
    facts: Any = SimpleNamespace(run_id="r", messages=lambda: rows)
    found = of_message(facts, ("guide",))
    assert [(one.step, one.iteration) for one in found] == [("a", 2), ("b", 0)]


# --- what changed

CHANGES = {
    "more passes": (
        "  - repeat: [{send: guide}]\n    times: 2\n",
        "  - repeat: [{send: guide}]\n    times: 3\n",
        ["changed: was repeat 2 times; is now repeat 3 times"],
    ),
    "a step more in a loop": (
        "  - repeat: [{send: guide}]\n    times: 2\n",
        "  - repeat: [{send: guide}, {send: hacks}]\n    times: 2\n",
        ["added: send “hacks” (after: send “guide”)"],
    ),
    "another happening": (
        "  - wait for first of: [{event: A}, {event: B}]\n    at most: 1 day\n",
        "  - wait for first of: [{event: A}, {event: C}]\n    at most: 1 day\n",
        [
            "changed: wait for the first of these (at most 1 day): the ways were “A” happens; "
            "“B” happens; are now “A” happens; “C” happens"
        ],
    ),
    "other events to be the last": (
        "  - wait: 4 hours\n    after the last: {event: A}\n",
        "  - wait: 4 hours\n    after the last: {event: B}\n",
        ["changed: was wait 4 hours after the last “A”; is now wait 4 hours after the last “B”"],
    ),
    "what a webhook is told": (
        "  - call webhook: crm\n",
        "  - call webhook: crm\n    with: {plan: pro}\n",
        ["changed: was tell the system “crm”; is now tell the system “crm”: plan = “pro”"],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_told(change: str) -> None:
    before, after, said = CHANGES[change]
    old, new = ({"cart": {"journey.yaml": with_steps(steps)}} for steps in (before, after))
    assert differences(old, new, "en") == {"cart": said}


# --- points


def given_points(number: int, points: Any, **more: Any) -> Event:
    said: dict[str, Any] = {"source": JOURNEYS, "person": "p", **more}
    return Event(
        type="track",
        event=SCORE_ADDED,
        message_id=f"m{number}",
        time=NOON,
        received_at=NOON,
        properties={"points": points},
        **said,
    )


def score(*profiles: Profile) -> Any:
    return fields(profiles[-1], NOON)["score"]


@given(
    st.lists(st.decimals(-1000, 1000, places=3), max_size=8),
    st.randoms(use_true_random=False),
    st.integers(0, 8),
)
def test_points_add_up_in_whatever_order_they_come_and_under_whichever_name(
    points: list[Any], chance: Any, cut: int
) -> None:
    events = [given_points(number, float(one)) for number, one in enumerate(points)]
    chance.shuffle(events)
    source, target = Profile(person="s"), Profile(person="t")
    for event in events[:cut]:
        fold(source, event)
    for event in events[cut:]:
        fold(target, event)
    merge_profiles(source, target)
    assert score(target) == pytest.approx(float(sum(points)), abs=1e-6)
    again = Profile(person="a")
    for event in sorted(events, key=lambda event: event.message_id):
        fold(again, event)
    assert score(again) == score(target)


@pytest.mark.parametrize(
    "event",
    [
        given_points(1, 5, source="shop"),
        given_points(1, 5, person=""),
        given_points(1, "many"),
        given_points(1, None),
        given_points(1, True),
    ],
)
def test_only_a_journeys_own_event_gives_points(event: Event) -> None:
    profile = Profile(person="p")
    fold(profile, event)
    assert score(profile) == 0
