"""Journeys for tests: a strategy for valid ones, what the grammar says they do, and a handler."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from functions.engine.machine import TaskFailed
from functions.folder import check, read_folder
from functions.journeys.flow import compile_journey
from functions.journeys.journey import Journey, build
from functions.journeys.run import LONGEST_QUIET
from functions.journeys.step import Answer, Step
from functions.journeys.steps.branch import Branch
from functions.journeys.steps.choose import Choose, arm_name
from functions.journeys.steps.end import End
from functions.journeys.steps.send import Send, moment
from functions.journeys.steps.split import Split, key_of
from functions.journeys.steps.wait import Wait
from functions.journeys.steps.wait_for import WaitFor
from functions.journeys.steps.wait_until import WaitUntil
from functions.segments.phrases import duration

SHIPPED = Path(__file__).parents[2] / "statemachines"
INPUT = {"run": "cart-1", "person": "p"}
HOLD, CALENDAR = timedelta(hours=7), timedelta(days=1)  # what the handler takes for each


def shipped() -> dict[str, Journey]:
    """The shipped journeys by name."""
    return {one.journey.name: one.journey for one in check(read_folder(SHIPPED))}


def compiled(journey: Journey) -> dict[str, Any]:
    return compile_journey(journey, "v1")


# --- any valid journey of the words that are built

_CONDITIONS = st.sampled_from(
    [
        {"person": {"plan": "pro"}},
        {"did": "Login", "since": "entry"},
        {"may get": "sms"},
        {"any of": [{"clicked": "a"}, {"none of": [{"opened": "a"}]}]},
    ]
)
_HAPPENINGS = st.sampled_from(
    [{"event": "Login"}, {"clicked": "a"}, {"opened": ["a", "b"]}, {"did": "Login", "times": 2}]
)
_SIMPLE = st.one_of(
    st.builds(dict, send=st.sampled_from(["a", "b"])),
    st.builds(
        dict,
        wait=st.sampled_from(
            ["1 minute", "5 days", "100 days", "200 days", "1 month", "2 working days", "1 year"]
        ),
    ),
    st.builds(
        lambda moment: {"wait until": moment},
        st.sampled_from(["9:00", "Monday", "2027-01-31 9:00", "entry.x", "3 days before person.x"]),
    ),
    st.just({"task": "Call", "for": "owner", "due": "1 working day"}),
    st.just({"start journey": "upsell"}),
    st.just({"stop journey": "upsell", "as": "stopped"}),
    st.just({"update": {"set": {"plan": "pro"}, "add tag": "fan"}}),
)
_END = st.just({"end": "done"})


def _steps(depth: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    kinds = [_SIMPLE, _SIMPLE]
    if depth:
        arm = st.one_of(
            _steps(depth - 1), st.builds(lambda steps, end: [*steps, end], _steps(0), _END)
        )
        arms = st.fixed_dictionaries({}, optional={"then": arm, "otherwise": arm})
        kinds += [
            st.builds(lambda asked, rest: {"if": asked, **rest}, _CONDITIONS, arms),
            st.builds(
                lambda what, length, rest: {"wait for": what, "at most": length, **rest},
                _HAPPENINGS,
                st.sampled_from(["3 days", "3 days", "400 days"]),
                arms,
            ),
            st.builds(lambda arm: {"send": "a", "if not sent": arm}, arm),
            st.builds(
                lambda moment, arm: {"wait until": moment, "otherwise": arm},
                st.sampled_from(["2027-01-31 9:00", "1 hour after entry.x", "person.x 18:00"]),
                arm,
            ),
        ]
        kinds += [_choose(arm), _split(arm)]
    return st.lists(st.one_of(kinds), min_size=1, max_size=4)


def _choose(arm: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    case = st.fixed_dictionaries({"if": _CONDITIONS}, optional={"then": arm})
    cases = st.lists(case, min_size=2, max_size=3)
    return st.fixed_dictionaries({"choose": cases}, optional={"otherwise": arm})


def _split(arm: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    def arms(shares: list[int]) -> st.SearchStrategy[dict[str, Any]]:
        each = {
            f"arm {number}": st.fixed_dictionaries(
                {"share": st.just(f"{share} percent")}, optional={"then": arm}
            )
            for number, share in enumerate(shares)
        }
        return st.fixed_dictionaries(
            {"split": st.just("coin"), "arms": st.fixed_dictionaries(each)}
        )

    return st.sampled_from([[50, 50], [45, 45, 10]]).flatmap(arms)


def _arms(step: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Where the arms of a step stand: the mappings that hold them, and under which words."""
    arms = [(case, "then") for case in step.get("choose", ())]
    arms += [(arm, "then") for arm in step.get("arms", {}).values()]
    own = ("then", "otherwise", "if not sent")
    needed = ("otherwise",) if "choose" in step else ()
    return arms + [(step, word) for word in own if word in step or word in needed]


