"""`choose`: the first way whose condition is true, for no more than an `if` costs."""

from typing import Any

import pytest

from functions.journeys.journey import Journey, build
from functions.journeys.step import ends
from functions.journeys.steps.choose import Choose
from functions.journeys.yaml_file import read
from tests.support.journeys import compiled, expected, handler, input_of
from tests.support.moto_interpreter import run_ours
from tests.unit.test_journey_files import problems, with_steps

THREE = """\
  - choose:
      - if: {person: {plan: pro}}
        then: [{send: guide}]
      - if: {opened: welcome}
        then: [{send: hacks}, {wait: 4 days}]
    otherwise: [{send: welcome}]
"""


def journey(steps: str) -> Journey:
    return build("cart", read("j", with_steps(steps)).value)


class Plan:
    """Conditions that answer as they are told, and note that they were asked."""

    def __init__(self, *answers: bool) -> None:
        self.asked: list[int] = []
        self.answers = answers

    def condition(self, index: int) -> Any:
        def holds(facts: Any) -> bool:
            self.asked.append(index)
            return self.answers[index]

        return holds


def taken(*answers: bool) -> tuple[str, list[int]]:
    step = journey(THREE).steps[0]
    assert isinstance(step, Choose)
    plan = Plan(*answers)
    step.__dict__["asked"] = [plan.condition(index) for index in range(len(answers))]
    answer = step.visit(type("Visit", (), {"facts": None}))  # type: ignore[arg-type]
    assert answer
    return answer.output["arm"], plan.asked


@pytest.mark.parametrize(
    ("answers", "arm", "asked"),
    [
        ((True, True), "1", [0]),
        ((False, True), "2", [0, 1]),
        ((True, False), "1", [0]),
        ((False, False), "otherwise", [0, 1]),
    ],
)
def test_the_first_that_is_true_is_taken_and_none_behind_it_is_asked(
    answers: tuple[bool, ...], arm: str, asked: list[int]
) -> None:
    assert taken(*answers) == (arm, asked)


@pytest.mark.parametrize("way", range(3))
def test_it_costs_two_transitions_however_many_ways_there_are(way: int) -> None:
    """As many as an `if`: a task that asks, and a Choice."""
    found = journey(THREE + "  - end: done\n")
    decisions = {step.name: 0 for step in found.every_step()} | {found.steps[0].name: way}
    log: list[str] = []
    outcome = run_ours(compiled(found), input_of(found, decisions), handler(found, decisions, log))
    assert len(outcome.path) == 2 + len(expected(found.steps, decisions)[0][1:]) + (way == 1) + 1
    assert log == expected(found.steps, decisions)[0]


def test_all_ways_come_together_below() -> None:
    states = compiled(journey(THREE + "  - send: five-reasons\n"))["States"]
    assert {states[name]["Next"] for name in ("send guide", "send welcome")} == {
        "send five-reasons"
    }


def test_a_wait_below_looks_back_to_when_it_was_chosen() -> None:
    below = "  - wait for: {event: Login}\n    at most: 3 days\n"
    states = compiled(journey(THREE + below))["States"]
    since = states["wait for Login"]["Parameters"]["Payload"]["since"]
    place = next(
        state["ResultPath"] for name, state in states.items() if name.startswith("choose by")
    )
    assert since == {"at.$": f"{place}.Payload.at"}


def test_a_run_gets_past_it_unless_every_way_ends() -> None:
    way = "      - {{if: {{opened: welcome}}, then: [{{{0}}}]}}\n"
    both = "  - choose:\n" + way.format("end: a") + way.format("end: b")
    assert not ends(journey(both).steps)
    assert ends(journey(both + "    otherwise: [{end: c}]\n").steps)
    assert not ends(journey(both + "    otherwise: [{send: guide}]\n").steps)


def test_a_step_behind_ways_that_all_end_is_named() -> None:
    text = (
        "  - choose:\n"
        "      - {if: {opened: welcome}, then: [{end: a}]}\n"
        "      - {if: {opened: guide}, then: [{end: b}]}\n"
        "    otherwise: [{end: c}]\n"
        "  - send: guide\n"
    )
    [problem] = problems(with_steps(text))
    assert problem == "cart/journey.yaml:9: this step is never reached: the run has ended before"


MISTAKES = {
    "one condition only": (
        "  - choose:\n      - {if: {opened: welcome}, then: [{send: guide}]}\n",
        '5: has one condition only; write "if" with "then" and "otherwise"',
    ),
    "no conditions": ("  - choose: []\n", '5: "choose": must not be empty'),
    "a mapping": (
        "  - choose: {if: {opened: welcome}}\n",
        "\"choose\": {'if': {'opened': 'welcome'}} is not a list",
    ),
    "no if": (
        "  - choose:\n      - then: [{send: guide}]\n      - {if: {opened: welcome}}\n",
        '6: "if" is missing',
    ),
    "otherwise as a way": (
        "  - choose:\n      - {if: {opened: welcome}}\n      - {otherwise: [{send: guide}]}\n",
        '7: "otherwise" is unknown; here go: if, then',
    ),
    "a bad condition": (
        "  - choose:\n      - {if: {opend: welcome}}\n      - {if: {opened: guide}}\n",
        "6: a condition has exactly one of",
    ),
    "an unknown message in a condition": (
        "  - choose:\n      - {if: {opened: welcom}}\n      - {if: {opened: guide}}\n",
        '6: there is no message "welcom" in this folder',
    ),
    "a mistake in a way": (
        "  - choose:\n      - {if: {opened: guide}}\n"
        "      - if: {opened: welcome}\n        then:\n          - send: welcom\n",
        '9: there is no message "welcom" in this folder',
    ),
    "no verb in a way": (
        "  - choose:\n      - {if: {opened: guide}}\n"
        "      - if: {opened: welcome}\n        then:\n          - sent: welcome\n",
        '9: "sent" is not a step; did you mean "send"?',
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_at_its_line(mistake: str) -> None:
    text, said = MISTAKES[mistake]
    found = problems(with_steps(text))
    assert any(said in problem for problem in found), found


def test_it_is_written_as_the_grammar_has_it() -> None:
    text = (
        "  - choose:\n"
        "      - if: {person: {revenue: {at least: 2000}}}\n"
        "        then:\n"
        "          - task: Call about the renewal\n"
        "            for: owner\n"
        "      - if: {may get: sms}\n"
        "        then: [{send: come-back, by: sms}]\n"
        "    otherwise: [{send: guide, by: email}]\n"
    )
    assert problems(with_steps(text)) == []
