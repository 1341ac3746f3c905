"""The compiler: what every compiled journey keeps to, and that it does what the journey says."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from functions.engine.machine import load
from functions.journeys import journey as journey_files
from functions.journeys.bound import transitions
from functions.journeys.check import load as check_and_load
from functions.journeys.flow import RETRY, BadName, Flow, compile_journey, flow_of
from functions.journeys.journey import Journey
from functions.journeys.run import LONGEST_QUIET, RENEWED, SHORT
from functions.journeys.steps.send import Send
from functions.journeys.steps.wait import Wait
from functions.journeys.steps.wait_until import WaitUntil
from functions.journeys.together import together
from functions.journeys.yaml_file import read
from functions.segments.phrases import duration
from tests.support.journeys import (
    INPUT,
    compiled,
    decided,
    expected,
    handler,
    input_of,
    journeys,
    raw_journeys,
    shipped,
)
from tests.support.moto_interpreter import run_ours
from tests.support.reference_journey import JOURNEY

SHIPPED = shipped()
TOKEN = "arn:aws:states:::lambda:invoke.waitForTaskToken"
relaxed = settings(max_examples=120, suppress_health_check=list(HealthCheck))


def journey(steps: str, name: str = "cart") -> Journey:
    """A journey of these steps; not checked."""
    head = "title: A\npurpose: offers\nonce per: person\nsteps:\n"
    return journey_files.build(name, read("j", head + steps).value)


def targets(state: dict[str, Any]) -> Iterator[str]:
    for way in (state, *state.get("Choices", ()), *state.get("Catch", ())):
        yield from (way[word] for word in ("Next", "Default") if word in way)


def assert_sound(definition: dict[str, Any]) -> None:
    """What must hold for any journey's state machine."""
    load(definition)  # the core only, and every target exists
    states = definition["States"]
    met, todo = set(), [definition["StartAt"]]
    while todo:
        name = todo.pop()
        if name not in met:
            met.add(name)
            todo += targets(states[name])
    assert met == states.keys(), f"never reached: {states.keys() - met}"
    for name, state in states.items():
        assert 1 <= len(name) <= 80
        assert_sound_state(state)


def assert_sound_state(state: dict[str, Any]) -> None:
    for length in ("Seconds", "TimeoutSeconds"):
        assert isinstance(state.get(length, 1), int)
        assert state.get(length, 1) >= 1
    assert "SecondsPath" not in state
    # MiniStack ignores it; where a wait goes on, there is no other way.
    path = state.get("TimeoutSecondsPath", "$.resume.Payload.seconds")
    assert path == "$.resume.Payload.seconds"
    if state["Type"] != "Task":
        return
    payload = state["Parameters"]["Payload"]
    assert (payload.get("token.$") == "$$.Task.Token") is (state["Resource"] == TOKEN)
    names = {"journey", "version", "step", "run.$", "person.$", "execution.$", "entered.$"}
    assert payload.keys() >= names
    assert state["ResultPath"].startswith("$.")
    caught = [error for catch in state["Catch"] for error in catch["ErrorEquals"]]
    assert all(catch["ResultPath"].startswith("$.") for catch in state["Catch"])
    assert len(caught) == len(set(caught))
    assert caught[-1] == "Exit"
    timed = not {"TimeoutSeconds", "TimeoutSecondsPath"}.isdisjoint(state)
    assert timed is ("States.Timeout" in caught)
    retried = [error for retry in state["Retry"] for error in retry["ErrorEquals"]]
    assert {"Temporary", "Lambda.ServiceException"} <= set(retried)
    # A webhook that stays busy is caught when its retries are over.
    never = {"States.ALL", "States.Timeout", "States.TaskFailed", *caught} - {"WebhookBusy"}
    assert not never & set(retried)
    assert all(isinstance(retry["BackoffRate"], float) for retry in state["Retry"])


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_journey_compiles_to_a_sound_machine(name: str) -> None:
    assert_sound(compiled(SHIPPED[name]))


@relaxed
@given(journeys)
def test_any_journey_compiles_to_a_sound_machine(journey: Journey) -> None:
    assert_sound(compiled(journey))


@relaxed
@given(raw_journeys())
def test_any_journey_that_is_generated_here_passes_the_checker(raw: dict[str, Any]) -> None:
    files = {"a.de.mjml": "", "b.de.mjml": "", "journey.yaml": json.dumps(raw)}
    # But for messages that fall together for who comes late, which is a matter of its own.
    assume(not together(journey_files.build("cart", json.loads(json.dumps(raw))).steps))
    check_and_load("cart", files, {"offers": True}, webhooks=["crm"])


@settings(relaxed, max_examples=30)
@given(raw_journeys())
def test_the_same_file_compiles_to_the_same_text(raw: dict[str, Any]) -> None:
    def text() -> str:
        return json.dumps(compiled(journey_files.build("cart", json.loads(json.dumps(raw)))))

    assert text() == text()