def _ends(steps: list[dict[str, Any]]) -> bool:
    return any(
        "end" in step
        or (len(_arms(step)) > 1 and all(_ends(held.get(word, [])) for held, word in _arms(step)))
        for step in steps
    )


def _without_dead(steps: list[dict[str, Any]], numbers: Iterator[int]) -> list[dict[str, Any]]:
    """The steps that can be reached, each with a name of its own."""
    kept: list[dict[str, Any]] = []
    for step in steps:
        named = {**deepcopy(step), "name": f"step {next(numbers)}"}
        if "split" in step:
            named["split"] = f"coin {next(numbers)}"
        for held, word in _arms(named):
            if word in held:
                held[word] = _without_dead(held[word], numbers)
        kept.append(named)
        if _ends([step]):
            break
    return kept


@st.composite
def raw_journeys(draw: st.DrawFn) -> dict[str, Any]:
    """journey.yaml as plain values; messages `a` and `b` are mails."""
    steps = _without_dead(draw(_steps(draw(st.integers(0, 2)))), count(1))
    return {"title": "Any", "purpose": "offers", "once per": "person", "steps": steps}


journeys = raw_journeys().map(partial(build, "cart"))

# --- what happens to a run, decided by the step's name


def decided(journey: Journey) -> st.SearchStrategy[dict[str, int]]:
    """For each step a number that says which way it goes."""
    names = [step.name for step in journey.every_step()]
    return st.fixed_dictionaries({name: st.integers(0, 2) for name in names})


def input_of(journey: Journey, decisions: dict[str, int]) -> dict[str, Any]:
    """What the execution is told at its start: the ids, and each split's arm as decided."""
    splits = [step for step in journey.every_step() if isinstance(step, Split)]
    return {**INPUT, "arms": {key_of(one.split): _arm(one, decisions) for one in splits}}


def _arm(split: Split, decisions: dict[str, int]) -> str:
    return list(split.shares)[decisions[split.name] % len(split.shares)]


def expected(
    steps: list[Step], decisions: dict[str, int]
) -> tuple[list[str], timedelta, str | None]:
    """The steps done in their order, the time it takes, and the outcome where one was named:
    the grammar's meaning, written down without a state machine."""
    done: list[str] = []
    length = timedelta()
    for step in steps:
        if isinstance(step, End):
            return done, length, step.end
        own, own_length, arm = _one(step, decisions[step.name])
        below, below_length, outcome = expected(arm, decisions)
        done, length = done + own + below, length + own_length + below_length
        if outcome is not None:
            return done, length, outcome
    return done, length, None


def _one(step: Step, way: int) -> tuple[list[str], timedelta, list[Step]]:
    """What the step itself does, how long that takes, and the arm that follows."""
    if isinstance(step, Wait):
        exact = duration(step.wait).exact
        return [], exact or CALENDAR, []
    if isinstance(step, Send):
        if way == 1:
            return [step.name] * 2, HOLD, []  # held once, then sent
        return [step.name], timedelta(), step.if_not_sent if way == 2 else []
    if isinstance(step, WaitFor):
        at_once = way == 0 or (way == 2 and step.hangs_on_messages)
        length = timedelta() if at_once else duration(step.at_most).at_most
        return [step.name], length, step.otherwise if way else step.then
    if isinstance(step, WaitUntil):
        return _wait_until(step, way)
    arm = _arm_taken(step, way)
    return ([] if isinstance(step, Split) else [step.name]), timedelta(), arm


def _arm_taken(step: Step, way: int) -> list[Step]:
    """The arm of a step that does no more than to choose one; none of any other's."""
    if isinstance(step, Branch):
        return step.then if way else step.otherwise
    if isinstance(step, Choose):
        cases = [case.then for case in step.choose]
        return [*cases, step.otherwise][min(way, len(cases))]
    if isinstance(step, Split):
        arms = [arm.then for arm in step.arms_.values()]
        return arms[way % len(arms)]
    return []


def _wait_until(step: WaitUntil, way: int) -> tuple[list[str], timedelta, list[Step]]:
    """0: it comes; 1: it comes, and a date of the person was moved once meanwhile; 2: passed."""
    if way == 2:
        return [step.name], timedelta(), step.otherwise
    if not step.awaited.may_move:
        return [step.name], CALENDAR, []
    return [step.name] * (2 + way), CALENDAR * (1 + way), []


