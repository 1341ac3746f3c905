"""Journeys for tests: a strategy for valid ones, what the grammar says they do, and a handler."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from functools import cache, partial
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
from functions.journeys.steps.awaiting import Awaiting
from functions.journeys.steps.branch import Branch
from functions.journeys.steps.call_webhook import CallWebhook
from functions.journeys.steps.choose import Choose, arm_name
from functions.journeys.steps.end import End
from functions.journeys.steps.repeat import Repeat
from functions.journeys.steps.send import Send, moment
from functions.journeys.steps.split import Split, key_of
from functions.journeys.steps.wait import Wait
from functions.journeys.steps.wait_for import WaitFor
from functions.journeys.steps.wait_for_first_of import WaitForFirstOf
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
    st.just({"update": {"set": {"plan": "pro"}, "add tag": "fan", "add to score": 5}}),
    st.just({"wait": "4 hours", "after the last": {"event": "Login"}}),
    st.just({"call webhook": "crm", "with": {"plan": "pro"}}),
)
_END = st.just({"end": "done"})


@cache  # what is drawn from again and again is built and checked once
def _steps(depth: int, loops: bool = True) -> st.SearchStrategy[list[dict[str, Any]]]:
    kinds = [_SIMPLE, _SIMPLE]
    if depth:
        arm = st.one_of(
            _steps(depth - 1, loops), st.builds(lambda steps, end: [*steps, end], _steps(0), _END)
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
        kinds += [_choose(arm), _split(arm), _first_of(arm)]
        kinds.append(st.builds(lambda arm: {"call webhook": "crm", "if it fails": arm}, arm))
        kinds += [_repeat(depth)] if loops else []
    return st.lists(st.one_of(kinds), min_size=1, max_size=4)


@cache
def _repeat(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda steps, times, until: {"repeat": steps, "times": times, **until},
        _steps(depth - 1, loops=False).filter(lambda steps: not _ends(steps)),
        st.integers(1, 3),
        st.sampled_from([{}, {"until": {"opened": "a"}}]),
    )


def _first_of(arm: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    way = st.builds(lambda what, then: {**what, **then}, _HAPPENINGS, _optional("then", arm))
    return st.builds(
        lambda ways, rest: {"wait for first of": ways, "at most": "3 days", **rest},
        st.lists(way, min_size=2, max_size=3),
        _optional("otherwise", arm),
    )


def _optional(word: str, arm: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={word: arm})


def _choose(arm: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    case = st.fixed_dictionaries({"if": _CONDITIONS}, optional={"then": arm})
    cases = st.lists(case, min_size=2, max_size=3)
    return st.fixed_dictionaries({"choose": cases}, optional={"otherwise": arm})


def _split(arm: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    @cache
    def arms(shares: tuple[int, ...]) -> st.SearchStrategy[dict[str, Any]]:
        each = {
            f"arm {number}": st.fixed_dictionaries(
                {"share": st.just(f"{share} percent")}, optional={"then": arm}
            )
            for number, share in enumerate(shares)
        }
        return st.fixed_dictionaries(
            {"split": st.just("coin"), "arms": st.fixed_dictionaries(each)}
        )

    return st.sampled_from([(50, 50), (45, 45, 10)]).flatmap(arms)


def _arms(step: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Where the arms of a step stand: the mappings that hold them, and under which words."""
    arms = [(case, "then") for case in step.get("choose", ())]
    arms += [(way, "then") for way in step.get("wait for first of", ())]
    arms += [(arm, "then") for arm in step.get("arms", {}).values()]
    own = ("then", "otherwise", "if not sent", "repeat", "if it fails")
    needed = ("otherwise",) if {"choose", "wait for first of"} & step.keys() else ()
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
    found = draw(_steps(draw(st.integers(0, 2))))
    if draw(st.booleans()):  # a loop is dear to draw, so it would come too seldom by itself
        found = [*found, draw(_repeat(draw(st.integers(1, 2)))), *draw(_steps(0))]
    steps = _without_dead(found, count(1))
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
        if isinstance(step, Repeat):
            own, own_length, outcome = _repeated(step, decisions)
            done, length = done + own, length + own_length
            if outcome is not None:
                return done, length, outcome
            continue
        own, own_length, arm = _one(step, decisions[step.name])
        below, below_length, outcome = expected(arm, decisions)
        done, length = done + own + below, length + own_length + below_length
        if outcome is not None:
            return done, length, outcome
    return done, length, None


def _repeated(step: Repeat, decisions: dict[str, int]) -> tuple[list[str], timedelta, str | None]:
    done, length = [step.name], timedelta()
    for _ in range(_passes(step, decisions[step.name])):
        own, own_length, outcome = expected(step.repeat, decisions)
        done, length = done + own, length + own_length
        if outcome is not None:
            return done, length, outcome
        done = [*done, step.name]
    return done, length, None


def _passes(step: Repeat, way: int) -> int:
    """How often its steps are done: `until` becomes true after as many passes as were decided."""
    return min(way, step.times) if step.until else step.times