@relaxed
@given(st.data())
def test_a_run_does_what_the_file_says_in_its_order_and_time(data: st.DataObject) -> None:
    """Arms come together; `if not sent` runs and goes on; what is held is done again; nothing
    sent takes `otherwise` at once; `end` ends with its outcome."""
    journey = data.draw(journeys)
    decisions = data.draw(decided(journey))
    log: list[str] = []
    told = input_of(journey, decisions)
    outcome = run_ours(compiled(journey), told, handler(journey, decisions, log))
    done, length, ended_as = expected(journey.steps, decisions)
    assert outcome.status == "SUCCEEDED", outcome
    assert log == done
    assert outcome.seconds == length.total_seconds()
    assert outcome.output.get("outcome") == ended_as


def test_the_definition_of_a_small_journey_reads_like_the_journey() -> None:
    found = compiled(
        journey(
            "  - send: a\n"
            "  - wait for: {clicked: a}\n"
            "    at most: 3 days\n"
            "    then: [{start journey: upsell}]\n"
            "  - wait: 2 days\n"
            "  - send: b\n"
        )
    )
    assert set(found["States"]) == {
        "send a, wait for clicked a",
        "hold send a",
        "start journey upsell",
        "wait 2 days after wait for clicked a",
        "send b",
        "hold send b",
        "left",
        "go on",
        "go on at",
        "nowhere to go on",
        "rest of: wait for clicked a",
        "rest of: wait 2 days after wait for clicked a",
    }
    assert found["Comment"] == "A"
    assert found["StartAt"] == "send a, wait for clicked a"
    first = found["States"]["send a, wait for clicked a"]
    assert first["TimeoutSeconds"] == 3 * 86_400
    assert first["Parameters"]["FunctionName"] == "${RunStep}"
    payload = first["Parameters"]["Payload"]
    assert (payload["step"], payload["wait"]) == ("send a", "wait for clicked a")
    assert (payload["journey"], payload["version"]) == ("cart", "v1")


@pytest.mark.parametrize(
    "steps",
    [
        "  - if: {person: {a: 1}}\n    then: [{send: a}]\n    otherwise: [{send: b}]\n",
        "  - if: {person: {a: 1}}\n    then: [{send: a}]\n",
        "  - if: {person: {a: 1}}\n    otherwise: [{send: a}]\n",
        "  - if: {person: {a: 1}}\n",
        "  - wait for: {event: X}\n    at most: 1 day\n    then: [{wait: 1 day}]\n",
        "  - send: a\n    if not sent: [{task: Call, for: owner}]\n",
    ],
)
def test_after_an_arms_last_step_the_run_goes_on_below(steps: str) -> None:
    found = journey(f"{steps}  - send: last\n")
    for way in range(3):
        log: list[str] = []
        decisions = {step.name: way for step in found.every_step()} | {"send last": 0}
        run_ours(compiled(found), INPUT, handler(found, decisions, log))
        assert log[-1] == "send last"


def test_a_message_and_the_wait_after_it_are_one_state() -> None:
    alone = compiled(journey("  - send: a\n  - wait for: {event: X}\n    at most: 1 day\n"))
    tasks = [name for name, state in alone["States"].items() if state["Type"] == "Task"]
    assert tasks == ["go on", "send a, wait for X", "rest of: wait for X"]


def test_a_wait_that_hangs_on_another_message_does_not_take_the_arm_of_if_not_sent() -> None:
    """The message goes out, but the one that is waited for never did: that is `otherwise`."""
    found = journey(
        "  - send: a\n"
        "  - send: b\n"
        "    if not sent: [{task: B was not sent, for: owner}]\n"
        "  - wait for: {clicked: a}\n"
        "    at most: 1 day\n"
        "    otherwise: [{task: A was not clicked, for: owner}]\n"
    )
    log: list[str] = []
    decisions = dict.fromkeys((step.name for step in found.every_step()), 0)
    decisions["wait for clicked a"] = 2
    outcome = run_ours(compiled(found), INPUT, handler(found, decisions, log))
    assert log == ["send a", "send b", "wait for clicked a", "task A was not clicked"]
    assert outcome.seconds == 0


def test_an_arm_of_if_not_sent_that_ends_leaves_no_state_behind() -> None:
    found = journey(
        "  - send: a\n"
        "    if not sent: [{end: nothing to say}]\n"
        "  - wait for: {event: X}\n"
        "    at most: 1 day\n"
    )
    assert_sound(compiled(found))


def test_a_wait_is_written_in_literal_seconds_and_by_the_calendar_looked_up() -> None:
    states = compiled(journey("  - wait: 2 weeks\n  - wait: 1 month\n"))["States"]
    assert states["wait 2 weeks"]["Seconds"] == 14 * 86_400
    assert "look up the day: wait 1 month after wait 2 weeks" in states
    assert states["wait 1 month after wait 2 weeks"]["TimestampPath"] == "$.last.Payload.until"


