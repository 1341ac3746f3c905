"""What a state reads of its execution and writes into its data, compiled to functions."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import to_builtins

from functions.engine.definition import MOST_SECONDS
from functions.engine.execution import Execution, ExecutionFailed

Get = Callable[[Execution], Any]

_PATH = re.compile(r"\$((?:\.[A-Za-z_][A-Za-z0-9_]*)*)")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)

CONTEXT: dict[str, Get] = {
    "$$.Execution.Name": lambda execution: execution.name,
    "$$.Execution.StartTime": lambda execution: timestamp(execution.started),
    "$$.State.EnteredTime": lambda execution: timestamp(execution.entered),
    "$$.State.Name": lambda execution: execution.state,
}
TOKEN: dict[str, Get] = {"$$.Task.Token": lambda execution: execution.token}


def timestamp(moment: datetime) -> str:
    """The moment as the context object writes it: UTC, milliseconds and Z."""
    text: str = to_builtins(moment.astimezone(UTC))  # several times as fast as isoformat
    return f"{text[:23]}Z" if moment.microsecond else f"{text[:19]}.000Z"


def reference(path: str, field: str) -> Get:
    """What `$` or `$.a.b` points to; ValueError when the path is any other."""
    match = _PATH.fullmatch(path)
    if not match:
        raise ValueError(f'{field}: "{path}" is not a path of the core')
    names = match[1].split(".")[1:]

    def get(execution: Execution) -> Any:
        value: Any = execution.data
        try:
            for name in names:
                value = value[name]
        except (KeyError, TypeError):
            raise _wrong(field, f'there is no "{path}"') from None
        return value

    return get


def template(value: Any, field: str, context: dict[str, Get]) -> Get:
    """What builds a payload: literals as they are, and paths under the keys that end in `.$`."""
    if not _has_paths(value):
        return lambda execution: value
    if isinstance(value, list):
        items = [template(item, field, context) for item in value]
        return lambda execution: [get(execution) for get in items]
    said = {key: item for key, item in value.items() if not _has_paths({key: item})}
    entries = [
        _entry(key, item, f"{field}.{key}", context)
        for key, item in value.items()
        if key not in said
    ]
    return lambda execution: said | {key: get(execution) for key, get in entries}


def _has_paths(value: Any) -> bool:
    """Whether anything in it hangs on the execution; most of a payload does not."""
    if isinstance(value, dict):
        return any(key.endswith(".$") or _has_paths(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_has_paths, value))


def _entry(key: str, item: Any, field: str, context: dict[str, Get]) -> tuple[str, Get]:
    if not key.endswith(".$"):
        return key, template(item, field, context)
    if not isinstance(item, str):
        raise ValueError(f"{field}: must be a path")
    return key[:-2], context.get(item) or reference(item, field)


def writer(path: str | None) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """How a result gets into the data: under the name in `$.name`, or (None) not at all."""
    if path is None:
        return lambda data, result: data
    match = _PATH.fullmatch(path)
    if not match or match[1].count(".") != 1:
        raise ValueError(f'ResultPath: "{path}" is neither null nor "$." with one name')
    name = match[1][1:]
    return lambda data, result: {**data, name: result}


def seconds(path: str, field: str) -> Callable[[Execution], timedelta]:
    """The whole seconds that the path points to, at least 1."""
    get = reference(path, field)

    def read(execution: Execution) -> timedelta:
        value = get(execution)
        if type(value) is not int or value > MOST_SECONDS:
            raise _wrong(field, "needs a whole number of seconds")
        return timedelta(seconds=max(value, 1))

    return read


def moment(path: str, field: str) -> Callable[[Execution], datetime]:
    """The moment that the path points to, at least 1 second after the state was entered."""
    get = reference(path, field)

    def read(execution: Execution) -> datetime:
        value = get(execution)
        try:
            if not _RFC3339.fullmatch(value):
                raise ValueError(value)
            due = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise _wrong(field, "needs a time such as 2027-01-31T09:00:00Z") from None
        return max(due, execution.entered + timedelta(seconds=1))

    return read


def _wrong(field: str, why: str) -> ExecutionFailed:
    return ExecutionFailed("States.Runtime", f"{field}: {why}")
