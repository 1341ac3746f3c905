"""The engine: the core of Amazon's language, in virtual time, across restarts."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.engine.engine import Engine
from functions.engine.execution import Execution
from functions.engine.machine import Refused, TaskFailed, load
from tests.support.state_machines import (
    INPUT,
    choice,
    flow,
    machine,
    machines,
    obedient,
    succeed,
    task,
)

NOW = datetime(2027, 3, 1, 8, tzinfo=UTC)
LATER = NOW + timedelta(days=400)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class World:
    """An engine with one machine, a handler that can reach it, and a record of its calls."""

    def __init__(self, definition: dict[str, Any], handler: Any = None, **options: Any) -> None:
        loaded = load(definition)
        self.handler = handler or (lambda world, payload: payload)
        self.calls: list[tuple[datetime, dict[str, Any]]] = []
        self.engine = Engine(self._invoke, lambda key: loaded, **options)

    def _invoke(self, function: str, payload: dict[str, Any]) -> Any:
        self.calls.append((self.engine.now, payload))
        return self.handler(self, payload)

    def start(self, input: dict[str, Any] | None = None, name: str = "run") -> Execution:
        assert self.engine.start("machine", name, INPUT if input is None else input, NOW)
        return self.engine.executions[name]

    def run(self, input: dict[str, Any] | None = None, name: str = "run") -> Execution:
        execution = self.start(input, name)
        self.engine.run_until(LATER)
        return execution

    def times(self) -> list[float]:
        return [(moment - NOW).total_seconds() for moment, _ in self.calls]


def fail_with(*errors: str) -> Callable[[World, dict[str, Any]], Any]:
    """A handler that fails with these, one a call, and then is fine."""

    def handle(world: World, payload: dict[str, Any]) -> Any:
        if len(world.calls) <= len(errors):
            raise TaskFailed(errors[len(world.calls) - 1], "why")
        return "fine"

    return handle


def catch(*errors: str, following: str = "Caught", path: str | None = "$.caught") -> dict[str, Any]:
    return {"ErrorEquals": list(errors), "Next": following, "ResultPath": path}


# --- the states


def test_a_pass_puts_its_result_beside_the_data_and_never_changes_the_data_in_place() -> None:
    given_data = {"a": {"b": 1}}
    world = World(
        machine(One=flow("Pass", "Two", Result={"c": 2}, ResultPath="$.a"), Two=succeed())
    )
    assert world.run(given_data).output == {"a": {"c": 2}}
    assert given_data == {"a": {"b": 1}}
    assert World(machine(One=flow("Pass", ""))).run(given_data).output == given_data
    discard = flow("Pass", "", Result=1, ResultPath=None)
    assert World(machine(One=discard)).run(given_data).output == given_data


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"Variable": "$.s", "StringEquals": "yes"}, True),
        ({"Variable": "$.s", "StringEquals": "no"}, False),
        ({"Variable": "$.x", "StringEquals": "7"}, False),
        ({"Variable": "$.x", "NumericEquals": 7}, True),
        ({"Variable": "$.x", "NumericEquals": 7.0}, True),
        ({"Variable": "$.s", "NumericEquals": 7}, False),
        ({"Variable": "$.b", "NumericEquals": 1}, False),
        ({"Variable": "$.b", "BooleanEquals": True}, True),
        ({"Variable": "$.b", "BooleanEquals": False}, False),
        ({"Variable": "$.one", "BooleanEquals": True}, False),
        ({"Variable": "$.s", "IsPresent": True}, True),
        ({"Variable": "$.null", "IsPresent": True}, True),
        ({"Variable": "$.no.such", "IsPresent": True}, False),
        ({"Variable": "$.s.deeper", "IsPresent": False}, True),
    ],
)
def test_a_choice_takes_the_first_rule_that_holds(rule: dict[str, Any], holds: bool) -> None:
    choose = choice({**rule, "Next": "Yes"}, Default="No")
    world = World(machine(Choose=choose, Yes=succeed(), No={"Type": "Fail"}))
    execution = world.run({"s": "yes", "x": 7, "b": True, "one": 1, "null": None})
    assert (execution.status == "SUCCEEDED") is holds


def test_a_choice_that_finds_nothing_fails() -> None:
    rule = {"Variable": "$.x", "NumericEquals": 1, "Next": "Done"}
    world = World(machine(Choose=choice(rule), Done=succeed()))
    assert world.run({"x": 2}).error == "States.NoChoiceMatched"
    assert world.run({}, name="missing").error == "States.Runtime"


def test_a_fail_ends_with_its_error() -> None:
    execution = World(machine(End={"Type": "Fail", "Error": "Sorry", "Cause": "so it is"})).run()
    assert (execution.status, execution.error, execution.cause) == ("FAILED", "Sorry", "so it is")
    assert execution.output is None


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"Seconds": 3600}, 3600),
        ({"Seconds": 0}, 1),
        ({"SecondsPath": "$.pause"}, 90),
        ({"SecondsPath": "$.negative"}, 1),
        ({"TimestampPath": "$.then"}, 5400),
        ({"TimestampPath": "$.local"}, 5400.25),
        ({"TimestampPath": "$.past"}, 1),
    ],
)
def test_a_wait_ends_exactly_when_due_and_lasts_a_second_at_least(
    fields: dict[str, Any], seconds: float
) -> None:
    world = World(machine(Wait=flow("Wait", "Task", **fields), Task=task()))
    data = {"pause": 90, "negative": -5, "past": "2020-01-01T00:00:00Z"}
    times = {"then": "2027-03-01T09:30:00Z", "local": "2027-03-01T10:30:00.250+01:00"}
    world.start(data | times)
    world.engine.run_until(after(seconds) - timedelta(microseconds=1))
    assert world.calls == []
    assert world.engine.next_due() == after(seconds)
    world.engine.run_until(after(seconds))
    assert world.times() == [seconds]


@pytest.mark.parametrize("field", ["SecondsPath", "TimestampPath"])
@pytest.mark.parametrize(
    "value", ["soon", "2027-13-01T00:00:00Z", "20270301", 1.5, True, 10**9, {}]
)
def test_a_wait_for_nonsense_is_a_runtime_error(field: str, value: Any) -> None:
    execution = World(machine(Wait=flow("Wait", "", **{field: "$.a"}))).run({"a": value})
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")


# --- tasks, Retry and Catch


def test_a_task_gets_its_payload_and_puts_its_result_beside_the_data() -> None:
    payload = {
        "literal": {"deep": [1, {"two": "$.x"}]},
        "nested": {"x.$": "$.a.b", "list": [{"all.$": "$"}]},
        "run.$": "$$.Execution.Name",
        "started.$": "$$.Execution.StartTime",
        "entered.$": "$$.State.EnteredTime",
    }
    world = World(machine(Wait=flow("Wait", "Task", Seconds=90), Task=task(payload=payload)))
    world.handler = lambda world, payload: {"done": True}
    execution = world.run({"a": {"b": 1}})
    assert world.calls[0][1] == {
        "step": "Task",
        "literal": {"deep": [1, {"two": "$.x"}]},
        "nested": {"x": 1, "list": [{"all": {"a": {"b": 1}}}]},
        "run": "run",
        "started": "2027-03-01T08:00:00.000Z",
        "entered": "2027-03-01T08:01:30.000Z",
    }
    assert execution.output == {
        "a": {"b": 1},
        "result": {"Payload": {"done": True}, "StatusCode": 200},
    }
    assert World(machine(Task=task(ResultPath=None))).run({"a": 1}).output == {"a": 1}


def test_a_payload_that_points_nowhere_fails_before_the_call_and_cannot_be_caught() -> None:
    handlers = {"Catch": [catch("States.ALL")], "Retry": [{"ErrorEquals": ["States.ALL"]}]}
    for fields in ({"payload": {"a.$": "$.no"}}, {"TimeoutSecondsPath": "$.no"}):
        world = World(machine(Task=task("Caught", **fields, **handlers), Caught=succeed()))
        assert world.run().error == "States.Runtime"
        assert world.calls == []


@pytest.mark.parametrize(
    ("names", "error", "caught"),
    [
        (["Broken"], "Broken", True),
        (["Other", "Broken"], "Broken", True),
        (["Other"], "Broken", False),
        (["States.ALL"], "Broken", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.Runtime", False),
        (["States.TaskFailed"], "Broken", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.Timeout"], "States.Timeout", True),
    ],
)
def test_a_catch_matches_by_name(names: list[str], error: str, caught: bool) -> None:
    definition = machine(Task=task("Done", Catch=[catch(*names)]), Done=succeed(), Caught=succeed())
    execution = World(definition, fail_with(error)).run({"a": 1})
    if caught:
        assert execution.output == {"a": 1, "caught": {"Error": error, "Cause": "why"}}
    else:
        assert (execution.status, execution.error, execution.cause) == ("FAILED", error, "why")


def test_the_first_catch_that_matches_counts_and_null_discards_the_error() -> None:
    ways = [catch("Broken", path=None), catch("States.ALL", following="Done")]
    definition = machine(Task=task("Done", Catch=ways), Done=succeed(), Caught=succeed())
    execution = World(definition, fail_with("Broken")).run({"a": 1})
    assert (execution.state, execution.output) == ("Caught", {"a": 1})


def test_retries_come_later_and_later_until_they_run_out() -> None:
    retry = {"ErrorEquals": ["Broken"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 4}
    definition = machine(Task=task(Retry=[{**retry, "MaxDelaySeconds": 10}], Catch=[]))
    world = World(definition, fail_with(*["Broken"] * 9))
    execution = world.run()
    assert world.times() == [0, 2, 8, 18, 28]
    assert (execution.status, execution.error) == ("FAILED", "Broken")
    assert execution.transitions == 1 + 1 + 4


def test_a_retrier_without_numbers_tries_three_times_after_one_two_and_four_seconds() -> None:
    definition = machine(Task=task(Retry=[{"ErrorEquals": ["Broken"]}]))
    for failures, status in ((3, "SUCCEEDED"), (4, "FAILED")):
        world = World(definition, fail_with(*["Broken"] * failures))
        assert (world.run().status, world.times()) == (status, [0, 1, 3, 7])


def test_each_retrier_counts_for_itself_and_anew_when_the_state_is_entered_again() -> None:
    retry = [{"ErrorEquals": [name], "MaxAttempts": 1, "BackoffRate": 1.0} for name in "AB"]
    pause = flow("Wait", "Task", Seconds=10)
    definition = machine(Task=task(Retry=retry, Catch=[catch("States.ALL")]), Caught=pause)
    world = World(definition, fail_with("A", "B", "B", "B", "A"))
    assert world.run().status == "SUCCEEDED"
    assert world.times() == [0, 1, 2, 12, 13, 14]


def test_where_the_first_retrier_that_matches_has_run_out_no_other_takes_over() -> None:
    retry = [{"ErrorEquals": ["A"], "MaxAttempts": 1}, {"ErrorEquals": ["States.ALL"]}]
    world = World(machine(Task=task(Retry=retry)), fail_with(*"AAA"))
    assert world.run().status == "FAILED"
    assert world.times() == [0, 1]


def test_no_backoff_is_too_large_for_a_calendar() -> None:
    retry = {"ErrorEquals": ["Broken"], "MaxAttempts": 2000, "BackoffRate": 1e6}
    retrier = load(machine(Task=task(Retry=[retry]))).states["Task"].retriers[0]
    assert retrier.delay(1999, "") == timedelta(seconds=99_999_999)


@given(st.text(max_size=9), st.integers(0, 9))
def test_full_jitter_stays_within_the_backoff_and_hangs_on_the_seed_alone(
    seed: str, retries: int
) -> None:
    retry = {"ErrorEquals": ["Broken"], "JitterStrategy": "FULL", "MaxDelaySeconds": 60}
    retrier = load(machine(Task=task(Retry=[retry]))).states["Task"].retriers[0]
    delay = retrier.delay(retries, seed)
    assert timedelta() <= delay <= timedelta(seconds=min(2**retries, 60))
    assert retrier.delay(retries, seed) == delay


def test_the_same_seed_and_name_give_the_same_run_and_others_another() -> None:
    def times(name: str, seed: str) -> list[float]:
        retry = {"ErrorEquals": ["Broken"], "JitterStrategy": "FULL", "IntervalSeconds": 1000}
        world = World(machine(Task=task(Retry=[retry])), fail_with("Broken", "Broken"), seed=seed)
        world.run(name=name)
        return world.times()

    assert times("run", "1") == times("run", "1")
    assert len({tuple(times(name, seed)) for name in ("run", "other") for seed in "12"}) == 4


# --- tokens

ASK = task(
    "Done",
    token=True,
    TimeoutSeconds=60,
    Catch=[catch("States.Timeout", following="Late"), catch("Broken")],
)
ASKING = machine(Ask=ASK, Done=succeed(), Late=succeed(), Caught=succeed())


def asked(world: World) -> str:
    return str(world.calls[-1][1]["token"])


def test_a_token_is_answered_once() -> None:
    world = World(ASKING)
    execution = world.start({})
    world.engine.run_until(after(5))
    assert execution.status == "RUNNING"
    assert world.engine.succeed(asked(world), {"clicked": True}, after(5))
    assert execution.state == "Ask"  # it goes on in run_until only
    assert not world.engine.succeed(asked(world), {}, after(5))
    assert not world.engine.fail(asked(world), "Broken", "", after(5))
    world.engine.run_until(LATER)
    assert (execution.state, execution.output) == ("Done", {"result": {"clicked": True}})
    assert (execution.ended, execution.answer) == (after(5), None)


def test_a_token_may_fail_by_name() -> None:
    world = World(ASKING)
    execution = world.start({})
    world.engine.run_until(NOW)
    assert world.engine.fail(asked(world), "Broken", "a reason", after(7))
    world.engine.run_until(LATER)
    assert execution.output == {"caught": {"Error": "Broken", "Cause": "a reason"}}
    assert execution.ended == after(7)


def test_a_token_times_out_exactly_when_due() -> None:
    world = World(ASKING)
    execution = world.start({})
    world.engine.run_until(after(60) - timedelta(microseconds=1))
    assert (execution.status, execution.due) == ("RUNNING", after(60))
    world.engine.run_until(after(60))
    assert execution.output == {"caught": {"Error": "States.Timeout", "Cause": ""}}
    assert (execution.state, execution.ended) == ("Late", after(60))


@pytest.mark.parametrize(("seconds", "accepted"), [(59.9, True), (60, False), (61, False)])
@pytest.mark.parametrize("run_first", [True, False])
def test_an_answer_at_its_timeout_is_late_whether_or_not_the_timeout_was_run(
    seconds: float, accepted: bool, run_first: bool
) -> None:
    world = World(ASKING)
    execution = world.start({})
    world.engine.run_until(after(seconds) if run_first else NOW)
    assert world.engine.succeed(asked(world), {}, after(seconds)) is accepted
    world.engine.run_until(LATER)
    assert execution.state == ("Done" if accepted else "Late")


@pytest.mark.parametrize("handler", [None, fail_with("Broken")])
def test_a_token_dies_with_its_task(handler: Any) -> None:
    ask = task("Done", token=True, TimeoutSeconds=60, Catch=[catch("States.ALL")])
    definition = machine(Ask=ask, Done=succeed(), Caught=flow("Wait", "", Seconds=600))
    world = World(definition, handler)
    execution = world.start({})
    world.engine.run_until(after(61))
    assert execution.state == "Caught"
    assert not world.engine.succeed(asked(world), {}, after(61))
    world.engine.run_until(LATER)
    assert "result" not in execution.output


def test_a_timeout_may_come_from_the_data_and_lasts_a_second_at_least() -> None:
    for seconds, due in ((90, 90), (0, 1), (-3, 1)):
        world = World(machine(Ask=task(token=True, TimeoutSecondsPath="$.seconds")))
        world.start({"seconds": seconds})
        world.engine.run_until(NOW)
        assert world.engine.next_due() == after(due)


def test_a_token_without_a_timeout_waits_until_it_is_answered() -> None:
    world = World(machine(Ask=task(token=True)))
    execution = world.run({})
    assert (execution.status, execution.due, world.engine.next_due()) == ("RUNNING", None, None)
    assert world.engine.succeed(asked(world), 1, LATER)
    world.engine.run_until(LATER)
    assert execution.output == {"result": 1}


def test_a_token_that_nobody_has_is_dead() -> None:
    world = World(ASKING)
    world.start({})
    world.start({}, name="other")
    world.engine.run_until(NOW)
    for token in ("", ":", "run", ":1:run", "x" + asked(world), asked(world) + "x", ":1:nobody"):
        assert not world.engine.succeed(token, {}, NOW)


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_an_answer_given_during_the_call_holds_whatever_the_handler_then_does(
    raises: bool, fails: bool
) -> None:
    inside: list[str] = []

    def handler(world: World, payload: dict[str, Any]) -> str:
        if fails:
            assert world.engine.fail(payload["token"], "Broken", "why", world.engine.now)
        else:
            assert world.engine.succeed(payload["token"], "answer", world.engine.now)
        inside.append(world.engine.executions["run"].state)
        if raises:
            raise TaskFailed("Temporary")
        return "ignored"

    ask = {**ASK, "Retry": [{"ErrorEquals": ["Temporary"]}]}
    world = World(machine(Ask=ask, Done=succeed(), Caught=succeed(), Late=succeed()), handler)
    execution = world.run({})
    assert inside == ["Ask"]  # nothing ran inside the handler's call, and the task ran once
    expected = {"caught": {"Error": "Broken", "Cause": "why"}} if fails else {"result": "answer"}
    assert (execution.output, execution.ended) == (expected, NOW)


def test_a_retried_token_task_has_a_new_token_and_the_old_one_is_dead() -> None:
    retry = [{"ErrorEquals": ["Temporary"], "IntervalSeconds": 5}]
    world = World(machine(Ask=task(token=True, Retry=retry, TimeoutSeconds=60)))
    world.handler = fail_with("Temporary")
    execution = world.start({})
    world.engine.run_until(NOW)
    first = asked(world)
    assert not world.engine.succeed(first, {}, after(1))
    world.engine.run_until(after(5))
    second = asked(world)
    assert second != first
    assert world.engine.fail(second, "Temporary", "", after(6))
    world.engine.run_until(after(16))
    assert len({first, second, asked(world)}) == 3
    assert not world.engine.succeed(second, {}, after(16))
    assert execution.due == after(16 + 60)  # each try has its whole time
    assert world.engine.succeed(asked(world), 1, after(17))
    world.engine.run_until(LATER)
    assert (execution.status, execution.transitions) == ("SUCCEEDED", 1 + 1 + 2)


# --- names, order, stopping


def test_a_name_starts_once_until_it_is_forgotten() -> None:
    world = World(machine(Wait=flow("Wait", "", Seconds=5)))
    start = partial(world.engine.start, "machine", "run", {}, NOW)
    assert start()
    assert not start()
    world.engine.forget("run")  # it runs: not forgotten
    world.engine.run_until(LATER)
    assert not start()
    world.engine.forget("run")
    assert start()


def test_an_unknown_machine_is_not_started() -> None:
    engine = Engine(lambda function, payload: None, {}.__getitem__)
    with pytest.raises(KeyError):
        engine.start("nobody's", "run", {}, NOW)
    assert engine.executions == {}


def test_what_is_due_first_runs_first_and_ties_run_in_the_order_they_came() -> None:
    seen: list[tuple[str, datetime]] = []

    def handler(world: World, payload: dict[str, Any]) -> None:
        seen.append((payload["run"], world.engine.now))

    pause = flow("Wait", "Task", SecondsPath="$.pause")
    payload = {"run.$": "$$.Execution.Name"}
    world = World(machine(Pause=pause, Task=task(payload=payload)), handler)
    for name, seconds in (("c", 9), ("b", 5), ("a", 9), ("d", 5)):
        world.start({"pause": seconds}, name)
    world.engine.run_until(LATER)
    assert seen == [("b", after(5)), ("d", after(5)), ("c", after(9)), ("a", after(9))]
    assert world.engine.now == LATER


def test_time_never_goes_back() -> None:
    world = World(machine(Task=task()))
    world.engine.run_until(LATER)
    world.run(name="late")
    assert (world.calls[0][0], world.engine.now) == (LATER, LATER)


def test_a_stopped_execution_is_aborted_at_once() -> None:
    ended: list[Execution] = []
    world = World(ASKING, ended=ended.append)
    execution = world.start({})
    world.engine.run_until(NOW)
    assert world.engine.stop("run", after(3), "Exit", "left")
    assert ended == [execution]
    assert (execution.status, execution.error, execution.cause) == ("ABORTED", "Exit", "left")
    assert execution.ended == after(3)
    assert world.engine.next_due() is None
    assert not world.engine.succeed(asked(world), {}, after(3))
    assert not world.engine.stop("run", after(3))
    assert not world.engine.stop("nobody", after(3))


@pytest.mark.parametrize("token", [True, False])
@pytest.mark.parametrize("raises", [True, False])
def test_a_handler_may_stop_its_own_execution(token: bool, raises: bool) -> None:
    def handler(world: World, payload: dict[str, Any]) -> None:
        world.engine.stop("run", world.engine.now)
        if raises:
            raise TaskFailed("Broken")

    world = World(machine(One=task("Two", token=token), Two=task()), handler)
    assert world.run().status == "ABORTED"
    assert len(world.calls) == 1


def test_the_start_each_state_and_each_retry_are_billed() -> None:
    definition = machine(
        One=flow("Pass", "Two"), Two=flow("Wait", "Three", Seconds=1), Three=task()
    )
    world = World(definition)
    execution = world.start()
    assert world.engine.run_until(NOW) == 2
    assert world.engine.run_until(LATER) == 1
    assert execution.transitions == 4


def test_a_limit_holds_in_the_middle_of_states_that_take_no_time() -> None:
    world = World(machine(One=flow("Pass", "Two"), Two=flow("Pass", "Three"), Three=succeed()))
    execution = world.start()
    assert [world.engine.run_until(NOW, limit=2) for _ in range(3)] == [2, 1, 0]
    assert execution.status == "SUCCEEDED"


@given(machines(), st.integers(1, 3))
def test_a_limit_changes_nothing_but_the_size_of_the_bites(
    definition: dict[str, Any], limit: int
) -> None:
    assert Trace(definition).run() == Trace(definition).run(limit)


# --- saving and restoring


class Trace:
    """Everything that three executions do, their tokens being answered at once or later."""

    def __init__(self, definition: dict[str, Any]) -> None:
        self.machine = load(definition)
        self.handlers = {name: obedient() for name in "abc"}
        self.calls: list[tuple[datetime, str, str]] = []
        self.answers: list[tuple[datetime, str, tuple[Any, ...]]] = []
        self.saved: dict[str, str] = {}
        self.engine = Engine(self._invoke, lambda key: self.machine, saved=self._save)

    def _save(self, execution: Execution) -> None:
        self.saved[execution.name] = json.dumps(Engine.dump(execution))

    def _invoke(self, function: str, payload: dict[str, Any]) -> Any:
        self.calls.append((self.engine.now, payload["run"], payload["step"]))
        return self.handlers[payload["run"]](function, payload, self)

    def succeed(self, token: str, output: Any, after: float = 0) -> None:
        self._answer("succeed", after, token, output)

    def fail(self, token: str, error: str, cause: str = "", after: float = 0) -> None:
        self._answer("fail", after, token, error, cause)

    def _answer(self, method: str, after: float, *arguments: Any) -> None:
        due = self.engine.now + timedelta(seconds=after)
        if after:
            self.answers.append((due, method, arguments))
        else:
            getattr(self.engine, method)(*arguments, due)

    def restart(self) -> None:
        self.engine = Engine(self._invoke, lambda key: self.machine, saved=self._save)
        self.engine.restore(json.loads(each) for each in self.saved.values())

    def step(self, limit: int | None = None) -> bool:
        """Do what comes next; False when nothing is left to do."""
        self.answers.sort(key=lambda answer: answer[:2])
        due = self.engine.next_due()
        if self.answers and (due is None or self.answers[0][0] < due):
            moment, method, arguments = self.answers.pop(0)
            return getattr(self.engine, method)(*arguments, moment) or True
        return due is not None and self.engine.run_until(due, limit) >= 0

    def run(self, limit: int | None = None, restart: bool = False) -> Any:
        for name in "abc":
            self.engine.start("machine", name, INPUT, NOW)
        while self.step(limit):
            if restart:
                self.restart()
        ends = map(Engine.dump, self.engine.executions.values())
        return self.calls, [{**end, "data": end.get("output")} for end in ends]


@given(machines())
def test_restarts_between_the_steps_change_nothing(definition: dict[str, Any]) -> None:
    assert Trace(definition).run() == Trace(definition).run(restart=True)


def test_an_execution_is_saved_whenever_it_rests_and_before_the_next_task() -> None:
    told: list[tuple[str, str, str]] = []

    def tell(what: str, execution: Execution) -> None:
        told.append((what, execution.state, execution.then))

    definition = machine(
        One=task("Two"),
        Two=flow("Pass", "Three"),
        Three=task("Wait"),
        Wait=flow("Wait", "Four", Seconds=5),
        Four=task(),
    )
    World(definition, saved=partial(tell, "saved"), ended=partial(tell, "ended")).run()
    assert told == [
        ("saved", "One", "enter"),
        ("saved", "Three", "enter"),
        ("saved", "Wait", "leave"),
        ("saved", "Four", "enter"),
        ("ended", "Four", "enter"),
    ]


class Crash(Exception):
    """The process dies."""


def restored(world: World, saved: dict[str, dict[str, Any]], seed: str) -> World:
    fresh = World(ASKING, world.handler, seed=seed)
    fresh.engine._machine = world.engine._machine
    fresh.engine.restore(json.loads(json.dumps(each)) for each in saved.values())
    return fresh


def remembering() -> tuple[dict[str, dict[str, Any]], Callable[[Execution], None]]:
    saved: dict[str, dict[str, Any]] = {}
    return saved, lambda execution: saved.update({execution.name: Engine.dump(execution)})


def test_a_wait_goes_on_after_a_restart_and_ends_when_it_would_have() -> None:
    saved, save = remembering()
    world = World(machine(Wait=flow("Wait", "Task", Seconds=3600), Task=task()), saved=save)
    world.start({"a": 1})
    world.engine.run_until(after(10))
    fresh = restored(world, saved, "2")
    assert fresh.engine.next_due() == after(3600)
    assert not fresh.engine.start("machine", "run", {}, NOW)
    fresh.engine.run_until(LATER)
    assert fresh.times() == [3600]
    execution = fresh.engine.executions["run"]
    assert (execution.output["a"], execution.started, execution.transitions) == (1, NOW, 3)


def test_a_token_lives_on_after_a_restart() -> None:
    saved, save = remembering()
    world = World(ASKING, saved=save)
    world.start({})
    world.engine.run_until(NOW)
    fresh = restored(world, saved, "2")
    assert fresh.engine.next_due() == after(60)
    assert fresh.engine.succeed(asked(world), "yes", after(9))
    fresh.engine.run_until(LATER)
    assert fresh.engine.executions["run"].output == {"result": "yes"}


def test_an_accepted_answer_survives_a_crash() -> None:
    saved, save = remembering()
    world = World(ASKING, saved=save)
    world.start({})
    world.engine.run_until(NOW)
    world.engine.succeed(asked(world), "yes", after(9))
    fresh = restored(world, saved, "2")
    fresh.engine.run_until(LATER)
    assert fresh.engine.executions["run"].output == {"result": "yes"}
    assert fresh.calls == []


def test_a_crash_in_a_state_runs_this_state_again_with_a_new_token() -> None:
    saved, save = remembering()

    def dies(world: World, payload: dict[str, Any]) -> str:
        if payload["step"] == "Ask" and len(world.calls) == 2:
            raise Crash
        return "fine"

    first = task("Ask", ResultPath="$.first")
    world = World(machine(First=first, **ASKING["States"]), dies, saved=save, seed="1")
    world.start({})
    with pytest.raises(Crash):
        world.engine.run_until(LATER)
    fresh = restored(world, saved, "2")
    fresh.engine.run_until(NOW)
    assert [payload["step"] for _, payload in fresh.calls] == ["Ask"]
    assert asked(fresh) != asked(world)
    assert not fresh.engine.succeed(asked(world), {}, NOW)
    assert fresh.engine.succeed(asked(fresh), {}, NOW)
    fresh.engine.run_until(LATER)
    assert fresh.engine.executions["run"].status == "SUCCEEDED"
    assert fresh.engine.executions["run"].transitions == 1 + 3


def test_a_crash_leaves_the_engine_fit_to_run_the_state_again() -> None:
    crashes = iter([Crash(), None])

    def dies(world: World, payload: dict[str, Any]) -> str:
        if crash := next(crashes):
            raise crash
        return "fine"

    world = World(machine(Wait=flow("Wait", "Task", Seconds=5), Task=task()), dies)
    execution = world.start()
    with pytest.raises(Crash):
        world.engine.run_until(LATER)
    world.engine.run_until(LATER)
    assert (execution.status, world.times()) == ("SUCCEEDED", [5, 5])


def test_ties_keep_their_order_over_a_restart_and_known_names_stay() -> None:
    saved, save = remembering()
    payload = {"run.$": "$$.Execution.Name"}
    world = World(
        machine(Wait=flow("Wait", "Task", Seconds=5), Task=task(payload=payload)), saved=save
    )
    for name in "cab":
        world.start({}, name)
    world.engine.run_until(NOW)
    fresh = restored(world, dict(sorted(saved.items())), "2")
    before = dict(fresh.engine.executions)
    fresh.engine.restore(saved.values())
    assert fresh.engine.executions == before
    fresh.engine.run_until(LATER)
    assert [payload["run"] for _, payload in fresh.calls] == list("cab")


# --- refusals

FINE: dict[str, dict[str, Any]] = {
    "Task": task("Done"),
    "Wait": flow("Wait", "Done", Seconds=1),
    "Pass": flow("Pass", "Done"),
    "Choice": choice({"Variable": "$.a", "IsPresent": True, "Next": "Done"}),
    "Succeed": succeed(),
    "Fail": {"Type": "Fail"},
}


def refusal(definition: Any) -> str:
    with pytest.raises(Refused) as refused:
        load(definition)
    return str(refused.value)


@pytest.mark.parametrize(
    ("kind", "fields", "named"),
    [
        ("Task", {"Type": "Parallel"}, "Type"),
        ("Task", {"Type": "Map"}, "Type"),
        ("Task", {"Resource": "arn:aws:states:::sqs:sendMessage"}, "Resource"),
        ("Task", {"Resource": "arn:aws:lambda:eu-central-1:1:function:f"}, "Resource"),
        ("Task", {"HeartbeatSeconds": 5}, "HeartbeatSeconds"),
        ("Task", {"InputPath": "$.a"}, "InputPath"),
        ("Task", {"ResultSelector": {}}, "ResultSelector"),
        ("Task", {"QueryLanguage": "JSONata"}, "QueryLanguage"),
        ("Task", {"Arguments": {}}, "Arguments"),
        ("Task", {"Assign": {}}, "Assign"),
        ("Task", {"ResultPath": "$"}, "ResultPath"),
        ("Task", {"ResultPath": "$.a.b"}, "ResultPath"),
        ("Task", {"ResultPath": ...}, "ResultPath"),
        ("Task", {"TimeoutSeconds": 0}, "TimeoutSeconds"),
        ("Task", {"TimeoutSeconds": "5"}, "TimeoutSeconds"),
        ("Task", {"TimeoutSeconds": 5, "TimeoutSecondsPath": "$.a"}, "TimeoutSecondsPath"),
        ("Task", {"TimeoutSecondsPath": "$.a[0]"}, "TimeoutSecondsPath"),
        ("Task", {"Parameters": {"FunctionName.$": "$.f", "Payload": {}}}, "FunctionName"),
        ("Task", {"Parameters": {"FunctionName": "f"}}, "Payload"),
        ("Task", {"Parameters": {"FunctionName": "f", "Payload.$": "$"}}, "Payload"),
        ("Task", {"Retry": [{"ErrorEquals": []}]}, "ErrorEquals"),
        ("Task", {"Retry": [{"ErrorEquals": ["A"], "BackoffRate": 0.5}]}, "BackoffRate"),
        ("Task", {"Retry": [{"ErrorEquals": ["A"], "JitterStrategy": "HALF"}]}, "JitterStrategy"),
        ("Task", {"Retry": [{"ErrorEquals": ["A"], "Comment": "?"}]}, "Comment"),
        ("Task", {"Catch": [{"ErrorEquals": ["A"], "Next": "Done"}]}, "ResultPath"),
        ("Task", {"Catch": [catch("A", following="Nowhere")]}, "Nowhere"),
        ("Task", {"Next": ...}, "Next"),
        ("Task", {"Next": "Nowhere"}, "Nowhere"),
        ("Task", {"Next": ""}, "Next"),
        ("Task", {"End": True}, "End"),
        ("Task", {"Next": ..., "End": False}, "End"),
        ("Wait", {"Timestamp": "2027-01-01T00:00:00Z"}, "Timestamp"),
        ("Wait", {"Seconds": -1}, "Seconds"),
        ("Wait", {"SecondsPath": "$.a"}, "SecondsPath"),
        ("Wait", {"Seconds": ...}, "Seconds"),
        ("Wait", {"Seconds": ..., "SecondsPath": "$$.Execution.Input"}, "SecondsPath"),
        ("Pass", {"Parameters": {}}, "Parameters"),
        ("Pass", {"Result": 1}, "ResultPath"),
        ("Pass", {"ResultPath": "$.a"}, "Result"),
        ("Choice", {"Choices": []}, "Choices"),
        ("Choice", {"Default": "Nowhere"}, "Nowhere"),
        ("Choice", {"Choices": [{"Variable": "$.a", "StringMatches": "*", "Next": "Done"}]}, "Str"),
        ("Choice", {"Choices": [{"Not": {}, "Next": "Done"}]}, "Not"),
        ("Choice", {"Choices": [{"Variable": "$.a", "Next": "Done"}]}, "IsPresent"),
        ("Choice", {"Choices": [{"Variable": "a", "IsPresent": True, "Next": "Done"}]}, "Variable"),
        ("Choice", {"Next": "Done"}, "Next"),
        ("Succeed", {"OutputPath": "$"}, "OutputPath"),
        ("Fail", {"ErrorPath": "$.a"}, "ErrorPath"),
    ],
)
def test_what_is_not_in_the_core_is_refused_by_state_and_field(
    kind: str, fields: dict[str, Any], named: str
) -> None:
    load(machine(Bad=FINE[kind], Done=succeed()))
    changed = {key: value for key, value in {**FINE[kind], **fields}.items() if value is not ...}
    refused = refusal(machine(Bad=changed, Done=succeed()))
    assert refused.startswith('state "Bad": ')
    assert named in refused


@pytest.mark.parametrize(
    "path",
    [
        "States.UUID()",
        "$.a[0]",
        "$..a",
        "$.a.*",
        "$['a']",
        "a",
        "$$.Task.Token",
        "$$.Map.Item.Index",
        5,
    ],
)
def test_a_path_outside_the_core_is_refused(path: Any) -> None:
    payload = {"list": [{"a.$": path}]}
    assert 'state "Bad": Payload.list.a.$' in refusal(machine(Bad=task(payload=payload)))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"TimeoutSeconds": 5}, "TimeoutSeconds"),
        ({"Version": "1.0"}, "Version"),
        ({"QueryLanguage": "JSONPath"}, "QueryLanguage"),
        ({"StartAt": "Nowhere"}, "Nowhere"),
        ({"States": {}}, "StartAt"),
        ({"States": {"": succeed()}, "StartAt": ""}, "States"),
        ({"States": []}, "States"),
    ],
)
def test_a_machine_with_anything_else_is_refused(fields: dict[str, Any], named: str) -> None:
    load(machine(Done=succeed()) | {"Comment": "fine"})
    refused = refusal(machine(Done=succeed()) | fields)
    assert refused.startswith("state machine: ")
    assert named in refused