def handler(journey: Journey, decisions: dict[str, int], log: list[str]) -> Callable[..., Any]:
    """A run_step that answers as it was decided, with the errors that the real one uses."""

    began: dict[str, datetime] = {}

    def run_step(function: str, payload: dict[str, Any], tokens: Any) -> Any:
        wait, token = payload.get("wait"), payload.get("token")
        answer = visit(payload, payload["step"])
        if answer and not answer.error and wait and wait != payload["step"]:
            answer = visit(payload, wait)
        result = {"at": payload["entered"], **(answer.output if answer else {})}
        return _reply(tokens, token, answer, result) if token else result

    def visit(payload: dict[str, Any], name: str) -> Answer | None:
        step, entered = journey.step(name), datetime.fromisoformat(payload["entered"])
        if isinstance(step, WaitFor) and ("again" in payload or "target" in payload):
            return _goes_on(step, began.setdefault(name, entered), payload)
        began[name] = entered
        if not isinstance(step, Split | Wait):  # which do nothing but to tell a time
            log.append(name)
        return _answer(step, decisions[name], entered, log.count(name))

    return run_step


def _reply(tokens: Any, token: str, answer: Answer | None, result: Any) -> dict[str, Any]:
    if answer and answer.error:
        tokens.fail(token, answer.error, answer.cause)
    elif answer:
        tokens.succeed(token, {"Payload": result})
    return {}


def going_on(journey: Journey, at: str, inner: Callable[..., Any]) -> Callable[..., Any]:
    """The same handler for an execution that goes on at a step, or at the rest of its wait."""
    asked: list[bool] = []

    def run_step(function: str, payload: dict[str, Any], tokens: Any) -> Any:
        entered = datetime.fromisoformat(payload["entered"])
        if payload.get("resume"):
            asked.append(True)
            end = entered + CALENDAR
            seconds = int(CALENDAR.total_seconds())
            place = {"until": moment(end), "target": end.isoformat(), "since": None}
            return {"at": at, "seconds": seconds, **place}
        if asked:
            if "target" in payload and isinstance(journey.step(payload["step"]), Wait):
                return {"until": moment(entered + CALENDAR), "target": payload["target"]}
            return inner(function, payload, tokens)
        if "token" not in payload:
            raise TaskFailed("Resume", "the run goes on where it stood")
        tokens.fail(payload["token"], "Resume", "the run goes on where it stood")
        return {}

    return run_step


def _answer(step: Step, way: int, entered: datetime, visits: int) -> Answer | None:
    if isinstance(step, Send) and way == 1 and visits == 1:
        return Answer(error="Hold", cause=moment(entered + HOLD))
    if isinstance(step, Send) and way == 2 and step.if_not_sent:
        return Answer(error="NotSent", cause="no consent")
    if isinstance(step, WaitFor) and way == 2 and step.hangs_on_messages:
        return Answer(error="NothingSent", cause="none of the messages was sent")
    if isinstance(step, WaitFor):
        return Answer({"event": "m1"}) if way == 0 else None
    if isinstance(step, WaitUntil) and way == 2:
        return Answer(error="Passed") if step.otherwise else Answer()
    if isinstance(step, WaitUntil):
        is_over = visits > 1 + way
        return Answer() if is_over else Answer(error="Until", cause=moment(entered + CALENDAR))
    if isinstance(step, Wait):
        end = entered + (duration(step.wait).exact or CALENDAR)
        return Answer({"until": moment(end), "target": end.isoformat()})
    return _answer_of_arms(step, way) or Answer()


def _goes_on(step: WaitFor, began: datetime, payload: dict[str, Any]) -> Answer | None:
    """A long wait is waited for in pieces."""
    if "target" in payload:
        return None
    end = began + duration(step.at_most).at_most
    left = end - datetime.fromisoformat(payload["entered"])
    if left < timedelta(seconds=1):
        return Answer(error="Passed")
    seconds = int(min(left, LONGEST_QUIET).total_seconds())
    return Answer({"target": end.isoformat(), "since": None, "seconds": seconds})


def _answer_of_arms(step: Step, way: int) -> Answer | None:
    if isinstance(step, Branch):
        return Answer({"arm": "then" if way else "otherwise"})
    if isinstance(step, Choose):
        return Answer({"arm": arm_name(way) if way < len(step.choose) else "otherwise"})
    return None
