"""Any journey that can be written: refused at a line, or compiled, ended, bounded and read alike
by our engine, by moto's interpreter and by a reader of the file."""

from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from functions.engine.machine import load as load_machine
from functions.journeys.bound import transitions
from functions.journeys.check import load, paths
from functions.journeys.journey import Journey
from functions.journeys.yaml_file import read
from functions.problem import Problems
from tests.support.any_journey import MESSAGES, PURPOSES, WEBHOOKS, Reading, any_journey
from tests.support.journeys import compiled, decided, handler, input_of
from tests.support.moto_interpreter import Outcome, run, run_ours


def many(examples: int) -> settings:
    health = list(HealthCheck)
    return settings(max_examples=examples, suppress_health_check=health)


def checked(text: str) -> Journey | None:
    """The journey; None when it is refused, and then every problem has its line."""
    try:
        return load("cart", {**MESSAGES, "journey.yaml": text}, PURPOSES, None, WEBHOOKS)
    except Problems as refused:
        lines = text.count("\n") + 1
        for problem in refused.found:
            assert problem.file == "cart/journey.yaml"
            assert 1 <= problem.line <= lines, problem
            assert problem.text
    return None


def follow(data: st.DataObject, text: str, journey: Journey, interpreter: Any) -> Outcome:
    """One run by chance answers: it ends, within the bound, and as a reader of the file says."""
    decisions = data.draw(decided(journey))
    told = input_of(journey, decisions)
    log: list[str] = []
    outcome: Outcome = interpreter(compiled(journey), told, handler(journey, decisions, log))
    steps = read("j", text).value["steps"]
    names = {path: step.name for path, step in paths(journey.steps, ("steps",))}
    reading = Reading(names, decisions)
    reading.follow(steps)
    assert outcome.status == "SUCCEEDED", outcome
    assert log == reading.done
    assert outcome.output.get("outcome") == reading.outcome
    assert 1 + len(outcome.path) <= transitions(journey)
    return outcome


@many(100)
@given(any_journey())
def test_any_file_passes_or_is_refused_at_a_line_and_what_passes_is_in_the_core(text: str) -> None:
    journey = checked(text)
    if journey:
        load_machine(compiled(journey))


@many(100)
@given(st.data())
def test_any_journey_ends_within_its_bound_and_does_what_a_reader_expects(
    data: st.DataObject,
) -> None:
    text = data.draw(any_journey())
    journey = checked(text)
    assume(journey)
    assert journey
    follow(data, text, journey, run_ours)


@many(20)
@given(st.data())
def test_moto_s_interpreter_goes_the_same_way(data: st.DataObject) -> None:
    text = data.draw(any_journey())
    journey = checked(text)
    assume(journey)
    assert journey
    follow(data, text, journey, run)


def test_many_of_the_journeys_pass_and_many_do_not() -> None:
    """Else the tests above would say little."""
    passed: list[bool] = []

    @settings(many(60), derandomize=True, database=None)
    @given(any_journey())
    def collect(text: str) -> None:
        passed.append(checked(text) is not None)

    collect()
    assert 0.3 < sum(passed) / len(passed) < 0.95