def _one(step: Step, way: int) -> tuple[list[str], timedelta, list[Step]]:
    """What the step itself does, how long that takes, and the arm that follows."""
    if isinstance(step, Wait):
        exact = duration(step.wait).exact
        if step.after_the_last:  # 0: none; 1: one; 2: another one meanwhile
            return [step.name] * (1 + way), CALENDAR * way, []
        return [], exact or CALENDAR, []
    if isinstance(step, Send):
        if way == 1:
            return [step.name] * 2, HOLD, []  # held once, then sent
        return [step.name], timedelta(), step.if_not_sent if way == 2 else []
    if isinstance(step, Awaiting):
        taken = _way_taken(step, way)
        at_once = taken is not step.otherwise or (way == 2 and step.hangs_on_messages)
        length = timedelta() if at_once else duration(step.at_most).at_most
        return [step.name], length, taken
    if isinstance(step, CallWebhook):
        return [step.name], timedelta(), step.if_it_fails if way == 2 else []
    if isinstance(step, WaitUntil):
        return _wait_until(step, way)
    arm = _arm_taken(step, way)
    return ([] if isinstance(step, Split) else [step.name]), timedelta(), arm


def _way_taken(step: WaitFor | WaitForFirstOf, way: int) -> list[Step]:
    if isinstance(step, WaitFor):
        return step.otherwise if way else step.then
    happened = _which(step, way)
    taken: list[Step] = (
        step.otherwise if happened is None else step.wait_for_first_of[happened]["then"]
    )
    return taken


def _which(step: WaitForFirstOf, way: int) -> int | None:
    """The last of them, or the first; None: none of them."""
    return None if way == 1 or (way == 2 and step.hangs_on_messages) else -(way == 0)


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
        if not token:
            return result
        _respond(tokens, token, answer, result)
        return {}

    seen: list[tuple[str, int]] = []  # steps and the passes in which they were visited

    def visit(payload: dict[str, Any], name: str) -> Answer | None:
        step, entered = journey.step(name), datetime.fromisoformat(payload["entered"])
        if isinstance(step, WaitFor | WaitForFirstOf) and (
            "again" in payload or "target" in payload
        ):
            return _goes_on(step, began.setdefault(name, entered), payload)
        began[name] = entered
        if not _only_tells_a_time(step):
            log.append(name)
        if isinstance(step, Repeat):
            return _answer_of_loop(step, decisions[name], payload)
        here = (name, payload.get("pass", 0))
        seen.append(here)
        return _answer(step, decisions[name], entered, seen.count(here))

    return run_step


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


def _respond(tokens: Any, token: str, answer: Answer | None, result: dict[str, Any]) -> None:
    if answer and answer.error:
        tokens.fail(token, answer.error, answer.cause)
    elif answer:
        tokens.succeed(token, {"Payload": result})


def _answer(step: Step, way: int, entered: datetime, visits: int) -> Answer | None:
    if isinstance(step, Send) and way == 1 and visits == 1:
        return Answer(error="Hold", cause=moment(entered + HOLD))
    if isinstance(step, Send) and way == 2 and step.if_not_sent:
        return Answer(error="NotSent", cause="no consent")
    if isinstance(step, WaitFor | WaitForFirstOf):
        return _answer_of_wait(step, way)
    if isinstance(step, CallWebhook) and way == 2:
        raise TaskFailed("WebhookRefused", "answered 400")
    if isinstance(step, Wait | WaitUntil):
        return _answer_of_time(step, way, entered, visits)
    return _answer_of_arms(step, way) or Answer()


def _answer_of_time(step: Wait | WaitUntil, way: int, entered: datetime, visits: int) -> Answer:
    if isinstance(step, WaitUntil) and way == 2:
        return Answer(error="Passed") if step.otherwise else Answer()
    if isinstance(step, Wait) and not step.after_the_last:
        end = entered + (duration(step.wait).exact or CALENDAR)
        return Answer({"until": moment(end), "target": end.isoformat()})
    is_over = visits > (way if isinstance(step, Wait) else 1 + way)
    return Answer() if is_over else Answer(error="Until", cause=moment(entered + CALENDAR))


def _only_tells_a_time(step: Step) -> bool:
    return isinstance(step, Split) or (isinstance(step, Wait) and not step.after_the_last)


def _goes_on(
    step: WaitFor | WaitForFirstOf, began: datetime, payload: dict[str, Any]
) -> Answer | None:
    """A long wait is waited for in pieces."""
    if "target" in payload:
        return None
    end = began + duration(step.at_most).at_most
    left = end - datetime.fromisoformat(payload["entered"])
    if left < timedelta(seconds=1):
        return Answer(error="Passed")
    seconds = int(min(left, LONGEST_QUIET).total_seconds())
    return Answer({"target": end.isoformat(), "since": None, "seconds": seconds})


def _answer_of_loop(step: Repeat, way: int, payload: dict[str, Any]) -> Answer:
    number = payload.get("pass", -1) + 1
    over = number >= _passes(step, way)
    return Answer({"arm": "done" if over else "again", "pass": number, "began": ""})


def _answer_of_wait(step: WaitFor | WaitForFirstOf, way: int) -> Answer | None:
    if way == 2 and step.hangs_on_messages:
        return Answer(error="NothingSent", cause="none of the messages was sent")
    if isinstance(step, WaitFor):
        return Answer({"event": "m1"}) if way == 0 else None
    which = _which(step, way)
    return None if which is None else Answer(step.said(which % len(step.happenings)))


def _answer_of_arms(step: Step, way: int) -> Answer | None:
    if isinstance(step, Branch):
        return Answer({"arm": "then" if way else "otherwise"})
    if isinstance(step, Choose):
        return Answer({"arm": arm_name(way) if way < len(step.choose) else "otherwise"})
    return None