@pytest.mark.parametrize("name", ["left", "finished", "hold send b", "then or otherwise: sure"])
def test_a_step_cannot_take_the_place_of_a_state_that_the_compiler_makes(name: str) -> None:
    steps = (
        f"  - send: a\n    name: '{name}'\n  - send: b\n"
        "  - if: {person: {a: 1}}\n    name: sure\n"
    )
    with pytest.raises(BadName, match="is made already; give the step of that name another name"):
        compile_journey(journey(steps), "v1")


def test_a_name_longer_than_step_functions_allows_is_refused() -> None:
    with pytest.raises(BadName, match="longer than 80 characters"):
        compile_journey(journey(f"  - wait: 5 days\n    name: {'x' * 81}\n"), "v1")
    compile_journey(journey(f"  - wait: 5 days\n    name: {'x' * 80}\n"), "v1")


DAY = 86_400


def lasts(journey: Journey, flow: Flow, name: str) -> int:
    """The seconds for which a state may wait without a call."""
    state, step = flow.states[name], flow.owners.get(name)
    if state["Type"] != "Wait" or step is None:
        return 0
    if "Seconds" in state:
        return int(state["Seconds"])
    found = journey.step(step)
    if isinstance(found, Wait):
        return int(min(duration(found.wait).at_most, LONGEST_QUIET).total_seconds())
    if isinstance(found, WaitUntil) and found.awaited.comes_again:
        return int(found.awaited.at_most.total_seconds())  # nine o'clock is soon
    return 0 if isinstance(found, Send) else 150 * DAY


def quiet_from(journey: Journey, flow: Flow, name: str, known: dict[str, int]) -> int:
    """The seconds until the next call, or the end."""
    state = flow.states[name]
    if name not in known and state["Type"] != "Task":
        below = [quiet_from(journey, flow, target, known) for target in targets(state)]
        known[name] = lasts(journey, flow, name) + max(below, default=0)
    return known.get(name, 0)


def after_a_call(state: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Where a task leads, and for how long it may have waited since its call."""
    yield from ((0, target) for target in targets(state))
    for catch in state["Catch"]:
        if catch["ErrorEquals"] == ["States.Timeout"]:
            yield state.get("TimeoutSeconds", 0), catch["Next"]


@relaxed
@given(journeys)
def test_no_execution_is_without_a_call_for_so_long_that_it_could_outlive_its_year(
    journey: Journey,
) -> None:
    """A call at most 200 days after its start lets it live; the next one has to come in time."""
    flow = flow_of(journey, "v1")
    tasks = [state for state in flow.states.values() if state["Type"] == "Task"]
    known: dict[str, int] = {}
    for state in tasks:
        assert state.get("TimeoutSeconds", 0) <= 150 * DAY
        for before, target in after_a_call(state):
            assert before + quiet_from(journey, flow, target, known) <= 160 * DAY
    assert timedelta(days=364) > RENEWED + LONGEST_QUIET + SHORT


def test_waits_that_an_execution_lives_to_see_are_written_in_seconds() -> None:
    states = compiled(journey("  - wait: 90 days\n  - wait: 60 days\n  - wait: 60 days\n"))[
        "States"
    ]
    seconds = [state["Seconds"] for state in states.values() if "Seconds" in state]
    assert seconds == [90 * 86_400, 60 * 86_400]
    assert sum(state["Type"] == "Task" for state in states.values()) == 2  # one is "go on"


def test_a_name_of_ours_that_would_be_too_long_is_cut_and_stays_its_own() -> None:
    names = [f"{'x' * 78}{number}" for number in range(2)]
    steps = "".join(f"  - wait: 1 year\n    name: {name}\n" for name in names)
    states = compiled(journey(steps))["States"]
    assert all(len(name) <= 80 for name in states)
    assert sum(name.startswith("rest of: xxx") for name in states) == 2


def test_retries_are_for_what_passes_and_end_within_a_day() -> None:
    assert RETRY["MaxDelaySeconds"] * RETRY["MaxAttempts"] < 86_400  # type: ignore[operator]
    assert {"Sandbox.Timedout", "Lambda.Unknown"} <= set(RETRY["ErrorEquals"])  # type: ignore[call-overload]


# --- what AWS bills


@pytest.mark.parametrize(
    ("clicked", "bought", "most"),
    [(False, False, 12), (True, False, 13), (False, True, 13), (True, True, 14)],
)
def test_the_reference_journey_takes_few_transitions(
    clicked: bool, bought: bool, most: int
) -> None:
    found = journey_files.build("reference", read("j", JOURNEY).value)
    log: list[str] = []
    decisions = dict.fromkeys((step.name for step in found.every_step()), 0) | {
        "wait for clicked two": 0 if clicked else 1,
        "if clicked two": int(clicked),
        "wait for Order Completed": 0 if bought else 1,
        "if did Order Completed": int(bought),
    }
    outcome = run_ours(compiled(found), INPUT, handler(found, decisions, log))
    assert outcome.status == "SUCCEEDED"
    assert ("send four" in log) is not bought
    assert ("update add tag interested" in log) is clicked
    billed = 1 + len(outcome.path)  # the start, and each state entered
    assert billed <= most
    assert billed <= transitions(found, again=0) <= transitions(found)
