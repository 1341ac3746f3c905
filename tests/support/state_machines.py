"""State machines for tests: builders of states, a strategy for machines, a handler that obeys."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from functions.engine.machine import TaskFailed

LAMBDA = "arn:aws:states:::lambda:invoke"
ERRORS = ["Temporary", "Broken", "Lambda.ServiceException"]


def machine(**states: dict[str, Any]) -> dict[str, Any]:
    """A definition that starts with the first of these states."""
    return {"StartAt": next(iter(states)), "States": states}


def succeed() -> dict[str, Any]:
    return {"Type": "Succeed"}


def flow(kind: str, following: str, **fields: Any) -> dict[str, Any]:
    """A state that goes on to `following`, or ends when that is ""."""
    return {"Type": kind, **fields, **({"Next": following} if following else {"End": True})}


def task(following: str = "", *, token: bool = False, **fields: Any) -> dict[str, Any]:
    """A Task that tells its handler its step and run; `token` makes it wait for a token."""
    payload = {"step.$": "$$.State.Name", "run.$": "$$.Execution.Name"}
    if token:
        payload["token.$"] = "$$.Task.Token"
    parameters = {"FunctionName": "step", "Payload": payload | fields.pop("payload", {})}
    resource = f"{LAMBDA}.waitForTaskToken" if token else LAMBDA
    fields = {"ResultPath": "$.result", **fields}
    return flow("Task", following, Resource=resource, Parameters=parameters, **fields)


def choice(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": list(rules), **fields}


def obedient(calls: Counter[str] | None = None) -> Callable[..., Any]:
    """A handler that does, at its nth call for a step, the nth thing in the payload's "does"."""
    calls = Counter() if calls is None else calls

    def handle(function: str, payload: dict[str, Any], tokens: Any) -> Any:
        step, does = payload["step"], payload["does"]
        what, error = does[min(calls[step], len(does) - 1)]
        calls[step] += 1
        if what == "raise":
            raise TaskFailed(error, f"cause of {error}")
        result = {"call": calls[step], "step": step}
        if what.startswith("succeed"):
            tokens.succeed(payload["token"], result, after=40 if what.endswith("later") else 0)
        elif what.startswith("fail"):
            after = 40 if what.endswith("later") else 0
            tokens.fail(payload["token"], error, f"cause of {error}", after=after)
        return result

    return handle


INPUT = {
    "x": 7,
    "s": "yes",
    "b": True,
    "pause": 90,
    "patience": 7200,
    "then": "2027-03-04T10:30:00Z",
}

_RULES = st.sampled_from(
    [
        {"Variable": "$.x", "NumericEquals": 7},
        {"Variable": "$.x", "NumericEquals": 8},
        {"Variable": "$.s", "StringEquals": "yes"},
        {"Variable": "$.s", "StringEquals": "no"},
        {"Variable": "$.b", "BooleanEquals": False},
        {"Variable": "$.nothing", "IsPresent": False},
        {"Variable": "$.result.Payload", "IsPresent": True},
        {"Variable": "$.caught.Error", "IsPresent": True},
    ]
)
_PAUSES = st.sampled_from(
    [{"Seconds": 1}, {"Seconds": 86400}, {"SecondsPath": "$.pause"}, {"TimestampPath": "$.then"}]
)
_NAMES = st.lists(st.sampled_from([*ERRORS, "States.Timeout"]), min_size=1, max_size=2, unique=True)
_MATCHES = _NAMES | st.sampled_from([["States.TaskFailed"], ["States.ALL"]])
_PLAIN = st.tuples(st.sampled_from(["return", "raise"]), st.sampled_from(ERRORS))
_TOKEN = st.tuples(
    st.sampled_from(["return", "raise", "succeed", "fail", "succeed later", "fail later"]),
    st.sampled_from(ERRORS),
)
_RETRY = st.fixed_dictionaries(
    {
        "ErrorEquals": _MATCHES,
        "IntervalSeconds": st.integers(1, 5),
        "MaxAttempts": st.integers(0, 3),
        "BackoffRate": st.sampled_from([1.0, 2.0, 3.0]),
    },
    optional={"MaxDelaySeconds": st.integers(6, 9)},
)


@st.composite
def machines(draw: st.DrawFn) -> dict[str, Any]:
    """Definitions without loops, for INPUT and the obedient handler."""
    count = draw(st.integers(2, 7))
    states = {f"S{place}": draw(_state(place, count)) for place in range(count)}
    return machine(**states, **{f"S{count}": succeed()})


@st.composite
def _state(draw: st.DrawFn, place: int, count: int) -> dict[str, Any]:
    after = st.integers(place + 1, min(place + 2, count)).map(lambda number: f"S{number}")
    kind = draw(st.sampled_from(["Pass", "Choice", "Wait", "Task", "Token", "Token"]))
    if kind == "Pass":
        result = draw(st.sampled_from([{}, {"Result": {"at": place}, "ResultPath": "$.passed"}]))
        return flow("Pass", draw(after), **result)
    if kind == "Wait":
        return flow("Wait", draw(after), **draw(_PAUSES))
    if kind == "Choice":
        rules = draw(st.lists(_RULES, min_size=1, max_size=3))
        return choice(*({**rule, "Next": draw(after)} for rule in rules), Default=draw(after))
    return draw(_task(kind == "Token", after))


@st.composite
def _task(draw: st.DrawFn, token: bool, after: st.SearchStrategy[str]) -> dict[str, Any]:
    does = draw(st.lists(_TOKEN if token else _PLAIN, min_size=1, max_size=4))
    paths = st.sampled_from(["$.caught", None])
    catch = st.fixed_dictionaries({"ErrorEquals": _MATCHES, "Next": after, "ResultPath": paths})
    timeout = {"TimeoutSeconds": draw(st.sampled_from([30, 60]))} if token else {}
    return task(
        draw(after),
        token=token,
        payload={"does": [list(one) for one in does]},
        ResultPath=draw(st.sampled_from(["$.result", "$.other", None])),
        Retry=draw(st.lists(_RETRY, max_size=2)),
        Catch=draw(st.lists(catch, max_size=2)),
        **timeout,
    )
